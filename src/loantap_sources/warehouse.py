"""Tables in the warehouse, written whole or not at all: into a new table, which takes the old one's place in one transaction."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa

from loantap.data.columns import KEY
from loantap.errors import InputError
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.kinds import check_name
from loantap_sources.connectors.sql import open_engine, shown, told
from loantap_sources.delta import replace_delta, volume_of
from loantap_sources.staging import Staged
from loantap_sources.tables import columns_there, content_id, need_own, replace_table

LOADS = "loantap_loads"
_TRANSACTIONAL = ("sqlite", "postgresql", "mssql")  # CREATE, DROP and RENAME can be rolled back
_BATCH = 100_000
_LOCK_TIMEOUT = "30s"
_LOCK = 0x6C6F616E  # of PostgreSQL's advisory locks, ours says 'loan'


@dataclass(frozen=True)
class Load:
    """What a table in the warehouse holds.

    Attributes:
        location: The warehouse, without secrets.
        table: The table.
        load_id: Of its content: the same loans have the same.
        rows: Its rows.
        written: Whether it was written now, or held the same already.
    """

    location: str
    table: str
    load_id: str
    rows: int
    written: bool


def open_warehouse(config: Config, *, create: bool = False) -> sa.Engine:
    """Return the engine of the declared warehouse; raises InputError where none is declared."""
    if config.warehouse is None:
        raise InputError(f"{config.path}: expected a warehouse, it declares none. Add: warehouse: {{url: ...}}")
    url = config.address(config.warehouse.url, where="warehouse.url")
    return open_engine(url, secrets=config.secrets, create=create)


def write_loans(config: Config, checked: Path, *, staged: Iterable[Staged] = ()) -> Load:
    """Put checked loans in the place of the declared table.

    Args:
        config: Declares the warehouse.
        checked: Parquet of `loantap.data.ingest.ingest`: row, loan_id, typed columns.
        staged: What they were read from, for the table of loads.

    Raises InputError for a table that loantap did not write, SourceError if the warehouse fails; it then holds what it held.
    """
    engine = open_warehouse(config, create=True)
    assert config.warehouse is not None  # noqa: S101 (open_warehouse has seen to it)
    name, schema = config.warehouse.table, config.warehouse.table_schema
    load_id, where = content_id(checked), shown(engine.url)
    rows = pq.read_metadata(checked).num_rows
    about = json.dumps([one.facts for one in staged], default=str)
    facts = {"load_id": load_id, "table_name": name, "rows": rows, "sources": about}
    if engine.dialect.name == "databricks":
        volume_of(config)
        with told(engine, config.secrets), engine.connect() as connection:
            if _held(connection, name, schema) == (load_id, rows):
                return Load(where, name, load_id, rows, written=False)
            # There are no transactions: a load is noted before its table takes the old one's place, which is one step.
            _note(connection, schema, **facts)
            replace_delta(connection, config, name, checked, {"load_id": load_id})
        return Load(where, name, load_id, rows, written=True)
    with transaction(engine, config) as connection:
        if _held(connection, name, schema) == (load_id, rows):
            return Load(where, name, load_id, rows, written=False)
        replace_table(connection, name, schema, checked, {"load_id": load_id})
        _note(connection, schema, **facts)
    return Load(where, name, load_id, rows, written=True)


def table_name(name: str) -> str:
    """Return a table's name; raises InputError for one that is none."""
    try:
        return check_name(name)
    except ValueError as error:
        raise InputError(f"table: {error}. Correct it.") from None


@contextmanager
def transaction(engine: sa.Engine, config: Config) -> Iterator[sa.Connection]:
    """Yield a connection whose work is done wholly or not at all, and alone among writers.

    Raises InputError for a database where tables cannot be made in a transaction, SourceError for what it reports.
    """
    dialect = engine.dialect.name
    if dialect not in _TRANSACTIONAL:
        raise InputError(
            f"{shown(engine.url)}: expected a warehouse that can replace a table in one transaction ({', '.join(_TRANSACTIONAL)}), "
            f"got {dialect}. It can be read and counted in."
        )
    if dialect == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    with told(engine, config.secrets), engine.execution_options(writes=True).begin() as connection:
        if dialect == "postgresql":
            connection.execute(sa.select(sa.func.set_config("lock_timeout", _LOCK_TIMEOUT, sa.true())))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def _held(connection: sa.Connection, name: str, schema: str | None) -> tuple[str, int] | None:
    """Return load_id and rows of the table that is there; None if there is none.

    Raises InputError for one that is not in the table of loads under the load_id that it holds.
    """
    columns = columns_there(connection, name, schema)
    if columns is None:
        return None
    if {KEY, "load_id"} <= columns and columns_there(connection, LOADS, schema):
        table, loads = sa.table(name, sa.column("load_id"), schema=schema), _loads(schema)
        load_id, rows = connection.execute(
            sa.select(sa.func.min(table.c.load_id), sa.func.count()).select_from(table)
        ).one()
        ours = sa.and_(loads.c.table_name == name, loads.c.load_id == sa.cast(load_id, sa.String(16)))
        if connection.execute(sa.select(sa.func.count()).select_from(loads).where(ours)).scalar_one():
            return str(load_id), int(rows)
    raise InputError(
        f"warehouse: '{name}' is there and was not written by loantap (it is not in {LOADS}). Name another table, or "
        "remove it yourself."
    )


def write_table(config: Config, name: str, path: Path) -> str:
    """Put a Parquet file in the place of a table of that name, and return where, in words.

    Args:
        config: Declares the warehouse.
        name: The table.
        path: The rows.

    Raises InputError for a table with other columns, which is somebody else's, SourceError if the warehouse fails; it then holds what it held.
    """
    name, engine = table_name(name), open_warehouse(config, create=True)
    schema, columns = config.warehouse.table_schema if config.warehouse else None, pq.read_schema(path).names
    if engine.dialect.name == "databricks":
        volume_of(config)
        with told(engine, config.secrets), engine.connect() as connection:
            need_own(connection, name, schema, columns)
            replace_delta(connection, config, name, path, {})
        return f"table {name} in {shown(engine.url)}"
    with transaction(engine, config) as connection:
        need_own(connection, name, schema, columns)
        replace_table(connection, name, schema, path, {})
    return f"table {name} in {shown(engine.url)}"


def _note(connection: sa.Connection, schema: str | None, **facts: Any) -> None:
    """Add a line to the table of loads."""
    loads = _loads(schema)
    connection.execute(sa.schema.CreateTable(loads, if_not_exists=True))
    connection.execute(loads.insert().values(written_at=datetime.now(UTC).isoformat(timespec="seconds"), **facts))


def _loads(schema: str | None) -> sa.Table:
    return sa.Table(
        LOADS,
        sa.MetaData(schema=schema),
        sa.Column("load_id", sa.String(16)),
        sa.Column("table_name", sa.String(63)),
        sa.Column("written_at", sa.String(32)),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("sources", sa.Text()),
    )
