from typing import Any

import pytest
from pydantic import ValidationError

from loantap.data.applications import FIELDS, Application, month_number, rule, this_month
from loantap.data.columns import BY_NAME

Fields = dict[str, Any]


def complaints(values: Fields) -> list[dict]:
    with pytest.raises(ValidationError) as caught:
        Application(**values)
    return caught.value.errors()


def test_fields_are_what_is_known_at_the_application_and_the_price_without_the_address():
    names = {column.name for column in FIELDS}
    assert names == set(Application.model_fields)
    assert {"address", "loan_status", "initial_list_status", "pincode"}.isdisjoint(names)
    assert {name for name, column in BY_NAME.items() if column.feature} <= names


def test_a_whole_application_is_taken(application: Fields):
    assert Application(**application).model_dump() == application


@pytest.mark.parametrize("name", [column.name for column in FIELDS])
def test_a_field_may_be_absent_only_if_the_codebook_says_so(application: Fields, name: str):
    without = {key: value for key, value in application.items() if key != name}
    # The month of funding is the present one then, and the installment the annuity.
    if BY_NAME[name].missing or name in ("issue_d", "installment"):
        assert getattr(Application(**without), name) is None
    else:
        assert complaints(without)[0]["loc"] == (name,)


@pytest.mark.parametrize(
    "column", [column for column in FIELDS if column.kind == "number"], ids=lambda column: column.name
)
def test_numbers_keep_to_the_range_of_the_codebook(application: Fields, column):
    assert Application(**application | {column.name: column.low})
    wrong = [column.low - 0.01, float("nan"), float("inf"), "12", True]
    if column.high < float("inf"):
        assert Application(**application | {column.name: column.high})
        wrong.append(column.high * 1.001)
    for value in wrong:
        assert complaints(application | {column.name: value})[0]["loc"] == (column.name,)


@pytest.mark.parametrize(
    "column", [column for column in FIELDS if column.kind == "category"], ids=lambda column: column.name
)
def test_categories_keep_to_the_levels_of_the_codebook(application: Fields, column):
    for value in ("elsewhere", column.levels[0].lower() + " ", 1, ["A"]):
        assert column.name in {
            error["loc"][0] for error in complaints(application | {column.name: value}) if error["loc"]
        }


@pytest.mark.parametrize("value", ["Jan-15", "jan-2015", "2015-01", "Jan-2015 ", "Jan-1899", "Foo-2015", 201501])
def test_a_month_has_one_form(application: Fields, value: object):
    assert complaints(application | {"earliest_cr_line": value})[0]["loc"] == ("earliest_cr_line",)


@pytest.mark.parametrize("value", ["a\x00b", "line\nbreak", "x" * 201, "\x7f"])
def test_free_text_holds_no_control_characters_and_is_not_long(application: Fields, value: str):
    assert complaints(application | {"emp_title": value})[0]["loc"] == ("emp_title",)


@pytest.mark.parametrize("value", ["'; DROP TABLE loans; --", "<script>alert(1)</script>", "Ärztin 医生"])
def test_free_text_may_be_anything_else(application: Fields, value: str):
    assert Application(**application | {"emp_title": value})


def test_a_field_that_is_no_field_is_named(application: Fields):
    assert complaints(application | {"pincode": "00813"})[0]["loc"] == ("pincode",)
    assert rule("pincode") == "no field of an application"


def test_a_sub_grade_of_another_grade_is_named(application: Fields):
    assert "sub_grade: of another grade" in complaints(application | {"sub_grade": "C1"})[0]["msg"]


def test_credit_before_the_first_credit_line_is_named(application: Fields):
    assert "later than issue_d" in complaints(application | {"earliest_cr_line": "Feb-2015"})[0]["msg"]
    assert Application(**application | {"earliest_cr_line": "Jan-2015"})
    assert "later than issue_d" in complaints(application | {"issue_d": None, "earliest_cr_line": "Jan-2099"})[0]["msg"]


def test_months_are_counted():
    assert month_number("Feb-2015") - month_number("Dec-2013") == 14
    assert month_number(this_month()) >= month_number("Nov-2026")
