"""The smoke test against servers on loopback, one of them the real service; and a task that runs once."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from access_support import FOUNDATION
from conftest import Account
from moto.moto_api import state_manager
from werkzeug.serving import make_server

from loantap.errors import DeployError
from loantap_deploy.environment import Environment
from loantap_deploy.smoke import smoke_test
from loantap_deploy.tasks import start_task, wait_for_task

EXAMPLE = {"loan_amnt": 1}
DESCRIBED = {"paths": {"/v1/score": {"post": {"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}}}}}
GOOD = {"probability_of_default": 0.2, "model_version": "abc"}


@contextmanager
def serving(answers: Callable[[str, Any], tuple[int, Any]]) -> Iterator[str]:
    """Serve what `answers` says to a path and a body; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers(self.path, json.loads(given or b"null"))
            self.send_response(status)
            self.send_header("Location", f"http://127.0.0.1:9{self.path}")
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_real_service_passes_with_its_key_and_says_which_model_answers(model_folder: Path, tmp_path: Path):
    from loantap_serving.api.app import ApiSettings, create_app
    from loantap_serving.api.keys import make_key, read_keys
    from loantap_serving.api.models import Models

    key = make_key(tmp_path / "keys", "smoke")
    models = Models(lambda: model_folder)
    models.refresh()
    server = make_server(
        "127.0.0.1", 0, create_app(models, ApiSettings(keys=read_keys(tmp_path / "keys"))), threaded=True
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert " scored the example with 0." in smoke_test(address, key=key)
    with pytest.raises(DeployError, match="401: set LOANTAP_SMOKE_KEY"):
        smoke_test(address, key=None)
    server.shutdown()


def test_a_service_that_needs_a_moment_is_waited_for_and_scores_its_own_example():
    asked: list[Any] = []

    def answers(path: str, body: Any) -> tuple[int, Any]:
        asked.append(body)
        return (503, {}) if len(asked) < 4 else (200, DESCRIBED if path == "/openapi.json" else GOOD)

    with serving(answers) as address:
        assert smoke_test(address, key=None, pause=0.01) == "model abc scored the example with 0.2000"
    assert asked[-1] == EXAMPLE


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, {}, "it answered 500"),
        (404, {}, "it answered 404"),
        (302, {}, "it answered 302"),  # a key is sent nowhere else
        (200, b"<html>", "no answer that can be read"),
        (200, GOOD | {"probability_of_default": 1.5}, "expected a probability"),
        (200, {"probability_of_default": 0.2}, "the answer has no 'model_version'"),
        (200, [], "the answer has no"),
    ],
)
def test_an_answer_that_is_none_fails(status: int, body: Any, expected: str):
    with (
        serving(lambda path, _: (200, DESCRIBED) if path == "/openapi.json" else (status, body)) as address,
        pytest.raises(DeployError, match=expected),
    ):
        smoke_test(address, key="k", pause=0.01)


def test_nobody_there_is_said():
    with pytest.raises(DeployError, match="refused"):
        smoke_test("http://127.0.0.1:9", key=None, pause=0.01)


# ---------------------------------------------------------------- A task


@pytest.fixture
def ends(account: Account) -> Iterator[Callable[[int | None], None]]:
    """Sets how tasks end: with an exit code, or None where they never began."""
    from moto.ecs.models import Task

    account.client("ecs").register_task_definition(family="loantap-staging-report", containerDefinitions=[{"name": "report", "image": "x", "memory": 1}])  # fmt: skip
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 2})
    advanced = Task.advance

    def sets(code: int | None) -> None:
        def advance(self: Any) -> None:
            advanced(self)
            self.stopped_reason = "CannotPullContainerError"
            for each in self.containers:
                each.name, each.exitCode = "report", code

        Task.advance = advance  # type: ignore[method-assign]

    yield sets
    Task.advance = advanced  # type: ignore[method-assign]
    state_manager.unset_transition("ecs::task")


def run(environment: Environment, *command: str, limit: float = 30, whole: bool = False) -> int:
    arn = start_task(environment, command=list(command), whole=whole, say=lambda text: None)
    return wait_for_task(environment, arn, limit=limit, pause=0.01)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_the_tasks_own(code: int, account: Account, staging: Environment, ends: Any):
    ends(code)
    assert run(staging, "loantap", "promote", "--rollback") == code
    (sent,) = [sent for sent in account.sent if "overrides" in sent]
    assert sent["overrides"] == {
        "containerOverrides": [{"name": "report", "command": ["loantap", "promote", "--rollback"]}]
    }
    assert sent["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"


@pytest.mark.parametrize(("whole", "who"), [(True, "loantap-deploy-task"), (False, "loantap-deploy-run")])
def test_only_the_whole_job_counts_as_a_monthly_run(whole: bool, who: str, account: Account, staging: Environment, ends: Any):  # fmt: skip
    ends(0)
    run(staging, whole=whole)
    (sent,) = [sent for sent in account.sent if "overrides" in sent]
    assert (sent["startedBy"], sent["overrides"]) == (who, {})
    (rule,) = [one["Properties"] for one in FOUNDATION.values() if one["Properties"].get("Name") == "loantap-staging-monthly-succeeded"]  # fmt: skip
    assert (who in rule["EventPattern"]["detail"]["startedBy"][1].values()) is not whole


def test_a_task_that_never_began_is_an_error(staging: Environment, ends: Any):
    ends(None)
    with pytest.raises(DeployError, match="stopped before it could end: CannotPullContainerError"):
        run(staging)


def test_nobody_waits_for_ever(staging: Environment, ends: Any):
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})
    with pytest.raises(DeployError, match=r"within 0 s, it did not \(Max attempts exceeded\). It goes on"):
        run(staging, limit=0.05)
