"""Shares with their intervals, and how far two of them lie apart."""

import numpy as np
from statsmodels.stats.proportion import proportion_confint


def wilson_ends(share: np.ndarray, of: np.ndarray, *, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's intervals of shares of so many loans, which need be no whole numbers; NaN of no loans."""
    share, of = np.asarray(share, dtype=float), np.asarray(of, dtype=float)
    known = of > 0
    low, high = proportion_confint(
        np.where(known, share * of, 0.0), np.where(known, of, 1.0), method="wilson", alpha=round(1 - confidence, 9)
    )
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def difference_ends(
    now: tuple[float, float, float], before: tuple[float, float, float], *, correlation: float = 0.0
) -> tuple[float, float, float]:
    """Return by how much one share is larger than another, with the ends of the interval.

    Square and add: Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10 of his paper on independent shares and, with the
    correlation of the two estimates, of that on paired ones (2635-2650); for intervals of any kind: Zou and Donner, Statistics in
    Medicine 27 (2008), 1693-1702.

    Args:
        now: Share and the ends of its interval.
        before: The same of what it is compared with.
        correlation: Of the two estimates; 0 for different loans.
    """
    (one, one_low, one_high), (other, other_low, other_high) = now, before
    reaches = []
    for here, there in ((one - one_low, other_high - other), (one_high - one, other - other_low)):
        reaches.append(np.sqrt(max(here**2 - 2 * correlation * here * there + there**2, 0.0)))
    difference = one - other
    return difference, difference - reaches[0], difference + reaches[1]
