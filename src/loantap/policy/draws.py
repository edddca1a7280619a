"""Sums by group over loans drawn again with replacement, without one column per group, and their intervals."""

import numpy as np
from scipy.sparse import csr_array

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval


def drawn_group_sums(
    values: np.ndarray, group: np.ndarray, *, repetitions: int, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each column by group: of the loans themselves, and over n of them drawn with replacement.

    The draws are those of `loantap.model.bootstrap.drawn_sums` with the same seed. A table with one column for each
    group and value would give the same, but is nearly all zeros.

    Args:
        values: One row per loan, shape (n, k).
        group: The group of each loan, whole numbers from 0, shape (n,).
        repetitions: How often to draw.
        random_state: Seed.

    Returns:
        Shape (groups, k), and shape (repetitions, groups, k).
    """
    n, k = values.shape
    groups = int(group.max(initial=-1)) + 1
    place = group[:, np.newaxis] * k + np.arange(k)
    table = csr_array((values.astype(float).ravel(), place.ravel(), np.arange(0, n * k + 1, k)), shape=(n, groups * k))
    drawn = drawn_sums(table, repetitions=repetitions, random_state=random_state)
    return (np.ones(n) @ table).reshape(groups, k), drawn.reshape(repetitions, groups, k)


def ends(draws: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile interval of each column, NaN for a column that no draw knows."""
    known = np.isfinite(draws).any(axis=0)
    low, high = np.full(len(known), np.nan), np.full(len(known), np.nan)
    if known.any():
        low[known], high[known] = percentile_interval(draws[:, known], level=confidence)
    return low, high


def patterns(refusals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of a table of refusals, and which of them each loan has.

    Args:
        refusals: Whether each rule refuses each loan, shape (n, rules).

    Returns:
        The distinct rows, shape (patterns, rules), and the row of each loan, shape (n,).
    """
    # A column of zeros beside, for there may be no rule.
    refusals = np.column_stack([refusals, np.zeros(len(refusals), dtype=bool)])
    packed = np.ascontiguousarray(np.packbits(refusals, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return refusals[first, :-1], group
