"""A model that MLflow loads takes what the documentation shows and what `loantap score` takes, and answers the same."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from absences import absent

from loantap.errors import InputError
from loantap.model.persistence import load_model
from loantap.scoring.application import score_application
from loantap.settings import project_root
from loantap_serving import tracking_store
from loantap_serving.batch import score_file
from loantap_serving.registry import example, signature

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel


@pytest.fixture(scope="module")
def loaded(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> "PyFuncModel":
    """The model as MLflow reads it, its signature enforced."""
    if not tracking_store.has_mlflow():
        absent("MLflow")
    import mlflow

    path = tmp_path_factory.mktemp("pyfunc") / "model"
    mlflow.pyfunc.save_model(
        path,
        loader_module="loantap.scoring.pyfunc",
        data_path=str(model_folder),
        signature=signature(load_model(model_folder)),
        input_example=example(),
        pip_requirements=[],
    )
    return mlflow.pyfunc.load_model(str(path))


@pytest.fixture(scope="module")
def raw(raw_loans: pd.DataFrame) -> pd.DataFrame:
    """Rows of a raw file, with the outcome, the address, and a blank before the term."""
    found = raw_loans.head(300)
    assert set(found["term"]) == {" 36 months", " 60 months"}
    assert {"address", "loan_status"} < set(found)
    assert found["mort_acc"].isna().any()
    return found


@pytest.fixture(scope="module")
def file(raw: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "applications.csv"
    raw.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def scores(model_folder: Path, file: Path) -> pd.DataFrame:
    """What `loantap score` says of the file."""
    out = file.with_name("scores.parquet")
    assert score_file(load_model(model_folder), file, out).refused == 0
    return pd.read_parquet(out, columns=["probability_of_default", "decision"]).astype({"decision": "str"})


def documented() -> dict[str, Any]:
    """Return the application that docs/api.md shows."""
    page = (project_root() / "docs" / "api.md").read_text("utf-8")
    found: dict[str, Any] = json.loads(re.search(r"-d '(\{.*?\})'", page, re.DOTALL)[1])
    assert isinstance(found["loan_amnt"], int), "a whole number, as people write amounts"
    return found


@pytest.mark.parametrize("form", [lambda one: one, lambda one: pd.DataFrame([one]), lambda one: [one]], ids=["dict", "frame", "list"])  # fmt: skip
def test_the_documented_application_is_scored_as_the_service_does(loaded: "PyFuncModel", model_folder: Path, form: Any):
    answer = loaded.predict(form(documented()))
    wanted = score_application(load_model(model_folder), documented())
    assert answer["probability_of_default"].tolist() == pytest.approx([wanted.probability_of_default], abs=1e-12)
    assert answer["decision"].tolist() == [wanted.decision]


def test_rows_of_a_raw_file_get_the_answers_of_batch_scoring(
    loaded: "PyFuncModel", raw: pd.DataFrame, scores: pd.DataFrame
):
    for frame in (raw, raw.drop(columns="grade")):  # batch scoring does without the grade too
        pd.testing.assert_frame_equal(loaded.predict(frame), scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("types", [None, "str", "object"])
def test_a_file_may_be_read_as_anybody_reads_it(
    loaded: "PyFuncModel", file: Path, scores: pd.DataFrame, types: str | None
):
    """By default pandas makes whole numbers of columns without decimals, and floats of those with missing values."""
    frame = pd.read_csv(file, dtype=types)
    pd.testing.assert_frame_equal(loaded.predict(frame), scores, rtol=0, atol=1e-12)


def test_the_answers_bear_the_labels_of_the_applications(
    loaded: "PyFuncModel", raw: pd.DataFrame, scores: pd.DataFrame
):
    labelled = raw.set_axis([f"application {place}" for place in range(len(raw))])
    answer = loaded.predict(labelled)
    assert answer.index.tolist() == labelled.index.tolist()
    assert answer["decision"].tolist() == scores["decision"].tolist()


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_a_missing_value_is_the_same_as_an_absent_column(loaded: "PyFuncModel", raw: pd.DataFrame, nothing: Any):
    optional = ["emp_title", "emp_length", "title", "revol_util", "mort_acc", "pub_rec_bankruptcies"]
    without = loaded.predict(raw.drop(columns=optional))
    pd.testing.assert_frame_equal(loaded.predict(raw.assign(**dict.fromkeys(optional, nothing))), without)


def test_what_cannot_be_absent_is_named(loaded: "PyFuncModel", raw: pd.DataFrame):
    from mlflow import MlflowException

    with pytest.raises(MlflowException, match=r"missing inputs \['loan_amnt', 'annual_inc'\]"):
        loaded.predict(raw.drop(columns=["loan_amnt", "annual_inc"]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"home_ownership": "A TENT"}, r"'home_ownership': not an allowed value: 1 in row 3\. Expected one of: MORTGAGE, "),
        ({"annual_inc": -1}, r"'annual_inc': below 0: 1 in row 3 \(such as '-1\.0'\)\. Expected a number, 0 or more"),
        ({"loan_amnt": "much"}, r"'loan_amnt': not a number: 1 in row 3\. Expected a number, 1 or more"),
        ({"loan_amnt": None}, r"'loan_amnt': missing: 1 in row 3\. Expected a number, 1 or more"),
        ({"grade": "A", "sub_grade": "B2"}, r"'sub_grade': of another grade than 'grade': 1 in row 3"),
        ({"issue_d": "Jan-2015", "earliest_cr_line": "Feb-2015"}, r"'earliest_cr_line': later than issue_d: 1 in row 3"),
    ],
)  # fmt: skip
def test_an_application_that_breaks_a_rule_is_told_with_row_column_and_rule(
    loaded: "PyFuncModel", raw: pd.DataFrame, changes: dict[str, Any], said: str
):
    spoilt = raw.head(5).astype(dict.fromkeys(changes, "object"))
    for name, value in changes.items():
        spoilt.iloc[2, spoilt.columns.get_loc(name)] = value
    with pytest.raises(InputError, match=said):
        loaded.predict(spoilt)


def test_the_example_is_an_application_that_is_scored(loaded: "PyFuncModel"):
    assert loaded.predict(loaded.input_example)["probability_of_default"].between(0, 1).all()
