"""Where loans come from: files read, or synthetic loans made, in chunks; every value still as it was written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from loantap.data.synthetic import iter_loans
from loantap.data.text_records import RaggedRow

SUFFIXES = (".csv", ".csv.gz", ".parquet")  # of what is written


class Origin(Protocol):
    """Where loans come from."""

    @property
    def kind(self) -> str:
        """A file, synthetic, or the warehouse."""

    @property
    def location(self) -> str:
        """Where the loans are stored, in words."""


class LoanSource(Origin, Protocol):
    """What the ingest reads: raw frames with the columns of the codebook, indexed by row number."""

    @property
    def ragged(self) -> list[RaggedRow]:
        """Records with a wrong number of fields; complete once `chunks` is exhausted."""

    @property
    def notes(self) -> Sequence[str]:
        """What was told from the source and not by it; complete once `chunks` is exhausted."""

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the loans."""


@dataclass
class SyntheticLoans:
    """The synthetic twin of the published portfolio.

    Attributes:
        rows: How many loans to make.
        seed: The random seed; the same one makes the same loans.
    """

    rows: int
    seed: int
    kind: str = "synthetic"
    ragged: list[RaggedRow] = field(default_factory=list)
    notes: Sequence[str] = ()

    @property
    def location(self) -> str:
        """Rows and seed."""
        return f"synthetic: {self.rows:,} rows, seed {self.seed}"

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield frames of raw loans, indexed by row number."""
        start = 1
        for frame in iter_loans(self.rows, seed=self.seed):
            frame.index = pd.RangeIndex(start, start + len(frame), name="row")
            start += len(frame)
            yield frame
