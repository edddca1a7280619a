"""Live loans as somebody brings them: snapshots, and the applications they began as."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from loantap.data.application_file import open_applications
from loantap_sources.application_table import ApplicationTable
from loantap.data.columns import KEY
from loantap_sources.connectors.config import Config
from loantap.data.snapshot_contract import AS_OF, months_since_1970
from loantap.data.snapshot_sources import SnapshotSource, SnapshotTable, open_snapshots
from loantap.data.snapshots import read_snapshots
from loantap.data.reading import RaggedRow
from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap_serving.batch import Applications
from loantap_serving.watch import application_needs, read_applications
from loantap.watchlist.live import Live

IN_WAREHOUSE = "table:"


class _UpTo:
    """Snapshots without those of later months, so that what is said of a month is the same whenever it is said."""

    def __init__(self, source: SnapshotSource, month: np.datetime64) -> None:
        self._source, self._month = source, month
        self.location, self.renamed = source.location, source.renamed

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """Records with a wrong number of fields met so far."""
        return self._source.ragged

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the snapshots up to the month; raises InputError where all are later."""
        last, any_kept, any_later = int(self._month.astype("datetime64[M]").astype(int)), False, False
        for frame in self._source.chunks():
            kept = frame[
                months_since_1970(frame[AS_OF]) <= last
            ]  # what is no month is below all of them, and is set aside later
            any_kept, any_later = any_kept or len(kept) > 0, any_later or len(kept) < len(frame)
            if len(kept):
                yield kept
        if any_later and not any_kept:
            raise InputError(
                f"{self.location}: expected snapshots of {self._month} or earlier, all are later. Name a later month."
            )


def read_live(
    snapshots: str,
    applications: str | pd.DataFrame,
    model: SavedModel,
    *,
    until: np.datetime64 | None = None,
    config: Config | None = None,
    progress: Callable[[int], None] | None = None,
) -> Live:
    """Read snapshots of live loans and their applications.

    Args:
        snapshots: A file, or table:NAME in the warehouse.
        applications: The same for applications; or cleaned loans with loan_id.
        model: What will be asked about them.
        until: The last month that is read; all of them for None.
        config: Declares the warehouse; needed for tables.
        progress: Called with the number of snapshots read so far.

    Raises InputError or SchemaError for what cannot be read or joined.
    """
    source: SnapshotSource
    if snapshots.startswith(IN_WAREHOUSE):
        source = SnapshotTable(_declared(config, snapshots), snapshots.removeprefix(IN_WAREHOUSE))
    else:
        source = open_snapshots(Path(snapshots))
    known, notes = _applications(applications, model, config)
    read = read_snapshots(source if until is None else _UpTo(source, until), progress=progress)
    return Live(read.panel, known, source.location, notes=(*read.notes, *notes), quarantine=read.quarantine)


def _applications(
    given: str | pd.DataFrame, model: SavedModel, config: Config | None
) -> tuple[pd.DataFrame, list[str]]:
    if isinstance(given, pd.DataFrame):
        if KEY not in given:
            raise InputError(
                f"applications: expected loans with the column {KEY}, which joins them to snapshots; those of the run have none. "
                "Name a file of applications."
            )
        return given, []
    needed = application_needs(model)
    source: Applications
    if given.startswith(IN_WAREHOUSE):
        source = ApplicationTable(_declared(config, given), given.removeprefix(IN_WAREHOUSE), needed=needed)
    else:
        source = open_applications(Path(given), needed=needed)
    return read_applications(model, source)


def _declared(config: Config | None, what: str) -> Config:
    if config is None:
        raise InputError(f"{what}: expected the file that declares the warehouse, got none. Name it.")
    return config
