"""Builds and deployments arrive in Jira, or it is said why not; secrets show nowhere."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jira_support import (
    CLIENT,
    CLOUD,
    SECRET,
    TOKEN,
    Jira,
    Repository,
    broken_off,
    dripping,
    jira_server,
    new_repository,
    reply,
)  # fmt: skip

import jira_post  # isort: skip (jira_support finds the scripts)

BULK = f"/jira/builds/0.1/cloud/{CLOUD}/bulk"
BUSY = reply(503, b"<html>busy</html>")


@pytest.fixture
def jira(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jira]:
    monkeypatch.setenv("JIRA_CLIENT_ID", CLIENT)
    monkeypatch.setenv("JIRA_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with jira_server() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(jira_post.time, "sleep", waited.append)
    return waited


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = new_repository(tmp_path / "repository")
    made.commit("LT-13 Cap the ratio")
    made.commit("LT-14 Cap the income\n\nAs LT-13 does.")
    monkeypatch.chdir(made.folder)
    return made


def words(jira: Jira, what: str = "build", **options: str) -> list[str]:
    given = {
        "cloud-id": CLOUD, "project": "LT", "branch": "feature/LT-12-caps", "pipeline": "loantap", "number": "7",
        "url": "https://ci.example.com/7", "state": "successful", "base-url": jira.url,
    } | ({"environment": "production"} if what == "deployment" else {}) | options  # fmt: skip
    revisions = given.pop("revisions", "base..HEAD")
    return [what, *(f"--{name}={value}" for name, value in given.items()), revisions]


def run(jira: Jira, what: str = "build", **options: str) -> int:
    return jira_post.main(words(jira, what, **options))


def text(value: Any, most: int) -> None:
    assert isinstance(value, str)
    assert 0 < len(value) <= most


def holds_what_both_apis_require(entry: dict[str, Any]) -> None:
    """The required fields, their types and their limits, from the reference of Jira Software Cloud's REST API."""
    assert entry["schemaVersion"] == "1.0"
    assert abs(entry["updateSequenceNumber"] / 1000 - time.time()) < 60
    assert abs(datetime.fromisoformat(entry["lastUpdated"]).timestamp() - time.time()) < 60
    text(entry["displayName"], 255)
    text(entry["url"], 2000)


def test_a_build_arrives_with_every_field_that_jira_requires(jira: Jira, capsys: pytest.CaptureFixture[str]):
    assert run(jira) == 0
    (entry,) = jira.posted()["builds"]
    holds_what_both_apis_require(entry)
    assert (entry["pipelineId"], entry["buildNumber"], entry["state"]) == ("loantap", 7, "successful")
    assert entry["issueKeys"] == ["LT-12", "LT-13", "LT-14"]
    assert "build 7 of loantap as successful: LT-12, LT-13, LT-14" in capsys.readouterr().out


def test_a_deployment_arrives_with_every_field_that_jira_requires(jira: Jira):
    assert run(jira, "deployment", state="rolled_back") == 0
    (entry,) = jira.posted()["deployments"]
    holds_what_both_apis_require(entry)
    text(entry["description"], 255)
    assert (entry["deploymentSequenceNumber"], entry["state"]) == (7, "rolled_back")
    assert entry["associations"] == [{"associationType": "issueIdOrKeys", "values": ["LT-12", "LT-13", "LT-14"]}]
    assert set(entry["pipeline"]) == {"id", "displayName", "url"}
    assert entry["environment"] == {"id": "production", "displayName": "production", "type": "production"}


def test_a_later_post_has_a_greater_sequence_number(jira: Jira):
    assert run(jira, state="in_progress") == 0
    time.sleep(0.01)
    assert run(jira) == 0
    first, second = [body["builds"][0] for path, _, body in jira.asked if path == BULK]
    assert first["updateSequenceNumber"] < second["updateSequenceNumber"]
    assert (first["pipelineId"], first["buildNumber"]) == (second["pipelineId"], second["buildNumber"])


def test_only_keys_of_the_new_commits_are_posted(jira: Jira):
    assert run(jira, branch="main", revisions="HEAD~1..HEAD") == 0
    assert jira.posted()["builds"][0]["issueKeys"] == ["LT-14", "LT-13"]


def test_where_no_issue_is_named_nothing_is_asked(jira: Jira, capsys: pytest.CaptureFixture[str]):
    assert run(jira, project="OPS") == 0
    assert jira.asked == []
    assert "nothing to show" in capsys.readouterr().out


def test_no_more_issues_are_posted_than_jira_takes(
    jira: Jira, repository: Repository, capsys: pytest.CaptureFixture[str]
):
    repository.commit(" ".join(f"LT-{number}" for number in range(100, 700)))
    assert run(jira) == 0
    assert len(jira.posted()["builds"][0]["issueKeys"]) == 500
    assert "603 issues are named" in capsys.readouterr().err


def test_a_rejected_build_is_shown_and_fails(jira: Jira, capsys: pytest.CaptureFixture[str]):
    why = {"key": {"pipelineId": "loantap", "buildNumber": 7}, "errors": [{"message": "url is no URL"}]}
    jira.replies.append(reply(202, {"acceptedBuilds": [], "rejectedBuilds": [why], "unknownIssueKeys": []}))
    assert run(jira) == 1
    assert "url is no URL" in capsys.readouterr().err


def test_a_build_that_is_neither_taken_nor_rejected_fails(jira: Jira, capsys: pytest.CaptureFixture[str]):
    jira.replies.append(reply(202, {"acceptedBuilds": [], "unknownIssueKeys": ["LT-12", "LT-13", "LT-14"]}))
    assert run(jira) == 1
    assert "LT-13" in capsys.readouterr().err


def test_issues_that_jira_does_not_know_are_told(jira: Jira, capsys: pytest.CaptureFixture[str]):
    jira.replies.append(reply(202, {"acceptedBuilds": [{"buildNumber": 7}], "unknownIssueKeys": ["LT-13"]}))
    assert run(jira) == 0
    assert "does not know these" in (said := capsys.readouterr().err)
    assert "LT-13" in said


def test_wrong_credentials_are_told_as_such_and_not_tried_again(
    jira: Jira, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("JIRA_CLIENT_SECRET", "another")
    assert run(jira) == 1
    assert len(jira.asked) == 1
    assert "JIRA_CLIENT_ID and JIRA_CLIENT_SECRET" in capsys.readouterr().err


def test_another_cloud_is_told_as_such(jira: Jira, capsys: pytest.CaptureFixture[str]):
    assert run(jira, **{"cloud-id": "../../elsewhere"}) == 1
    assert jira.asked[-1][0] == "/jira/builds/0.1/cloud/..%2F..%2Felsewhere/bulk"
    assert "tenant_info" in capsys.readouterr().err


@pytest.mark.parametrize("busy", [reply(429, {}), BUSY, reply(500, b""), broken_off], ids=["429", "503", "500", "cut"])
def test_a_busy_jira_is_asked_again_with_the_same_build(jira: Jira, waits: list[float], busy: Any):
    jira.replies.extend([busy, busy])
    assert run(jira) == 0
    bodies = [body for path, _, body in jira.asked if path == BULK]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]
    assert waits == [1.0, 4.0]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", 0.0), ("86400", 60.0), ("soon", 1.0), ("-5", 1.0)])
def test_retry_after_is_heeded_within_reason(jira: Jira, waits: list[float], asked: str, waited: float):
    jira.replies.append(reply(429, {}, Retry_After=asked))
    assert run(jira) == 0
    assert waits == [waited]


def test_a_jira_that_stays_busy_is_given_up(jira: Jira, waits: list[float], capsys: pytest.CaptureFixture[str]):
    jira.replies.extend([BUSY] * 10)
    assert run(jira) == 1
    assert len(waits) == 3
    assert len(jira.replies) == 6
    assert "answered 503: '<html>busy</html>'" in capsys.readouterr().err


def test_the_token_is_asked_for_again_too(jira: Jira, waits: list[float]):
    jira.token_replies.append(BUSY)
    assert run(jira) == 0
    assert waits == [1.0]


def test_a_jira_that_is_not_there_is_told_as_such(jira: Jira, waits: list[float], capsys: pytest.CaptureFixture[str]):
    assert run(jira, **{"base-url": "http://127.0.0.1:9"}) == 1
    assert len(waits) == 3
    assert "cannot be reached" in capsys.readouterr().err


GARBAGE = (b"", b"<html>", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"acceptedBuilds": ', b"x" * 3_000_000)


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_no_success(jira: Jira, garbage: bytes, capsys: pytest.CaptureFixture[str]):
    jira.replies.append(reply(202, garbage))
    assert run(jira) == 1
    said = capsys.readouterr().err
    assert "expected a JSON object" in said
    assert len(said) < 5_000


@pytest.mark.parametrize("answer", [{}, {"access_token": None}, {"access_token": ""}, {"access_token": "a\r\nX: y"}])
def test_an_answer_without_a_token_is_no_token(jira: Jira, answer: dict[str, Any]):
    jira.token_replies.append(reply(200, answer))
    assert run(jira) == 1
    assert len(jira.asked) == 1


def test_an_answer_that_drips_in_is_not_waited_for_without_end(
    jira: Jira, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(jira_post, "PATIENCE_SECONDS", 1)
    jira.replies.append(dripping)
    started = time.monotonic()
    assert run(jira) == 1
    assert time.monotonic() - started < 5
    assert "within 1 seconds" in capsys.readouterr().err


def test_a_redirect_does_not_take_the_token_elsewhere(jira: Jira):
    with jira_server() as elsewhere:
        for status in (301, 302, 307, 308):
            jira.replies.append(reply(status, {}, Location=elsewhere.url + BULK))
            jira.token_replies.append(reply(status, {}, Location=f"{elsewhere.url}/oauth/token"))
            assert run(jira) == 1
            assert run(jira) == 1
        assert elsewhere.asked == []


@pytest.mark.parametrize("path", ["token", "bulk"])
@pytest.mark.parametrize("status", [200, 400, 401, 202])
def test_a_server_that_repeats_secrets_does_not_get_them_into_the_log(
    jira: Jira, path: str, status: int, capsys: pytest.CaptureFixture[str]
):
    echo = reply(status, {"you sent": SECRET, "and": f"Bearer {TOKEN}"})
    (jira.token_replies if path == "token" else jira.replies).append(echo)
    run(jira)
    said = "".join(capsys.readouterr())
    assert said
    assert SECRET[:6] not in said
    assert path == "token" or TOKEN not in said


def test_the_secret_is_in_no_message_and_on_no_command_line(jira: Jira):
    done = subprocess.run(
        [sys.executable, jira_post.__file__, *words(jira)], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "JIRA_CLIENT_SECRET" not in " ".join(words(jira))
    assert "secret" not in jira_post.options().format_help().replace("JIRA_CLIENT_SECRET", "")


@pytest.mark.parametrize("name", ["JIRA_CLIENT_ID", "JIRA_CLIENT_SECRET"])
def test_missing_credentials_are_asked_for(jira: Jira, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(name)
    assert run(jira) == 2
    assert jira.asked == []


@pytest.mark.parametrize(
    "options",
    [
        {"base-url": "http://api.example.com"},
        {"base-url": "file:///etc/passwd"},
        {"base-url": "http://127.0.0.1.example.com"},
        {"state": "rolled_back"},
        {"number": "seven"},
        {"project": ""},
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(jira: Jira, options: dict[str, str]):
    with pytest.raises(SystemExit) as ended:
        run(jira, **options)
    assert ended.value.code == 2
    assert jira.asked == []


def test_commits_that_cannot_be_read_are_refused(jira: Jira):
    assert run(jira, revisions="nowhere..HEAD") == 2
    assert jira.asked == []
