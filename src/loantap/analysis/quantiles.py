"""Quantiles from values and how many loans hold each, without ever writing one value per loan."""

import numpy as np
from scipy.stats import binom


def order_statistics(values: np.ndarray, n: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return the values at ranks, counted from 0, of the sorted loans.

    Args:
        values: Distinct values in ascending order, none missing.
        n: Loans at each value.
        ranks: Whole numbers from 0 to all loans minus one.
    """
    return np.asarray(values[np.searchsorted(np.cumsum(n), ranks, side="right")])


def inverted_cdf(values: np.ndarray, n: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the smallest values that hold at least these shares of the loans at or below them.

    `np.quantile(..., method="inverted_cdf")` of one value per loan, by the same arithmetic. (With `weights` NumPy compares
    cumulated shares instead of ranks, which rounds otherwise.) NaN without loans. Arguments as in `order_statistics`.
    """
    total = int(n.sum())
    if total == 0:
        return np.full(len(shares), np.nan)
    return order_statistics(values, n, np.maximum(np.ceil(total * shares - 1), 0))


def linear(values: np.ndarray, n: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return quantiles interpolated between neighbouring loans, as pandas and NumPy do unless told otherwise.

    NaN without loans. Arguments as in `order_statistics`.
    """
    total = int(n.sum())
    if total == 0:
        return np.full(len(shares), np.nan)
    places = (total - 1) * shares
    below = np.floor(places)
    low = order_statistics(values, n, below)
    high = order_statistics(values, n, np.minimum(below + 1, total - 1))
    # NumPy itself goes from one neighbour to the next, so that the last digit is its own.
    parts = zip(low, high, places - below, strict=True)
    return np.array([np.quantile([left, right], part) for left, right, part in parts])


def median_with_interval(values: np.ndarray, n: np.ndarray, *, confidence: float) -> tuple[float, float, float]:
    """Return the middle value and the order statistics around it that hold the median with the given confidence.

    The interval is that of `scipy.stats.quantile_test` (Conover 1999, section 3.2): ranks are quantiles of the binomial
    distribution. An end is NaN where there are too few loans for it. Other arguments as in `order_statistics`.
    """
    total = int(n.sum())
    if total == 0:
        return (float("nan"),) * 3
    below = binom(total, 0.5)
    tail = (1 - confidence) / 2
    ranks = np.array([int(below.ppf(tail)) - 1, int(below.isf(tail))])
    known = (ranks >= 0) & (ranks < total)
    ends = np.where(known, order_statistics(values, n, np.where(known, ranks, 0)), np.nan)
    # The middle value itself, as the interval's ends are values too.
    return float(inverted_cdf(values, n, np.array([0.5]))[0]), float(ends[0]), float(ends[1])
