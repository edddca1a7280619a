"""A form's values: where they start, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import pytest

from loantap.data.applications import Application, rule
from loantap.data.columns import BY_NAME
from loantap.model.metadata import TrainingSummary
from loantap.model.persistence import load_model
from loantap_serving.form import ASKED, check_form, starting_values


@pytest.fixture(scope="module")
def training(model_folder: Path) -> TrainingSummary:
    return load_model(model_folder).training


def test_the_form_starts_with_a_whole_application(training: TrainingSummary):
    values = starting_values(training)
    assert list(values) == [column.name for column in ASKED]
    application, wrong = check_form(values)
    assert wrong == {}
    assert application is not None
    assert Application(**application)
    assert application["loan_amnt"] == round(training.numbers["loan_amnt"].median, 2)
    assert application["sub_grade"] == BY_NAME["sub_grade"].levels[int(training.numbers["sub_grade"].median)]


def test_a_sub_grade_says_its_grade_and_nobody_is_asked_for_both(training: TrainingSummary):
    assert "grade" not in starting_values(training)
    application, wrong = check_form(starting_values(training) | {"sub_grade": "G5"})
    assert wrong == {}
    assert application is not None
    assert application["grade"] == "G"


def test_an_installment_may_stay_empty(training: TrainingSummary):
    application, wrong = check_form(starting_values(training) | {"installment": None})
    assert wrong == {}
    assert application is not None
    assert application["installment"] is None


def test_an_installment_that_was_entered_stays(training: TrainingSummary):
    application, _ = check_form(starting_values(training) | {"installment": 500.0})
    assert application is not None
    assert application["installment"] == 500.0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("int_rate", 0.0, "Expected a number, 1 to 60, in percent a year. Got 0.0."),
        ("loan_amnt", None, f"Expected {rule('loan_amnt')}. Got nothing."),
        ("earliest_cr_line", "1990-06", "Expected a month such as Jan-2015. Got '1990-06'."),
        ("earliest_cr_line", "Jan-2099", "Expected another value: this is later than issue_d."),
        ("emp_title", "x" * 201, "String should have at most 200 characters; no control characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, value: Any, said: str, training: TrainingSummary):
    application, wrong = check_form(starting_values(training) | {field: value})
    assert application is None
    assert wrong[field] == said


def test_all_wrong_fields_are_named_at_once(training: TrainingSummary):
    _, wrong = check_form(starting_values(training) | {"dti": -1.0, "annual_inc": None, "earliest_cr_line": ""})
    assert set(wrong) == {"dti", "annual_inc", "earliest_cr_line"}


@pytest.mark.parametrize(("field", "value"), [("int_rate", 1e-14), ("int_rate", 0.0), ("loan_amnt", None), ("term", None), ("dti", -1.0)])  # fmt: skip
def test_an_installment_left_open_is_no_second_fault(field: str, value: Any, training: TrainingSummary):
    application, wrong = check_form(starting_values(training) | {field: value})
    assert application is None
    assert list(wrong) == [field]
