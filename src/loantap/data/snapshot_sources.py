"""Where monthly snapshots come from: a file read in chunks, or what yields such chunks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd

from loantap.data.loan_file import LoanFile, open_loans
from loantap.data.snapshot_contract import NEEDED, OPTIONAL, SNAPSHOT_COLUMNS
from loantap.data.text_form import NOTHING_ASKED, Asked
from loantap.data.text_records import RaggedRow


class SnapshotSource(Protocol):
    """What snapshots are read from: raw frames with the columns of snapshots, indexed by row number."""

    @property
    def location(self) -> str:
        """Where the snapshots are stored, in words."""

    @property
    def notes(self) -> Sequence[str]:
        """What was told from the source and not by it; complete once `chunks` is exhausted."""

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """Records with a wrong number of fields met so far."""

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the snapshots."""


def open_snapshots(path: Path, *, asked: Asked = NOTHING_ASKED) -> LoanFile:
    """Open a file of snapshots; raises InputError or SchemaError as `open_loans` does."""
    return open_loans(path, needed=NEEDED, welcome=OPTIONAL, columns=SNAPSHOT_COLUMNS, asked=asked)
