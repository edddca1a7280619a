"""Bins with round edges: a rule that reads the numbers, whatever they are, so that a reader can remember the edges."""

from itertools import pairwise

import numpy as np
import pandas as pd

_STEPS = (1, 2, 2.5, 5)


def round_bins(values: pd.Series, n: pd.Series, *, bins: int = 10, least: int = 1) -> pd.Series:
    """Return an ordered category of bins of equal, round width; a column of few values keeps them as levels.

    The width is the smallest of 1, 2, 2.5 and 5 times a power of ten that needs no more than `bins`. The first and the last bin are
    open, so that the smallest and the largest loan stay unnamed. Each bin holds at least half of an equal share of the loans, a twentieth
    where there may be 10 bins: a bin with fewer joins its neighbour.

    Args:
        values: Numbers, in any order.
        n: Loans at each of them.
        bins: Bins at most.
        least: Loans that a bin needs whatever its share.

    Returns:
        The bin of each of the values, whose lower edge belongs to it; missing ones stay missing.
    """
    loans = n.groupby(values).sum()
    loans = loans.loc[loans > 0]
    distinct = loans.index.to_numpy(dtype="float64")
    if len(distinct) <= bins:
        labels, codes = distinct_texts(distinct), np.searchsorted(distinct, values.to_numpy(dtype="float64"))
    else:
        whole = bool((distinct == np.floor(distinct)).all())
        edges = _edges(distinct, loans.to_numpy(), bins=bins, least=least, whole=whole)
        labels = _labels(edges, lowest=float(distinct[0]), whole=whole)
        codes = np.searchsorted(edges, values.to_numpy(dtype="float64"), side="right")
    codes = np.where(values.isna(), -1, codes)
    levels = pd.Categorical.from_codes(codes, pd.Index(labels), ordered=True)
    return pd.Series(levels, index=values.index, name=values.name)


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


def distinct_texts(values: np.ndarray) -> list[str]:
    """Return distinct numbers as distinct texts, with two decimals unless more are needed to tell them apart."""
    for decimals in (2, 4, 8):
        texts = [f"{round(float(value), decimals):,.12g}" for value in values]
        if len(set(texts)) == len(values):
            return texts
    return [repr(float(value)) for value in values]
