"""Sums over loans drawn again with replacement: what every percentile interval of a share or an amount comes from."""

from collections.abc import Iterator
from typing import Any

import numpy as np

CONFIDENCE = 0.95  # of intervals and tests, unless a caller says otherwise


def drawn_counts(n: int, *, repetitions: int, random_state: int) -> Iterator[np.ndarray]:
    """Yield how often each of n loans, in their order, is drawn; the same for the same seed, whatever is summed."""
    rng = np.random.default_rng(random_state)
    for _ in range(repetitions):
        yield np.bincount(rng.integers(0, n, n), minlength=n)


def drawn_sums(columns: Any, *, repetitions: int, random_state: int) -> np.ndarray:
    """Return the sum of each column over n rows drawn with replacement, shape (repetitions, columns).

    Columns that are summed together share their draws, so differences and ratios of them are paired.

    Args:
        columns: One row per loan, shape (n, columns), an array or a sparse one.
        repetitions: How often to draw.
        random_state: Seed.
    """
    counts = drawn_counts(columns.shape[0], repetitions=repetitions, random_state=random_state)
    return np.array([drawn @ columns for drawn in counts])


def percentile_interval(draws: np.ndarray, *, level: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile interval over the first axis; draws that are NaN are left out."""
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
