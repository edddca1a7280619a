"""The plan of a whole table: how many loans of each kind, and each chunk's share of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from loantap.data.synthetic.coding import STATUSES
from loantap.data.synthetic.quotas import Counts, Remaining, largest_remainder
from loantap.data.synthetic.reference import Reference


@dataclass(frozen=True)
class StatusQuotas:
    """What one chunk's loans of one status are made of; every array but those of `prices` sums to `rows`."""

    rows: int
    categories: Mapping[str, Counts]
    measures: Mapping[str, Counts]
    prices: Mapping[str, Counts]


class _StatusPlan:
    """The quotas of one status that are still to be given out."""

    def __init__(self, reference: Reference, status: str, rows: int) -> None:
        def quotas(counts: Counts) -> Remaining:
            return Remaining(largest_remainder(counts, rows))

        self.categories = {name: quotas(c.counts[status]) for name, c in reference.categories.items()}
        self.measures = {name: quotas(m.counts[status]) for name, m in reference.measures.items()}
        sub_grades = reference.categories["sub_grade"].levels
        self.prices = {
            name: Remaining(largest_remainder(reference.prices[name].counts[status], n))
            for name, n in zip(sub_grades, self.categories["sub_grade"].counts.tolist(), strict=True)
        }

    def take(self, rows: int) -> StatusQuotas:
        categories = {name: remaining.take(rows) for name, remaining in self.categories.items()}
        return StatusQuotas(
            rows=rows,
            categories=categories,
            measures={name: remaining.take(rows) for name, remaining in self.measures.items()},
            prices={
                name: remaining.take(n)
                for (name, remaining), n in zip(self.prices.items(), categories["sub_grade"].tolist(), strict=True)
            },
        )


class Plan:
    """Quotas of a table of `rows` loans, given out chunk by chunk; the chunks add up to them exactly."""

    def __init__(self, reference: Reference, rows: int) -> None:
        sizes = largest_remainder([reference.statuses[status] for status in STATUSES], rows)
        self._statuses = Remaining(sizes)
        self._parts = {s: _StatusPlan(reference, s, n) for s, n in zip(STATUSES, sizes.tolist(), strict=True)}
        purposes = reference.categories["purpose"].levels
        loans = np.sum([part.categories["purpose"].counts for part in self._parts.values()], axis=0)
        self._titles = {
            purpose: Remaining(largest_remainder(list(reference.titles[purpose].values()), n))
            for purpose, n in zip(purposes, loans.tolist(), strict=True)
        }

    def take(self, rows: int) -> dict[str, StatusQuotas]:
        """Return the next chunk's quotas by status."""
        sizes = self._statuses.take(rows)
        return {s: self._parts[s].take(n) for s, n in zip(STATUSES, sizes.tolist(), strict=True)}

    def take_titles(self, purpose: str, rows: int) -> Counts:
        """Return how many of the chunk's loans of this purpose carry each of the reference's titles."""
        return self._titles[purpose].take(rows)
