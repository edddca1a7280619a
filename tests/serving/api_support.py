"""What the tests of the scoring service share: the helpers of the scripts, and a service in this process."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loantap.settings import project_root
from loantap_serving.api.app import ApiSettings, create_app
from loantap_serving.api.models import Models

if (scripts := str(project_root() / "tools")) not in sys.path:
    sys.path.append(scripts)

JSON = {"Content-Type": "application/json"}


def client_of(folder: Path, settings: ApiSettings | None = None) -> FlaskClient:
    models = Models(lambda: folder)
    models.refresh()
    return create_app(models, settings).test_client()


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem of an answer that has to be one."""
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    found = response.get_json(force=True)
    assert found["status"] == status
    assert found["instance"] == f"urn:uuid:{response.headers['X-Request-Id']}"
    return found


def faults(response: TestResponse) -> list[tuple[str, ...]]:
    """Return row (in a batch) and field of every fault of a 422."""
    return [
        tuple(fault[name] for name in ("row", "field") if name in fault) for fault in problem(response, 422)["errors"]
    ]


def without(application: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in application.items() if name not in names}
