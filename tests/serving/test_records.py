"""Answers beside a challenger's, and persons' decisions: what is kept, what is read back, and what it may not cost."""

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pandas as pd
import pytest
from api_process import running_service
from api_support import client_of, faults, problem
from flask.testing import FlaskClient

from loantap.errors import InputError
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model, model_version, save_model
from loantap.model.seal import SUMS, seal
from loantap.scoring.application import score_application
from loantap_serving import records as module
from loantap_serving.api.app import ApiSettings
from loantap_serving.api.environment import told_records
from loantap_serving.api.keys import make_key, read_keys
from loantap_serving.api.models import Models
from loantap_serving.api.openapi import describe
from loantap_serving.records import Records, read_disagreements

SAID = {"decision": "decline", "person": "a.meyer", "reason": "The payslip is not his"}


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "decisions.db")


@pytest.fixture
def challenger(model_folder: Path, tmp_path: Path) -> Path:
    """The same model that refers everybody."""
    folder = tmp_path / "challenger"
    shutil.copytree(model_folder, folder)
    metadata = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(metadata | {"threshold": 0.0}))
    (folder / SUMS).unlink()
    seal(folder)
    return folder


@pytest.fixture
def client(model_folder: Path, challenger: Path, place: str) -> FlaskClient:
    return client_of(model_folder, ApiSettings(records=told_records(place, challenger)))


def rows(place: str, table: str, wanted: int) -> pd.DataFrame:
    """Return a table once it holds as many rows as are wanted."""
    end = time.monotonic() + 20
    while True:
        with sqlite3.connect(place) as connection:
            found = pd.read_sql(f"SELECT * FROM {table}", connection)
        if len(found) >= wanted or time.monotonic() > end:
            assert len(found) == wanted
            return found
        time.sleep(0.02)


def safe(application: dict[str, Any]) -> dict[str, Any]:
    return application | {
        "grade": "A",
        "sub_grade": "A1",
        "int_rate": 6.0,
        "installment": None,
        "dti": 1.0,
        "annual_inc": 200_000.0,
    }


def test_an_answer_is_kept_with_the_challengers_and_is_what_it_was(
    client: FlaskClient, model_folder: Path, challenger: Path, place: str, application: dict[str, Any]
):
    answer = client.post("/v1/score", json=application)
    assert answer.json == client_of(model_folder).post("/v1/score", json=application).json
    (kept,) = rows(place, "scores", 1).to_dict("records")
    wanted, other = (score_application(load_model(folder), application) for folder in (model_folder, challenger))
    assert kept["request_id"] == answer.headers["X-Request-Id"]
    assert (kept["probability"], kept["decision"]) == (wanted.probability_of_default, wanted.decision)
    assert (kept["challenger_probability"], kept["challenger_decision"]) == (other.probability_of_default, "refer")
    assert (kept["model_version"], kept["challenger_version"]) == (
        model_version(model_folder),
        model_version(challenger),
    )


def test_nothing_of_an_application_is_kept(client: FlaskClient, place: str, application: dict[str, Any]):
    client.post("/v1/score", json=application | {"emp_title": "Xq7", "annual_inc": 76543.25})
    rows(place, "scores", 1)
    content = Path(place).read_bytes()
    assert b"Xq7" not in content
    assert b"76543" not in content


def test_each_application_of_a_batch_is_kept_by_its_row(client: FlaskClient, place: str, application: dict[str, Any]):
    answer = client.post(
        "/v1/score/batch", json={"applications": [application | {"dti": dti} for dti in (1.0, 30.0, 5.0)]}
    )
    kept = rows(place, "scores", 3).sort_values("row")
    assert [*kept["probability"]] == [score["probability_of_default"] for score in answer.json["scores"]]


def test_a_persons_decision_is_stored_with_who_when_why_and_the_models(
    model_folder: Path, tmp_path: Path, place: str, application: dict[str, Any]
):
    key = {"X-API-Key": make_key(tmp_path / "keys", "branch")}
    settings = ApiSettings(keys=read_keys(tmp_path / "keys"), records=Records(place))
    client = client_of(model_folder, settings)
    answer = client.post("/v1/score", json=application, headers=key)
    scored = answer.headers["X-Request-Id"]
    told = client.post("/v1/decision", json=SAID | {"request_id": scored}, headers=key)
    assert told.status_code == 200, told.text
    assert (told.json["model_decision"], told.json["model_version"]) == (
        answer.json["decision"],
        answer.json["model_version"],
    )
    schema = {
        "$ref": "#/components/schemas/DecisionAnswer",
        "components": describe(secured=False, recorded=True)["components"],
    }
    jsonschema_rs.Draft202012Validator(schema).validate(told.json)
    (kept,) = rows(place, "decisions", 1).to_dict("records")
    assert {name: kept[name] for name in SAID} == SAID
    assert (kept["request_id"], kept["row"], kept["caller"]) == (scored, 0, "branch")
    assert abs((pd.Timestamp(kept["at"], tz="UTC") - pd.Timestamp.now("UTC")).total_seconds()) < 60
    assert client.post("/v1/decision", json=SAID | {"request_id": scored}).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"decision": "perhaps"}, "decision"), ({"reason": ""}, "reason"), ({"person": "A B"}, "person"), ({"row": -1}, "row"),
        ({"request_id": "1"}, "request_id"), ({"colour": "blue"}, "colour"), ({"reason": "x" * 501}, "reason"),
    ],
)  # fmt: skip
def test_a_decision_that_breaks_a_rule_is_told_which_and_not_stored(
    client: FlaskClient, place: str, application: dict[str, Any], change: dict[str, Any], field: str
):
    scored = client.post("/v1/score", json=application).headers["X-Request-Id"]
    answer = client.post("/v1/decision", json=SAID | {"request_id": scored} | change)
    assert faults(answer) == [(field,)]
    rows(place, "decisions", 0)


def test_a_decision_on_what_was_never_scored_is_refused(client: FlaskClient, place: str, application: dict[str, Any]):
    scored = client.post("/v1/score", json=application).headers["X-Request-Id"]
    problem(client.post("/v1/decision", json=SAID | {"request_id": "0" * 36}), 404)
    problem(client.post("/v1/decision", json=SAID | {"request_id": scored, "row": 1}), 404)
    rows(place, "decisions", 0)


def test_off_it_is_no_path_of_the_service(model_folder: Path):
    problem(client_of(model_folder).post("/v1/decision", json=SAID), 404)
    assert "/v1/decision" not in describe(secured=False)["paths"]


def test_the_page_counts_disagreements_and_the_last_decision_of_each(
    client: FlaskClient, place: str, application: dict[str, Any]
):
    answers = [
        client.post("/v1/score", json=given)
        for given in (safe(application), safe(application), application | {"dti": 40.0})
    ]
    approved = sum(answer.json["decision"] == "approve" for answer in answers)
    assert approved > 0, "nothing to disagree on"
    scored = answers[0].headers["X-Request-Id"]
    for decision in ("approve", "decline"):
        client.post("/v1/decision", json=SAID | {"request_id": scored, "decision": decision})
    found = read_disagreements(place)
    assert found.models["applications"].sum() == 3
    assert len(found.scores) == approved
    assert set(found.scores["decision"]) == {"approve"}
    assert found.persons.to_dict("records") == [{"model_decision": "approve", "decision": "decline", "applications": 1}]
    assert [*found.decisions["reason"]] == [SAID["reason"]]


def no_store(records: Records) -> None:
    records._engine = None  # type: ignore[assignment]


def no_challenger(records: Records) -> None:
    records._challenger._model = "none"  # type: ignore[union-attr, assignment]


@pytest.mark.parametrize(("harm", "kept"), [(no_store, 0), (no_challenger, 1)])
def test_a_store_or_a_challenger_that_fails_costs_no_answer_and_is_told(
    model_folder: Path,
    challenger: Path,
    place: str,
    application: dict[str, Any],
    harm: Callable[[Records], None],
    kept: int,
    caplog: pytest.LogCaptureFixture,
):
    records = told_records(place, challenger)
    assert records is not None
    client = client_of(model_folder, ApiSettings(records=records))
    harm(records)
    answer = client.post("/v1/score", json=application)
    assert answer.status_code == 200
    records._writer.shutdown()
    assert len(rows(place, "scores", kept)) == kept
    assert [record.levelname for record in caplog.records if "record" in record.msg or "challenger" in record.msg] == [
        "ERROR"
    ]
    assert application["emp_title"] not in caplog.text
    if not kept:
        problem(client.post("/v1/decision", json=SAID | {"request_id": answer.headers["X-Request-Id"]}), 503)


def test_answers_do_not_wait_and_those_beyond_what_may_wait_are_told(
    model_folder: Path,
    place: str,
    application: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):

    monkeypatch.setattr(module, "_MOST_WAITING", 2)
    records, free = Records(place), threading.Event()
    records._writer.submit(free.wait)  # the store takes its time
    client = client_of(model_folder, ApiSettings(records=records))
    assert [client.post("/v1/score", json=application).status_code for _ in range(3)] == [200] * 3
    assert [record.msg for record in caplog.records if record.levelname == "ERROR"] == [
        "scores not recorded, too many wait"
    ]
    free.set()
    rows(place, "scores", 2)


def test_a_new_challenger_is_seen(
    model_folder: Path,
    place: str,
    application: dict[str, Any],
    fitted: FittedModel,
    loans: pd.DataFrame,
    tmp_path: Path,
):
    other = save_model(tmp_path / "other", fitted, loans=loans, card={"name": "another"}, page="")
    where = [model_folder]
    models = Models(lambda: where[0])
    models.refresh()
    client = client_of(model_folder, ApiSettings(records=Records(place, models)))
    client.post("/v1/score", json=application)
    where[0] = other
    end = time.monotonic() + 20
    while models.current and models.current.version != model_version(other):
        assert time.monotonic() < end, "the former challenger stays"
        time.sleep(0.05)
    client.post("/v1/score", json=application)
    assert {*rows(place, "scores", 2)["challenger_version"]} == {model_version(model_folder), model_version(other)}


@pytest.mark.parametrize(
    "place", ["nonsense://x", "postgresql+nothing://user:opensesame@127.0.0.1/x", "sqlite:////proc/none/x.db"]
)
def test_a_store_that_cannot_be_opened_is_said_at_the_start_without_its_password(place: str):
    for use in (Records, read_disagreements):
        with pytest.raises(InputError, match="expected a database for the service's records") as refused:
            use(place)
        assert "opensesame" not in str(refused.value)


def test_the_command_keeps_all_that_it_answered_before_it_ended(
    model_folder: Path, challenger: Path, place: str, application: dict[str, Any]
):
    with running_service(model_folder, "--records", place, "--challenger", str(challenger)) as service:
        for _ in range(50):
            assert service.ask("/v1/score", application)[0] == 200
        service.process.terminate()
        assert service.process.wait(30) == 0
        assert application["emp_title"] not in service.log.read_text()
    assert {*rows(place, "scores", 50)["challenger_decision"]} == {"refer"}


def test_a_challenger_alone_is_kept_among_the_runs(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap_serving.api.environment.runs_dir", lambda: tmp_path)
    told_records(challenger=model_folder)
    rows(str(tmp_path / "decisions.db"), "scores", 0)


def test_the_environment_names_store_and_challenger(
    model_folder: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert told_records() is None
    monkeypatch.setenv("LOANTAP_API_RECORDS", place)
    assert isinstance(told_records(), Records)
    monkeypatch.setenv("LOANTAP_API_CHALLENGER", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="expected a model's folder"):
        told_records()
