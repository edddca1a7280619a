"""Small cells are pooled before anything is computed, so that nothing published gives one away.

A level is small if fewer than `min_cell` loans stand in it, or if it has some, but fewer than `min_cell`, defaults or
repaid loans. Where levels come from the data, such as professions, it is small as well if its loans would be expected
to hold fewer than `min_cell` of either at the portfolio's default rate: that does not look at its own outcome. Without
it, levels with few loans would be shown if their default rate is high and pooled if it is low, and among hundreds of
them associations would appear from nothing. The few fixed levels of the codebook, such as grades, need no such rule. A
count of 0 in a level large enough is kept: that is the separation which the report has to show.

Small levels become one level. If that one is still small, or holds one level only (whose counts would then follow
from the published total), the smallest of the other levels joins it: secondary suppression. Every statistic comes
from the pooled counts, since a chi-square of the full table would let a reader solve for a hidden cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

_SHOWN = 3


@dataclass(frozen=True)
class Pooled:
    """Counts that may be published."""

    counts: pd.DataFrame  # level, n, defaults; a pooled level stands last (in its group)
    members: dict[str, list[str]]  # the levels that each pooled level is made of

    def names(self) -> dict[str, str]:
        """Return the published level of each pooled one."""
        return {level: pooled for pooled, levels in self.members.items() for level in levels}


def is_small(n: pd.Series, defaults: pd.Series, *, min_cell: int, default_rate: float | None) -> np.ndarray:
    """Tell for each level whether it has too few loans, defaults or repaid loans, or, given a rate, to expect them."""
    if min_cell <= 1:
        return np.zeros(len(n), dtype=bool)
    cells = np.column_stack([defaults, n - defaults])
    few = ((cells > 0) & (cells < min_cell)).any(axis=1)
    few |= np.asarray(n) < min_cell
    if default_rate is not None:
        few |= np.asarray(n) * min(default_rate, 1 - default_rate) < min_cell
    return np.asarray(few)


def pool_small(
    counts: pd.DataFrame, *, min_cell: int, within: Mapping[str, str] | None = None, by_expectation: bool = True
) -> Pooled:
    """Pool small levels, so that no published count is small or follows from other published ones.

    Args:
        counts: level, n, defaults.
        min_cell: The smallest count that may be published; 0 or 1 pools nothing.
        within: The group of each level, where counts by group are published too (sub-grades within grades): levels
            are pooled within their group only, so that no difference between the two tables gives a level away.
            A group that is small itself has to be pooled first, and then given here under its pooled name.
        by_expectation: Whether a level is small as well if its size makes small cells likely.
    """
    default_rate = float(counts["defaults"].sum() / counts["n"].sum()) if by_expectation else None
    if within is None:
        return _pool(counts, min_cell, default_rate)
    groups = counts["level"].map(within)
    parts = [
        _pool(counts.loc[groups == group], min_cell, default_rate, prefix=f"{group}: ") for group in groups.unique()
    ]
    members: dict[str, list[str]] = {}
    for part in parts:
        members |= part.members
    return Pooled(pd.concat([part.counts for part in parts], ignore_index=True), members)


def is_comparable(counts: pd.DataFrame, *, min_cell: int, by_expectation: bool = True) -> bool:
    """Tell whether pooling leaves two levels or more to compare."""
    return len(pool_small(counts, min_cell=min_cell, by_expectation=by_expectation).counts) > 1


def _pool(counts: pd.DataFrame, min_cell: int, default_rate: float | None, *, prefix: str = "") -> Pooled:
    rule = {"min_cell": min_cell, "default_rate": default_rate}
    small = is_small(counts["n"], counts["defaults"], **rule)  # type: ignore[arg-type]
    if not small.any() or len(counts) < 2:
        return Pooled(counts.reset_index(drop=True), {})
    # Small levels first, then the others from the smallest up; ties in the order of the counts.
    order = np.lexsort((np.arange(len(counts)), counts["n"], ~small))
    totals = counts.iloc[order][["n", "defaults"]].cumsum()
    enough = ~is_small(totals["n"], totals["defaults"], **rule)  # type: ignore[arg-type]
    taken = max(int(small.sum()), 2)
    while taken < len(counts) and not enough[taken - 1]:
        taken += 1
    inside = np.zeros(len(counts), dtype=bool)
    inside[order[:taken]] = True
    names = counts.loc[inside, "level"].tolist()
    name = f"{', '.join(names)} (pooled)" if len(names) <= _SHOWN else f"{prefix}{len(names)} small levels (pooled)"
    if name in set(counts.loc[~inside, "level"]):
        name += " "
    pooled = pd.DataFrame(
        {"level": [name], **{column: [counts.loc[inside, column].sum()] for column in ("n", "defaults")}}
    )
    return Pooled(pd.concat([counts.loc[~inside], pooled], ignore_index=True), {name: names})


def withheld(counts: np.ndarray, *, min_cell: int) -> np.ndarray:
    """Return which cells of a table with its sums are withheld, shape (rows + 1, columns + 1); the last of both are the sums.

    A cell with some loans, but fewer than `min_cell`, is withheld: the rule for cells that cannot be pooled, since each of them is a
    state. The smallest of its row follow until two or more are withheld, which hold `min_cell` loans together,
    or until the sum of the row is small itself. Then the sum of each column with a withheld cell is withheld, and the sum of all where
    that of a row is. Rows are what is read, so they keep all they can; a count of 0 stays.
    """
    sums, hidden = counts.sum(axis=1), np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), dtype=bool)
    hidden[:-1, :-1] = (counts > 0) & (counts < min_cell)
    hidden[:-1, -1] = (sums > 0) & (sums < min_cell)
    for row in np.flatnonzero(hidden[:-1, :-1].any(axis=1) & ~hidden[:-1, -1]):
        inside, cells = hidden[row, :-1], counts[row]  # a view: what is set here is set in the table
        for place in np.argsort(np.where(cells > 0, cells, cells.max() + 1), kind="stable"):
            if inside.sum() >= 2 and cells[inside].sum() >= min_cell:
                break
            inside[place] = True
    hidden[-1] = hidden[:-1].any(axis=0)
    return hidden
