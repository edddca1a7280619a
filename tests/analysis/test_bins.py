"""Bins have round edges or edges at quantiles, hold enough loans, and leave nobody's value to be read off."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.analysis import bins as binning
from loantap.analysis.bins import round_bins


def binned(values: pd.Series, *, bins: int = 10, least: int = 1) -> pd.Series:
    """Return the bin of each of some loans, counted one by one."""
    return round_bins(values, pd.Series(1, index=values.index), bins=bins, least=least)


def by_quantile(values: pd.Series, *, bins: int = 10) -> pd.Series:
    return binning.binned(values, pd.Series(1, index=values.index), bins=bins)


EITHER = pytest.mark.parametrize("cut", [binned, by_quantile])


def labels(values: pd.Series, **options: int) -> list[str]:
    return binned(values, **options).cat.categories.tolist()


def edges(values: pd.Series, **options: int) -> list[float]:
    """Return the numbers at which the bins begin."""
    starts = [re.match(r"(?:under )?([\d,.]+)", label)[1] for label in labels(values, **options)[1:]]  # type: ignore[index]
    return [float(start.replace(",", "")) for start in starts]


def test_amounts_are_cut_at_round_thousands():
    amounts = pd.Series(np.arange(1_000, 35_001, 25))
    assert labels(amounts) == [
        "under 5,000", "5,000 to 9,999", "10,000 to 14,999", "15,000 to 19,999", "20,000 to 24,999", "25,000 to 29,999", "30,000 or more",
    ]  # fmt: skip


def test_fractions_state_that_the_lower_edge_belongs_to_the_bin():
    values = pd.Series(np.arange(0.5, 40, 0.1).round(1))
    levels = binned(values)
    assert levels.cat.categories[:2].tolist() == ["under 5", "5 to under 10"]
    assert levels[values == 5].item() == "5 to under 10"
    assert levels.cat.categories[-1] == "35 or more"


@given(st.lists(st.integers(0, 1_000_000), min_size=30, max_size=300), st.floats(1e-3, 1e3), st.integers(2, 20))
def test_edges_are_round_and_every_bin_holds_its_share(whole: list[int], unit: float, bins: int):
    values = pd.Series(np.array(whole) * unit)
    if values.nunique() <= bins:
        return
    levels = binned(values, bins=bins, least=5)
    counts = levels.value_counts(sort=False)
    assert levels.notna().all()
    assert len(counts) <= bins
    assert len(counts) == 1 or counts.min() >= 5
    found = edges(values, bins=bins, least=5)
    if len(found) > 1:
        width = min(np.diff(found))
        mantissa = float(f"{width:e}".split("e")[0])
        # Bins that were joined are wider by whole widths.
        assert any(
            np.isclose(mantissa * times % step, [0, step], atol=1e-6).any()
            for step in (1, 2, 2.5, 5)
            for times in (1, 10)
        )
    assert all(np.diff(found) > 0)


@EITHER
@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=200), st.integers(2, 12))
def test_bins_keep_the_order_of_the_values(cut: Callable[..., pd.Series], values: list[float], bins: int):
    levels = cut(pd.Series(values), bins=bins)
    assert levels.notna().all()
    codes = levels.cat.codes.to_numpy(dtype="int64")[np.argsort(values, kind="stable")]
    assert (np.diff(codes) >= 0).all()


def test_the_extremes_are_open_and_unnamed():
    amounts = pd.Series([*range(1_003, 30_000, 100), 98_765])
    told = " ".join(labels(amounts))
    assert "1,003" not in told
    assert "98,765" not in told


def test_a_long_tail_is_one_bin():
    incomes = pd.Series(np.exp(np.random.default_rng(0).normal(11, 0.5, 5_000)).round())
    counts = binned(incomes).value_counts(sort=False)
    assert counts.index[0].startswith("under ")
    assert counts.index[-1].endswith(" or more")
    assert counts.min() >= 0.05 * len(incomes)


def test_a_value_that_many_loans_share_is_a_bin_of_its_own():
    counts = binned(pd.Series([0] * 60 + [value for value in range(1, 21) for _ in range(2)]), bins=5).value_counts(
        sort=False
    )
    assert counts["0"] == 60 if "0" in counts else counts.iloc[0] >= 60


def test_where_nearly_all_loans_share_a_value_the_others_are_still_shown():
    counts = binned(pd.Series([0] * 4_000 + [*range(1, 41)]), least=10).value_counts(sort=False)
    assert len(counts) > 1
    assert counts.min() >= 10


@EITHER
@pytest.mark.parametrize("values", [[36, 60, 36], [0.001, 0.002]])
def test_a_column_of_few_values_keeps_them_as_levels(cut: Callable[..., pd.Series], values: list[float]):
    assert cut(pd.Series(values)).cat.categories.tolist() == [str(value) for value in sorted({*values})]


@EITHER
def test_missing_numbers_stay_missing(cut: Callable[..., pd.Series]):
    assert cut(pd.Series([1.0, np.nan, *range(30)])).isna().tolist()[:2] == [False, True]


@pytest.mark.parametrize("bins", [2, 3, 5, 20])
def test_there_are_never_more_bins_than_asked_for(bins: int):
    assert 2 <= len(labels(pd.Series(np.arange(10_000)), bins=bins)) <= bins


def test_quantile_bins_state_their_edges_and_leave_the_extremes_open():
    labels = by_quantile(pd.Series(np.arange(1.0, 101.0)), bins=4).cat.categories
    assert labels.tolist() == ["up to 25", "26 to 50", "51 to 75", "76 or more"]


def test_edges_of_fractions_belong_to_the_lower_bin():
    values = pd.Series(np.arange(0.5, 100.5))
    levels = by_quantile(values, bins=4)
    assert levels.cat.categories.tolist() == ["up to 24.5", "over 24.5 to 49.5", "over 49.5 to 74.5", "over 74.5"]
    assert levels[values == 24.5].item() == "up to 24.5"


def test_a_value_that_many_loans_share_is_a_quantile_bin_of_its_own():
    levels = by_quantile(pd.Series([0.0] * 60 + list(range(1, 41))), bins=5)
    assert levels.value_counts()["0"] == 60
    assert "1 to 20" in levels.cat.categories


def test_many_loans_at_the_largest_value_leave_a_bin_for_the_others():
    levels = by_quantile(pd.Series([*range(10), *[50] * 40]), bins=5)
    assert levels.value_counts(sort=False).to_dict() == {"up to 9": 10, "10 or more": 40}
