"""Tables in the warehouse that are read while loans live: applications and monthly snapshots."""

from collections.abc import Sequence

from loantap.data.application_file import WELCOME
from loantap.data.snapshot_contract import NEEDED, OPTIONAL, SNAPSHOT_COLUMNS
from loantap_sources.connectors.config import Config
from loantap_sources.warehouse_rows import WarehouseRows

SNAPSHOTS = "snapshots"


class ApplicationTable(WarehouseRows):
    """A table of applications, looked at but not yet read."""

    def __init__(self, config: Config, name: str, *, needed: Sequence[str]) -> None:
        """Look at the table, as `WarehouseRows` does; `needed` are the columns that a model reads."""
        have_to_be = [column for column in needed if column not in WELCOME]
        super().__init__(config, name, of="applications", needed=have_to_be, welcome=WELCOME)


class SnapshotTable(WarehouseRows):
    """A table of snapshots, looked at but not yet read."""

    def __init__(self, config: Config, name: str = SNAPSHOTS) -> None:
        """Look at the table, as `WarehouseRows` does."""
        super().__init__(config, name, of="snapshots", needed=NEEDED, welcome=OPTIONAL, columns=SNAPSHOT_COLUMNS)
