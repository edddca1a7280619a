"""The summary statistics that the synthetic table is made from: data/reference/synthetic_reference.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loantap.data.synthetic.coding import LATENTS, STATUSES
from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "synthetic_reference.json"
ByStatus = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Category:
    """The levels of a column and how many loans of each status hold them; level None is missing."""

    levels: tuple[Any, ...]
    counts: ByStatus


@dataclass(frozen=True)
class Measure:
    """A numeric column as cells `first` to `last` (in steps, both included) and the loans of each status in them.

    A cell with first == last is a spike, and the wider cells around it leave its value out. Values of wide cells
    are rounded down to `grain` steps.
    """

    step: float
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    counts: ByStatus
    grain: int = 1

    @property
    def spikes(self) -> NDArray[np.int64]:
        """The values that have a cell of their own, ascending."""
        return np.sort(self.first[self.first == self.last])

    def free_values(self) -> NDArray[np.int64]:
        """Return how many values each cell holds once the spikes within it are left out."""
        inside = np.searchsorted(self.spikes, self.last, "right") - np.searchsorted(self.spikes, self.first, "left")
        return np.where(self.last > self.first, self.last - self.first + 1 - inside, 1)

    def between_spikes(self, cell: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the values that lie at `share` (0 to 1) of the way through the wide cells, spikes left out."""
        spikes = self.spikes
        before = spikes - np.arange(len(spikes))  # values below each spike that are no spikes
        start = (self.first - np.searchsorted(spikes, self.first, "left"))[cell]
        free = self.free_values()[cell]
        position = start + np.minimum(share * free, free - 1).astype(np.int64)
        values = position + np.searchsorted(before, position, "right")
        rounded = values - values % self.grain
        return np.where(np.isin(rounded, spikes), values, rounded)


@dataclass(frozen=True)
class Prices:
    """The interest rates of one sub-grade in the order in which the lender asked them, in hundredths of a percent."""

    rates: NDArray[np.int64]
    counts: ByStatus


@dataclass(frozen=True)
class Reference:
    """All that the generator knows about the real loans."""

    rows: int
    statuses: Mapping[str, int]
    categories: Mapping[str, Category]
    measures: Mapping[str, Measure]
    prices: Mapping[str, Prices]
    titles: Mapping[str, Mapping[str | None, int]]
    cholesky: Mapping[str, NDArray[np.float32]]
    purpose_shifts: NDArray[np.float32]
    grade_shifts: NDArray[np.float32]
    amount_edges: NDArray[np.float64]
    amount_shifts: NDArray[np.float32]
    first_whole_loan_month: int
    first_joint_loan_month: int


def by_status(counts: Mapping[str, Any]) -> ByStatus:
    """Return the counts of each status as whole-number arrays."""
    return {status: np.asarray(counts[status], dtype=np.int64) for status in STATUSES}


def lower_triangle(rows: list[list[float]]) -> NDArray[np.float64]:
    """Return the symmetric matrix whose lower triangle is `rows`."""
    matrix = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        matrix[i, : i + 1] = matrix[: i + 1, i] = row
    return matrix


def parse_reference(data: Mapping[str, Any]) -> Reference:
    """Return the typed reference of the parsed JSON document."""
    latents = data["latents"]
    if tuple(latents["columns"]) != LATENTS:
        raise ValueError(f"expected the latent columns {LATENTS}, got {latents['columns']}")
    return Reference(
        rows=data["rows"],
        statuses=data["statuses"],
        categories={
            name: Category(tuple(c["levels"]), by_status(c["counts"])) for name, c in data["categories"].items()
        },
        measures={
            name: Measure(m["step"], np.asarray(m["first"]), np.asarray(m["last"]), by_status(m["counts"]), m["grain"])
            for name, m in data["measures"].items()
        },
        prices={
            name: Prices(np.round(np.asarray(p["rates"]) * 100).astype(np.int64), by_status(p["counts"]))
            for name, p in data["prices"].items()
        },
        titles={
            purpose: {**t["titles"], "": t["free_text"], None: t["missing"]} for purpose, t in data["titles"].items()
        },
        cholesky={
            status: np.linalg.cholesky(lower_triangle(latents["correlations"][status])).astype(np.float32)
            for status in STATUSES
        },
        purpose_shifts=np.asarray(latents["purpose_shifts"], dtype=np.float32),
        grade_shifts=np.asarray(latents["long_term_by_grade"], dtype=np.float32),
        amount_edges=np.asarray(latents["amount_edges"], dtype=float),
        amount_shifts=np.asarray(latents["long_term_by_amount"], dtype=np.float32),
        first_whole_loan_month=data["first_whole_loan_month"],
        first_joint_loan_month=data["first_joint_loan_month"],
    )


@lru_cache(maxsize=1)
def _load(path: Path) -> Reference:
    return parse_reference(json.loads(path.read_text(encoding="utf-8")))


def load_reference() -> Reference:
    """Return the committed reference.

    Raises InputError when the file is not there or is not what the build script writes.
    """
    path = reference_dir() / FILE_NAME
    try:
        return _load(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected the reference of the synthetic loans, found none that can be read ({error!r}). "
            "Restore it from the repository, or run python tools/build_synthetic_reference.py."
        ) from error
