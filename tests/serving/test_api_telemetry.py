"""What is counted and logged of the scoring service, and what never is."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_support import JSON, client_of

from loantap_serving.api.app import ApiSettings
from loantap_serving.api.keys import make_key, read_keys
from loantap_serving.api.telemetry import log_as_json

MARK = "Xq7"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log_as_json(stream)
    yield stream
    for logger in map(logging.getLogger, ("loantap.api", "aiohttp", "asyncio", "gunicorn.error")):
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_each_request_is_one_line_of_json(model_folder: Path, application: dict[str, Any], log: io.StringIO):
    client = client_of(model_folder)
    answer = client.post("/v1/score", json=application)
    client.post("/v1/score/batch", json={"applications": [application] * 3})
    client.get("/nothing")
    single, batch, nothing = lines(log)
    assert set(single) == {
        "time", "level", "event", "request_id", "method", "route", "status", "milliseconds", "bytes", "caller",
        "model_version", "decisions",
    }  # fmt: skip
    assert single["request_id"] == answer.headers["X-Request-Id"]
    assert (single["route"], single["status"], single["bytes"]) == ("/v1/score", 200, len(answer.data))
    assert single["decisions"] == {answer.json["decision"]: 1}
    assert single["model_version"] == answer.json["model_version"]
    assert sum(batch["decisions"].values()) == 3
    assert (nothing["route"], nothing["status"]) == (None, 404)


def test_nothing_of_an_application_a_person_or_a_key_is_logged(
    model_folder: Path, application: dict[str, Any], log: io.StringIO, tmp_path: Path, monkeypatch
):
    key = make_key(tmp_path / "keys", "branch")
    client = client_of(model_folder, ApiSettings(keys=read_keys(tmp_path / "keys")))
    headers = {"X-API-Key": key}
    marked = application | {"emp_title": MARK, "title": MARK, "annual_inc": 76543.25, "dti": 12.125}
    client.post("/v1/score", json=marked, headers=headers)
    client.post("/v1/score/batch", json={"applications": [marked, marked | {"term": MARK}]}, headers=headers)
    client.post("/v1/score", json=marked | {MARK: MARK, "term": MARK}, headers=headers)
    client.post("/v1/score", data=json.dumps(marked)[:-5], headers=headers | JSON)
    client.post(f"/v1/{MARK}?{MARK}={MARK}", json=marked, headers=headers | {"User-Agent": MARK, "Host": MARK})
    client.get("/v1/model", headers={"X-API-Key": f"{MARK}{key}"}, environ_base={"REMOTE_ADDR": "192.0.2.77"})

    def fail(_: Any, given: dict[str, Any]) -> None:
        raise ValueError(given["emp_title"])

    monkeypatch.setattr("loantap_serving.api.app.score_application", fail)
    client.post("/v1/score", json=marked, headers=headers)
    text = log.getvalue()
    assert [line["status"] for line in lines(log) if line["event"] == "request"] == [200, 422, 422, 400, 404, 401, 500]
    for secret in (MARK, "76543", "12.125", key, key[:10], "192.0.2.77", "VERIFIED", "Mar-1998"):
        assert secret not in text, secret
    assert {line["caller"] for line in lines(log) if line["event"] == "request"} == {"branch", None}


def test_a_failure_is_logged_with_its_place_and_without_its_message(
    model_folder: Path, application: dict[str, Any], log: io.StringIO, monkeypatch
):
    def fail(*_: Any) -> None:
        raise KeyError(MARK)

    monkeypatch.setattr("loantap_serving.api.app.score_application", fail)
    answer = client_of(model_folder).post("/v1/score", json=application)
    failed, request = lines(log)
    assert (failed["level"], failed["error"]) == ("error", "KeyError")
    assert failed["request_id"] == request["request_id"] == answer.headers["X-Request-Id"]
    assert any(place.endswith(" fail") for place in failed["where"])
    assert MARK not in log.getvalue()


def test_what_the_server_itself_says_quotes_nothing(log: io.StringIO):
    logger = logging.getLogger("aiohttp.server")
    try:
        raise ValueError(MARK)
    except ValueError:
        logger.exception("Unhandled exception")
    logger.warning("Error handling request from %s", MARK)
    assert [line["event"] for line in lines(log)] == ["Unhandled exception", "Error handling request from %s"]
    assert MARK not in log.getvalue()


def counts(client: Any) -> dict[str, float]:
    text = client.get("/metrics").text
    pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_requests_scores_and_the_model_are_counted(model_folder: Path, application: dict[str, Any]):
    client = client_of(model_folder)
    answer = client.post("/v1/score", json=application).json
    client.post("/v1/score/batch", json={"applications": [application] * 4})
    client.post("/v1/score", json={})
    found = counts(client)
    assert found['loantap_requests_total{method="POST",route="/v1/score",status="200"}'] == 1
    assert found['loantap_requests_total{method="POST",route="/v1/score",status="422"}'] == 1
    assert found[f'loantap_scores_total{{decision="{answer["decision"]}"}}'] == 5
    assert found['loantap_request_seconds_count{route="/v1/score"}'] == 2
    assert found[f'loantap_model_info{{version="{answer["model_version"]}"}}'] == 1
    assert found["loantap_model_load_failures_total"] == 0


def test_callers_cannot_make_labels(model_folder: Path):
    client = client_of(model_folder)
    series = []
    for round_ in range(2):
        for number in range(50):
            client.get(f"/{round_}/{number}")
            client.open("/v1/score", method=f"M{round_}{number}")
        series.append(counts(client))
    assert series[1].keys() == counts(client).keys()
    assert series[1]['loantap_requests_total{method="GET",route="other",status="404"}'] == 100
    assert series[1]['loantap_requests_total{method="other",route="other",status="405"}'] == 100


def test_each_service_counts_for_itself(model_folder: Path, application: dict[str, Any]):
    one, other = client_of(model_folder), client_of(model_folder)
    one.post("/v1/score", json=application)
    assert not any("/v1/score" in name for name in counts(other))


@pytest.mark.skipif(sys.platform == "win32", reason="no /proc")
def test_memory_of_the_process_is_told(model_folder: Path):
    assert counts(client_of(model_folder))["process_resident_memory_bytes"] > 1e6
