"""Every source in one form: the raw format of the codebook, each value a text, in a Parquet file of its own."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loantap.data.columns import BY_NAME
from loantap.data.headers import told_header
from loantap.data.loan_file import outcome_by_code
from loantap.data.text_records import MISSING
from loantap.errors import SchemaError
from loantap.files import replacing
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.kinds import Dates, Db2Drop, FileSource, Source
from loantap_sources.connectors.open import open_source

NEWEST = "newest_by"
_FORMATS: dict[Dates, tuple[str, str]] = {
    # How DB2 and others write a date: what has to match, and what it means.
    "iso": (r"^(\d{4}-\d{2}-\d{2})", "%Y-%m-%d"),
    "usa": (r"^(\d{2}/\d{2}/\d{4})", "%m/%d/%Y"),
    "eur": (r"^(\d{2}\.\d{2}\.\d{4})", "%d.%m.%Y"),
    "del": (r"^(\d{8})", "%Y%m%d"),
}
# A time of day after a date; other digits make it something else.
_TIME = r"(\D.*|\d{6}.*)?$"


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
    # What one source is joined on is a key in the first one too.
    keys = frozenset(source.joins_on for source in config.sources.values())
    return [_staged(name, source, config, folder, keys, progress) for name, source in config.sources.items()]


def _staged(
    name: str,
    source: Source,
    config: Config,
    folder: Path,
    keys: frozenset[str],
    progress: Callable[[str, int], None] | None,
) -> Staged:
    started = time.perf_counter()
    brought = open_source(name, source, config, staging=folder)
    path, rows = folder / f"{name}.parquet", 0
    fresh: set[str] = set()
    schema = pa.schema([(column, pa.string()) for column in _targets(source)])
    with ExitStack() as stack:
        # A source that is given up half-way is let go at once, and its connection with it.
        stack.callback(getattr(brought.tables, "close", lambda: None))
        writer = stack.enter_context(pq.ParquetWriter(stack.enter_context(replacing(path)), schema, compression="zstd"))
        for table in brought.tables:
            fresh |= unnamed_columns(name, source, table)
            writer.write_table(raw(table, source, name=name, keys=keys).cast(schema))
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


def unnamed_columns(name: str, source: Source, table: pa.Table) -> set[str]:
    """Return the columns that a source does not name; raises SchemaError where one that it names is absent or stands twice."""
    if missing := [column for column in source.wanted if column not in table.column_names]:
        raise SchemaError(
            f"source '{name}': expected the column{'s'[: len(missing) > 1]} {', '.join(missing)}, found instead: "
            f"{told_header(table.column_names, source.wanted)}. If one was renamed, say so under 'columns'."
        )
    if doubled := [column for column in source.wanted if table.column_names.count(column) > 1]:
        raise SchemaError(
            f"source '{name}': expected each column once, these stand more than once: {', '.join(doubled)}."
        )
    return set(table.column_names) - set(source.wanted)


def raw(table: pa.Table, source: Source, *, name: str = "", keys: frozenset[str] = frozenset()) -> pa.Table:
    """Return the declared columns of a table in the raw format of the codebook, `keys` among them without padding.

    Raises SchemaError for a type that has no raw format.
    """
    own = [source.key, *source.columns.values(), *([source.newest_by] if source.newest_by else [])]
    arrays = []
    for column, target in zip(own, _targets(source), strict=True):
        try:
            values = _raw(table[column], target, source, keys | {source.joins_on})
            for code, word in (outcome_by_code(column) if target == "loan_status" else {}).items():
                values = pc.if_else(pc.equal(values, code), word, values)
            arrays.append(values)
        except pa.ArrowException:
            raise SchemaError(
                f"source '{name}': expected texts, numbers or dates in the column {column}, found {table[column].type}. "
                "Convert it in the query or export."
            ) from None
    return pa.table(arrays, names=_targets(source))


def _raw(values: pa.ChunkedArray, target: str, source: Source, keys: frozenset[str]) -> pa.ChunkedArray:
    kind = BY_NAME[target].kind if target in BY_NAME else ""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        texts = _texts(values, source)
        # CHAR columns pad keys in databases too, and a key of nothing but spaces is none.
        return (
            _without(pc.utf8_trim_whitespace(texts), [""]) if target in keys else _raw_text(texts, kind, target, source)
        )
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return _moment(values, month=kind == "month")
    if pa.types.is_decimal(values.type):
        if kind == "number":
            return _number(values.cast(pa.float64()))
        return pc.replace_substring_regex(values.cast(pa.string()), pattern=r"\.0+$", replacement="")
    if pa.types.is_floating(values.type):
        return _number(values)
    return values.cast(pa.string())


def _raw_text(texts: pa.ChunkedArray, kind: str, target: str, source: Source) -> pa.ChunkedArray:
    if source.dates in _FORMATS and (kind == "month" or target == NEWEST):
        return _dated(texts, *_FORMATS[source.dates], month=kind == "month")
    if kind == "number" and isinstance(source, Db2Drop):
        return _plain_number(texts, source.decimal)
    return texts


def _moment(values: pa.ChunkedArray, *, month: bool) -> pa.ChunkedArray:
    zoned = pa.types.is_timestamp(values.type) and values.type.tz is not None
    if not month:
        # Of instants, the later one is the greater text in UTC only.
        return (values.cast(pa.timestamp(values.type.unit)) if zoned else values).cast(pa.string())
    local = pc.local_timestamp(values) if zoned else values
    return pc.strftime(local.cast(pa.timestamp("s")) if pa.types.is_date(local.type) else local, format="%b-%Y")


def _number(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # A column of whole numbers with a gap comes as float from some drivers; a key must not become '17.0' or '1e+17'.
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    values = pc.if_else(pc.is_nan(values), None, values)
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), 2.0**53))
    return pc.if_else(
        whole, pc.if_else(whole, values, 0.0).cast(pa.int64()).cast(pa.string()), values.cast(pa.string())
    )


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


def _dated(texts: pa.ChunkedArray, pattern: str, form: str, *, month: bool) -> pa.ChunkedArray:
    day = pc.replace_substring_regex(texts, pattern=pattern + _TIME, replacement=r"\1")
    parsed = pc.strptime(day, format=form, unit="s", error_is_null=True)
    # The 31st of February would be read as the 3rd of March.
    parsed = pc.if_else(pc.equal(pc.strftime(parsed, format=form), day), parsed, None)
    # What is no date stays as it came, so that the contract can name it; of two rows, the later time of day wins.
    shown = pc.strftime(parsed, format="%b-%Y" if month else "%Y-%m-%d")
    rest = "" if month else pc.replace_substring_regex(texts, pattern=pattern, replacement="")
    return pc.coalesce(pc.binary_join_element_wise(shown, rest, ""), texts)


def _plain_number(texts: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    if decimal == ",":
        # 1.234 is not 1.234 here: it becomes 1,234, which the contract refuses, since thousands separators are not guessed.
        for old, new in ((".", "\x00"), (",", "."), ("\x00", ",")):
            texts = pc.replace_substring(texts, pattern=old, replacement=new)
    # DB2 writes DECIMAL as +0000123.45.
    return pc.replace_substring_regex(texts, pattern=r"^\+", replacement="")
