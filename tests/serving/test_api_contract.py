"""What the service's description promises holds for generated requests, right ones and wrong ones."""

import hashlib
import json
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import positive_data_acceptance

from loantap_serving.api.app import ApiSettings, create_app
from loantap_serving.api.keys import Keys
from loantap_serving.api.models import Models
from loantap_serving.records import Records

HEADERS = {"X-API-Key": "of-the-contract"}
OPERATIONS = 8
# What the schema cannot say: these two rules hold between fields, so a request that keeps the schema may break them. Such a
# one is sent as it is, where it may be refused for them only, and again with the rules kept, where it has to be scored.
ACROSS = {"sub_grade: of another grade than 'grade'", "earliest_cr_line: later than issue_d"}


def answers(folder: Path, settings: ApiSettings, *, examples: int, headers: dict[str, str]) -> Counter[int]:
    """Have requests made from the description and look at every answer; return how many had which status."""
    models = Models(lambda: folder)
    models.refresh()
    app = create_app(models, settings)
    inner, number, seen = app.wsgi_app, count(), Counter[int]()

    def counted(environ: Any, start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            seen[int(status[:3])] += 1
            return start_response(status, *rest)

        # Each from another address, or those without a key would soon be told to wait.
        return inner(environ | {"REMOTE_ADDR": f"caller {next(number)}"}, start)

    def check(case: Any) -> None:
        response = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        if case.meta.generation.mode.is_positive and response.status_code == 422:
            assert messages(response) <= ACROSS, response.text
            keep_rules_across(case.body)
            assert case.call_and_validate(headers=headers).status_code == 200

    app.wsgi_app = counted
    load_all_checks()
    config = SchemathesisConfig.from_dict({"seed": 1, "generation": {"mode": "all"}})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config, headers=headers)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == OPERATIONS + (settings.records is not None)
    # By hand and not by `schema.parametrize`: its tests share one name, of which xdist runs one.
    settings_ = hypothesis.settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    for operation in operations:
        parts = HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode), settings=settings_, seed=1)
        create_test(operation=operation, test_func=check, config=parts)()
    return seen


def messages(response: Any) -> set[str]:
    return {fault["message"] for fault in json.loads(response.content).get("errors", [])}


def keep_rules_across(body: dict[str, Any]) -> None:
    for row in body.get("applications", [body]):
        row["grade"] = row["sub_grade"][0]
        row["earliest_cr_line"], row["issue_d"] = "Jan-1999", "Jan-2000"


@pytest.mark.parametrize("examples", [25, pytest.param(700, marks=pytest.mark.long)])
def test_requests_are_answered_as_described(model_folder: Path, examples: int):
    seen = answers(model_folder, ApiSettings(), examples=examples, headers={})
    print(dict(seen))
    assert seen.total() > 3 * examples
    assert seen[200] > examples / 3
    assert seen[422] > examples
    assert {400, 405, 415} <= set(seen)
    assert not [status for status in seen if status >= 500]


def test_the_same_holds_where_decisions_are_taken(model_folder: Path, tmp_path: Path):
    settings = ApiSettings(records=Records(str(tmp_path / "decisions.db")))
    seen = answers(model_folder, settings, examples=10, headers={})
    assert {200, 404, 422} <= set(seen)
    assert not [status for status in seen if status >= 500]


def test_the_same_holds_where_keys_are_asked_for(model_folder: Path):
    keys = Keys({"contract": hashlib.sha256(HEADERS["X-API-Key"].encode()).digest()})
    seen = answers(model_folder, ApiSettings(keys=keys), examples=10, headers=HEADERS)
    print(dict(seen))
    assert {200, 401, 422} <= set(seen)
    assert not [status for status in seen if status >= 500]
