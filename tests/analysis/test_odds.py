"""Power against a formula written out by hand, and against simulated tests."""

import math

import numpy as np
import pytest
from scipy import stats

from loantap.analysis.odds import detectable_odds_ratios


def power_by_hand(n: int, other_n: int, rate: float, other_rate: float, alpha: float) -> float:
    pooled = (n * rate + other_n * other_rate) / (n + other_n)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / other_n))
    alternative = math.sqrt(rate * (1 - rate) / n + other_rate * (1 - other_rate) / other_n)
    critical = stats.norm.isf(alpha / 2) * null
    difference = abs(rate - other_rate)
    return float(
        stats.norm.sf((critical - difference) / alternative) + stats.norm.cdf((-critical - difference) / alternative)
    )


def rate_at(odds_ratio: float, other_rate: float) -> float:
    odds = odds_ratio * other_rate / (1 - other_rate)
    return odds / (1 + odds)


@pytest.mark.parametrize(("n", "alpha"), [(4_389, 0.05), (1_089, 0.05 / 40), (300, 0.01)])
def test_power_at_the_detectable_odds_ratios_is_80_percent(n, alpha):
    for ratio in detectable_odds_ratios(n, 390_000, 0.196, alpha=alpha):
        # The root is found to 1e-13 in the rate.
        assert power_by_hand(n, 390_000, rate_at(ratio, 0.196), 0.196, alpha) == pytest.approx(0.8, abs=1e-7)


def test_simulated_tests_find_the_detectable_odds_ratio_four_times_in_five():
    # 4,000 draws: the standard error is 0.006; the normal approximation adds about as much.
    _, above = detectable_odds_ratios(800, 20_000, 0.2, alpha=0.05)
    rng = np.random.default_rng(1)
    bad, other = rng.binomial(800, rate_at(above, 0.2), 4_000), rng.binomial(20_000, 0.2, 4_000)
    pooled = (bad + other) / 20_800
    z = (bad / 800 - other / 20_000) / np.sqrt(pooled * (1 - pooled) * (1 / 800 + 1 / 20_000))
    assert (np.abs(z) > stats.norm.isf(0.025)).mean() == pytest.approx(0.8, abs=0.03)


def test_more_loans_detect_smaller_differences():
    below, above = zip(
        *(detectable_odds_ratios(n, 100_000, 0.2, alpha=0.05) for n in (200, 2_000, 20_000)), strict=True
    )
    assert list(below) == sorted(below)
    assert list(above) == sorted(above, reverse=True)


def test_nothing_is_detectable_with_too_few_loans():
    assert detectable_odds_ratios(3, 100_000, 0.2, alpha=0.001)[0] is None
    assert detectable_odds_ratios(100, 1_000, 0.0, alpha=0.05) == (None, None)
