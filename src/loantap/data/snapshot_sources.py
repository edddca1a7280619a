"""Where monthly snapshots come from: a file, or a table in the warehouse, read in chunks."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
import sqlalchemy as sa

from loantap.data.connectors.base import BATCH_ROWS, table_of
from loantap.data.connectors.config import Config
from loantap.data.connectors.sql import shown, told
from loantap.data.headers import with_text_keys
from loantap.data.snapshot_contract import NEEDED, OPTIONAL
from loantap.data.sources import LoanFile, RaggedRow, open_loans
from loantap.data.warehouse import open_warehouse, table_name
from loantap.errors import InputError, SchemaError

TABLE = "snapshots"


class SnapshotSource(Protocol):
    """What snapshots are read from: raw frames with the columns of snapshots, indexed by row number."""

    @property
    def location(self) -> str:
        """Where the snapshots lie, in words."""

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """Records with a wrong number of fields met so far."""

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the snapshots."""


def open_snapshots(path: Path) -> LoanFile:
    """Open a file of snapshots (csv, csv.gz, parquet); raises InputError or SchemaError as `open_loans` does."""
    return open_loans(path, needed=NEEDED, welcome=OPTIONAL)


class SnapshotTable:
    """A table of snapshots in the warehouse, looked at but not yet read.

    Attributes:
        location: Where it lies, in words.
        rows: How many there are.
        ragged: Always empty: a table has no such records.
    """

    ragged: Sequence[RaggedRow] = ()

    def __init__(self, config: Config, name: str = TABLE) -> None:
        """Look at the table; raises InputError where it is absent, SchemaError where it lacks a column."""
        name = table_name(name)
        self._config, self._engine = config, open_warehouse(config)
        schema = config.warehouse.table_schema if config.warehouse else None
        self.location = f"table {name} in {shown(self._engine.url)}"
        with told(self._engine, config.secrets), self._engine.connect() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(name, schema) and name not in inspector.get_view_names(schema):
                raise InputError(f"{self.location}: expected a table of snapshots, there is none. Check its name.")
            kinds = {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}
            if absent := [needed for needed in NEEDED if needed not in kinds]:
                raise SchemaError(
                    f"{self.location}: expected the columns {', '.join(NEEDED)} (data/README.md), these are missing: "
                    f"{', '.join(absent)}. Add them."
                )
            wanted = [sa.column(column, kinds[column]) for column in (*NEEDED, *OPTIONAL) if column in kinds]
            self._table = sa.table(name, *wanted, schema=schema)
            self.rows: int = connection.execute(sa.select(sa.func.count()).select_from(self._table)).scalar_one()

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of the rows, indexed by their number; raises SourceError if the warehouse fails."""
        start = 1
        with told(self._engine, self._config.secrets), self._engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
            result = streaming.execute(sa.select(self._table))
            names = list(result.keys())
            for rows in result.partitions(BATCH_ROWS):
                frame = with_text_keys(table_of(names, rows)).to_pandas(date_as_object=False)
                frame.index = pd.RangeIndex(start, start + len(frame), name="row")
                start += len(frame)
                yield frame
