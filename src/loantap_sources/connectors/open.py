"""Open any kind of source."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loantap.errors import InputError
from loantap.files import sha256
from loantap_sources.connectors.base import BATCH_ROWS, Brought
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.databricks import databricks_tables
from loantap_sources.connectors.db2 import open_drop
from loantap_sources.connectors.delimited import read_delimited
from loantap_sources.connectors.kinds import DatabricksSource, Db2Drop, FileSource, OdbcSource, Source, SqlSource
from loantap_sources.connectors.sql import odbc_tables, open_engine, query_tables


def open_source(name: str, source: Source, config: Config, *, staging: Path) -> Brought:
    """Return what a source brings, not yet read; `staging` is where a drop's files are copied to."""
    where = f"sources.{name}"
    match source:
        case FileSource():
            return _file_tables(source, Path(config.place(source.path, where=f"{where}.path")))
        case Db2Drop():
            return open_drop(source, config.place(source.folder, where=f"{where}.folder"), staging=staging)
        case SqlSource():
            engine = open_engine(config.address(source.url, where=f"{where}.url"), secrets=config.secrets)
            return query_tables(source, engine, secrets=config.secrets)
        case OdbcSource():
            connection = config.connection(source.connection, where=f"{where}.connection")
            return odbc_tables(source, connection, secrets=config.secrets)
        case DatabricksSource():
            return databricks_tables(source, config, where=where)


def _file_tables(source: FileSource, path: Path) -> Brought:
    if not path.is_file():
        raise InputError(f"{path}: expected a file of loans, found nothing. Check the path.")
    facts = {"location": str(path), "files": [{"file": str(path), "size": path.stat().st_size, "sha256": sha256(path)}]}
    if path.suffix == ".parquet":
        return Brought(_parquet_tables(path), facts)
    return Brought(read_delimited(path, shown=str(path), wanted=source.wanted), facts)


def _parquet_tables(path: Path) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: expected a Parquet file, but: {error}. Write it again.") from None
