"""Whole-number quotas: proportional by largest remainder, and exact in total however the table is cut into chunks."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def largest_remainder(weights: ArrayLike, total: int) -> Counts:
    """Return whole numbers in proportion to `weights` that sum to `total`.

    Each lies within one of its exact share, and where the weights are whole and sum to `total` they come back
    unchanged. Ties go to the earlier weight. Raises ValueError when `total` > 0 and no weight is.
    """
    shares = np.asarray(weights, dtype=float)
    if total == 0:
        return np.zeros(len(shares), dtype=np.int64)
    if not shares.sum() > 0:
        raise ValueError(f"expected at least one weight above 0 to share {total} rows, got {shares.tolist()}")
    exact = shares * (total / shares.sum())
    counts = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


class Remaining:
    """Quotas of a whole table that chunks draw from until nothing is left."""

    def __init__(self, counts: ArrayLike) -> None:
        self.counts: Counts = np.array(counts, dtype=np.int64)

    def take(self, rows: int) -> Counts:
        """Return the share of `rows` of what remains, and set it aside; the last rows take all."""
        share = largest_remainder(self.counts, rows)
        self.counts = self.counts - share
        return share
