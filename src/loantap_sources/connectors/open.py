"""Open any kind of source."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loantap.data.columns import BY_NAME
from loantap.data.files_of_tables import is_parquet, parquet_files
from loantap.data.loan_file import LoanFile, open_loans
from loantap.data.text_form import Asked
from loantap.errors import InputError, SchemaError
from loantap.files import sha256
from loantap_sources.connectors.base import BATCH_ROWS, Brought
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.databricks import databricks_tables
from loantap_sources.connectors.db2 import open_drop
from loantap_sources.connectors.kinds import DatabricksSource, Db2Drop, FileSource, OdbcSource, Source, SqlSource
from loantap_sources.connectors.sql import odbc_tables, open_engine, query_tables

_TEXT = BY_NAME["emp_title"]  # as which a key is read
# An option of the commands that read files, and its value.
_OPTION = re.compile(r"--(encoding|delimiter|decimal|dates) ([\w-]+)")


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
    kinds = {
        **dict.fromkeys(source.wanted, _TEXT),
        **{own: BY_NAME[column] for column, own in source.columns.items() if column in BY_NAME},
    }
    columns = [replace(column, name=own, aliases=()) for own, column in kinds.items()]
    dates = source.dates if source.dates in ("day-first", "month-first") else ""
    try:
        asked = Asked(source.encoding, source.delimiter, source.decimal, dates)
        opened = open_loans(path, needed=(), columns=columns, asked=asked)
    except (InputError, SchemaError) as error:
        raise _as_settings(error) from error.__cause__
    opened.needed = tuple(source.wanted)  # what is missing is told with the names that the source declares
    files = parquet_files(path)
    facts = {
        "location": str(path),
        "files": [{"file": str(one), "size": one.stat().st_size, "sha256": sha256(one)} for one in files],
    }
    notes: list[str] = []
    return Brought(_parquet_tables(files) if is_parquet(path) else _text_tables(opened, notes), facts, notes)


def _as_settings(error: InputError | SchemaError) -> InputError | SchemaError:
    """Return a message of the commands with their options as the settings of a source."""
    return type(error)(_OPTION.sub(r"'\1: \2'", str(error)))


def _text_tables(opened: LoanFile, notes: list[str]) -> Iterator[pa.Table]:
    try:
        for frame in opened.chunks():
            texts = {
                str(name): frame[name].where(frame[name].isna(), frame[name].astype("str"))
                for name in frame
                if frame[name].dtype == "object"
            }
            yield pa.Table.from_pandas(frame.assign(**texts), preserve_index=False)
    except (InputError, SchemaError) as error:
        raise _as_settings(error) from error.__cause__
    if ragged := opened.ragged:
        raise SchemaError(
            f"{opened.path}: expected {len(opened.header)} fields in every record, found {ragged[0].fields} in record {ragged[0].row:,} "
            f"({len(ragged):,} such records). Export it again."
        )
    notes.extend(opened.notes)


def _parquet_tables(files: list[Path]) -> Iterator[pa.Table]:
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    yield pa.Table.from_batches([batch])
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: expected a Parquet file, but: {error}. Write it again.") from None
