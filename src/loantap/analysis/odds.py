"""Rates, odds ratios and p-values of levels, each against other loans, all from counts."""

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.proportion import power_proportions_2indep, proportion_confint

from loantap.errors import InputError

CORRECTION_NAMES = {"holm": "Holm", "bh": "Benjamini–Hochberg"}
EXACT_BELOW = 100  # expected loans of an outcome in a level
POWER = 0.8


def wilson(defaults: pd.Series, n: pd.Series, *, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's score interval of each default rate."""
    low, high = proportion_confint(defaults, n, alpha=alpha, method="wilson")
    # The ends at 0 and 1 are exact by the formula; in floating point they miss by 1e-20.
    return np.where(defaults == 0, 0.0, low), np.where(defaults == n, 1.0, high)


def separation(defaults: pd.Series, n: pd.Series) -> list[str | None]:
    """Return "all_default" or "none_default" for levels where every loan ended the same way, else None."""
    return [
        "all_default" if bad == loans else "none_default" if bad == 0 else None
        for bad, loans in zip(defaults, n, strict=True)
    ]


def odds_ratio(
    defaults: np.ndarray, n: np.ndarray, other_defaults: np.ndarray, other_n: np.ndarray, *, alpha: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return odds ratios of default against other loans, with Wald intervals on the log scale (Woolf 1955).

    Where one of the four cells is 0, 0.5 is added to each of them (Haldane 1956, Anscombe 1956). The exact
    conditional interval would then end at 0 or infinity, which says nothing more and no table can hold; the
    corrected one is finite at both ends, and from three loans on its inner end lies closer to 1 than the exact one, on
    the safe side.
    The estimate itself is a convention then: say that the level is separated, and do not read the number.
    """
    cells = np.stack(np.broadcast_arrays(defaults, n - defaults, other_defaults, other_n - other_defaults)).astype(
        float
    )
    cells += 0.5 * (cells == 0).any(axis=0)
    log_ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    half = stats.norm.isf(alpha / 2) * np.sqrt((1 / cells).sum(axis=0))
    return np.exp(log_ratio), np.exp(log_ratio - half), np.exp(log_ratio + half)


def residuals(defaults: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return each level's standardized Pearson residual of its defaults (Agresti 2013, section 3.3.1).

    About standard normal if the factor and default are independent. The residual of the repaid loans is its negative.
    """
    rate = defaults.sum() / n.sum()
    return (defaults - n * rate) / np.sqrt(n * rate * (1 - rate) * (1 - n / n.sum()))


def level_p_values(defaults: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the two-sided p-value of each level against the rest of the portfolio, and the test used.

    "pearson" is the chi-square test of the two-by-two table without continuity correction, which is the squared
    residual. "exact" is twice the smaller tail of the hypergeometric distribution (Fisher's conditional test, central
    version), used where an expected count is below 100: a correction for many levels looks far into the tails, where
    the normal approximation of a skewed count rejects too often (docs/validation.md).
    """
    loans, bad = int(n.sum()), int(defaults.sum())
    p_values = 2 * stats.norm.sf(np.abs(residuals(defaults, n)))
    few = np.minimum(n, loans - n) * min(bad, loans - bad) / loans < EXACT_BELOW
    tails = stats.hypergeom(loans, bad, n[few])
    p_values[few] = np.minimum(1, 2 * np.minimum(tails.cdf(defaults[few]), tails.sf(defaults[few] - 1)))
    return p_values, np.where(few, "exact", "pearson").tolist()


def detectable_odds_ratios(
    n: int, other_n: int, other_rate: float, *, alpha: float
) -> tuple[float | None, float | None]:
    """Return the odds ratios nearest to 1, below and above it, that would have been detected with `POWER`.

    Two-sided test of two proportions with the pooled variance under the null hypothesis (Fleiss, Levin and Paik
    2003, section 4.2). None where no odds ratio on that side would have been: too few loans, or the other loans all
    ended the same way.

    Args:
        n: Loans of the level.
        other_n: Loans it is compared with.
        other_rate: Their default rate.
        alpha: Level of the test; divide by the number of levels for the first step of Holm's correction.
    """
    if n == 0 or other_n == 0 or not 0 < other_rate < 1:
        return None, None
    edge = 1e-9

    def lacking(rate: float) -> float:
        power = power_proportions_2indep(
            rate - other_rate, other_rate, n, ratio=other_n / n, alpha=alpha, return_results=False
        )
        return float(np.nan_to_num(power, nan=0.0)) - POWER

    def search(end: float) -> float | None:
        if lacking(end) < 0:
            return None
        near = other_rate + np.sign(end - other_rate) * edge
        rate = optimize.brentq(lacking, near, end, xtol=1e-13)
        return float(rate / (1 - rate) / (other_rate / (1 - other_rate)))

    return search(min(edge, other_rate / 2)), search(1 - min(edge, (1 - other_rate) / 2))


def adjust_p_values(p_values: pd.Series, *, correction: str) -> pd.Series:
    """Return p-values adjusted for their number: "holm" (family-wise error) or "bh" (false discovery rate).

    Missing p-values stay missing and do not count. Raises InputError for another correction.
    """
    if correction not in CORRECTION_NAMES:
        raise InputError(f"correction: expected one of {', '.join(CORRECTION_NAMES)}, got '{correction}'.")
    adjusted = p_values.astype("float64").copy()
    known = adjusted.notna()
    if known.any():
        values = adjusted[known].to_numpy()
        adjusted[known] = _holm(values) if correction == "holm" else stats.false_discovery_control(values)
    return adjusted


def _holm(p_values: np.ndarray) -> np.ndarray:
    # Holm (1979). By hand, since the one of statsmodels collects garbage at every call, which a simulation feels.
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    return np.minimum(steps, 1)[np.argsort(order)]
