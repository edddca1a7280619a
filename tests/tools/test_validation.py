"""The validation: same numbers for any number of workers, and its own estimates against exact sums and the library."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from validation import counts, families, loans
from validation.claims import Claim, estimate, judge
from validation.study import SCENARIOS, draw_block, validate

from loantap.analysis.association import analyse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate_script", ROOT / "tools" / "validate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small():
    return validate(repetitions=3, workers=1)


def test_two_workers_give_what_one_gives(small):
    done: dict[str, int] = {}
    again = validate(
        repetitions=3, workers=2, on_block=lambda name, size: done.update({name: done.get(name, 0) + size})
    )
    assert again.to_dict() == small.to_dict()
    assert done == {name: 3 * scenario.times for name, scenario in SCENARIOS.items()}


def test_a_repetition_is_the_same_in_any_block():
    whole = draw_block("cramers_v", 0, 4, 7)
    parts = [draw_block("cramers_v", 0, 1, 7), draw_block("cramers_v", 1, 3, 7)]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))
    assert not np.array_equal(whole["width"], draw_block("cramers_v", 0, 4, 8)["width"])


def test_generators_are_the_children_of_one_seed():
    place = list(SCENARIOS).index("wilson")
    children = np.random.SeedSequence(5).spawn(len(SCENARIOS))[place].spawn(2)
    expected = counts.draw_wilson([np.random.default_rng(child) for child in children])
    np.testing.assert_array_equal(draw_block("wilson", 0, 2, 5)["width"], expected["width"])


def test_coverage_agrees_with_the_exact_sum():
    # All outcomes, weighted by their binomial probabilities: no simulation.
    drawn = draw_block("wilson", 0, 4_000, 1)["covered"]
    for place, (rate, n) in enumerate(counts.wilson_cells()[["rate", "n"]].to_numpy()):
        outcomes = np.arange(int(n) + 1)
        low, high = proportion_confint(outcomes, n, method="wilson")
        exact = stats.binom.pmf(outcomes, n, rate)[(low <= rate) & (rate <= high)].sum()
        # Five standard errors of 4,000 draws.
        assert drawn[:, place].mean() == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 4_000) + 1e-9)


def test_odds_ratio_coverage_agrees_with_the_exact_sum():
    drawn = draw_block("odds", 0, 4_000, 1)["covered"]
    cells = counts.odds_cells()
    place = cells.query("rest_rate == 0.2 and n == 200 and true_or == 1.5").index[0]
    rate = float(cells.loc[place, "rate"])
    own = np.arange(1, 200)[:, np.newaxis]
    rest = np.arange(3_600, 4_401)  # seven standard deviations about 4,000
    log_ratio = np.log(own / (200 - own)) - np.log(rest / (counts.REST - rest))
    error = np.sqrt(1 / own + 1 / (200 - own) + 1 / rest + 1 / (counts.REST - rest))
    covered = np.abs(log_ratio - np.log(1.5)) <= stats.norm.isf(0.025) * error
    weights = stats.binom.pmf(own, 200, rate) * stats.binom.pmf(rest, counts.REST, 0.2)
    exact = float((covered * weights).sum())
    assert 0.94 < exact < 0.96
    # Five standard errors of 4,000 draws: 0.017.
    assert drawn[:, place].mean() == pytest.approx(exact, abs=0.017)


def test_a_true_odds_ratio_of_zero_or_infinity_is_never_covered():
    covered = draw_block("rare", 0, 50, 1)["covered"]
    pure = counts.rare_cells()["rate"].isin([0.0, 1.0]).to_numpy()
    assert not covered[:, pure].any()
    assert covered[:, ~pure].any()


def test_family_verdicts_are_those_of_the_analysis():
    sizes = counts.level_sizes(40)
    rates = families.effect_rates(40, 4, 0.04)
    tested = families.family_verdicts(np.random.default_rng(3), 7_000, sizes, rates, fixed=False)
    rng = np.random.default_rng(3)
    n = rng.multinomial(7_000, sizes)
    table = pd.DataFrame({"level": np.arange(40).astype(str), "n": n, "defaults": rng.binomial(n, rates)})
    for correction in ("holm", "bh"):
        found = analyse(table, factor="segment", correction=correction)
        assert tested["level"].tolist() == found.levels["level"].tolist()
        np.testing.assert_allclose(tested[correction], found.levels["p_adjusted"], rtol=1e-12)
        assert tested["chi2_p_value"].iloc[0] == pytest.approx(found.p_value, rel=1e-12)


def test_the_normal_approximation_beside_it_is_the_chi_square_test():
    tested = families.family_verdicts(np.random.default_rng(3), 400, np.array([0.1, 0.9]), np.full(2, 0.2), fixed=True)
    rng = np.random.default_rng(3)
    n = rng.multinomial(400, [0.1, 0.9])
    bad = rng.binomial(n, 0.2)
    chi2 = stats.chi2_contingency([bad, n - bad], correction=False)
    # Two levels are one test; Holm doubles the smaller of two equal p-values.
    assert tested["holm_normal"].min() == pytest.approx(min(1, 2 * chi2.pvalue), rel=1e-9)


@pytest.mark.parametrize("cell", list(families.effect_cells().itertuples()), ids=str)
def test_levels_without_effect_have_the_rate_of_the_rest(cell):
    sizes, rates = counts.level_sizes(cell.levels), families.effect_rates(cell.levels, cell.pairs, cell.shift)
    assert sizes.sum() == pytest.approx(1, abs=1e-12)
    assert sizes @ rates == pytest.approx(counts.BASE_RATE, abs=1e-12)
    assert (rates != counts.BASE_RATE).sum() == 2 * cell.pairs


def test_true_cramers_v_is_that_of_the_population():
    found = counts.cramers_v_cells().set_index("factor")["true_v"].groupby(level=0).first()
    assert found["no effect"] == pytest.approx(0, abs=1e-12)
    assert found["like profession"] == pytest.approx(0.05, abs=1e-12)
    grade = pd.DataFrame(json.loads((ROOT / "data/reference/published_facts.json").read_text("utf-8"))
                         ["by_loan_status"]["grade"]["value"]).T  # fmt: skip
    v = stats.contingency.association(grade[["charged_off", "fully_paid"]].astype(int).to_numpy(), method="cramer")
    assert found["grade"] == pytest.approx(v, rel=1e-9)


def test_the_true_contrast_is_a_level_against_the_mean_of_the_others():
    effects, weights = np.array([0.0, 1.0, 3.0]), np.array([2.0, 1.0, 1.0])
    np.testing.assert_allclose(loans.contrasts(effects, weights), [-2.0, 0.0, 3.0 - 1 / 3])


def test_population_shares_are_those_of_many_loans():
    drawn = [
        loans.segment_loans(np.random.default_rng(seed), loans.EFFECTS, loans.PULLS)["segment"].value_counts(sort=False)
        for seed in range(25)
    ]
    # 100,000 loans: five standard errors are at most 0.008.
    found = sum(drawn).to_numpy() / (25 * loans.LOANS)
    np.testing.assert_allclose(found, loans.population_shares(loans.PULLS), atol=0.008)


def test_an_estimate_of_independent_trials_has_wilsons_interval():
    values = np.random.default_rng(1).binomial(1, 0.9, (500, 1)).astype(float)
    low, high = proportion_confint(values.sum(), 500, method="wilson")
    assert estimate(values, share=True) == pytest.approx((values.mean(), low, high), rel=1e-9)


def test_columns_that_repeat_each_other_count_once():
    values = np.random.default_rng(1).binomial(1, 0.9, (500, 1)).astype(float)
    assert estimate(np.repeat(values, 4, axis=1), share=True) == pytest.approx(estimate(values, share=True), rel=1e-9)


def test_missing_values_do_not_count():
    values = np.array([[1.0, np.nan], [0.0, np.nan], [1.0, 1.0]])
    assert estimate(values, share=True)[0] == pytest.approx(0.75)
    assert np.isnan(estimate(np.full((3, 2), np.nan), share=True)).all()


@pytest.mark.parametrize(
    ("probability", "verdict"),
    [(0.95, "met"), (0.90, "not met"), (0.99, "not met")],
)
def test_a_coverage_is_judged_against_its_goal(probability, verdict):
    cells = SCENARIOS["adjusted_null"].cells()
    values = np.random.default_rng(0).binomial(1, probability, (10_000, 1)).astype(float)
    assert judge(Claim("q", "adjusted_null", "m", (0.94, 0.96)), cells, {"m": values})["verdict"] == verdict


def test_a_cell_beyond_chance_shows_in_the_verdict():
    cells = pd.DataFrame({"n": [1, 2]})
    values = np.random.default_rng(0).binomial(1, [0.93, 0.97], (20_000, 2)).astype(float)
    found = judge(Claim("q", "odds", "m", (0.94, 0.96)), cells, {"m": values})
    assert (found["verdict"], found["below"], found["above"], found["outside"]) == ("met on average", 1, 1, [0, 1])


def test_the_worst_cell_counts_for_error_rates():
    cells = pd.DataFrame({"n": [1, 2]})
    values = np.random.default_rng(0).binomial(1, [0.01, 0.2], (2_000, 2)).astype(float)
    found = judge(Claim("q", "odds", "m", (0.0, 0.05), worst=True), cells, {"m": values})
    assert found["found"] == pytest.approx(values[:, 1].mean())
    assert found["verdict"] == "not met"


def test_the_page_follows_from_the_json_alone(small, tmp_path):
    facts = json.loads(json.dumps(small.to_dict(), allow_nan=False))
    page = script().page(facts)
    assert page == script().page(small.to_dict())
    assert page.index("| quantity") < page.index("## ")  # the verdicts come first
    for verdict in facts["verdicts"]:
        assert f"| {verdict['quantity']} " in page
        assert (f"- **{verdict['quantity']}: {verdict['verdict']}.**" in page) == (verdict["verdict"] != "met")


def test_the_committed_page_is_what_the_committed_json_gives():
    facts = json.loads((ROOT / "docs" / "validation.json").read_text("utf-8"))
    page = (ROOT / "docs" / "validation.md").read_text("utf-8")
    assert page == script().page(facts), "run: make validate"
    assert facts["repetitions"] >= 500
    assert len(page.split()) <= 1_800  # what a reader wants first; the rest is in the JSON
