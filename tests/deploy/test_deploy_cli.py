"""`loantap deploy` as it is typed."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import command_line
import pytest
from ecs_support import Aws
from registry_support import image_file
from typer.testing import CliRunner

from loantap.settings import how_to_add
from loantap_deploy import rollout, smoke
from loantap_deploy.commands import app
from loantap_deploy.stack import Environment


def loantap(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return command_line.loantap("deploy", *words)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(smoke.smoke_test.__kwdefaults__, "pause", 0.01)
    monkeypatch.setattr(rollout, "Patience", partial(rollout.Patience, pause=0.01))


def test_a_plan_then_the_deployment_then_nothing(account: Aws, tmp_path: Path):
    words = ["--environment", "staging", "--image", image_file(tmp_path / "api.tar", content="new here"), "--no-smoke"]
    plan = loantap(*words, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert "Nothing was done" in plan.stdout
    assert account.front.changes == []
    done = loantap(*words)
    assert done.returncode == 0, done.stderr
    assert "Done: 5 steps changed something." in done.stdout
    assert account.image_that_runs() != "former"
    again = loantap(*words)
    assert again.returncode == 0, again.stderr
    assert "Done: nothing changed." in again.stdout


def test_a_service_that_does_not_answer_is_taken_back_and_the_exit_code_tells(account: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    monkeypatch.setenv("LOANTAP_SMOKE_KEY", "not-to-be-seen")
    done = loantap("--environment", "staging", "--image", image_file(tmp_path / "api.tar"))
    assert done.returncode == 1
    assert "DeployError: http://127.0.0.1:9/ready" in done.stderr
    assert "The service runs loantap-staging-api:1 again, and is stable." in done.stderr
    assert "not-to-be-seen" not in done.stdout + done.stderr
    assert account.image_that_runs() == "former"


def test_a_dashboard_is_pushed_and_no_more(account: Aws, tmp_path: Path):
    done = loantap("--environment", "staging", "--image", image_file(tmp_path / "d.tar", "dashboard"))
    assert done.returncode == 0, done.stderr
    assert account.front.changes == ["ecr:CreateRepository"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "expected --image FILE and --environment"),
        (("--environment", "staging"), "expected --image FILE"),
        (("--environment", "staging", "--image", "absent.tar"), "expected the file of an image, found none"),
        (("--environment", "elsewhere", "--image", "absent.tar"), "'elsewhere' is not one of"),
        (("task",), "expected --environment"),
        (("run", "--", "promote", "--rollback"), "expected --environment"),
        (("run", "--environment", "staging"), "expected a command of loantap after --"),
        (("report", "no-such-run", "--to", "x"), "no-such-run"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_is_right(words: tuple[str, ...], expected: str):
    done = loantap(*words)
    assert done.returncode == 2
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["task"], []),
        (["task", "--", "--rows", "50000", "--environment", "x"], ["/app/bin/monthly", "--rows", "50000", "--environment", "x"]),
        (["run", "--", "promote", "--rollback"], ["loantap", "promote", "--rollback"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", [0, 1])
def test_what_follows_is_run_there_and_its_exit_code_is_ours(
    words: list[str], command: list[str], code: int, monkeypatch: pytest.MonkeyPatch
):
    asked: list[dict[str, Any]] = []

    def run_task(environment: Environment, **facts: Any) -> int:
        asked.append(facts | {"environment": environment})
        return code

    monkeypatch.setattr("loantap_deploy.tasks.run_task", run_task)
    done = CliRunner().invoke(app, [words[0], "--environment", "staging", "--region", "eu-west-1", *words[1:]])
    assert done.exit_code == code
    assert asked[0]["command"] == command
    assert asked[0]["environment"] == Environment("staging", "eu-west-1")


def test_options_and_the_key_reach_the_deployment(account: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[Any] = []
    monkeypatch.setattr("loantap_deploy.service.Deployment.run", lambda self: made.append(self))
    monkeypatch.setenv("LOANTAP_SMOKE_KEY", "not-to-be-seen")
    words = ["--environment", "staging", "--image", str(image_file(tmp_path / "api.tar")), "--time-limit", "77"]
    done = CliRunner().invoke(app, words)
    assert done.exception is None
    (deployment,) = made
    assert (deployment.patience.limit, deployment.smoke_key, deployment.smoke) == (77, "not-to-be-seen", True)
    assert "not-to-be-seen" not in repr(deployment)


@pytest.mark.parametrize("words", [("--image", "api.tar"), ("task",)])
def test_without_boto3_how_to_get_it_is_said(words: tuple[str, ...], tmp_path: Path):
    image_file(tmp_path / "api.tar")
    code = "import sys; sys.modules.update(boto3=None, botocore=None); sys.argv[0] = 'loantap'; from loantap.cli.app import main; main()"
    command = [sys.executable, "-c", code, "deploy", *words, "--environment", "staging"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert f"Get it with: {how_to_add('aws')}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_smoke_test_is_turned_off_by_the_environment_too(account: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    monkeypatch.setenv("LOANTAP_SMOKE", "no")
    plan = loantap("--environment", "staging", "--image", image_file(tmp_path / "api.tar"), "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert "ask it for a score" not in plan.stdout


def test_without_credentials_or_region_what_to_do_is_said(account: Aws, tmp_path: Path):
    words = ["--environment", "staging", "--image", image_file(tmp_path / "api.tar")]
    none = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    with patch.dict("os.environ", none | {"AWS_EC2_METADATA_DISABLED": "true"}):
        del os.environ["AWS_REGION"]
        done = loantap(*words)
        assert (done.returncode, "Set AWS_REGION" in done.stderr) == (1, True), done.stderr
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del os.environ[name]
        boto3.DEFAULT_SESSION = None  # it remembers them within a process
        done = loantap(*words, "--region", "eu-central-1")
        assert (done.returncode, "aws sso login" in done.stderr) == (1, True), done.stderr


def test_a_first_push_is_recorded_for_the_stack(account: Aws, tmp_path: Path):
    account.client("cloudformation").delete_stack(StackName="loantap-staging")
    words = ("--environment", "staging", "--image", image_file(tmp_path / "api.tar"))
    refused = loantap(*words)
    assert refused.returncode == 2
    assert "--push-only" in refused.stderr
    assert loantap(*words, "--push-only").returncode == 0
    assert json.dumps(account.recorded()).count("loantap/api@sha256:") == 1
