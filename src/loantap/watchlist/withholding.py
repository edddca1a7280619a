"""Which cells of a table of counts are withheld, so that none that is small can be read or computed from the others."""

import numpy as np


def withheld(counts: np.ndarray, *, min_cell: int) -> np.ndarray:
    """Return which cells of a table with its sums are withheld, shape (rows + 1, columns + 1); the last of both are the sums.

    A cell with some loans, but fewer than `min_cell`, is withheld (the rule of `analysis.suppression`, for cells that cannot be pooled
    since each of them is a state). The smallest of its row follow until two or more are withheld, which hold `min_cell` loans together,
    or until the sum of the row is small itself. Then the sum of each column with a withheld cell is withheld, and the sum of all where
    that of a row is. Rows are what is read, so they keep all they can; a count of 0 stays.

    Args:
        counts: Loans by row and column, without the sums.
        min_cell: The smallest count that may be shown; 0 or 1 withholds nothing.
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
