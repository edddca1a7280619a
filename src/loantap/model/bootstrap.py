"""Sums over loans drawn again with replacement: what every percentile interval of a share or an amount comes from."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

CONFIDENCE = 0.95  # of intervals and tests, unless a caller says otherwise
_BATCH, _MOST_KEPT = 4_000_000, 80_000_000  # counts at a time, one byte each


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
    n = columns.shape[0]
    kept = n * repetitions <= _MOST_KEPT
    batches = (_kept_batches if kept else _batches)(n, repetitions, random_state)
    return np.concatenate([(columns.T @ batch.astype(float)).T for batch in batches])


@lru_cache(maxsize=1)
def _kept_batches(n: int, repetitions: int, random_state: int) -> list[np.ndarray]:
    # A stage draws the same loans again for every model, rule and sum that it tells of.
    return [*_batches(n, repetitions, random_state)]


def _batches(n: int, repetitions: int, random_state: int) -> Iterator[np.ndarray]:
    """Yield the draws, some at a time, shape (n, draws): sums over many draws take one pass over the loans."""
    counts = drawn_counts(n, repetitions=repetitions, random_state=random_state)
    while some := [drawn.astype(np.uint8) for drawn in islice(counts, max(_BATCH // max(n, 1), 1))]:
        yield np.column_stack(some)  # nobody is drawn 256 times: the chance is below 1e-500


def percentile_interval(draws: np.ndarray, *, level: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile interval over the first axis; draws that are NaN are left out."""
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
