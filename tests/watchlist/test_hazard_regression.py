"""The logistic regression that never writes its rows out is the one of all rows written out."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit

from loantap.watchlist.hazard_regression import Stack, StackedLogit, fit_stacked_logit

WIDE = 1e4  # a ridge so wide that it is none
LOANS, EACH, MONTHS, STRATA = 400, 3, 4, 5


def drawn(random_state: int) -> Stack:
    """Three landmarks of each of 400 loans, followed for up to four months; the last months of a stratum are more dangerous."""
    rng = np.random.default_rng(random_state)
    size = LOANS * EACH
    x, stratum = rng.standard_normal((size, 2)), rng.integers(0, STRATA, size)
    cells = np.ones((STRATA, MONTHS, 3))
    cells[:, :, 1], cells[:, :, 2] = np.arange(STRATA)[:, np.newaxis] == 2, np.arange(MONTHS) >= 2
    cluster = np.repeat(np.arange(LOANS), EACH)
    shared = 0.5 * rng.standard_normal(LOANS)[cluster]  # the landmarks of a loan are alike
    chance = expit(cells @ [-2.0, 0.7, 0.4] @ np.eye(MONTHS))[stratum]
    chance = expit(np.log(chance / (1 - chance)) + (x @ [0.8, -0.5] + shared)[:, np.newaxis])
    hits = rng.random(chance.shape) < chance
    happens = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, MONTHS + 1)
    last_seen = rng.integers(1, MONTHS + 1, size)
    at_risk = np.minimum(happens, last_seen)
    return Stack(x, stratum, cells, cluster, rng.choice([1.0, 3.0], size), at_risk, happens <= last_seen)


def written_out(stack: Stack) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One row for each landmark and month: design, outcome, loan, weight."""
    rows = np.repeat(np.arange(len(stack.x)), stack.at_risk)
    h = np.concatenate([np.arange(1, months + 1) for months in stack.at_risk])
    design = np.hstack([stack.cells[stack.stratum[rows], h - 1], stack.x[rows]])
    return design, (h == stack.at_risk[rows]) & stack.event[rows], stack.cluster[rows], stack.weight[rows]


def error(fitted: StackedLogit) -> np.ndarray:
    return np.sqrt((fitted.influence**2).sum(axis=0))


@pytest.mark.filterwarnings("ignore:cov_type not fully supported with freq_weights")  # it is what is compared
@pytest.mark.parametrize("random_state", [0, 1])
def test_coefficients_and_robust_errors_are_those_of_statsmodels(random_state: int):
    stack = drawn(random_state)
    design, outcome, loan, weight = written_out(stack)
    reference = sm.GLM(outcome, design, family=sm.families.Binomial(), freq_weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": loan, "use_correction": False}, tol=1e-12
    )
    fitted = fit_stacked_logit(stack, spread=WIDE)
    np.testing.assert_allclose(fitted.coefficients, reference.params, atol=1e-5)
    np.testing.assert_allclose(error(fitted), reference.bse, rtol=1e-4)


def test_a_month_that_always_ends_a_loan_keeps_finite_odds():
    stack = drawn(0)
    certain = Stack(stack.x, stack.stratum, stack.cells, stack.cluster, stack.weight, np.ones_like(stack.at_risk), stack.stratum == 2)  # fmt: skip
    fitted = fit_stacked_logit(certain, spread=2.0)
    assert np.isfinite(fitted.coefficients).all()
    assert expit(fitted.coefficients[0]) < 0.05  # never in the other strata
    assert expit(fitted.coefficients[0] + fitted.coefficients[1]) > 0.95
    # All residuals of the stratum are near 0, and yet 240 loans do not make its log-odds certain.
    assert np.sqrt((fitted.held**2).sum(axis=0))[1] > 2 * error(fitted)[1]
    assert np.sqrt((fitted.held**2).sum(axis=0))[1] < 2


def test_a_loan_counted_twice_is_a_loan_of_twice_the_weight():
    stack = drawn(3)
    twice = Stack(
        *(np.concatenate([values, values]) for values in (stack.x, stack.stratum)), stack.cells,
        *(np.concatenate([values, values]) for values in (stack.cluster, stack.weight, stack.at_risk, stack.event)),
    )  # fmt: skip
    heavy = Stack(stack.x, stack.stratum, stack.cells, stack.cluster, 2 * stack.weight, stack.at_risk, stack.event)
    one, other = fit_stacked_logit(twice, spread=2.0), fit_stacked_logit(heavy, spread=2.0)
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-6)
    np.testing.assert_allclose(error(one), error(other), rtol=1e-6)


def test_the_order_of_landmarks_does_not_matter():
    stack = drawn(4)
    order = np.random.default_rng(0).permutation(len(stack.x))
    mixed = Stack(*(values[order] for values in (stack.x, stack.stratum)), stack.cells, *(values[order] for values in (stack.cluster, stack.weight, stack.at_risk, stack.event)))  # fmt: skip
    one, other = fit_stacked_logit(stack, spread=2.0), fit_stacked_logit(mixed, spread=2.0)
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-8)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-8)
