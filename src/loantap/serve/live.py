"""Live loans as somebody brings them: snapshots, and the applications they began as."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from loantap.data.application_file import open_applications
from loantap.data.application_table import ApplicationTable
from loantap.data.columns import KEY
from loantap.data.connectors.config import Config
from loantap.data.snapshot_sources import SnapshotSource, SnapshotTable, open_snapshots
from loantap.data.snapshots import read_snapshots
from loantap.decisions.early_warning.live import Live
from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap.serve.batch import Applications
from loantap.serve.watch import application_needs, read_applications

IN_WAREHOUSE = "table:"


def read_live(
    snapshots: str,
    applications: str | pd.DataFrame,
    model: SavedModel,
    *,
    config: Config | None = None,
    progress: Callable[[int], None] | None = None,
) -> Live:
    """Read snapshots of live loans and their applications.

    Args:
        snapshots: A file, or table:NAME in the warehouse.
        applications: The same for applications; or cleaned loans with loan_id.
        model: What will be asked about them.
        config: Declares the warehouse; needed for tables.
        progress: Called with the number of snapshots read so far.

    Raises InputError or SchemaError for what cannot be read or joined.
    """
    source: SnapshotSource
    if snapshots.startswith(IN_WAREHOUSE):
        source = SnapshotTable(_declared(config, snapshots), snapshots.removeprefix(IN_WAREHOUSE))
    else:
        source = open_snapshots(Path(snapshots))
    known, refused = _applications(applications, model, config)
    read = read_snapshots(source, progress=progress)
    notes = list(read.notes)
    if refused:
        notes.append(f"{refused:,} applications break the contract and were left out: their loans have no probability.")
    return Live(read.panel, known, source.location, notes=tuple(notes), quarantine=read.quarantine)


def _applications(given: str | pd.DataFrame, model: SavedModel, config: Config | None) -> tuple[pd.DataFrame, int]:
    if isinstance(given, pd.DataFrame):
        if KEY not in given:
            raise InputError(
                f"applications: expected loans with the column {KEY}, which joins them to snapshots; those of the run have none. "
                "Name a file of applications."
            )
        return given, 0
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
