import numpy as np
import pandas as pd
import pytest

from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts, factor_values, stratified_counts
from loantap.errors import InputError


@pytest.mark.parametrize(
    "factor",
    [
        "pincode",
        "grade",
        "sub_grade",
        "home_ownership",
        "term",
        "emp_length",
        "profession",
        "profession_group",
        "mort_acc",
    ],
)
def test_every_loan_is_counted_once(loans, factor):
    counts = factor_counts(FrameCounts(loans), factor)
    assert counts["n"].sum() == len(loans)
    assert counts["defaults"].sum() == loans["default"].sum()
    assert counts["level"].is_unique


def test_counts_agree_with_a_crosstab(loans):
    counts = factor_counts(FrameCounts(loans), "grade").set_index("level")
    table = pd.crosstab(loans["grade"], loans["default"])
    assert counts["defaults"].tolist() == table[1].tolist()
    assert (counts["n"] - counts["defaults"]).tolist() == table[0].tolist()


def test_ordered_factors_keep_their_order_and_others_start_with_the_largest(loans):
    assert factor_counts(FrameCounts(loans), "grade")["level"].tolist() == sorted(
        factor_counts(FrameCounts(loans), "grade")["level"]
    )
    assert factor_counts(FrameCounts(loans), "home_ownership")["n"].is_monotonic_decreasing


def test_pincode_keeps_its_leading_zero(loans):
    assert "00813" in factor_counts(FrameCounts(loans), "pincode")["level"].tolist()


def test_missing_values_are_a_level_or_left_out(loans):
    missing = int(loans["emp_length"].isna().sum())
    assert factor_counts(FrameCounts(loans), "emp_length").set_index("level").loc["Missing", "n"] == missing
    assert factor_counts(FrameCounts(loans), "emp_length", keep_missing=False)["n"].sum() == len(loans) - missing


def test_whole_numbers_are_named_without_decimals():
    loans = pd.DataFrame({"mort_acc": [0.0, 1.0, np.nan], "default": [0, 1, 1]})
    assert set(factor_counts(FrameCounts(loans), "mort_acc")["level"]) == {"0", "1", "Missing"}


def test_the_order_of_rows_changes_nothing(loans):
    shuffled = loans.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(
        factor_counts(FrameCounts(shuffled), "home_ownership"), factor_counts(FrameCounts(loans), "home_ownership")
    )


def test_professions_are_counted_as_those_of_single_loans(loans):
    mapped = factor_values(loans, "profession").value_counts()
    counts = factor_counts(FrameCounts(loans), "profession").set_index("level")["n"]
    assert counts.to_dict() == mapped[mapped > 0].to_dict()


def test_strata_add_up_to_the_counts(loans):
    strata = stratified_counts(FrameCounts(loans), "home_ownership").groupby("level")["n"].sum()
    assert strata.to_dict() == factor_counts(FrameCounts(loans), "home_ownership").set_index("level")["n"].to_dict()


def test_an_unknown_factor_is_refused(loans):
    with pytest.raises(InputError, match="expected columns of the loans, got shoe_size"):
        factor_counts(FrameCounts(loans), "shoe_size")
