"""The scoring service's answers."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pandas as pd
import pytest
from api_support import JSON, client_of, faults, problem, without
from flask.testing import FlaskClient

from loantap.data.applications import FIELDS
from loantap.model.persistence import SavedModel
from loantap.scoring.application import score_application
from loantap_serving.api.app import BATCH_BYTES, FIXED_HEADERS, SINGLE_BYTES, create_app
from loantap_serving.api.models import Models
from loantap_serving.api.openapi import describe
from loantap_serving.api.problems import LISTED
from loantap_serving.api.validation import COMMAS


@pytest.fixture(scope="module")
def client(model_folder: Path) -> FlaskClient:
    return client_of(model_folder)


def raw_applications(loans: pd.DataFrame) -> list[dict[str, Any]]:
    """Return cleaned loans as people would send them."""
    frame = loans[[column.name for column in FIELDS]].copy()
    frame["term"] = frame["term"].astype("str") + " months"
    for name in ("issue_d", "earliest_cr_line"):
        frame[name] = frame[name].dt.strftime("%b-%Y")
    return [{k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.astype("object").to_dict("records")]


def check(name: str, answer: Any) -> None:
    document = describe(secured=False)
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(answer)


def test_the_answer_to_an_application_is_its_score(client: FlaskClient, model: SavedModel, application: dict[str, Any]):
    answer = client.post("/v1/score", json=application)
    wanted = score_application(model, application)
    assert answer.status_code == 200
    assert answer.json["probability_of_default"] == wanted.probability_of_default
    assert answer.json["decision"] == wanted.decision
    assert answer.json["threshold"] == model.threshold
    assert answer.json["model_version"] == model.version
    assert [reason["text"] for reason in answer.json["reasons"]] == [reason.text for reason in wanted.reasons]
    check("ScoreAnswer", answer.json)


def test_the_answer_is_the_notebooks_to_twelve_digits(client: FlaskClient, model: SavedModel, loans: pd.DataFrame):
    gaps = ["emp_length", "mort_acc", "revol_util", "emp_title"]
    some = pd.concat([*(loans[loans[name].isna()].head(50) for name in gaps), loans.head(500)])
    assert some[gaps].isna().any().all()
    rows = raw_applications(some)
    batch = client.post("/v1/score/batch", json={"applications": rows})
    assert batch.status_code == 200, batch.data[:500]
    check("BatchAnswer", batch.json)
    wanted = model.probability(some)
    found = [row["probability_of_default"] for row in batch.json["scores"]]
    assert found == pytest.approx(wanted, abs=1e-12, rel=0)
    for row, probability in list(zip(rows, wanted, strict=True))[:400]:
        single = client.post("/v1/score", json={name: value for name, value in row.items() if value is not None})
        assert single.json["probability_of_default"] == pytest.approx(probability, abs=1e-12, rel=0)


def test_a_batch_answers_in_the_order_of_its_rows(client: FlaskClient, application: dict[str, Any]):
    rows = [application | {"dti": float(dti)} for dti in (1, 30, 5)]
    scores = client.post("/v1/score/batch", json={"applications": rows}).json["scores"]
    assert [score["row"] for score in scores] == [0, 1, 2]
    singles = [client.post("/v1/score", json=row).json for row in rows]
    assert [without(score, "row") for score in scores] == singles


def test_a_doubt_is_told(client: FlaskClient, application: dict[str, Any]):
    answer = client.post("/v1/score", json=application | {"annual_inc": 9e8, "installment": 1.0})
    assert {(doubt["field"], doubt["code"]) for doubt in answer.json["warnings"]} >= {
        ("annual_inc", "outside_training_range"), ("installment", "not_the_annuity"),
    }  # fmt: skip
    check("ScoreAnswer", answer.json)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loan_amnt", "10000"), ("loan_amnt", True), ("loan_amnt", None), ("loan_amnt", 0), ("loan_amnt", 1e300),
        ("loan_amnt", 10**400), ("int_rate", 61), ("term", "37 months"), ("term", 36), ("grade", "Z"), ("emp_title", 3),
        ("emp_title", "x" * 201), ("emp_title", "a\x00b"), ("earliest_cr_line", "June 1990"), ("home_ownership", []),
        ("purpose", {}), ("sub_grade", "C1"), ("earliest_cr_line", "Dec-2015"), ("address", "somewhere"), ("colour", "blue"),
    ],
)  # fmt: skip
def test_a_field_that_breaks_its_rule_is_named_with_it(
    client: FlaskClient, application: dict[str, Any], field: str, value: Any
):
    answer = client.post("/v1/score", json=application | {field: value})
    assert faults(answer) == [(field,)]
    fault = problem(answer, 422)["errors"][0]
    assert fault["rule"]
    assert fault["message"]
    assert "somewhere" not in answer.text
    check("ProblemAnswer", answer.json)


def test_every_missing_field_is_named(client: FlaskClient):
    required = {column.name for column in FIELDS if not column.missing and column.name != "issue_d"}
    assert {field for (field,) in faults(client.post("/v1/score", json={}))} == required


def test_what_is_no_application_at_all_is_said(client: FlaskClient):
    assert faults(client.post("/v1/score", json=[1])) == [("application",)]
    assert faults(client.post("/v1/score", data=b'{"\\ud800": 1}', headers=JSON)) == [("application",)]
    assert faults(client.post("/v1/score/batch", json=[1])) == [("applications",)]
    assert faults(client.post("/v1/score/batch", json={"applications": []})) == [("applications",)]
    assert faults(client.post("/v1/score/batch", json={"applications": [{}] * 10_001})) == [("applications",)]
    assert faults(client.post("/v1/score/batch", json={"applications": [], "x": 1})) == [("x",)]


def test_a_batch_with_bad_rows_names_them_all_and_scores_none(client: FlaskClient, application: dict[str, Any]):
    rows = [application, application | {"dti": -1}, application, application | {"term": 36, "x": 1}]
    answer = client.post("/v1/score/batch", json={"applications": rows})
    assert faults(answer) == [(1, "dti"), (3, "term"), (3, "x")]
    assert "2 of 4 rows" in answer.json["detail"]
    check("ProblemAnswer", answer.json)


def test_of_many_bad_rows_so_many_are_listed_and_the_rest_counted(client: FlaskClient, application: dict[str, Any]):
    answer = client.post("/v1/score/batch", json={"applications": [application | {"dti": -1}] * 1_000})
    found = problem(answer, 422)
    assert (len(found["errors"]), found["more"]) == (LISTED, 1_000 - LISTED)


def test_names_and_values_of_the_caller_are_not_repeated(client: FlaskClient, application: dict[str, Any]):
    evil = "<script>alert(1)</script>"
    given = application | dict.fromkeys(("term", "grade", "earliest_cr_line", "loan_amnt"), evil) | {evil: evil}
    answer = client.post("/v1/score", json=given | {"emp_title": evil + "\x00"})
    assert problem(answer, 422)
    assert "script" not in answer.text
    assert "script" not in client.get(f"/{evil}?{evil}").text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expected JSON"),
        (b"{", "Expected JSON"),
        (b'{"a": 1} x', "Extra data at line 1, column 10"),
        (b'{"loan_amnt": NaN}', "NaN"),
        (b'{"loan_amnt": -Infinity}', "Infinity"),
        (b'{"a": 1, "a": 2}', "a name twice"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "too many digits"),
        (b"[" * 30_000, "at most 500 of { and [ here, got 30,000"),
        (b'{"a":' * 501, "at most 500"),
        (b'{"emp_title": "\xe9"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "Expected JSON"),
    ],
)
def test_what_is_not_json_in_utf8_is_refused_with_the_reason(client: FlaskClient, body: bytes, said: str):
    assert said in problem(client.post("/v1/score", data=body, headers=JSON), 400)["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=utf-16"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)  # fmt: skip
def test_another_content_type_is_refused(client: FlaskClient, headers: dict[str, str]):
    problem(client.post("/v1/score", data=b"{}", headers=headers), 415)


@pytest.mark.parametrize(("path", "most"), [("/v1/score", SINGLE_BYTES), ("/v1/score/batch", BATCH_BYTES)])
def test_a_body_that_is_too_large_is_refused(client: FlaskClient, path: str, most: int):
    problem(client.post(path, data=b" " * (most + 1), headers=JSON), 413)
    problem(client.post(path, data=b" " * most, headers=JSON), 400)


def test_unknown_paths_and_methods_are_problems_too(client: FlaskClient):
    for path in ("/", "/v1", "/v1/score/", "/static/x", "/v1/score/../model"):
        problem(client.get(path), 404)
    problem(client.get("/", environ_overrides={"PATH_INFO": "//v1/score"}), 400)
    answer = client.delete("/v1/score")
    assert problem(answer, 405)
    assert answer.headers["Allow"] == "POST"
    assert problem(client.options("/v1/score"), 405)


def test_a_failure_within_tells_nothing_but_its_id(
    model_folder: Path, application: dict[str, Any], monkeypatch, caplog
):
    def fail(*_: Any) -> None:
        raise RuntimeError("the secret of " + application["emp_title"])

    monkeypatch.setattr("loantap_serving.api.app.score_application", fail)
    answer = client_of(model_folder).post("/v1/score", json=application)
    assert problem(answer, 500)
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


def test_the_model_says_what_it_is(client: FlaskClient, model: SavedModel):
    answer = client.get("/v1/model")
    assert (answer.json["version"], answer.json["threshold"]) == (model.version, model.threshold)
    others = (model.metadata.profit_threshold, model.metadata.capacity_threshold)
    assert (answer.json["profit_threshold"], answer.json["capacity_threshold"]) == others
    assert answer.json["features"] == model.metadata.features
    assert answer.json["card"] == model.card
    check("ModelAnswer", answer.json)


def test_without_a_model_the_process_lives_and_is_not_ready(model_folder: Path, application: dict[str, Any]):
    client = create_app(Models(lambda: model_folder)).test_client()
    assert client.get("/health").status_code == 200
    problem(client.get("/ready"), 503)
    problem(client.get("/v1/model"), 503)
    problem(client.post("/v1/score", json=application), 503)


def test_a_service_that_ends_is_not_ready_and_still_answers(model_folder: Path, application: dict[str, Any]):
    models = Models(lambda: model_folder)
    models.refresh()
    client = create_app(models).test_client()
    assert client.get("/ready").status_code == 200
    models.retire()
    assert problem(client.get("/ready"), 503)["detail"] == "The service is ending."
    assert client.post("/v1/score", json=application).status_code == 200


def test_the_page_shows_every_operation_and_field_and_loads_nothing(client: FlaskClient):
    answer = client.get("/docs")
    assert answer.content_type == "text/html; charset=utf-8"
    for path in describe(secured=False)["paths"]:
        assert f" {path}</code>" in answer.text
    for column in FIELDS:
        assert f"<code>{column.name}</code>" in answer.text
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    assert re.findall('href="([^"]*)"', answer.text) == ["openapi.json"], "below a proxy's prefix it leads elsewhere"


def test_the_description_is_the_codebook(client: FlaskClient):
    document = json.loads(client.get("/openapi.json").data)
    properties = document["components"]["schemas"]["Application"]["properties"]
    assert list(properties) == [column.name for column in FIELDS]
    assert properties["int_rate"]["maximum"] == 60
    assert document["components"]["schemas"]["BatchRequest"]["properties"]["applications"]["maxItems"] == 10_000


def test_the_example_of_the_description_is_scored(client: FlaskClient):
    document = client.get("/openapi.json").json
    for path in ("/v1/score", "/v1/score/batch"):
        example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post(path, json=example).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/health", "/nothing", "/v1/score", "/metrics"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str):
    headers = client.get(path).headers
    assert all(headers[name] == value for name, value in FIXED_HEADERS.items())
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_the_styles_hash_is_that_of_the_page(client: FlaskClient):
    import base64
    import hashlib

    answer = client.get("/docs")
    style = re.search("<style>(.*)</style>", answer.text, re.S)[1]
    wanted = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{wanted}'" in answer.headers["Content-Security-Policy"]


def test_only_so_many_batches_run_at_once(model_folder: Path, application: dict[str, Any], monkeypatch):
    client = client_of(model_folder)
    inner: list[int] = []

    def nested(given: Any) -> list[dict[str, Any]]:
        inner.append(
            client.application.test_client().post("/v1/score/batch", json={"applications": [application]}).status_code
        )
        return [application]

    monkeypatch.setattr("loantap_serving.api.app.valid_batch", nested)
    assert client.post("/v1/score/batch", json={"applications": [application]}).status_code == 200
    assert inner == [503, 200]
    inner.clear()
    assert client.post("/v1/score/batch", json={"applications": [application]}).status_code == 200, (
        "a refused one gives nothing back"
    )
    assert inner == [503, 200]


@pytest.mark.parametrize("row", [b"[]", b'{"a":0}', b"[" * 400 + b"]" * 400])
def test_a_batch_of_more_objects_and_lists_than_rows_is_refused_before_it_is_decoded(
    client: FlaskClient, row: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap_serving.api.validation._DECODER", None)
    body = b'{"applications":[' + b",".join([row] * 40_001) + b"]}"
    answer = client.post("/v1/score/batch", data=body[:BATCH_BYTES], headers=JSON)
    assert "at most 40,000 of { and [" in problem(answer, 400)["detail"]


def test_a_batch_of_more_fields_than_applications_have_is_refused_before_it_is_decoded(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap_serving.api.validation._DECODER", None)
    names = ",".join(f'"{number}":1' for number in range(COMMAS + 2))
    answer = client.post("/v1/score/batch", data=f'{{"applications":[{{{names}}}]}}', headers=JSON)
    assert "at most 600,000 commas here, got 600,001" in problem(answer, 400)["detail"]


def test_nesting_within_that_number_is_refused_too(client: FlaskClient):
    answer = client.post("/v1/score/batch", data=b"[" * 39_000, headers=JSON)
    assert "nested too deeply" in problem(answer, 400)["detail"]


def test_brackets_in_texts_are_no_harm(client: FlaskClient, application: dict[str, Any]):
    row = application | {"emp_title": "[" * 200, "title": "{" * 200}
    assert client.post("/v1/score", json=row).status_code == 200
    assert client.post("/v1/score/batch", json={"applications": [row] * 90}).status_code == 200
