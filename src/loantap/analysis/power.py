"""What each level could have shown: the smallest odds ratio its number of loans would have detected."""

import numpy as np
from scipy import optimize
from statsmodels.stats.proportion import power_proportions_2indep

POWER = 0.8


def detectable_odds_ratios(
    n: int, other_n: int, other_rate: float, *, alpha: float, power: float = POWER
) -> tuple[float | None, float | None]:
    """Return the odds ratios nearest to 1, below and above it, that would have been detected with this power.

    Two-sided test of two proportions with the pooled variance under the null hypothesis (Fleiss, Levin and Paik
    2003, section 4.2). None where no odds ratio on that side would have been: too few loans, or the other loans all
    ended the same way.

    Args:
        n: Loans of the level.
        other_n: Loans it is compared with.
        other_rate: Their default rate.
        alpha: Level of the test; divide by the number of levels for the first step of Holm's correction.
        power: The probability of detection that is asked for.
    """
    if n == 0 or other_n == 0 or not 0 < other_rate < 1:
        return None, None
    edge = 1e-9

    def lacking(rate: float) -> float:
        found = power_proportions_2indep(
            rate - other_rate, other_rate, n, ratio=other_n / n, alpha=alpha, return_results=False
        )
        return float(np.nan_to_num(found, nan=0.0)) - power

    def search(end: float) -> float | None:
        if lacking(end) < 0:
            return None
        near = other_rate + np.sign(end - other_rate) * edge
        rate = optimize.brentq(lacking, near, end, xtol=1e-13)
        return float(rate / (1 - rate) / (other_rate / (1 - other_rate)))

    return search(min(edge, other_rate / 2)), search(1 - min(edge, (1 - other_rate) / 2))
