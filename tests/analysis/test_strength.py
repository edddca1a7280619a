import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from loantap.analysis.counts import FrameCounts
from loantap.analysis.strength import auc_interval, driver_strength


@pytest.fixture
def loans() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    default = rng.integers(0, 2, 3000)
    return pd.DataFrame(
        {
            "default": default.astype("int8"),
            "dti": np.round(rng.normal(17, 8, 3000) + 4 * default, 1),
            "annual_inc": np.round(rng.normal(65, 20, 3000) - 10 * default),
            "mort_acc": np.where(rng.random(3000) < 0.1, np.nan, rng.integers(0, 5, 3000)),
            "purpose": pd.Categorical(rng.integers(0, 200, 3000).astype(str)),
        }
    )


def test_auc_is_the_mann_whitney_statistic_per_pair(loans):
    found = driver_strength(FrameCounts(loans), ["dti"]).iloc[0]
    bad, good = (loans.loc[loans["default"] == outcome, "dti"] for outcome in (1, 0))
    # Two countings of the same pairs, ties as half: only rounding differs.
    assert found["auc"] == pytest.approx(mannwhitneyu(bad, good).statistic / len(bad) / len(good), abs=1e-12)


def test_a_column_whose_high_values_default_less_is_turned_round(loans):
    found = driver_strength(FrameCounts(loans), ["annual_inc"]).iloc[0]
    assert found["direction"] == "down"
    assert found["auc"] > 0.5


def test_missing_numbers_are_left_out(loans):
    assert driver_strength(FrameCounts(loans), ["mort_acc"]).loc[0, "n"] == loans["mort_acc"].notna().sum()


def test_many_levels_without_meaning_look_no_stronger_than_chance(loans):
    found = driver_strength(FrameCounts(loans), ["purpose"]).iloc[0]
    # Scored on its own loans the same column reaches 0.64; 0.03 is three standard errors at n = 3,000.
    assert found["auc"] == pytest.approx(0.5, abs=0.03)


def test_levels_are_scored_without_the_pair_that_is_judged():
    rng = np.random.default_rng(5)
    loans = pd.DataFrame(
        {"purpose": pd.Categorical(rng.integers(0, 12, 60).astype("str")), "default": rng.integers(0, 2, 60)}
    )
    loans["purpose"] = loans["purpose"].cat.add_categories("alone")
    loans.loc[1, "purpose"] = "alone"
    wins = []
    for bad in loans.index[loans["default"] == 1]:
        for good in loans.index[loans["default"] == 0]:
            others = loans.drop([bad, good])
            rates = others.groupby("purpose", observed=True)["default"].mean()
            scores = [rates.get(loans.loc[row, "purpose"], others["default"].mean()) for row in (bad, good)]
            wins.append((scores[0] > scores[1]) + (scores[0] == scores[1]) / 2)
    found = driver_strength(FrameCounts(loans), ["purpose"]).loc[0, "auc"]
    # The same pairs, counted one by one: only rounding differs.
    assert found == pytest.approx(np.mean(wins), abs=1e-12)


def test_the_strongest_column_comes_first(loans):
    assert driver_strength(FrameCounts(loans), ["mort_acc", "dti"])["driver"].tolist() == ["dti", "mort_acc"]


def test_the_interval_holds_for_the_exponential_scores_it_assumes():
    rng = np.random.default_rng(0)
    bad, good = rng.exponential(8, (4000, 51)), rng.exponential(1, (4000, 58))
    areas = (bad[:, :, None] > good[:, None, :]).mean(axis=(1, 2))
    low, high = auc_interval(8 / 9, 51, 58)
    # The spread of 4,000 simulated areas is known to about 1%; three times that is allowed.
    assert (high - low) / (2 * 1.959964) == pytest.approx(areas.std(), rel=0.035)


def test_without_both_outcomes_there_is_no_interval():
    assert np.isnan(auc_interval(float("nan"), 0, 10)).all()


def test_a_column_that_no_loan_has_a_value_of_is_left_out():
    loans = pd.DataFrame({"dti": np.arange(40.0), "revol_util": np.nan, "default": [0, 1] * 20})
    counts, names = FrameCounts(loans), ["dti", "revol_util"]
    assert driver_strength(counts, names)["driver"].tolist() == ["dti"]
