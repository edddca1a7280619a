"""Is it alive: one look and one score, over HTTP, as a caller would."""

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from loantap.errors import DeployError, InputError
from loantap_serving.api.openapi import EXAMPLE

_TIMEOUT = 10.0
_TRIES, _PAUSE = 5, 2.0


def smoke_test(url: str, *, key: str | None, pause: float = _PAUSE) -> str:
    """Ask a service whether it is ready, have it score the example of its own description, and return what it said.

    Args:
        url: Its address, such as https://score.example.com.
        key: A key for it, where it asks for one; never shown.
        pause: Seconds between two tries.

    Raises InputError for an address that is none, DeployError if the service does not answer as it should.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url}: expected an address that begins with https:// (or http://).")
    _ask(f"{url}/ready", pause=pause)
    answer = _ask(f"{url}/v1/score", body=EXAMPLE, key=key, pause=pause)
    probability, version = answer.get("probability_of_default"), answer.get("model_version")
    if not (isinstance(probability, float) and 0 < probability < 1 and version):
        raise DeployError(f"{url}/v1/score: expected a probability and a model's version, the answer has others.")
    return f"model {version} scored the example with {probability:.4f}"


class _NoRedirects(HTTPRedirectHandler):
    """Where a service is asked, it has to answer: a key is sent nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Go nowhere; the redirect is then an error."""


def _ask(address: str, *, pause: float, body: Any = None, key: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = Request(address, None if body is None else json.dumps(body).encode(), headers)  # noqa: S310
    for left in reversed(range(_TRIES)):
        try:
            with build_opener(_NoRedirects).open(request, timeout=_TIMEOUT) as answer:
                found = json.loads(answer.read(1 << 20))
        except HTTPError as error:
            if error.code in (401, 403):
                raise DeployError(
                    f"{address}: it asks for a key and {'does not know this one' if key else 'none was given'}. Set LOANTAP_SMOKE_KEY."
                ) from None
            said = f"it answered {error.code}"
            if error.code < 500:
                left = 0
        except (OSError, ValueError, HTTPException, RecursionError) as error:
            said = f"it gave no answer that can be read ({getattr(error, 'reason', error)})"
        else:
            if isinstance(found, dict):
                return found
            said = "its answer is no object"
        if not left:
            raise DeployError(f"{address}: expected an answer of the service, but {said}.")
        time.sleep(pause)
    raise AssertionError
