"""An application as a form asks for it: where its fields start, and what is wrong with what was entered."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from loantap.data.applications import FIELDS, Application, rule, this_month
from loantap.data.columns import BY_NAME
from loantap.model.inputs import PLACES
from loantap.model.metadata import TrainingSummary

# A sub-grade says its grade, so that nobody is asked for both.
ASKED = tuple(column for column in FIELDS if column.name != "grade")


def starting_values(training: TrainingSummary) -> dict[str, Any]:
    """Return a value for each field that is asked for: the median or the commonest level of the training loans.

    What may be missing and is not summarised starts empty.
    """
    return {column.name: _start(column.name, training) for column in ASKED}


def _start(name: str, training: TrainingSummary) -> Any:
    column, numbers = BY_NAME[name], training.numbers
    if shares := training.categories.get(name):
        return max(shares, key=lambda level: shares[level])
    if name == "term" and name in numbers:
        return f"{numbers[name].median:.0f} months"
    if name in PLACES and name in numbers:
        return PLACES[name][int(numbers[name].median)]
    if name == "emp_length" and "emp_length_years" in numbers:
        return column.levels[int(numbers["emp_length_years"].median)]
    if name == "earliest_cr_line" and "credit_history_months" in numbers:
        now = this_month()
        return f"{now[:4]}{int(now[4:]) - round(numbers['credit_history_months'].median / 12)}"
    if name in numbers:
        return round(numbers[name].median, 2)  # as the form shows it
    if column.missing or name == "issue_d":
        return None
    return column.levels[0] if column.levels else None


def check_form(entered: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Return an application made of what was entered, or None, and what is wrong, in words, by field.

    Args:
        entered: By field that is asked for; empty ones as None or an empty text.
    """
    values = {name: None if value == "" else value for name, value in entered.items()}
    values["grade"] = str(values["sub_grade"])[:1]
    try:
        return Application(**values).model_dump(), {}
    except ValidationError as error:
        found = [(_place(line), line) for line in error.errors()]
        return None, {field: _words(field, line) for field, line in reversed(found)}


def _place(line: ErrorDetails) -> str:
    return str(line["loc"][0] if line["loc"] else line["ctx"]["field"])


def _words(field: str, line: ErrorDetails) -> str:
    if not line["loc"]:  # a rule between fields says all of it
        said = line["msg"].partition(": ")[2]
        return f"Expected another value: this is {said}."
    if BY_NAME[field].kind == "text":
        return f"{line['msg']}; no control characters."
    came = "nothing" if line["input"] is None else repr(line["input"])
    return f"Expected {rule(field)}. Got {came}."
