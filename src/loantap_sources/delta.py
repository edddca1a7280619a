"""Loans into a Delta table of Databricks: parts of a file go into a volume, and one statement makes the table of them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlglot import exp

from loantap.errors import InputError, SourceError
from loantap_sources.connectors.config import Config, Warehouse
from loantap_sources.sql_values import column, written

_PART = 500_000  # loans; each is sent in one request


def volume_of(config: Config) -> str:
    """Return the volume that files pass through; raises InputError where none is declared."""
    warehouse = config.warehouse
    if warehouse is None or warehouse.volume is None:
        raise InputError(
            f"{config.path}: expected warehouse.volume, such as /Volumes/main/credit/loantap, through which loans are written to "
            "Databricks; it declares none. Add it."
        )
    return warehouse.volume


def replace_delta(connection: sa.Connection, config: Config, path: Path, *, load_id: str) -> None:
    """Put the loans of a file, with a load_id, in the place of the declared table; the parts in the volume are removed."""
    assert config.warehouse is not None  # noqa: S101 (volume_of has seen to it)
    rows, folder = pq.read_metadata(path).num_rows, f"{volume_of(config)}/loantap-{load_id}"
    run = connection.execution_options(no_parameters=True).exec_driver_sql
    with _parts(connection, path, folder):
        count = run(written(exp.select(exp.Count(this=exp.Star())).from_(_files(folder)), "databricks")).scalar_one()
        if count != rows:
            raise SourceError(
                f"{folder}: sent {rows:,} loans, but it holds {count:,}. The table is untouched; run again."
            )
        run(written(delta_statement(config.warehouse, folder, pq.read_schema(path), load_id=load_id), "databricks"))


def delta_statement(warehouse: Warehouse, folder: str, schema: pa.Schema, *, load_id: str) -> exp.Create:
    """Return CREATE OR REPLACE TABLE: whoever reads the table sees the old one or the new one."""
    made = [
        exp.alias_(exp.cast(column(field.name), "date"), field.name, quoted=True)
        if pa.types.is_temporal(field.type)
        else column(field.name)
        for field in schema
    ]
    query = exp.select(*made, exp.alias_(exp.convert(load_id), "load_id", quoted=True)).from_(_files(folder))
    create = query.ctas(exp.table_(warehouse.table, warehouse.table_schema, quoted=True))
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
        for number, batch in enumerate(pq.ParquetFile(path).iter_batches(batch_size=_PART)):
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
