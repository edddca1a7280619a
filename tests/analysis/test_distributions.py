import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from loantap.analysis.counts import FrameCounts
from loantap.analysis.distributions import histograms, medians, rank_correlations


@pytest.fixture
def loans() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    default = (rng.random(4000) < 0.2).astype("int8")
    dti = rng.normal(17, 8, 4000) + 3 * default
    util = np.where(rng.random(4000) < 0.1, np.nan, dti + rng.normal(0, 20, 4000))
    return pd.DataFrame(
        {"default": default, "dti": dti, "revol_util": util, "open_acc": rng.poisson(11, 4000).astype(float)}
    )


def test_the_interval_of_the_median_difference_agrees_with_a_bootstrap(loans):
    found = medians(FrameCounts(loans), ["dti"]).iloc[0]
    rng = np.random.default_rng(0)
    bad, good = (loans.loc[loans["default"] == outcome, "dti"].to_numpy() for outcome in (1, 0))
    draws = [np.median(rng.choice(bad, len(bad))) - np.median(rng.choice(good, len(good))) for _ in range(2000)]
    # Two different methods: ends may differ by a quarter of the interval's width.
    tolerance = (found["diff_high"] - found["diff_low"]) / 4
    assert [found["diff_low"], found["diff_high"]] == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=tolerance)


def test_medians_leave_missing_values_out(loans):
    found = medians(FrameCounts(loans), ["revol_util"]).iloc[0]
    assert found["n"] == loans["revol_util"].notna().sum()
    repaid = loans.loc[loans["default"] == 0, "revol_util"]
    # The middle value itself, not the mean of two middle values: half the gap between neighbours.
    assert found["repaid"] == pytest.approx(repaid.median(), abs=0.1)


def test_rank_correlations_agree_with_scipy_pair_by_pair(loans):
    table = rank_correlations(loans, ["dti", "revol_util", "default"])
    for _, row in table.iterrows():
        both = loans[[row["first"], row["second"]]].dropna()
        # The same ranks, correlated by different code: only rounding differs.
        assert row["rho"] == pytest.approx(spearmanr(both).statistic, abs=1e-10)
        assert row["n"] == len(both)
        assert row["ci_low"] < row["rho"] < row["ci_high"]


def test_large_tables_are_sampled_with_the_seed(loans, monkeypatch):
    monkeypatch.setattr("loantap.analysis.distributions.MAX_ROWS", 500)
    first, again = (rank_correlations(loans, ["dti", "open_acc"], random_state=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert first["n"].tolist() == [500]


def test_a_column_of_one_value_has_no_correlation():
    table = rank_correlations(pd.DataFrame({"a": [1.0] * 20, "b": np.arange(20.0)}), ["a", "b"])
    assert table["rho"].isna().all()


def test_histograms_hold_the_loans_between_the_outer_percentiles(loans):
    table = histograms(FrameCounts(loans), ["dti", "open_acc"])
    shares = (table["density"] * (table["right"] - table["left"])).groupby([table["column"], table["outcome"]]).sum()
    # One percent is cut off on either side, a little more or less within one outcome.
    assert shares.to_numpy() == pytest.approx(0.98, abs=0.03)


def test_no_bar_holds_fewer_loans_than_a_small_cell(loans):
    few = loans.iloc[:300]
    table = histograms(FrameCounts(few), ["dti"], min_cell=10)
    totals = table["outcome"].map({"repaid": (few["default"] == 0).sum(), "defaulted": few["default"].sum()})
    loans_per_bar = table["density"] * (table["right"] - table["left"]) * totals
    # Whole counts, divided and multiplied again.
    assert loans_per_bar.min() >= 10 - 1e-6


def test_a_column_that_no_loan_has_a_value_of_is_left_out():
    loans = pd.DataFrame({"dti": np.arange(40.0), "revol_util": np.nan, "default": [0, 1] * 20})
    counts, names = FrameCounts(loans), ["dti", "revol_util"]
    assert medians(counts, names)["column"].tolist() == ["dti"]
    assert histograms(counts, names)["column"].unique().tolist() == ["dti"]
