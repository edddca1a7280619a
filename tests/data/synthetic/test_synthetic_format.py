"""The raw file's quirks, and its columns, dtypes and levels where the real sample is at hand."""

import io
from pathlib import Path

import pandas as pd
import pytest

from loantap.data.synthetic import generate_loans

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "loantap_real_7239.csv.gz"
CATEGORIES = [
    "term",
    "grade",
    "sub_grade",
    "emp_length",
    "home_ownership",
    "verification_status",
    "loan_status",
    "purpose",
    "initial_list_status",
    "application_type",
]


@pytest.fixture(scope="module")
def loans():
    return generate_loans(20_000, seed=3)


@pytest.fixture(scope="module")
def read_back(loans):
    return pd.read_csv(io.StringIO(loans.to_csv(index=False)))


@pytest.fixture(scope="module")
def sample():
    if not SAMPLE.exists():
        pytest.skip("the sample of real loans is not on this machine; it is not part of the project")
    return pd.read_csv(SAMPLE)


def test_term_keeps_its_leading_space(loans):
    assert set(loans["term"]) == {" 36 months", " 60 months"}


def test_pincode_keeps_its_leading_zero(loans):
    pincodes = set(loans["address"].str[-5:])
    assert {"00813", "05113"} < pincodes
    assert len(pincodes) == 10
    assert all(len(p) == 5 and p.isdigit() for p in pincodes)


def test_address_is_two_lines_with_carriage_return_and_line_feed(loans):
    assert (loans["address"].str.count("\r\n") == 1).all()
    assert loans["address"].str.fullmatch(r"(?s)[^\r\n]+\r\n(FPO|DPO|APO|[^,\r\n]+,) [A-Z]{2} \d{5}").all()


def test_dates_are_short_month_and_year(loans):
    for column in ("issue_d", "earliest_cr_line"):
        assert loans[column].str.fullmatch(r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4}").all()


def test_the_csv_comes_back_from_pandas_as_it_went_in(loans, read_back):
    pd.testing.assert_frame_equal(read_back, loans)


def test_numbers_have_no_more_digits_than_the_raw_file(loans):
    for column, digits in {"int_rate": 2, "installment": 2, "dti": 2, "revol_util": 1, "loan_amnt": 0}.items():
        assert loans[column].equals(loans[column].round(digits))


def test_columns_and_dtypes_are_those_of_the_real_file(read_back, sample):
    assert list(read_back.columns) == list(sample.columns)
    assert read_back.dtypes.to_dict() == sample.dtypes.to_dict()


@pytest.mark.parametrize("column", CATEGORIES)
def test_levels_are_those_of_the_real_file(read_back, sample, column):
    rare = {"home_ownership": {"ANY", "NONE", "OTHER"}}.get(column, set())  # published, too rare for the sample
    assert set(read_back[column].dropna()) <= set(sample[column].dropna()) | rare


def test_the_text_of_a_line_looks_like_the_real_file(sample, loans):
    def shape(frame):
        lines = frame[frame["address"].str.contains(r", [A-Z]{2} ")].head(200).to_csv(index=False).splitlines()
        return {line.count('"') % 2 for line in lines}

    assert shape(loans) == shape(sample)


def test_no_real_address_is_in_the_table(sample, loans):
    civil = sample.loc[sample["address"].str.contains(", "), "address"]
    assert not set(civil) & set(loans["address"])
