"""Which cells of a table of counts are withheld, so that none that is small can be read or computed."""

import numpy as np


def withheld(counts: np.ndarray, *, min_cell: int) -> np.ndarray:
    """Return which cells of a table with its sums are withheld, shape (rows + 1, columns + 1); the last of both are the sums.

    A cell with some loans, but fewer than `min_cell`, is withheld (the rule of `analysis.suppression`, where cells cannot be pooled
    since each of them is a state). Others follow, the smallest first, until no line whose sum is shown has one withheld cell only or
    withheld cells of fewer than `min_cell` loans together, and until no withheld cell follows from all sums at once (a cell does if
    its unit vector lies in the row space of the equations). A count of 0 stays.

    Args:
        counts: Loans by row and column, without the sums.
        min_cell: The smallest count that may be shown; 0 or 1 withholds nothing.
    """
    table = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), dtype=np.int64)
    table[:-1, :-1], table[-1, :-1], table[:-1, -1] = counts, counts.sum(axis=0), counts.sum(axis=1)
    table[-1, -1] = counts.sum()
    hidden = (table > 0) & (table < min_cell)
    # Views of the two: what is withheld in a line is withheld in the table.
    lines = [(hidden[row], table[row]) for row in range(len(table))]
    lines += [(hidden[:, column], table[:, column]) for column in range(table.shape[1])]
    while hidden.any():
        before = hidden.sum()
        for inside, cells in lines:
            if not inside.any():
                continue
            told = not inside[-1] and cells[inside].sum() < min_cell
            if inside.sum() < 2 or told:
                _hide_smallest(inside, cells)
        if hidden.sum() == before and not _hide_followed(hidden, table):
            break
    return hidden


def _hide_smallest(inside: np.ndarray, cells: np.ndarray) -> None:
    """Withhold the smallest cell of a line that is still shown: one with loans where there is one, its sum last of all."""
    shown = np.flatnonzero(~inside)
    if len(shown):
        order = np.lexsort((cells[shown], cells[shown] == 0, shown == len(cells) - 1))
        inside[shown[order[0]]] = True


def _hide_followed(hidden: np.ndarray, table: np.ndarray) -> bool:
    """Withhold more beside the first withheld cell that follows from the sums; return whether anything was."""
    places = np.argwhere(hidden)
    rows, columns = (np.arange(size) for size in hidden.shape)
    # One equation for each line: what is withheld inside it less its sum, where that is withheld, is known.
    sign = np.where(places == np.array(hidden.shape) - 1, -1.0, 1.0)
    across = (rows[:, np.newaxis] == places[:, 0]) * sign[:, 1]
    down = (columns[:, np.newaxis] == places[:, 1]) * sign[:, 0]
    equations = np.concatenate([across, down])
    followed = np.flatnonzero(np.isclose(np.diag(np.linalg.pinv(equations) @ equations), 1))
    if len(followed) == 0:
        return False
    row, column = places[followed[0]]
    before = hidden.sum()
    _hide_smallest(hidden[row], table[row])
    _hide_smallest(hidden[:, column], table[:, column])
    return bool(hidden.sum() > before)
