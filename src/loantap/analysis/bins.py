"""Quantiles and bins of a number, from its values and how many loans hold each: one value per loan is never written."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import binom

_STEPS = (1, 2, 2.5, 5)


def order_statistics(values: np.ndarray, n: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return the values at ranks, counted from 0, of the sorted loans.

    Args:
        values: Distinct values in ascending order, none missing.
        n: Loans at each value.
        ranks: Whole numbers from 0 to all loans minus one.
    """
    return np.asarray(values[np.searchsorted(np.cumsum(n), ranks, side="right")])


def inverted_cdf(values: np.ndarray, n: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the smallest values that hold at least these shares of the loans at or below them; NaN without loans.

    `np.quantile(..., method="inverted_cdf")` of one value per loan, by the same arithmetic. (With `weights` NumPy
    compares cumulated shares instead of ranks, which rounds otherwise.) Takes values and n as `order_statistics` does.
    """
    total = int(n.sum())
    if total == 0:
        return np.full(len(shares), np.nan)
    return order_statistics(values, n, np.maximum(np.ceil(total * shares - 1), 0))


def linear(values: np.ndarray, n: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return quantiles interpolated between neighbouring loans, as pandas and NumPy do unless told otherwise.

    NaN without loans. Takes values and n as `order_statistics` does.
    """
    total = int(n.sum())
    if total == 0:
        return np.full(len(shares), np.nan)
    places = (total - 1) * shares
    below = np.floor(places)
    ends = np.column_stack([order_statistics(values, n, np.minimum(below + more, total - 1)) for more in (0, 1)])
    # NumPy itself goes from one neighbour to the next, so that the last digit is its own.
    return np.array([np.quantile(pair, part) for pair, part in zip(ends, places - below, strict=True)])


def median_with_interval(values: np.ndarray, n: np.ndarray, *, confidence: float) -> tuple[float, float, float]:
    """Return the middle value and the order statistics around it that hold the median with the given confidence.

    The interval is that of `scipy.stats.quantile_test` (Conover 1999, section 3.2): ranks are quantiles of the binomial
    distribution. An end is NaN where there are too few loans for it. Takes values and n as `order_statistics` does.
    """
    total = int(n.sum())
    if total == 0:
        return (float("nan"),) * 3
    below, tail = binom(total, 0.5), (1 - confidence) / 2
    ranks = np.array([int(below.ppf(tail)) - 1, int(below.isf(tail))])
    known = (ranks >= 0) & (ranks < total)
    ends = np.where(known, order_statistics(values, n, np.where(known, ranks, 0)), np.nan)
    # The middle value itself, as the interval's ends are values too.
    return float(inverted_cdf(values, n, np.array([0.5]))[0]), float(ends[0]), float(ends[1])


def round_bins(values: pd.Series, n: pd.Series, *, bins: int = 10, least: int = 1) -> pd.Series:
    """Return an ordered category of bins of equal, round width; a column of few values keeps them as levels.

    The width is the smallest of 1, 2, 2.5 and 5 times a power of ten that needs no more than `bins`: a rule that reads
    the numbers, whatever they are, so that a reader can remember the edges. The first and the last bin are open, so
    that the smallest and the largest loan stay unnamed. Each bin holds at least half of an equal share of the loans, a
    twentieth where there may be 10 bins: a bin with fewer joins its neighbour.

    Args:
        values: Numbers, in any order.
        n: Loans at each of them.
        bins: Bins at most.
        least: Loans that a bin needs whatever its share.

    Returns:
        The bin of each of the values, whose lower edge belongs to it; missing ones stay missing.
    """
    distinct, loans = _distinct(values, n)
    if len(distinct) <= bins:
        return _category(values, distinct, distinct_texts(distinct), side="left")
    whole = bool((distinct == np.floor(distinct)).all())
    edges = _edges(distinct, loans, bins=bins, least=least, whole=whole)
    return _category(values, edges, _labels(edges, lowest=float(distinct[0]), whole=whole), side="right")


def binned(values: pd.Series, n: pd.Series, *, bins: int = 10) -> pd.Series:
    """Return an ordered category of about equally many loans per bin; a column of few values keeps them as levels.

    The labels state the edges, which are quantiles; the first and last bin are open, so that the smallest and
    the largest loan stay unnamed. Ties are never split: a value held by many loans fills its bin alone.

    Args:
        values: Numbers, in any order.
        n: Loans at each of them.
        bins: Bins at most.

    Returns:
        The bin of each of the values; missing ones stay missing.
    """
    distinct, loans = _distinct(values, n)
    if len(distinct) <= bins:
        return _category(values, distinct, distinct_texts(distinct), side="left")
    # Where many loans share the largest value, the last bin is theirs alone.
    uppers = np.unique(np.minimum(inverted_cdf(distinct, loans, np.arange(1, bins) / bins), distinct[-2]))
    labels = _quantile_labels(uppers, lowest=distinct[0], whole=bool((distinct == np.floor(distinct)).all()))
    return _category(values, uppers, labels, side="left")


def distinct_texts(values: np.ndarray) -> list[str]:
    """Return distinct numbers as distinct texts, with two decimals unless more are needed to tell them apart."""
    for decimals in (2, 4, 8):
        texts = [f"{round(float(value), decimals):,.12g}" for value in values]
        if len(set(texts)) == len(values):
            return texts
    return [repr(float(value)) for value in values]


def _distinct(values: pd.Series, n: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    loans = n.groupby(values).sum()
    loans = loans.loc[loans > 0]
    return loans.index.to_numpy(dtype="float64"), loans.to_numpy()


def _category(values: pd.Series, edges: np.ndarray, labels: list[str], *, side: Literal["left", "right"]) -> pd.Series:
    codes = np.where(values.isna(), -1, np.searchsorted(edges, values.to_numpy(dtype="float64"), side=side))
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(labels), ordered=True), values.index, name=values.name)


def _edges(distinct: np.ndarray, n: np.ndarray, *, bins: int, least: int, whole: bool) -> np.ndarray:
    total = n.sum()
    below = np.concatenate([[0], np.cumsum(n)])  # loans below each of the values, and all of them
    needed = max(total / (2 * bins), least, 1)
    if n.max() > total - needed:  # nearly all loans share one value: the others need no more than is shown of anything
        needed = max(least, 1)
    enough = [value for value, fewer in zip(distinct, below, strict=False) if needed <= fewer <= total - needed]
    if not enough:
        return np.array([])
    low, high = float(distinct[np.searchsorted(below, needed) - 1]), float(enough[-1])
    for width in _widths(high - low, bins=bins, whole=whole):
        # From the first edge that leaves enough loans below it to the last that leaves enough above.
        steps = np.arange(np.floor(low / width), np.ceil(high / width) + 1)
        edges = _with_enough(np.unique(np.round(steps * width, 9)), distinct, below, needed)
        if len(edges) and round((edges[-1] - edges[0]) / width) + 2 <= bins:
            return edges
    return np.array([])


def _widths(span: float, *, bins: int, whole: bool) -> list[float]:
    power = int(np.floor(np.log10(max(span, 1e-9) / bins))) - 1
    widths = [float(f"{step}e{power + more}") for more in range(5) for step in _STEPS]
    return [width for width in widths if not whole or width == int(width)]


def _with_enough(edges: np.ndarray, distinct: np.ndarray, below: np.ndarray, needed: float) -> np.ndarray:
    """Return the edges between which, below which and above which enough loans lie."""
    kept, last = [], 0
    for edge, fewer in zip(edges, below[np.searchsorted(distinct, edges)], strict=True):
        if fewer - last >= needed and below[-1] - fewer >= needed:
            kept.append(edge)
            last = int(fewer)
    return np.array(kept)


def _labels(edges: np.ndarray, *, lowest: float, whole: bool) -> list[str]:
    if not len(edges):
        return ["any value"]
    ends = distinct_texts(edges)
    if not whole:
        return [f"under {ends[0]}", *(f"{low} to under {high}" for low, high in pairwise(ends)), f"{ends[-1]} or more"]
    lasts = distinct_texts(edges - 1)
    first = lasts[0] if lowest == edges[0] - 1 else f"under {ends[0]}"
    middle = [" to ".join(dict.fromkeys(pair)) for pair in zip(ends[:-1], lasts[1:], strict=True)]
    return [first, *middle, f"{ends[-1]} or more"]


def _quantile_labels(uppers: np.ndarray, *, lowest: float, whole: bool) -> list[str]:
    ends = distinct_texts(uppers)
    first = ends[0] if lowest == uppers[0] else f"up to {ends[0]}"
    if not whole:
        return [first, *(f"over {low} to {high}" for low, high in pairwise(ends)), f"over {ends[-1]}"]
    starts = distinct_texts(uppers + 1)
    middle = [" to ".join(dict.fromkeys(pair)) for pair in zip(starts[:-1], ends[1:], strict=True)]
    return [first, *middle, f"{starts[-1]} or more"]
