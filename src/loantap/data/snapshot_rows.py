"""All rows of snapshots together: which of them contradict each other, and how they become a panel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WORSE_COUNTS = "days_past_due"
FAR = 12  # months; what lies further than this from the other snapshots is quarantined as a likely typo
_FORMULA, _NUMBER = r"^[=+\-@\t\r]", r"^[-+]?[\d.]+$"


class Growing:
    """Values that come in parts, held in one array: as a list of parts, all would be there twice while they are joined."""

    def __init__(self) -> None:
        self._held, self._count = np.empty(0), 0

    def add(self, part: np.ndarray) -> None:
        """Put a part behind what is there."""
        count = self._count + len(part)
        if count > len(self._held):
            held = np.empty(2 * count, dtype=part.dtype)  # what is not written to takes no memory
            held[: self._count] = self.values()
            self._held = held
        self._held[self._count : count] = part
        self._count = count

    def values(self) -> np.ndarray:
        """Return what is there."""
        return self._held[: self._count]


@dataclass(frozen=True)
class Rows:
    """Whose snapshots these are and of when, one per row, r in all.

    Attributes:
        row: The number of each record in its source, shape (r,).
        loan: Whose it is, a position in `loans`, shape (r,).
        month: Months since January 1970, shape (r,).
        loans: The loans' names, each once, in any order.
    """

    row: np.ndarray
    loan: np.ndarray
    month: np.ndarray
    loans: pa.StringArray

    @property
    def months(self) -> np.ndarray:
        """The months from the first to the last, datetime64[M]."""
        return np.arange(self.month.min(), self.month.max() + 1, dtype=np.int64).astype("datetime64[M]")

    @property
    def cells(self) -> np.ndarray:
        """The place of each row in a matrix of loans by months, counted through it."""
        return self.loan.astype(np.int64) * len(self.months) + (self.month - self.month.min())

    def only(self, keep: np.ndarray) -> "Rows":
        """Return some of the rows."""
        return Rows(self.row[keep], self.loan[keep], self.month[keep], self.loans)


@dataclass(frozen=True)
class Repeats:
    """What the rows that share loan and month with another one are.

    Attributes:
        last: The last row of each loan and month, shape (r,).
        differ: Rows of a loan and month that contradict each other, shape (r,).
        settled: By column, the positions of last rows and what they say when all rows of their loan and month are heard: a value that
            one of them knows, NaN where they contradict each other.
        copies: Rows that a later one repeats and does not contradict, shape (r,).
        disordered: How many loans have months that do not stand in their order.
    """

    last: np.ndarray
    differ: np.ndarray
    settled: dict[str, tuple[np.ndarray, np.ndarray]]
    copies: np.ndarray
    disordered: int


def is_formula(texts: pa.Array) -> np.ndarray:
    """Return which texts a spreadsheet would run when it opens a list with them, shape of the texts."""
    begins, number = (pc.match_substring_regex(texts, pattern) for pattern in (_FORMULA, _NUMBER))
    return pc.and_not(begins, number).to_numpy(zero_copy_only=False)


def far_months(rows: Rows) -> np.ndarray:
    """Return which rows lie more than FAR months from the bulk: the run of months, no further apart, with most rows; shape (r,)."""
    first, last = bulk_of(*np.unique(rows.month, return_counts=True))
    return (rows.month < first) | (rows.month > last)


def bulk_of(months: np.ndarray, counts: np.ndarray) -> tuple[int, int]:
    """Return the first and the last month of that run.

    Args:
        months: Months that have rows, as whole numbers, ascending.
        counts: How many rows each has, of the same shape.
    """
    runs = np.split(np.arange(len(months)), np.flatnonzero(np.diff(months.astype(np.int64)) > FAR) + 1)
    bulk = max(runs, key=lambda run: (counts[run].sum(), months[run[0]]))
    return int(months[bulk[0]]), int(months[bulk[-1]])


def repeats(rows: Rows, measures: Mapping[str, np.ndarray]) -> Repeats:
    """Return which rows stand for one loan and month together, without sorting them; values by column, shape (r,) each."""
    cells, number = rows.cells, np.arange(len(rows.row), dtype=np.int32)
    place = np.full((len(rows.loans), len(rows.months)), -1, dtype=np.int32)
    place.reshape(-1)[cells] = number  # of several, the last one stays
    disordered = (np.maximum.accumulate(place, axis=1) > place) & (place >= 0)
    last = place.reshape(-1)[cells] == number
    earlier = np.flatnonzero(~last)
    final = place.reshape(-1)[cells[earlier]]
    settled, differ = {}, np.zeros(place.size, dtype=bool)
    for name, values in measures.items():
        one, agreed = values[earlier], values[final]
        silent = np.isnan(agreed) & ~np.isnan(one)
        told = dict(zip(final[silent].tolist(), one[silent].tolist(), strict=True))
        agreed[silent] = [told[row] for row in final[silent].tolist()]  # the same for all rows of a loan and month
        apart = (one != agreed) & ~np.isnan(one)
        differ[cells[final[apart]]] = True
        twofold = np.isin(final, final[apart])
        if name == WORSE_COUNTS:  # of arrears the worse: else who contradicts himself would look as before
            worst = values.copy()
            np.fmax.at(worst, final, one)
            agreed = np.where(twofold, worst[final], agreed)
        else:
            agreed[twofold] = np.nan
        settled[name] = final, agreed
    differ = differ[cells]
    return Repeats(last, differ, settled, ~last & ~differ, int(disordered.any(axis=1).sum()))


def by_loan(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the names of the loans that have rows, ascending, shape (n,), and each row's place in a matrix of them by months."""
    present = np.flatnonzero(np.bincount(rows.loan, minlength=len(rows.loans)))
    names = rows.loans.take(pa.array(present))
    order = pc.sort_indices(names).to_numpy()
    rank = np.zeros(len(rows.loans), dtype=np.int64)
    rank[present[order]] = np.arange(len(order))
    names = names.take(pa.array(order)).to_numpy(zero_copy_only=False)
    return names, Rows(rows.row, rank[rows.loan], rows.month, rows.loans).cells


def matrix(values: np.ndarray, cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return values at their places in a matrix, NaN elsewhere; its months lie in one piece each, as they are looked at."""
    filled = np.full(shape, np.nan, order="F")
    filled[np.unravel_index(cells, shape)] = values
    return filled
