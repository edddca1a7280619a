"""A table that takes another one's place, within the transaction of who calls."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from loantap.data.columns import BY_NAME, KEY
from loantap.errors import InputError, SourceError

_BATCH = 100_000


def replace_table(
    connection: sa.Connection, name: str, schema: str | None, path: Path, constants: dict[str, str]
) -> None:
    """Make a table from a file and columns that are the same in each row; then let it take the place of the old one."""
    new = f"{name[:40]}_{content_id(path)}"
    rows = pq.read_metadata(path).num_rows
    columns = [
        *_columns(pq.read_schema(path), keyed="load_id" in constants),
        *(sa.Column(other, sa.String(16), nullable=False) for other in constants),
    ]
    table = sa.Table(new, sa.MetaData(schema=schema), *columns)
    table.drop(connection, checkfirst=True)
    table.create(connection)
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH):
        append(connection, table, batch.to_pandas().assign(**constants))
    count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    if count != rows:
        raise SourceError(f"warehouse: wrote {rows:,} rows into {new}, but it holds {count:,}. '{name}' is untouched.")
    take_place(connection, new, name, schema)


def take_place(connection: sa.Connection, new: str, name: str, schema: str | None) -> None:
    """Let a table take the place of one of another name, and others keep the rights that they had on that."""
    operations = Operations(MigrationContext.configure(connection))
    grants: list[str] = []
    if sa.inspect(connection).has_table(name, schema):
        grants = _grants(connection, name, schema)
        operations.drop_table(name, schema=schema)
    operations.rename_table(new, name, schema=schema)
    for grant in grants:
        connection.execute(sa.text(grant))


def columns_there(connection: sa.Connection, name: str, schema: str | None) -> set[str] | None:
    """Return the columns of a table of that name, none for a view, None where neither is there."""
    if connection.dialect.name == "databricks":  # its dialect asks what its statements do not tell
        place = f" IN `{schema}`" if schema else ""
        if not connection.exec_driver_sql(f"SHOW TABLES{place} LIKE '{name}'").all():
            return None
        nothing = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema)).limit(0)
        return set(connection.execute(nothing).keys())
    inspector = sa.inspect(connection)
    if name in inspector.get_view_names(schema):
        return set()
    return (
        {column["name"] for column in inspector.get_columns(name, schema)}
        if inspector.has_table(name, schema)
        else None
    )


def need_own(connection: sa.Connection, name: str, schema: str | None, columns: Collection[str]) -> None:
    """Raise InputError for a table of that name with other columns than these, which is somebody else's."""
    there = columns_there(connection, name, schema)
    if there is not None and there != {*columns}:
        raise InputError(
            f"warehouse: '{name}' is there and was not written by loantap as this is (its columns are not "
            f"{', '.join(sorted(columns))}). Name another table, or remove it yourself."
        )


def _grants(connection: sa.Connection, name: str, schema: str | None) -> list[str]:
    """Return the statements that give others the rights they have on a table, since a new table has none of them."""
    if connection.dialect.name != "postgresql":
        return []
    place = connection.dialect.identifier_preparer.format_table(sa.table(name, schema=schema))
    wanted = sa.text(
        "SELECT format('GRANT %s ON %s TO %s', acl.privilege_type, CAST(:place AS text), "
        "CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END) "
        "FROM pg_class, aclexplode(relacl) AS acl WHERE oid = CAST(:place AS regclass) AND acl.grantee <> relowner"
    )
    return list(connection.execute(wanted, {"place": place}).scalars())


def _columns(schema: pa.Schema, *, keyed: bool) -> list[sa.Column]:
    # PostgreSQL keeps money to the digit.
    money: Any = sa.Double().with_variant(sa.Numeric(asdecimal=False), "postgresql")
    kinds: list[tuple[Callable[[Any], bool], Any]] = [
        (pa.types.is_floating, sa.Double()),
        (pa.types.is_integer, sa.BigInteger()),
        (pa.types.is_temporal, sa.Date()),
    ]
    columns = []
    for field in schema:
        kind = next((kind for fits, kind in kinds if fits(field.type)), sa.Text())
        if field.name in BY_NAME and BY_NAME[field.name].unit.startswith("currency"):
            kind = money
        key = keyed and field.name == KEY
        columns.append(sa.Column(field.name, sa.String(255) if key else kind, primary_key=key))
    return columns


def append(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """Add the rows of a frame to a table; every value is bound, never written into the statement."""
    months = frame.select_dtypes("datetime").columns
    frame.assign(**{str(name): frame[name].dt.date for name in months}).to_sql(
        table.name, connection, schema=table.schema, if_exists="append", index=False,
        method=_copy if connection.dialect.name == "postgresql" else None,
    )  # fmt: skip


def _copy(table: Any, connection: sa.Connection, keys: list[str], rows: Iterable[tuple]) -> None:
    """Insert by PostgreSQL's COPY, which takes a tenth of the time of INSERT (the method of pandas' to_sql)."""
    from psycopg import sql

    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of a server that goes, the error that is raised tells
    names = [part for part in (table.schema, table.name) if part]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*names), sql.SQL(", ").join(map(sql.Identifier, keys))
    )
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def content_id(path: Path) -> str:
    """Return 16 hexadecimal digits that follow from the values of a Parquet file alone, not from how it is packed."""
    digest = hashlib.sha256(",".join(pq.read_schema(path).names).encode())
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH):
        digest.update(pd.util.hash_pandas_object(batch.to_pandas(), index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]
