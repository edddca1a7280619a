"""Is it alive: the service scores the example of its own description, over HTTP, as a caller would have it."""

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from loantap.errors import DeployError

_TRIES = 5


def smoke_test(url: str, *, key: str | None, pause: float = 2) -> str:
    """Return what a service said of its example; raises DeployError if it does not answer as it should.

    Args:
        url: Its address, such as https://scores.example.com.
        key: A key for it, where it asks for one; never shown.
        pause: Seconds between two tries.
    """
    described = _ask(f"{url}/openapi.json", key=key, pause=pause)
    try:
        example = described["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = _ask(f"{url}/v1/score", body=example, key=key, pause=pause)
        probability, version = float(answer["probability_of_default"]), str(answer["model_version"])
    except (KeyError, TypeError, ValueError) as error:
        raise DeployError(f"{url}: expected the service of loantap and a score, the answer has no {error}.") from None
    if not 0 < probability < 1:
        raise DeployError(f"{url}/v1/score: expected a probability, got {probability}.")
    return f"model {version} scored the example with {probability:.4f}"


class _NoRedirects(HTTPRedirectHandler):
    """Where a service is asked, it has to answer: a key is sent nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Go nowhere; the redirect is then an error."""


def _ask(address: str, *, pause: float, body: Any = None, key: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = Request(address, None if body is None else json.dumps(body).encode(), headers)  # noqa: S310
    said = ""
    for attempt in range(_TRIES):
        time.sleep(pause if attempt else 0)
        try:
            with build_opener(_NoRedirects).open(request, timeout=10) as answer:
                found = json.loads(answer.read(1 << 22))
                return found if isinstance(found, dict) else {}
        except HTTPError as error:
            said = f"it answered {error.code}"
            if error.code in (401, 403):
                said += ": set LOANTAP_SMOKE_KEY to a key that it knows"
            if error.code < 500:
                break
        except (OSError, ValueError, HTTPException, RecursionError) as error:
            said = f"it gave no answer that can be read ({getattr(error, 'reason', error)})"
    raise DeployError(f"{address}: expected an answer of the service, but {said}.")
