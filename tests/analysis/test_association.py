"""Every statistic against an independent implementation. Closed forms agree to 1e-8; what is solved for, as stated."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.stats.contingency import association as scipy_association
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.association import analyse, cramers_v, monte_carlo_p_value
from loantap.analysis.odds import adjust_p_values, level_p_values, odds_ratio, residuals
from loantap.errors import InputError

# Counts published for the full portfolio: loans, defaults.
EMP_LENGTH = {
    "< 1 year": (31725, 6563), "1 year": (25882, 5154), "2 years": (35827, 6924), "3 years": (31665, 6182),
    "4 years": (23952, 4608), "5 years": (26495, 5092), "6 years": (20841, 3943), "7 years": (20819, 4055),
    "8 years": (19168, 3829), "9 years": (15314, 3070), "10+ years": (126041, 23215),
}  # fmt: skip
PINCODE = {
    "11650": (11226, 11226), "86630": (10981, 10981), "93700": (11151, 11151), "48052": (55917, 11192),
    "70466": (56985, 11148), "30723": (56546, 11021), "22690": (56527, 10954), "05113": (45402, 0),
    "29597": (45471, 0), "00813": (45824, 0),
}  # fmt: skip
GRADE = {
    "G": (3054, 1461), "A": (64187, 4036), "B": (116018, 14587), "C": (105987, 22449), "D": (63524, 18338),
    "E": (31488, 11765), "F": (11772, 5037),
}  # fmt: skip
EXACT = {"rel": 1e-8, "abs": 1e-12}


def frame(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    return pd.DataFrame([(level, *cells) for level, cells in counts.items()], columns=["level", "n", "defaults"])


def table(counts: dict[str, tuple[int, int]]) -> np.ndarray:
    return np.array([(bad, n - bad) for n, bad in counts.values()])


def test_chi_square_is_the_published_one():
    found = analyse(frame(EMP_LENGTH), factor="emp_length")
    assert found.chi2 == pytest.approx(122.11317384460878, **EXACT)
    assert found.dof == 10
    assert found.p_value == pytest.approx(1.884e-21, rel=1e-3)  # as printed, to four digits


def test_chi_square_agrees_with_the_hand_formula():
    found = analyse(frame(GRADE), factor="grade")
    cells = table(GRADE).astype(float)
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / cells.sum()
    assert found.chi2 == pytest.approx(((cells - expected) ** 2 / expected).sum(), **EXACT)
    assert found.min_expected == pytest.approx(expected.min(), **EXACT)
    assert (found.n, found.defaults) == (396_030, 77_673)


def test_cramers_v_approaches_scipys_uncorrected_one_in_large_tables():
    found = analyse(frame(GRADE), factor="grade")
    assert found.cramers_v == pytest.approx(scipy_association(table(GRADE), method="cramer"), rel=1e-3)


def test_cramers_v_agrees_with_bergsmas_formula():
    n, chi2, rows = 400, 31.0, 5
    phi2 = max(0.0, chi2 / n - (rows - 1) / (n - 1))
    corrected = min(rows - (rows - 1) ** 2 / (n - 1), 2 - 1 / (n - 1)) - 1
    assert cramers_v(chi2, n, rows=rows, columns=2, alpha=0.05)[0] == pytest.approx(
        math.sqrt(phi2 / corrected), **EXACT
    )


def test_interval_of_v_inverts_the_noncentral_chi_square_distribution():
    # Solved for by two different routines: they agree to the tolerance of the root finder.
    n, chi2, rows, alpha = 5_000, 60.0, 6, 0.1
    _, low, high = cramers_v(chi2, n, rows=rows, columns=2, alpha=alpha)
    scale = n * (1 - 1 / (n - 1))
    for value, probability in ((low, 1 - alpha / 2), (high, alpha / 2)):
        end = optimize.brentq(lambda nc, p=probability: stats.ncx2.cdf(chi2, rows - 1, nc) - p, 0, 500, xtol=1e-12)
        assert value == pytest.approx(math.sqrt(end / scale), rel=1e-7)


def test_interval_of_v_starts_at_zero_where_chance_explains_chi_square():
    assert cramers_v(3.0, 1_000, rows=5, columns=2, alpha=0.05)[:2] == (0.0, 0.0)


def test_two_loans_say_nothing_about_v():
    assert cramers_v(2.0, 2, rows=2, columns=2, alpha=0.05) == (0.0, 0.0, 1.0)


def test_interval_of_v_covers_the_truth_as_often_as_it_says():
    # 600 draws: the standard error of a coverage of 0.95 is 0.009.
    rng = np.random.default_rng(5)
    shares, rates, n = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.15, 0.2, 0.25, 0.3]), 2_000
    base = shares @ rates
    true = math.sqrt((shares * (rates - base) ** 2).sum() / (base * (1 - base)))
    hits = 0
    for _ in range(600):
        loans = rng.multinomial(n, shares)
        cells = np.column_stack([bad := rng.binomial(loans, rates), loans - bad])
        chi2 = stats.chi2_contingency(cells, correction=False).statistic
        _, low, high = cramers_v(chi2, n, rows=4, columns=2, alpha=0.05)
        hits += low <= true <= high
    assert hits / 600 == pytest.approx(0.95, abs=0.03)


def test_residuals_are_those_of_statsmodels():
    cells = table(EMP_LENGTH)
    expected = sm.stats.Table(cells).standardized_resids[:, 0]
    assert residuals(cells[:, 0], cells.sum(axis=1)) == pytest.approx(np.asarray(expected), **EXACT)


def test_rates_have_wilson_intervals():
    found = analyse(frame(GRADE), factor="grade").levels
    low, high = proportion_confint(found["defaults"], found["n"], method="wilson")
    assert found["ci_low"].to_numpy() == pytest.approx(np.asarray(low), **EXACT)
    by_scipy = stats.binomtest(1461, 3054).proportion_ci(method="wilson")
    row = found.set_index("level").loc["G"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((by_scipy.low, by_scipy.high), **EXACT)
    assert np.asarray(high) == pytest.approx(found["ci_high"].to_numpy(), **EXACT)


def test_odds_ratio_against_the_rest_is_that_of_statsmodels():
    found = analyse(frame(GRADE), factor="grade").level("C")
    rest = (396_030 - 105_987, 77_673 - 22_449)
    reference = sm.stats.Table2x2([[22449, 105987 - 22449], [rest[1], rest[0] - rest[1]]])
    assert found["odds_ratio"] == pytest.approx(reference.oddsratio, **EXACT)
    assert (found["or_low"], found["or_high"]) == pytest.approx(reference.oddsratio_confint(), **EXACT)


def test_odds_ratio_against_a_reference_is_that_of_statsmodels():
    found = analyse(frame(GRADE), factor="grade", reference="B").level("G")
    reference = sm.stats.Table2x2([[1461, 3054 - 1461], [14587, 116018 - 14587]])
    assert found["odds_ratio_reference"] == pytest.approx(reference.oddsratio, **EXACT)
    ends = (found["or_reference_low"], found["or_reference_high"])
    assert ends == pytest.approx(reference.oddsratio_confint(), **EXACT)


def test_separated_levels_are_flagged_and_finite():
    found = analyse(frame(PINCODE), factor="pincode")
    flags = found.levels.set_index("level")["separation"]
    assert set(flags[flags == "all_default"].index) == {"11650", "86630", "93700"}
    assert set(flags[flags == "none_default"].index) == {"00813", "05113", "29597"}
    numbers = found.levels.select_dtypes("number").drop(columns=["or_reference_low", "or_reference_high"])
    assert np.isfinite(numbers.to_numpy()).all()
    assert set(found.leaks()["level"]) == set(found.levels.loc[found.levels["separation"].notna(), "level"])


def test_separated_odds_ratio_adds_half_to_each_cell_as_statsmodels_does():
    ratio, low, high = odds_ratio(np.array([30]), np.array([30]), np.array([10]), np.array([100]), alpha=0.05)
    reference = sm.stats.Table2x2([[30.5, 0.5], [10.5, 90.5]])
    assert ratio[0] == pytest.approx(reference.oddsratio, **EXACT)
    assert (low[0], high[0]) == pytest.approx(reference.oddsratio_confint(), **EXACT)


@pytest.mark.parametrize("n", [3, 10, 100, 1_000])
@pytest.mark.parametrize("rest", [(5, 20), (50, 100), (200, 1_000), (2_900, 3_000)])
def test_separated_interval_errs_on_the_safe_side_of_the_exact_one(n, rest):
    bad, loans = rest
    _, low, _ = odds_ratio(np.array([n]), np.array([n]), np.array([bad]), np.array([loans]), alpha=0.05)
    exact = stats.contingency.odds_ratio([[n, 0], [bad, loans - bad]]).confidence_interval(0.95)
    assert low[0] < exact.low
    assert math.isinf(exact.high)


def test_level_p_values_are_those_of_the_two_by_two_table():
    cells = table(EMP_LENGTH)
    p_values, methods = level_p_values(cells[:, 0], cells.sum(axis=1))
    for own, p_value in zip(cells, p_values, strict=True):
        reference = stats.chi2_contingency([own, cells.sum(axis=0) - own], correction=False)
        assert p_value == pytest.approx(reference.pvalue, **EXACT)
    assert set(methods) == {"pearson"}


def test_levels_with_few_expected_loans_get_the_exact_test():
    defaults, n = np.array([3, 40, 5_700]), np.array([8, 400, 50_000])
    p_values, methods = level_p_values(defaults, n)
    assert methods == ["exact", "exact", "exact"]
    bad, loans = defaults.sum(), n.sum()
    for own, of, p_value in zip(defaults, n, p_values, strict=True):
        cells = [[own, of - own], [bad - own, loans - of - bad + own]]
        sides = [stats.fisher_exact(cells, alternative=side).pvalue for side in ("less", "greater")]
        assert p_value == pytest.approx(min(1, 2 * min(sides)), **EXACT)


@pytest.mark.parametrize(("correction", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_p_values_are_adjusted_over_the_levels(correction, method):
    found = analyse(frame(EMP_LENGTH), factor="emp_length", correction=correction).levels
    assert found["p_adjusted"].to_numpy() == pytest.approx(multipletests(found["p_value"], method=method)[1], **EXACT)
    assert (found["p_adjusted"] >= found["p_value"]).all()


def test_holm_agrees_with_the_hand_computation():
    adjusted = adjust_p_values(pd.Series([0.01, 0.04, np.nan, 0.03]), correction="holm")
    assert adjusted.to_numpy() == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)


def test_monte_carlo_p_value_is_given_where_expected_counts_are_small():
    counts = {"a": (400, 80), "b": (300, 70), "c": (9, 5)}
    found = analyse(frame(counts), factor="x", min_cell=0, random_state=3)
    again = analyse(frame(counts), factor="x", min_cell=0, random_state=3)
    assert found.min_expected < 5
    assert found.p_value_monte_carlo == again.p_value_monte_carlo
    assert analyse(frame(GRADE), factor="grade").p_value_monte_carlo is None


def test_monte_carlo_p_value_agrees_with_the_exact_test_of_a_two_by_two_table():
    # 9,999 draws: three standard errors are below 0.015. Both order tables by chi-square here.
    defaults, n = np.array([9, 3]), np.array([14, 16])
    exact = sum(
        stats.hypergeom.pmf(k, 30, 12, 14) for k in range(13) if abs(k - 14 * 12 / 30) >= abs(9 - 14 * 12 / 30) - 1e-9
    )
    assert monte_carlo_p_value(defaults, n, random_state=0) == pytest.approx(exact, abs=0.015)


def test_the_reference_is_the_first_level_of_an_ordered_factor():
    assert analyse(frame(GRADE), factor="grade").reference == "A"


def test_the_reference_is_else_the_largest_level_with_both_outcomes():
    assert analyse(frame(PINCODE), factor="pincode").reference == "70466"


def test_result_is_plain_json_with_the_contract_s_fields():
    result = json.loads(json.dumps(analyse(frame(PINCODE), factor="pincode").to_dict(), allow_nan=False))
    assert {
        "factor", "n", "defaults", "chi2", "dof", "p_value", "cramers_v", "cramers_v_low", "cramers_v_high", "levels",
        "reference", "correction", "alpha", "adjusted",
    } <= set(result)  # fmt: skip
    assert {
        "level", "n", "defaults", "default_rate", "ci_low", "ci_high", "odds_ratio", "or_low", "or_high", "p_value",
        "p_adjusted", "separation",
    } <= set(result["levels"][0])  # fmt: skip
    assert result["levels"][0]["level"] == "11650"
    assert isinstance(result["levels"][0]["n"], int)
    assert result["levels"][3]["separation"] is None


def test_published_teachers_and_managers_have_the_published_rates():
    counts = {"Teacher": (4389, 857), "Manager": (4250, 929), "Other": (387391, 75887)}
    found = analyse(frame(counts), factor="profession")
    assert found.level("Teacher")["default_rate"] == pytest.approx(857 / 4389, **EXACT)
    assert found.level("Manager")["p_adjusted"] < 0.01 < found.level("Teacher")["p_adjusted"]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"a": (10, 1)}, "all loans have the same"),
        ({"a": (10, 0), "b": (20, 0)}, "did not"),
        ({"a": (20, 1), "b": (30, 2)}, "smaller min_cell"),
    ],
)
def test_counts_that_make_no_table_are_refused(counts, says):
    with pytest.raises(InputError, match=says):
        analyse(frame(counts), factor="x")


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match="holm, bh"):
        analyse(frame(GRADE), factor="grade", correction="none")
    with pytest.raises(InputError, match="Known: G, A"):
        analyse(frame(GRADE), factor="grade", reference="H")


COUNTS = st.lists(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=2, max_size=7
).filter(lambda cells: 0 < sum(bad for _, bad in cells) < sum(n for n, _ in cells))


def named(cells: list[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {f"level {place}": cell for place, cell in enumerate(cells)}


@settings(max_examples=25)
@given(COUNTS)
def test_numbers_stay_in_their_ranges(cells):
    found = analyse(frame(named(cells)), factor="x", min_cell=0)
    assert 0 <= found.cramers_v_low <= found.cramers_v_high <= 1
    assert 0 <= found.cramers_v <= 1
    levels = found.levels
    assert (levels["or_low"] <= levels["odds_ratio"]).all()
    assert (levels["odds_ratio"] <= levels["or_high"]).all()
    assert np.isfinite(levels[["or_low", "or_high", "p_adjusted", "residual"]].to_numpy()).all()
    json.dumps(found.to_dict(), allow_nan=False)


@settings(max_examples=25)
@given(COUNTS)
def test_chi_square_agrees_with_scipy_for_any_counts(cells):
    found = analyse(frame(named(cells)), factor="x", min_cell=0)
    reference = stats.chi2_contingency([(bad, n - bad) for n, bad in cells], correction=False)
    assert found.chi2 == pytest.approx(reference.statistic, rel=1e-8, abs=1e-9)


@settings(max_examples=25)
@given(COUNTS, st.randoms())
def test_the_order_of_levels_changes_nothing(cells, random):
    counts = frame(named(cells))
    shuffled = counts.sample(frac=1, random_state=random.randint(0, 99))
    first = analyse(counts, factor="x", min_cell=0, reference="level 0")
    second = analyse(shuffled, factor="x", min_cell=0, reference="level 0")
    assert second.chi2 == pytest.approx(first.chi2, **EXACT)
    ordered = second.levels.sort_values("level", ignore_index=True)
    pd.testing.assert_frame_equal(ordered, first.levels.sort_values("level", ignore_index=True))


@settings(max_examples=25)
@given(COUNTS)
def test_swapping_the_outcomes_inverts_odds_ratios(cells):
    first = analyse(frame(named(cells)), factor="x", min_cell=0)
    second = analyse(frame(named([(n, n - bad) for n, bad in cells])), factor="x", min_cell=0)
    assert second.chi2 == pytest.approx(first.chi2, rel=1e-8, abs=1e-9)
    assert (1 / second.levels["odds_ratio"]).to_numpy() == pytest.approx(first.levels["odds_ratio"].to_numpy(), **EXACT)
    assert (1 / second.levels["or_low"]).to_numpy() == pytest.approx(first.levels["or_high"].to_numpy(), **EXACT)
    assert (-second.levels["residual"]).to_numpy() == pytest.approx(
        first.levels["residual"].to_numpy(), rel=1e-8, abs=1e-9
    )
