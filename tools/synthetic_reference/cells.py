"""Cells of numeric columns and issue months before calibration: edges, values within, prior counts by status."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loantap.data.applications import MONTH_NAMES
from loantap.data.synthetic.coding import FIRST_YEAR, MEASURE_STEPS, STATUSES
from loantap.data.synthetic.reference import Measure

Facts = dict[str, Any]
Floats = NDArray[np.float64]
LOANS = 396_030
STATUS_COUNTS = {"Charged Off": 77_673, "Fully Paid": 318_357}
SMALLEST_CELL = 10
CONTRAST_STRENGTH = 100  # sampled loans in a bin that the sample's default rate there has to outweigh
SHORTEST_CREDIT_HISTORY = 36  # months: the lender asks for three years
LONGEST_CREDIT_HISTORY = 780
TAIL_CELLS = 16


def contrast_shares(contrast: dict[str, Any], values: Floats) -> Floats:
    """Return, per status and value, the share of loans of that status, shrunk towards the overall share."""
    edges = [np.inf if last is None else last for last in contrast["last"]]
    late, paid = (np.array(contrast[status], dtype=float) for status in STATUSES)
    base = late.sum() / (late.sum() + paid.sum())
    share = (late + base * CONTRAST_STRENGTH) / (late + paid + CONTRAST_STRENGTH)
    of_value = share[np.minimum(np.searchsorted(edges, values), len(share) - 1)]
    # The sample's share of defaults is near the published one; the calibration takes care of the rest.
    return np.array([of_value, 1 - of_value])


@dataclass(frozen=True)
class Cells:
    """Cells `first` to `last` in steps; `mean` and `square` are the mean value and mean squared value in each."""

    step: float
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    mean: Floats
    square: Floats
    prior: Floats
    heads: dict[int, int]
    extremes: list[tuple[int, str]]

    def below(self, value: float, inclusive: bool) -> Floats:
        """Return the share of each cell's values below `value`, or up to it."""
        reach = round(value / self.step) - (not inclusive)
        spikes = np.sort(self.first[self.first == self.last])
        top = np.minimum(self.last, reach)
        wide = self.last > self.first
        inside = np.searchsorted(spikes, top, "right") - np.searchsorted(spikes, self.first, "left")
        count = np.maximum(top - self.first + 1, 0) - np.where(wide & (top >= self.first), inside, 0)
        free = Measure(self.step, self.first, self.last, {}).free_values()
        return np.where(wide, count / np.maximum(free, 1), (self.first <= reach).astype(float))

    @classmethod
    def of_measure(cls, name: str, facts: Facts, summaries: Facts) -> "Cells":
        """Return the cells of a numeric column with prior counts from the sample."""
        step = MEASURE_STEPS[name]
        summary = summaries["measures"][name]
        low, high = bounds(name, facts, step)
        published_heads = facts["value_counts_head_tail"].get(name, {}).get("value", {})
        heads = {round(float(v) / step): int(n) for v, n in published_heads.items() if n >= SMALLEST_CELL}
        spikes = {unit: float(n) for unit, n in summary["spikes"]}
        for unit, count in heads.items():
            spikes[unit] = count * summaries["loans"]["total"] / LOANS
        known_extremes = published_extremes(name, facts, step)
        extremes = [(unit, status) for unit, status in known_extremes if unit not in spikes]
        for unit, _ in extremes:
            spikes[unit] = summaries["loans"]["total"] / LOANS
        wide = wide_cells(summary["intervals"], low, high, summaries["loans"]["total"])
        units = sorted(spikes)
        first = np.array([*units, *(cell[0] for cell in wide)], dtype=np.int64)
        last = np.array([*units, *(cell[1] for cell in wide)], dtype=np.int64)
        loans = np.array([*(spikes[u] for u in units), *(cell[2] for cell in wide)])
        order = np.lexsort((last, first))
        first, last, loans = first[order], last[order], loans[order]
        kept = Measure(step, first, last, {}).free_values() > 0
        first, last, loans = first[kept], last[kept], loans[kept]
        mean, square = moments(first, last, step)
        prior = contrast_shares(summary["contrast"], mean / step) * loans * LOANS / summaries["loans"]["total"]
        position = {int(u): i for i, u in enumerate(first) if first[i] == last[i]}
        for row, status in enumerate(STATUSES):
            prior[row, (last < low[status]) | (first > high[status])] = 0
        for unit, _ in extremes:
            prior[:, position[unit]] = [float((unit, status) in known_extremes) for status in STATUSES]
        return cls(
            step,
            first,
            last,
            mean,
            square,
            prior,
            {position[u]: n for u, n in heads.items()},
            [(position[u], s) for u, s in extremes],
        )


def bounds(name: str, facts: Facts, step: float) -> tuple[dict[str, int], dict[str, int]]:
    """Return the lowest and highest step of each status; where only those of all loans are published, those."""
    if name == "credit_months":
        return dict.fromkeys(STATUSES, SHORTEST_CREDIT_HISTORY), dict.fromkeys(STATUSES, LONGEST_CREDIT_HISTORY)
    described = facts["describe"]["by_loan_status"]["value"].get(name)
    overall = facts["describe"]["overall"]["value"][name]
    source = described or dict.fromkeys(STATUSES, overall)
    return tuple({s: round(source[s][key] / step) for s in STATUSES} for key in ("min", "max"))  # type: ignore[return-value]


def published_extremes(name: str, facts: Facts, step: float) -> list[tuple[int, str]]:
    """Return published minima and maxima with their status; one of all loans is taken to be a paid loan's."""
    if name == "credit_months":
        return []
    described = facts["describe"]["by_loan_status"]["value"].get(name)
    overall = facts["describe"]["overall"]["value"][name]
    source = described or {"Fully Paid": overall}
    return [(round(source[s][key] / step), s) for s in source for key in ("min", "max")]


def wide_cells(
    intervals: list[list[Any]], lowest: dict[str, int], highest: dict[str, int], sampled: int
) -> list[tuple[int, int, float]]:
    """Return first step, last step and sampled loans: the intervals, the open-ended last one cut into a tail."""
    cells: list[tuple[int, int, float]] = []
    for first, last, loans in intervals[:-1]:
        # No value of a cell may lie below the minimum of one status and above that of the other.
        cuts = sorted({max(first, low) for low in lowest.values()} | {last + 1})
        cells += [(a, b - 1, loans * (b - a) / (cuts[-1] - cuts[0])) for a, b in pairwise(cuts)]
    start, _, loans = intervals[-1]
    top = max(highest.values())
    # Survival falls as a power of the value, from the sampled loans beyond `start` to one loan at the maximum.
    edges = np.unique(np.round(np.geomspace(start, top, TAIL_CELLS + 1)).astype(np.int64))
    edges = np.unique([*edges, *(h for h in highest.values() if h > start)])
    power = np.log(loans * LOANS / sampled) / np.log(top / start) if top > start else 1.0
    survival = loans * (edges / start) ** -power
    survival[-1] = 0
    tail = [
        (int(a) + (i > 0), int(b), float(s - t))
        for i, (a, b, s, t) in enumerate(zip(edges[:-1], edges[1:], survival[:-1], survival[1:], strict=True))
    ]
    return cells + [cell for cell in tail if cell[1] >= cell[0]]


def moments(first: NDArray[np.int64], last: NDArray[np.int64], step: float) -> tuple[Floats, Floats]:
    """Return mean and mean square of the values in each cell, spikes within wide cells left out."""
    a, b = first.astype(float), last.astype(float)
    sums = [
        b - a + 1,
        (a + b) * (b - a + 1) / 2,
        (b * (b + 1) * (2 * b + 1) - (a - 1) * a * (2 * a - 1)) / 6,
    ]
    spikes = np.sort(first[first == last]).astype(float)
    low, high = np.searchsorted(spikes, a, "left"), np.searchsorted(spikes, b, "right")
    wide = last > first
    for power, total in enumerate(sums):
        running = np.concatenate([[0.0], np.cumsum(spikes**power)])
        total -= np.where(wide, running[high] - running[low], 0)
    return sums[1] / sums[0] * step, sums[2] / sums[0] * step**2


def month_prior(facts: Facts, summaries: Facts) -> tuple[NDArray[np.int64], Floats, dict[int, int]]:
    """Return issue months, prior counts by status, and the published months as {position: loans}."""
    summary = summaries["issue_months"]
    published = facts["value_counts_head_tail"]["issue_d"]["value"]
    number = {f"{name}-{FIRST_YEAR + year}": year * 12 + i for year in range(10) for i, name in enumerate(MONTH_NAMES)}
    months = np.arange(number["Jun-2007"], number["Dec-2016"] + 1)
    weights = np.zeros(len(months))
    dense = {int(m): n for m, n in summary["loans"].items()}
    weights[[int(m) - months[0] for m in dense]] = list(dense.values())
    sparse = summary["sparse_years"]
    start = -1
    for last, loans in zip(sparse["last"], sparse["loans"], strict=True):
        empty = (weights == 0) & (months // 12 > start) & (months // 12 <= last)
        weights[empty] = np.maximum(loans / max(1, empty.sum()), 0.3)
        start = last
    weights[weights == 0] = 1
    prior = contrast_shares(summary["contrast"], months.astype(float)) * weights * LOANS / weights.sum()
    return months, prior, {number[label] - int(months[0]): int(n) for label, n in published.items()}
