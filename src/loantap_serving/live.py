"""Live loans from files or from tables in the warehouse."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from loantap.data.application_file import open_applications
from loantap.data.snapshot_sources import SnapshotSource, open_snapshots
from loantap.data.text_form import NOTHING_ASKED, Asked
from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap.scoring.table import Applications
from loantap.watchlist import live
from loantap.watchlist.live import Live

if TYPE_CHECKING:
    from loantap_sources.connectors.config import Config

IN_WAREHOUSE = "table:"


def read_live(
    snapshots: str,
    applications: str | pd.DataFrame,
    model: SavedModel,
    *,
    until: np.datetime64 | None = None,
    config: "Config | None" = None,
    asked: Asked = NOTHING_ASKED,
    progress: Callable[[int], None] | None = None,
) -> Live:
    """Read snapshots and applications as `loantap.watchlist.live.read_live` does, each from a file or from table:NAME.

    Args:
        snapshots: A file, or table:NAME in the warehouse.
        applications: The same for applications; or cleaned loans with loan_id.
        model: What will be asked about them.
        until: The last month that is read; all of them for None.
        config: Declares the warehouse; needed for tables.
        asked: What somebody says of the form of the files.
        progress: Called with the number of snapshots read so far.

    Raises InputError or SchemaError for what cannot be read or joined.
    """
    source: SnapshotSource
    known: pd.DataFrame | Applications
    if snapshots.startswith(IN_WAREHOUSE):
        from loantap_sources.live_tables import SnapshotTable

        source = SnapshotTable(_declared(config, snapshots), snapshots.removeprefix(IN_WAREHOUSE))
    else:
        source = open_snapshots(Path(snapshots), asked=asked)
    if not isinstance(applications, str):
        known = applications
    elif applications.startswith(IN_WAREHOUSE):
        from loantap_sources.live_tables import ApplicationTable

        name = applications.removeprefix(IN_WAREHOUSE)
        known = ApplicationTable(_declared(config, applications), name, needed=live.application_needs(model))
    else:
        known = open_applications(Path(applications), needed=live.application_needs(model), asked=asked)
    return live.read_live(source, known, model, until=until, progress=progress)


def _declared(config: "Config | None", what: str) -> "Config":
    if config is None:
        raise InputError(f"{what}: expected the file that declares the warehouse, got none. Name it.")
    return config
