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
    """Return by how much one share is larger than another, both with the ends of their intervals, and the ends of the difference's.

    Square and add: Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10 of his paper on independent shares and, with the
    correlation of the two estimates (0 for different loans), of that on paired ones (2635-2650); for intervals of any kind: Zou and
    Donner, Statistics in Medicine 27 (2008), 1693-1702.
    """
    (one, one_low, one_high), (other, other_low, other_high) = now, before
    reaches = []
    for here, there in ((one - one_low, other_high - other), (one_high - one, other - other_low)):
        reaches.append(np.sqrt(max(here**2 - 2 * correlation * here * there + there**2, 0.0)))
    difference = one - other
    return difference, difference - reaches[0], difference + reaches[1]


def withheld(counts: np.ndarray, *, min_cell: int) -> np.ndarray:
    """Return which cells of a table with its sums are withheld, shape (rows + 1, columns + 1); the last of both are the sums.

    A cell with some loans, but fewer than `min_cell`, is withheld (the rule of `analysis.suppression`, for cells that cannot be pooled
    since each of them is a state). The smallest of its row follow until two or more are withheld, which hold `min_cell` loans together,
    or until the sum of the row is small itself. Then the sum of each column with a withheld cell is withheld, and the sum of all where
    that of a row is. Rows are what is read, so they keep all they can; a count of 0 stays.
    """
    counts = np.asarray(counts)
    sums = counts.sum(axis=1)
    hidden = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), dtype=bool)
    hidden[:-1, :-1] = (counts > 0) & (counts < min_cell)
    hidden[:-1, -1] = (sums > 0) & (sums < min_cell)
    for row in np.flatnonzero(hidden[:-1, :-1].any(axis=1) & ~hidden[:-1, -1]):
        inside, cells = hidden[row, :-1], counts[row]  # a view: what is set here is set in the table
        for place in np.argsort(np.where(cells > 0, cells, cells.max() + 1), kind="stable"):
            if inside.sum() >= 2 and cells[inside].sum() >= min_cell:
                break
            inside[place] = True
    hidden[-1, :-1] = hidden[:-1, :-1].any(axis=0)
    hidden[-1, -1] = hidden[:-1, -1].any()
    return hidden
