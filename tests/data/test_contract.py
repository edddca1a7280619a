import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loantap.data.columns import NAMES
from loantap.data.contract import check_loans, summarise


def with_value(raw: pd.DataFrame, column: str, value: object, row: int = 2) -> pd.DataFrame:
    changed = raw.head(5).astype("object").set_axis(range(1, 6), axis=0)
    changed.loc[row, column] = value
    return changed


def only_failure(raw: pd.DataFrame) -> tuple[int, str, str]:
    _, failures = check_loans(raw)
    assert len(failures) == 1, failures
    found = failures.iloc[0]
    return found["row"], found["column"], found["rule"]


def test_good_loans_have_no_failures(raw_loans: pd.DataFrame):
    parsed, failures = check_loans(raw_loans)
    assert failures.empty
    assert len(parsed) == len(raw_loans)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("dti", "-3", "below 0"),
        ("dti", "10000", "above 9,999"),
        ("int_rate", "0.1144", "below 1"),
        ("loan_amnt", "0", "below 1"),
        ("annual_inc", "1e999", "not a number"),
        ("annual_inc", "fifty", "not a number"),
        ("annual_inc", "55,000", "a number with thousands separators"),
        ("annual_inc", None, "missing"),
        ("grade", "H", "not an allowed value"),
        ("purpose", "yacht", "not an allowed value"),
        ("loan_status", "Paid", "not an allowed value"),
        ("issue_d", "2015-13", "not a month"),
        ("issue_d", "Foo-2015", "not a month"),
        ("address", "1 Road, OK 2269", "no state and pincode at its end"),
        ("address", None, "missing"),
    ],
)
def test_an_impossible_value_is_one_failure(raw_loans: pd.DataFrame, column: str, value: object, rule: str):
    raw = with_value(raw_loans, column, value)
    if column == "grade":
        raw.loc[2, "sub_grade"] = "H1"
        _, failures = check_loans(raw)
        assert set(failures["column"]) == {"grade", "sub_grade"}
        return
    assert only_failure(raw) == (2, column, rule)


def test_a_sub_grade_must_belong_to_its_grade(raw_loans: pd.DataFrame):
    raw = with_value(raw_loans, "sub_grade", "G5")
    raw.loc[2, "grade"] = "A"
    assert only_failure(raw) == (2, "sub_grade", "of another grade than 'grade'")


def test_a_first_credit_line_after_funding_is_a_failure(raw_loans: pd.DataFrame):
    assert only_failure(with_value(raw_loans, "earliest_cr_line", "Dec-2030"))[2] == "later than issue_d"


def test_the_header_again_is_one_failure(raw_loans: pd.DataFrame):
    raw = raw_loans.head(5).astype("object").set_axis(range(1, 6), axis=0)
    raw.loc[3] = list(NAMES)
    assert only_failure(raw)[::2] == (3, "the header line stands again among the loans")


def test_all_problems_are_found_at_once(raw_loans: pd.DataFrame):
    raw = with_value(raw_loans, "dti", "-3")
    raw.loc[3, "dti"], raw.loc[4, "grade"], raw.loc[4, "sub_grade"] = "-4", "H", "H9"
    _, failures = check_loans(raw)
    problems = {problem.column: problem for problem in summarise(failures)}
    assert problems["dti"].rows == (2, 3)
    assert problems["dti"].values == ("-3.0",)
    assert str(problems["dti"]) == (
        "column 'dti': below 0: 2 in rows 2, 3 (such as '-3.0'). "
        "Expected a number, 0 to 9,999, in percent of monthly income."
    )
    assert set(problems) == {"dti", "grade", "sub_grade"}


def test_texts_and_addresses_are_never_quoted(raw_loans: pd.DataFrame):
    _, failures = check_loans(with_value(raw_loans, "address", "1 Secret Road"))
    assert "Secret" not in str(summarise(failures)[0])


def test_a_pincode_keeps_its_leading_zero(raw_loans: pd.DataFrame):
    parsed, _ = check_loans(with_value(raw_loans, "address", "1 Road\r\nTown, OK 00813"))
    assert parsed.loc[2, "pincode"] == "00813"
    assert parsed.loc[2, "state"] == "OK"


def test_typed_values_are_taken_as_they_are(raw_loans: pd.DataFrame):
    typed = raw_loans.assign(
        issue_d=pd.to_datetime(raw_loans["issue_d"], format="%b-%Y"),
        earliest_cr_line=pd.to_datetime(raw_loans["earliest_cr_line"], format="%b-%Y"),
    )
    from_types, failures = check_loans(typed)
    from_texts, _ = check_loans(raw_loans.astype({"loan_amnt": "str"}))
    assert failures.empty
    pd.testing.assert_frame_equal(from_types, from_texts, check_dtype=False)


@settings(max_examples=60)
@given(value=st.one_of(st.text(max_size=12), st.floats(width=32).map(str), st.none()), column=st.sampled_from(NAMES))
def test_any_value_is_parsed_or_reported_and_never_lost(raw_loans: pd.DataFrame, value: str | None, column: str):
    raw = with_value(raw_loans, column, value)
    parsed, failures = check_loans(raw)
    assert list(parsed.index) == list(raw.index)
    assert set(failures["row"]) <= {2}
    if column in ("loan_amnt", "dti") and failures.empty:
        assert np.isclose(parsed.loc[2, column], float(str(value)))
