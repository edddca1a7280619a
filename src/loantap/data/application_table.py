"""A table of applications in the warehouse, read in chunks."""

from collections.abc import Generator, Sequence

import pandas as pd
import sqlalchemy as sa

from loantap.data.application_file import WELCOME
from loantap.data.connectors.base import BATCH_ROWS, table_of
from loantap.data.connectors.config import Config
from loantap.data.connectors.sql import shown, told
from loantap.data.headers import with_text_keys
from loantap.data.sources import RaggedRow
from loantap.data.warehouse import open_warehouse, table_name
from loantap.errors import InputError, SchemaError


class ApplicationTable:
    """A table of applications in the warehouse, looked at but not yet read.

    Attributes:
        header: Its columns.
        location: Where it lies, in words.
        rows: How many there are.
        ragged: Always empty: a table has no such records.
    """

    ragged: Sequence[RaggedRow] = ()
    path = None

    def __init__(self, config: Config, name: str, *, needed: Sequence[str]) -> None:
        """Look at the table; raises InputError where it is absent, SchemaError where it lacks a column."""
        name = table_name(name)
        self._config, self._engine = config, open_warehouse(config)
        schema = config.warehouse.table_schema if config.warehouse else None
        self.location = f"table {name} in {shown(self._engine.url)}"
        with told(self._engine, config.secrets), self._engine.connect() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(name, schema) and name not in inspector.get_view_names(schema):
                raise InputError(f"{self.location}: expected a table of applications, there is none. Check its name.")
            kinds = {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}
            self.header = tuple(kinds)
        if absent := [name for name in needed if name not in (*self.header, *WELCOME)]:
            raise SchemaError(
                f"{self.location}: these columns of the codebook are missing: {', '.join(absent)}. Add them."
            )
        wanted = [name for name in self.header if name in (*needed, *WELCOME)]
        self._table = sa.table(name, *(sa.column(one, kinds[one]) for one in wanted), schema=schema)
        with told(self._engine, config.secrets), self._engine.connect() as connection:
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
