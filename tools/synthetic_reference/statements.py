"""Statements about counts by status, in the terms of a described column, and rounding to whole loans.

`facts` is published_facts.json throughout.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from loantap.data.synthetic.coding import STATUSES
from loantap.data.synthetic.quotas import largest_remainder
from synthetic_reference.calibration import Constraints, Floats

Facts = dict[str, Any]
Counts = dict[str, list[int]]
Below = Callable[[float, bool], Floats]
QUARTILES = (("25%", 0.25), ("50%", 0.5), ("75%", 0.75))


def published(facts: Facts, *path: str) -> Any:
    """Return the value of a published fact."""
    entry: Any = facts
    for key in path:
        entry = entry[key]
    return entry["value"]


def round_by_status(counts: Floats, fixed: dict[int, int], totals: dict[str, int]) -> Counts:
    """Return whole counts by status (rows of `counts`) that keep each status's total.

    The cells are in the order of their values and their running total is rounded, so that no quantile moves by more
    than half a loan and a long tail of small cells keeps its weight. `fixed` gives cells whose count over both statuses is published; that count comes out exactly.
    """
    whole = np.zeros(counts.shape, dtype=np.int64)
    for cell, total in fixed.items():
        whole[:, cell] = largest_remainder(counts[:, cell], total)
    rest = np.setdiff1d(np.arange(counts.shape[1]), list(fixed))
    for row, status in enumerate(STATUSES):
        left = totals[status] - int(whole[row].sum())
        reached = np.cumsum(counts[row, rest])
        whole[row, rest] = np.diff(np.round(reached * (left / reached[-1])), prepend=0)
    return {status: whole[row].tolist() for row, status in enumerate(STATUSES)}


class Statements:
    """Constraints on counts by status (two rows of cells), stated in the terms of a described column."""

    def __init__(self, below: Below, mean: Floats, square: Floats, totals: dict[str, int], prior: Floats) -> None:
        """Take the share of each cell below a value (function of value and whether it counts), and its moments."""
        self.below, self.mean, self.square, self.totals, self.prior = below, mean, square, totals, prior.ravel()
        self.constraints = Constraints(2 * len(mean))
        for status in STATUSES:
            self.constraints.equal(self.of(np.ones(len(mean)), status), totals[status])

    def of(self, weights: Floats, status: str | None) -> Floats:
        """Return weights over both statuses' cells: those of one status, or of all loans (None)."""
        return np.concatenate([weights * (status in (None, s)) for s in STATUSES])

    def rows(self, status: str | None) -> int:
        """Return how many loans the statement is about."""
        return sum(n for s, n in self.totals.items() if status in (None, s))

    def quantile(self, value: float, share: float, status: str | None) -> None:
        """State that `value` is the quantile at `share`, with some of its own loans on either side."""
        below, reached = (self.of(self.below(value, inclusive), status) for inclusive in (False, True))
        own = float((reached - below) @ self.prior)
        wanted, slack = share * self.rows(status), min(0.3 * own, 0.0004 * self.rows(status))
        self.constraints.within(below, -np.inf, wanted - slack)
        self.constraints.within(reached, wanted + slack, np.inf)

    def moments(self, mean: float, std: float | None, status: str | None) -> None:
        """State the mean and, where given, the sample standard deviation."""
        rows = self.rows(status)
        self.constraints.equal(
            self.of(self.mean - mean, status) + self.of(np.full(len(self.mean), abs(mean)), status), rows * abs(mean)
        )
        if std is not None:
            square = self.square - 2 * mean * self.mean + mean**2
            self.constraints.equal(self.of(square, status), std**2 * (rows - 1))
