"""Rows into a Delta table of Databricks: parts of a file go into a volume, and one statement makes the table of them."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlglot import exp

from loantap.errors import InputError, SourceError
from loantap_sources.connectors.config import Config
from loantap_sources.sql_values import column, written

_PART = 500_000  # rows; each is sent in one request


def volume_of(config: Config) -> str:
    """Return the volume that files pass through; raises InputError where none is declared."""
    warehouse = config.warehouse
    if warehouse is None or warehouse.volume is None:
        raise InputError(
            f"{config.path}: expected warehouse.volume, such as /Volumes/main/credit/loantap, through which rows are written to "
            "Databricks; it declares none. Add it."
        )
    return warehouse.volume


def replace_delta(
    connection: sa.Connection,
    config: Config,
    name: str,
    path: Path,
    constants: Mapping[str, str],
    *,
    part: bool = False,
) -> None:
    """Put the rows of a file, and columns that are the same in each, in the place of a table; the parts in the volume are removed.

    With `part` only rows of the table make place in which these columns are the same.
    """
    rows, folder = pq.read_metadata(path).num_rows, f"{volume_of(config)}/loantap-{uuid4().hex}"
    schema = config.warehouse.table_schema if config.warehouse else None
    run = connection.execution_options(no_parameters=True).exec_driver_sql
    with _parts(connection, path, folder):
        count = run(written(exp.select(exp.Count(this=exp.Star())).from_(_files(folder)), "databricks")).scalar_one()
        if count != rows:
            raise SourceError(
                f"{folder}: sent {rows:,} rows, but it holds {count:,}. The table is untouched; run again."
            )
        made = delta_statement(
            exp.table_(name, schema, quoted=True), folder, pq.read_schema(path), constants, part=part
        )
        run(written(made, "databricks"))


def delta_statement(
    table: exp.Table, folder: str, schema: pa.Schema, constants: Mapping[str, str], *, part: bool = False
) -> exp.Create | exp.Insert:
    """Return CREATE OR REPLACE TABLE, or INSERT REPLACE WHERE for a part: whoever reads the table sees the old rows or the new ones."""
    made = [
        exp.alias_(exp.cast(column(field.name), "date"), field.name, quoted=True)
        if pa.types.is_temporal(field.type)
        else column(field.name)
        for field in schema
    ]
    made += [exp.alias_(exp.convert(value), name, quoted=True) for name, value in constants.items()]
    query = exp.select(*made).from_(_files(folder))
    if part:
        insert = exp.insert(query, table)
        insert.set("where", exp.and_(*(column(name).eq(value) for name, value in constants.items())))
        return insert
    create = query.ctas(table)
    create.set("replace", True)
    return create


def _files(folder: str) -> exp.Table:
    return exp.table_(folder, "parquet", quoted=True)


@contextmanager
def _parts(connection: sa.Connection, path: Path, folder: str) -> Iterator[None]:
    """Send a file in parts into a folder of a volume; remove them afterwards."""
    cursor: Any = connection.connection.cursor()
    sent: list[str] = []
    try:
        file = pq.ParquetFile(path)
        none = [pa.RecordBatch.from_pylist([], schema=file.schema_arrow)]  # a folder without a file cannot be read
        batches = file.iter_batches(batch_size=_PART) if file.metadata.num_rows else none
        for number, batch in enumerate(batches):
            part = io.BytesIO()
            pq.write_table(pa.Table.from_batches([batch]), part, compression="zstd")
            part.seek(0)
            sent.append(f"{folder}/part-{number:05d}.parquet")
            cursor.execute(f"PUT '__input_stream__' INTO '{sent[-1]}' OVERWRITE", input_stream=part)
        yield
    finally:
        for one in sent:
            cursor.execute(f"REMOVE '{one}'")
        cursor.close()
