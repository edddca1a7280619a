"""Every source in one form: the raw format of the codebook, each value a text, in a Parquet file of its own."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loantap.data.columns import BY_NAME
from loantap.data.connectors.config import Config
from loantap.data.connectors.kinds import Dates, Db2Drop, FileSource, Source
from loantap.data.connectors.open import open_source
from loantap.data.sources import MISSING
from loantap.errors import SchemaError
from loantap.files import replacing

NEWEST = "newest_by"
_FORMATS: dict[Dates, tuple[str, str]] = {
    # How DB2 and others write a date: what has to match, and what it means. A time of day after it is left out.
    "iso": (r"^(\d{4}-\d{2}-\d{2})", "%Y-%m-%d"),
    "usa": (r"^(\d{2}/\d{2}/\d{4})", "%m/%d/%Y"),
    "eur": (r"^(\d{2}\.\d{2}\.\d{4})", "%d.%m.%Y"),
    "del": (r"^(\d{8})", "%Y%m%d"),
}


@dataclass(frozen=True)
class Staged:
    """A source that was read.

    Attributes:
        name: Its name in the configuration.
        source: Its settings.
        path: Parquet: `loan_id` (or what it joins on), the columns it brings under the codebook's names, `newest_by` if
            it is declared. All texts, missing as null.
        rows: How many.
        facts: What the manifest says: kind, location, rows, seconds, of files name, size, sha256, rows.
        notes: What a person should know.
    """

    name: str
    source: Source
    path: Path
    rows: int
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def stage(config: Config, folder: Path, *, progress: Callable[[str, int], None] | None = None) -> list[Staged]:
    """Read every source into a folder.

    Args:
        config: The sources.
        folder: An empty folder.
        progress: Told the source's name and how many rows it has brought so far.

    Raises SchemaError for a source without a declared column or without rows, and what the sources raise.
    """
    return [_staged(name, source, config, folder, progress) for name, source in config.sources.items()]


def _staged(
    name: str, source: Source, config: Config, folder: Path, progress: Callable[[str, int], None] | None
) -> Staged:
    started = time.perf_counter()
    brought = open_source(name, source, config, staging=folder)
    path, rows = folder / f"{name}.parquet", 0
    fresh: set[str] = set()
    schema = pa.schema([(column, pa.string()) for column in _targets(source)])
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in brought.tables:
            fresh |= _unknown(name, source, table)
            writer.write_table(raw(table, source).cast(schema))
            rows += table.num_rows
            if progress:
                progress(name, rows)
    if not rows:
        raise SchemaError(
            f"source '{name}' ({brought.facts['location']}): expected rows, it brought none. Check query, filter or export."
        )
    seconds = round(time.perf_counter() - started, 2)
    facts = {"source": name, "kind": source.kind, "rows": rows, "seconds": seconds, **brought.facts}
    notes = [*brought.notes]
    if fresh:
        notes.append(f"columns that {config.path.name} does not name are not read: {', '.join(sorted(fresh))}")
    return Staged(name, source, path, rows, facts, [f"source '{name}': {note}" for note in notes])


def _targets(source: Source) -> list[str]:
    return [source.joins_on, *source.columns, *([NEWEST] if source.newest_by else [])]


def _unknown(name: str, source: Source, table: pa.Table) -> set[str]:
    if missing := [column for column in source.wanted if column not in table.column_names]:
        found = ", ".join(table.column_names)[:300]
        raise SchemaError(
            f"source '{name}': expected the column{'s'[: len(missing) > 1]} {', '.join(missing)}, found: {found}. If one was "
            "renamed, say so under 'columns'."
        )
    return set(table.column_names) - set(source.wanted)


def raw(table: pa.Table, source: Source) -> pa.Table:
    """Return the declared columns of a table in the raw format of the codebook."""
    own = [source.key, *source.columns.values(), *([source.newest_by] if source.newest_by else [])]
    arrays = [_raw(table[column], target, source) for column, target in zip(own, _targets(source), strict=True)]
    return pa.table(arrays, names=_targets(source))


def _raw(values: pa.ChunkedArray, target: str, source: Source) -> pa.ChunkedArray:
    kind = BY_NAME[target].kind if target in BY_NAME else ""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        texts = _texts(values, source)
        if source.dates != "month" and (kind == "month" or target == NEWEST):
            return _dated(texts, *_FORMATS[source.dates], shown="%b-%Y" if kind == "month" else "%Y-%m-%d")
        if kind == "number" and isinstance(source, Db2Drop):
            return _plain_number(texts, source.decimal)
        return texts
    if pa.types.is_dictionary(values.type):
        return _raw(values.cast(values.type.value_type), target, source)
    if kind == "month" and pa.types.is_temporal(values.type):
        return pc.strftime(values.cast(pa.timestamp("s")), format="%b-%Y")
    if pa.types.is_decimal(values.type) and kind == "number":
        return values.cast(pa.float64()).cast(pa.string())
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_floating(values.type):
        return _whole(values)
    return values.cast(pa.string())


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # A column of whole numbers with a gap comes as float from some drivers; a key must not become '17.0'.
    values = pc.if_else(pc.is_nan(values), None, values)
    if pc.all(pc.equal(values, pc.floor(values))).as_py() and (pc.max(pc.abs(values)).as_py() or 0) < 2**53:
        return values.cast(pa.int64()).cast(pa.string())
    return values.cast(pa.float64()).cast(pa.string())


def _texts(values: pa.ChunkedArray, source: Source) -> pa.ChunkedArray:
    if isinstance(source, FileSource):
        return _without(values.cast(pa.string()), MISSING)
    if not isinstance(source, Db2Drop):
        return values.cast(pa.string())
    # CHAR fields are padded to their length; a line break inside a text stays.
    return _without(pc.utf8_trim(values.cast(pa.string()), characters=" \x00"), ["", *source.nulls])


def _without(texts: pa.ChunkedArray, markers: list[str]) -> pa.ChunkedArray:
    absent = pc.is_in(texts, value_set=pa.array(markers, pa.string()))
    return pc.if_else(absent, pa.scalar(None, pa.string()), texts)


def _dated(texts: pa.ChunkedArray, pattern: str, form: str, *, shown: str) -> pa.ChunkedArray:
    day = pc.replace_substring_regex(texts, pattern=pattern + r".*$", replacement=r"\1")
    parsed = pc.strftime(pc.strptime(day, format=form, unit="s", error_is_null=True), format=shown)
    # What is no date stays as it came, so that the contract can name it; of two rows, the later time of day wins.
    rest = pc.replace_substring_regex(texts, pattern=pattern, replacement="") if shown.endswith("%d") else ""
    return pc.coalesce(pc.binary_join_element_wise(parsed, rest, ""), texts)


def _plain_number(texts: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    if decimal == ",":
        # 1.234,50 would become 1.234.50, which the contract refuses: thousands separators are not guessed.
        texts = pc.replace_substring(texts, pattern=",", replacement=".")
    # DB2 writes DECIMAL as +0000123.45.
    return pc.replace_substring_regex(texts, pattern=r"^\+", replacement="")


def iter_texts(path: Path, *, batch_size: int = 250_000) -> Iterator[pa.Table]:
    """Yield the rows of a staged file."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=batch_size):
        yield pa.Table.from_batches([batch])
