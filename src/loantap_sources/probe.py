"""What a source or the warehouse holds: `loantap sources check`."""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from loantap.errors import SchemaError
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.open import open_source
from loantap_sources.connectors.sql import shown, told
from loantap_sources.staging import raw, unnamed_columns
from loantap_sources.warehouse import open_warehouse

_DATED = "issue_d"


@dataclass
class Probe:
    """What was found.

    Attributes:
        kind: Of the source.
        location: Where it is, without secrets.
        rows: How many it brings.
        columns: Their names in the source.
        newest: The newest month of funding, such as 2016-12; empty for a source without one.
        seconds: How long reading took.
        notes: What a person should know.
    """

    kind: str
    location: str
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    newest: str = ""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def probe_source(config: Config, name: str) -> Probe:
    """Read one source as a run would, and keep nothing of it."""
    started = time.perf_counter()
    source = config.sources[name]
    with tempfile.TemporaryDirectory() as folder:
        brought = open_source(name, source, config, staging=Path(folder))
        found = Probe(
            source.kind, brought.facts["location"], notes=[f"source '{name}': {note}" for note in brought.notes]
        )
        for table in brought.tables:
            found.columns = list(table.column_names)
            unnamed_columns(name, source, table)
            found.rows += table.num_rows
            if _DATED in source.columns and table.num_rows:
                found.newest = max(found.newest, _newest(raw(table, source)[_DATED]))
    if not found.rows:
        raise SchemaError(f"source '{name}' ({found.location}): expected rows, it brought none.")
    found.seconds = time.perf_counter() - started
    return found


def _newest(months: pa.ChunkedArray) -> str:
    latest = pc.max(
        pc.strptime(pc.binary_join_element_wise("01", months, "-"), format="%d-%b-%Y", unit="s", error_is_null=True)
    ).as_py()
    return f"{latest:%Y-%m}" if latest else ""


def probe_warehouse(config: Config, name: str = "warehouse") -> Probe:
    """Look at the warehouse's table of loans; one that is not there yet has no rows."""
    started = time.perf_counter()
    engine = open_warehouse(
        config, create=True
    )  # made when it is connected to, which is not done where there is no file
    declared = config.warehouse
    assert declared is not None  # noqa: S101 (open_warehouse has seen to it)
    found = Probe(name, f"{shown(engine.url)}, table {declared.table}")
    absent = f"the warehouse has no table '{declared.table}' yet: loantap sources load writes it"
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).is_file():
        found.notes.append(absent)
        return found
    with told(engine, config.secrets), engine.connect() as connection:
        inspector = sa.inspect(connection)
        if inspector.has_table(declared.table, declared.table_schema):
            found.columns = [column["name"] for column in inspector.get_columns(declared.table, declared.table_schema)]
            table = sa.table(declared.table, *map(sa.column, found.columns), schema=declared.table_schema)
            dated = sa.func.max(table.c[_DATED]) if _DATED in table.c else sa.null()
            rows, newest = connection.execute(sa.select(sa.func.count(), dated).select_from(table)).one()
            found.rows, found.newest = int(rows), str(newest or "")[:7]
        else:
            found.notes.append(absent)
    found.seconds = time.perf_counter() - started
    return found
