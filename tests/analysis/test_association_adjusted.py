"""Adjusted odds ratios against statsmodels on the full design, and against tables where they are closed forms."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit

from loantap.analysis.adjusted import adjusted_odds, fit_levels
from loantap.analysis.association import analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts, stratified_counts
from loantap.analysis.stratified import mantel_haenszel


@pytest.fixture(scope="module")
def loans() -> pd.DataFrame:
    """Loans whose job changes the odds only through the income, plus a level that always defaults."""
    rng = np.random.default_rng(8)
    size = 6_000
    job = rng.choice(["teacher", "driver", "clerk"], size, p=[0.3, 0.2, 0.5])
    income = np.exp(rng.normal(11, 0.5, size) - 0.6 * (job == "driver"))
    grade = rng.choice(list("ABC"), size)
    default = rng.random(size) < expit(8 - 0.85 * np.log(income) + 0.4 * (grade == "C"))
    frame = pd.DataFrame(
        {
            "job": np.where(rng.random(size) < 0.02, "fraud", job),
            "default": default.astype("int8"),
            "loan_amnt": rng.integers(1_000, 40_000, size).astype(float),
            "term": rng.choice([36, 60], size).astype("int16"),
            "int_rate": rng.normal(13, 4, size),
            "annual_inc": income,
            "dti": np.where(rng.random(size) < 0.001, 9_999, rng.normal(18, 6, size)),
            "revol_util": np.where(rng.random(size) < 0.03, np.nan, rng.normal(50, 20, size)),
            "home_ownership": pd.Categorical(rng.choice(["RENT", "MORTGAGE", "ANY"], size, p=[0.5, 0.499, 0.001])),
            "purpose": pd.Categorical(rng.choice(["car", "medical"], size)),
            "grade": pd.Categorical(grade),
        }
    )
    frame.loc[frame["job"] == "fraud", "default"] = 1
    return frame


@pytest.fixture(scope="module")
def association(loans):
    return analyse(factor_counts(FrameCounts(loans), "job"), factor="job")


def test_the_fit_is_that_of_statsmodels():
    rng = np.random.default_rng(2)
    codes, z = rng.integers(0, 5, 3_000), rng.normal(size=(3_000, 3))
    y = (rng.random(3_000) < expit(-1 + 0.3 * codes + z @ [0.5, -0.2, 0])).astype(int)
    estimate, covariance = fit_levels(y, codes, z)
    design = np.hstack([np.eye(5)[codes], z])
    reference = sm.Logit(y, design).fit(disp=0, cov_type="HC0", tol=1e-14)
    # Two Newton iterations that both end at the maximum: equal to rounding.
    assert estimate == pytest.approx(reference.params, rel=1e-8, abs=1e-10)
    assert covariance == pytest.approx(reference.cov_params(), rel=1e-8, abs=1e-12)


def test_without_covariates_the_fit_is_the_table():
    y, codes = np.repeat([1, 0, 1, 0], [30, 70, 20, 180]), np.repeat([0, 0, 1, 1], [30, 70, 20, 180])
    estimate, _ = fit_levels(y, codes, np.zeros((300, 0)))
    assert estimate == pytest.approx(np.log([30 / 70, 20 / 180]), rel=1e-8)


def test_a_fit_without_a_maximum_is_none():
    codes = np.zeros(100, dtype=int)
    z = np.linspace(-1, 1, 100)[:, np.newaxis]
    assert fit_levels((z[:, 0] > 0).astype(int), codes, np.hstack([z, z])) is None


def test_a_difference_that_income_explains_goes_away(association, loans):
    driver = adjusted_odds(association, loans).levels.set_index("level").loc["driver"]
    assert association.level("driver")["or_low"] > 1.2
    assert driver["or_low"] < 1 < driver["or_high"]


def test_separated_levels_are_named_and_not_fitted(association, loans):
    found = adjusted_odds(association, loans)
    fraud = found.levels.set_index("level").loc["fraud"]
    assert fraud["separation"] == "all_default"
    assert np.isnan(fraud["odds_ratio"])
    assert found.n == (loans["job"] != "fraud").sum()
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_comparison_with_the_rest_does_not_depend_on_the_reference(loans):
    first, second = (
        adjusted_odds(analyse(factor_counts(FrameCounts(loans), "job"), factor="job", reference=level), loans).levels
        for level in ("clerk", "driver")
    )
    assert first["odds_ratio"].to_numpy() == pytest.approx(second["odds_ratio"].to_numpy(), rel=1e-8, nan_ok=True)
    ratio = first.set_index("level")["odds_ratio_reference"]["driver"]
    assert ratio == pytest.approx(1 / second.set_index("level")["odds_ratio_reference"]["clerk"], rel=1e-8)


def test_grades_are_not_compared_at_equal_rates(loans):
    found = adjusted_odds(analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade"), loans)
    assert found.left_out == ("int_rate",)
    assert "int_rate" not in found.covariates


def test_a_covariate_is_not_held_equal_to_itself(loans):
    found = adjusted_odds(analyse(factor_counts(FrameCounts(loans), "purpose"), factor="purpose"), loans)
    assert "purpose" not in found.covariates


def test_more_loans_than_memory_allows_are_drawn(association, loans, monkeypatch):
    monkeypatch.setattr("loantap.analysis.adjusted.MAX_ROWS", 3_000)
    found = adjusted_odds(association, loans, random_state=1)
    assert (found.n, found.sampled) == (3_000, True)
    again = adjusted_odds(association, loans, random_state=1)
    pd.testing.assert_frame_equal(found.levels, again.levels)


def test_mantel_haenszel_is_that_of_statsmodels_and_of_the_hand_formula(association, loans):
    found = (
        mantel_haenszel(association, stratified_counts(FrameCounts(loans), "job"))
        .levels.set_index("level")
        .loc["driver"]
    )
    tables = [pd.crosstab(part["job"] != "driver", part["default"] == 0) for _, part in loans.groupby("grade")]
    reference = sm.stats.StratifiedTable([cells.to_numpy() for cells in tables])
    cross = [(t.iloc[0, 0] * t.iloc[1, 1] / t.sum().sum(), t.iloc[0, 1] * t.iloc[1, 0] / t.sum().sum()) for t in tables]
    by_hand = sum(first for first, _ in cross) / sum(second for _, second in cross)
    assert found["odds_ratio"] == pytest.approx(by_hand, rel=1e-8)
    assert (found["or_low"], found["or_high"]) == pytest.approx(reference.oddsratio_pooled_confint(), rel=1e-8)
    assert found["p_value"] == pytest.approx(reference.test_null_odds().pvalue, rel=1e-8)
    assert found["homogeneity_p"] == pytest.approx(reference.test_equal_odds(adjust=True).pvalue, rel=1e-8)


def test_strata_that_differ_are_told_apart():
    rows = [("A", "x", 400, 200), ("A", "y", 400, 80), ("B", "x", 400, 80), ("B", "y", 400, 200)]
    counts = pd.DataFrame(rows, columns=["stratum", "level", "n", "defaults"])
    totals = pd.DataFrame({"level": ["x", "y", "z"], "n": [800, 800, 100], "defaults": [280, 280, 30]})
    more = pd.DataFrame([("A", "z", 50, 15), ("B", "z", 50, 15)], columns=counts.columns)
    found = mantel_haenszel(analyse(totals, factor="f"), pd.concat([counts, more])).levels.set_index("level")
    assert found.loc["x", "homogeneity_p"] < 0.001
    assert found.loc["x", "odds_ratio"] == pytest.approx(1, abs=0.1)


def test_the_odds_ratio_of_each_stratum_is_that_of_its_table_and_none_tells_a_small_count():
    counts = pd.DataFrame(
        [("A", "x", 400, 200), ("A", "y", 400, 80), ("B", "x", 300, 9), ("B", "y", 400, 200)],
        columns=["stratum", "level", "n", "defaults"],
    )
    totals = counts.groupby("level")[["n", "defaults"]].sum().reset_index()
    found = mantel_haenszel(analyse(totals, factor="f"), counts).by_stratum.set_index(["level", "stratum"])[
        "odds_ratio"
    ]
    table = sm.stats.Table2x2([[200, 200], [80, 320]])
    assert found["x", "A"] == round(table.oddsratio, 2)
    assert found["y", "A"] == round(1 / table.oddsratio, 2)
    assert {stratum for _, stratum in found.index} == {"A"}  # 9 defaults in B are too few to be told


def test_strata_without_a_comparison_are_left_out(association, loans):
    counts = stratified_counts(FrameCounts(loans), "job")
    empty = pd.DataFrame({"stratum": ["D"], "level": ["clerk"], "n": [7], "defaults": [2]})
    first = mantel_haenszel(association, counts).levels
    second = mantel_haenszel(association, pd.concat([counts, empty])).levels
    assert second["odds_ratio"].to_numpy() == pytest.approx(first["odds_ratio"].to_numpy(), rel=1e-8, nan_ok=True)
