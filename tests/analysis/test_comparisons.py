import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from loantap.analysis.comparisons import compare_groups, contrast, missing_values, rate_difference
from loantap.analysis.counts import FrameCounts
from loantap.analysis.summaries import with_intervals


def test_the_difference_has_the_interval_of_newcombes_published_example():
    # Newcombe (1998), method 10, example (a): 56/70 against 48/80, published to four digits.
    difference, low, high = rate_difference((56, 70), (48, 80))
    assert (difference, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_difference_agrees_with_the_formula_from_two_wilson_intervals():
    difference, low, high = rate_difference((30, 200), (9, 150))
    first, second = (binomtest(k, n).proportion_ci(method="wilson") for k, n in ((30, 200), (9, 150)))
    # The same closed formula: only rounding differs.
    assert low == pytest.approx(difference - np.hypot(0.15 - first.low, second.high - 0.06), abs=1e-12)
    assert high == pytest.approx(difference + np.hypot(first.high - 0.15, 0.06 - second.low), abs=1e-12)


def rates(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return with_intervals(pd.DataFrame(rows, columns=["level", "n", "defaults"]))


def test_contrast_takes_the_pair_that_is_surest_to_differ():
    # The rare level is the most extreme, and tells least.
    found = contrast(rates(("a", 500, 50), ("b", 500, 150), ("c", 500, 100), ("rare", 12, 6)))
    assert (found.high, found.low, found.pairs, found.n) == ("b", "a", 6, 1000)
    assert found.difference == pytest.approx(0.2)


def test_where_nothing_differs_the_surest_pair_is_not_just_the_largest():
    found = contrast(rates(("a", 5000, 1000), ("b", 5000, 1010), ("c", 100, 26)))
    assert found.ci_low < 0
    assert (found.high, found.low) == ("c", "a")


def test_the_interval_of_a_picked_pair_holds_for_all_pairs():
    found = contrast(rates(("a", 500, 50), ("b", 500, 150), ("c", 500, 100)), confidence=0.9)
    expected = rate_difference((150, 500), (50, 500), confidence=1 - 0.1 / 3)
    assert (found.difference, found.ci_low, found.ci_high) == pytest.approx(expected)
    assert found.confidence == 0.9


@pytest.mark.parametrize("levels", [4, 25])
def test_levels_without_a_difference_are_rarely_told_apart(levels):
    rng = np.random.default_rng(levels)
    n = rng.integers(20, 400, levels)
    wrong = [
        contrast(
            with_intervals(pd.DataFrame({"level": map(str, range(levels)), "n": n, "defaults": rng.binomial(n, 0.2)}))
        ).ci_low
        > 0
        for _ in range(200)
    ]
    # At an error rate of 5%, 200 tables have more than this many false alarms once in 1,000 times.
    assert sum(wrong) <= binom.ppf(0.999, 200, 0.05)


def test_contrast_of_ends_takes_the_first_and_last_known_level():
    found = contrast(rates(("1", 100, 30), ("2", 100, 50), ("3", 100, 20), ("missing", 100, 90)), ends=True)
    assert (found.high, found.low, found.pairs) == ("1", "3", 1)


def test_contrast_of_ends_needs_two_known_levels():
    assert contrast(rates(("1", 100, 30), ("missing", 100, 90)), ends=True) is None


@pytest.mark.parametrize("ends", [True, False])
def test_one_level_cannot_be_compared(ends):
    assert contrast(rates(("36", 100, 20)), ends=ends) is None


def compare(*groups: list[bool], counts: pd.DataFrame, **options: float) -> pd.DataFrame:
    return compare_groups([({"group": name}, counts, pd.Series(rows)) for name, rows in enumerate(groups)], **options)


def test_groups_are_compared_with_all_other_loans():
    counts = pd.DataFrame({"n": [12, 8, 100], "defaults": [10, 0, 20]})
    found = compare([True, True, False], counts=counts).iloc[0]
    assert (found["group"], found["n"], found["default_rate"], found["other_rate"]) == (0, 20, 0.5, 0.2)
    assert found["share"] == pytest.approx(20 / 120)
    assert (found["difference"], found["diff_low"], found["diff_high"]) == pytest.approx(
        rate_difference((10, 20), (20, 100))
    )


def test_differences_hold_for_all_groups_that_are_shown_at_once():
    counts = pd.DataFrame({"n": [20, 5, 95], "defaults": [10, 0, 20]})
    found = compare([True, False, False], [False, True, False], [False, False, True], counts=counts, confidence=0.9)
    expected = rate_difference((10, 20), (20, 100), confidence=0.95)
    assert found.loc[0, ["difference", "diff_low", "diff_high"]].tolist() == pytest.approx(expected)
    assert found["n"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("inside", [9, 111])
def test_a_small_group_shows_no_numbers_nor_does_the_rest_of_a_group_that_leaves_few(inside):
    counts = pd.DataFrame({"n": [inside, 120 - inside], "defaults": [4, 60]})
    assert compare([True, False], counts=counts).drop(columns="group").isna().all(axis=None)


def test_missing_values_list_incomplete_columns_only_and_the_emptiest_first():
    row = np.arange(100.0)
    loans = pd.DataFrame({"few": np.where(row < 3, np.nan, row), "none": row, "many": np.where(row < 40, np.nan, row)})
    table = missing_values(FrameCounts(loans.assign(default=[1, 0] * 50)), ["few", "none", "many"])
    assert table["column"].tolist() == ["many", "few"]
    assert table["share"].tolist() == [0.4, pytest.approx(np.nan, nan_ok=True)]


def test_a_complete_table_has_no_missing_values():
    assert missing_values(FrameCounts(pd.DataFrame({"a": 1.0, "default": [0, 1] * 10})), ["a"]).empty
