"""The rows of a table in the warehouse, read in chunks."""

from collections.abc import Generator, Sequence

import pandas as pd
import sqlalchemy as sa

from loantap.data.columns import COLUMNS
from loantap.data.headers import TableColumn, recognised, renaming_notes, with_text_keys
from loantap.data.text_records import RaggedRow
from loantap.errors import InputError, SchemaError
from loantap_sources.connectors.base import BATCH_ROWS, table_of
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.sql import shown, told
from loantap_sources.warehouse import open_warehouse, table_name


class WarehouseRows:
    """A table in the warehouse, looked at but not yet read.

    Attributes:
        header: Its columns.
        location: Where it is stored, in words.
        rows: How many there are.
        renamed: Which columns have another name in the table: that name by column.
        columns: Of the columns that are read, the name in the table.
        kinds: Their types there.
        ragged: Always empty: a table has no such records.
    """

    ragged: Sequence[RaggedRow] = ()
    path = None

    def __init__(
        self,
        config: Config,
        name: str,
        *,
        of: str,
        needed: Sequence[str],
        welcome: Sequence[str],
        columns: Sequence[TableColumn] = COLUMNS,
    ) -> None:
        """Look at the table; raises InputError where it is absent, SchemaError where it lacks a column.

        Args:
            config: Declares the warehouse.
            name: The table or view.
            of: What its rows are, in words.
            needed: The columns that it has to have.
            welcome: Further columns to read where they are there; others are not read.
            columns: What its columns may be, by their own names or other ones.
        """
        name = table_name(name)
        self._config, self._engine = config, open_warehouse(config)
        schema = config.warehouse.table_schema if config.warehouse else None
        self.location = f"table {name} in {shown(self._engine.url)}"
        with told(self._engine, config.secrets), self._engine.connect() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(name, schema) and name not in inspector.get_view_names(schema):
                raise InputError(f"{self.location}: expected a table of {of}, there is none. Check its name.")
            kinds = {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}
            self.header = tuple(kinds)
            self.renamed = recognised(self.header, columns=columns)
            if absent := [column for column in needed if self.renamed.get(column, column) not in kinds]:
                raise SchemaError(
                    f"{self.location}: expected the columns {', '.join(needed)} (data/README.md); these columns of the codebook "
                    f"are missing: {', '.join(absent)}. Add them."
                )
            names = {self.renamed.get(column, column): column for column in (*needed, *welcome)}
            self.columns = {column: name for name, column in names.items() if name in kinds}
            self.kinds = {column: kinds[name] for column, name in self.columns.items()}
            wanted = [sa.column(column, kind) for column, kind in kinds.items() if column in names]
            self._table = sa.table(name, *wanted, schema=schema)
            self._columns = [column.label(names[column.name]) for column in self._table.columns]
            self.rows: int = connection.execute(sa.select(sa.func.count()).select_from(self._table)).scalar_one()

    @property
    def notes(self) -> list[str]:
        """Which columns have another name in the table."""
        return renaming_notes(self.renamed)

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of the rows, indexed by their number; raises SourceError if the warehouse fails."""
        start = 1
        with told(self._engine, self._config.secrets), self._engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
            result = streaming.execute(sa.select(*self._columns))
            names = list(result.keys())
            for rows in result.partitions(BATCH_ROWS):
                frame = with_text_keys(table_of(names, rows)).to_pandas(date_as_object=False)
                frame.index = pd.RangeIndex(start, start + len(frame), name="row")
                start += len(frame)
                yield frame
