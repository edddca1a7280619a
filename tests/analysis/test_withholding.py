"""No small cell of a table can be read, or computed from what is shown of it."""

import numpy as np
import pytest

from loantap.analysis.suppression import withheld


def table_of(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice([0, 0, 1, 3, 7, 12, 25, 400], (rng.integers(1, 7), rng.integers(1, 7)))


def with_sums(counts: np.ndarray) -> np.ndarray:
    wide = np.append(counts, counts.sum(axis=1, keepdims=True), axis=1)
    return np.append(wide, wide.sum(axis=0, keepdims=True), axis=0)


def free_cells(hidden: np.ndarray) -> np.ndarray:
    """Return which hidden cells can change while all shown ones stay: those that some solution of the sums moves."""
    rows, columns = hidden.shape
    equations = []
    for row in range(rows):
        one = np.zeros(hidden.shape)
        one[row, :-1], one[row, -1] = 1, -1
        equations.append(one.ravel())
    for column in range(columns):
        one = np.zeros(hidden.shape)
        one[:-1, column], one[-1, column] = 1, -1
        equations.append(one.ravel())
    shown = [np.eye(hidden.size)[place] for place in np.flatnonzero(~hidden)]
    matrix = np.array(equations + shown)
    _, sizes, vectors = np.linalg.svd(matrix)
    rank = (sizes > 1e-9).sum()
    return (np.abs(vectors[rank:]) > 1e-9).any(axis=0).reshape(hidden.shape)


@pytest.mark.parametrize("seed", range(60))
def test_no_withheld_cell_follows_from_the_others(seed: int):
    counts = table_of(seed)
    hidden, table = withheld(counts, min_cell=10), with_sums(counts)
    assert hidden[(table > 0) & (table < 10)].all()
    assert free_cells(hidden)[hidden].all()


@pytest.mark.parametrize("seed", range(60))
def test_withheld_cells_of_a_row_are_no_few_loans_together(seed: int):
    counts = table_of(seed)
    hidden, table = withheld(counts, min_cell=10), with_sums(counts)
    for cells, inside in zip(table[:-1], hidden[:-1], strict=True):
        if inside.any() and not inside[-1]:
            assert cells[inside].sum() >= 10


def test_nothing_small_is_nothing_withheld():
    assert not withheld(np.array([[10, 0], [20, 30]]), min_cell=10).any()
    assert not withheld(np.array([[1, 0], [2, 3]]), min_cell=0).any()


def test_a_lone_small_cell_takes_the_smallest_of_its_row_with_it_by_hand():
    # 4 is small; 20 goes with it, or 4 would follow from the sum of the row; and the sums of both columns.
    found = withheld(np.array([[4, 20, 90], [30, 60, 95], [91, 92, 93]]), min_cell=10)
    assert np.argwhere(found).tolist() == [[0, 0], [0, 1], [3, 0], [3, 1]]


def test_a_small_row_is_withheld_with_its_sum_and_the_sum_of_all():
    found = withheld(np.array([[4, 0], [30, 60]]), min_cell=10)
    assert np.argwhere(found).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]
