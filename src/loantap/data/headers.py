"""The first look at a file of loans: its column names, before anything is read."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loantap.data.columns import BY_NAME, KEY, NEEDED, RESERVED
from loantap.errors import InputError, SchemaError

_SNIFFED_BYTES = 1 << 16


def parquet_header(path: Path) -> list[str]:
    """Return the column names of a Parquet file; raises InputError for a damaged one."""
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: expected a Parquet file, but: {error}. Write it again.") from error


def csv_header(path: Path) -> list[str]:
    """Return the column names of a CSV; raises InputError for what is not text in UTF-8."""
    opener: Callable = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            start = stream.read(_SNIFFED_BYTES)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: expected a gzipped CSV, but: {error}. Copy or export it again.") from error
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(
            f"{path}: expected UTF-8, found UTF-16. Save it as 'CSV UTF-8', or run: iconv -f UTF-16 -t UTF-8"
        )
    try:
        # A character may be cut at the end of what was read; the decoder waits for its rest.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected UTF-8, byte {error.start:,} is no UTF-8. Save it as 'CSV UTF-8', or run: iconv -f CP1252 -t UTF-8"
        ) from error
    if "\x00" in text:
        raise InputError(f"{path}: expected text, found binary data. Check that this is the CSV file.")
    try:
        return next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error as error:
        raise InputError(
            f"{path}: expected lines of comma-separated fields, but: {error}. Export the file again."
        ) from error


def _few(header: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether fewer than half of the names that are wanted are there: what is found may then be a record."""
    return 2 * len({name.strip().lower() for name in header} & {name.lower() for name in wanted}) < len(wanted)


def check_header(path: Path, header: list[str], needed: Sequence[str]) -> None:
    """Raise SchemaError for another separator, a column that stands twice, or one that is missing."""
    if len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if header[0].count(separator) >= len(needed) // 2:
                raise SchemaError(f"{path}: expected commas between fields, found {name}. Export it with commas.")
    if _few(header, needed):
        absent = ", ".join(name for name in needed if name not in header)
        raise SchemaError(
            f"{path}: expected the names of {'the ' if needed is NEEDED else ''}{len(needed)} columns of the codebook (data/README.md) in the "
            f"first line, found {len(header)} field{'s'[: len(header) != 1]} there, and these are missing: {absent}. If the first line is a record, "
            "put the names above it; if it is another table, export them too."
        )
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise SchemaError(
            f"{path}: expected each column once, these stand more than once: {', '.join(doubled)}. Drop the copies."
        )
    missing = [name for name in needed if name not in header]
    if missing:
        close = {name: other for name in missing for other in header if other.strip().lower() == name and other != name}
        hint = "".join(f" Column '{other}' looks like '{name}': rename it." for name, other in close.items())
        raise SchemaError(
            f"{path}: expected {'the ' if needed is NEEDED else ''}{len(needed)} columns of the codebook (data/README.md), found {len(header)} "
            f"columns, and these are missing: {', '.join(missing)}.{hint or ' Export them too.'}"
        )


def told_header(header: Sequence[str], wanted: Sequence[str]) -> str:
    """Return which other columns were found than those wanted, for a message; what may be somebody's record is not quoted."""
    if header and _few(header, wanted):
        return f"{len(header)} field{'s'[: len(header) > 1]} of other names, not shown since they may be a record"
    return " ".join(", ".join(name for name in header if name not in wanted)[:300].split()) or "nothing"


def told_arrow(error: pa.ArrowInvalid) -> str:
    """Return what Arrow found wrong with a CSV, without the record that it quotes."""
    return re.sub(r"(Expected \d+ columns, got \d+):.*", r"\1", str(error), flags=re.DOTALL)


def with_text_keys(rows: pa.Table | pa.RecordBatch) -> pa.Table | pa.RecordBatch:
    """Return rows with the key as text: as a number it would lose digits where another one is missing."""
    if KEY not in rows.schema.names or pa.types.is_string(rows.schema.field(KEY).type):
        return rows
    return rows.set_column(rows.schema.get_field_index(KEY), KEY, rows.column(KEY).cast(pa.string()))


def without_marks(rows: pa.Table | pa.RecordBatch, marks: Sequence[str]) -> pa.Table | pa.RecordBatch:
    """Return rows with texts that stand for a missing value as missing, as they are in a CSV."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = rows.column(place)
            absent = pc.is_in(texts, value_set=pa.array(marks, field.type))
            rows = rows.set_column(place, field, pc.if_else(absent, pa.scalar(None, field.type), texts))
    return rows


def check_types(path: Path, names: Sequence[str]) -> None:
    """Raise SchemaError for a column of a Parquet file that holds lists or records instead of values."""
    nested = [field.name for field in pq.read_schema(path) if field.name in names and pa.types.is_nested(field.type)]
    if nested:
        raise SchemaError(
            f"{path}: expected one value per field, these columns hold lists or records: {', '.join(nested)}."
        )


def kept_names(header: Iterable[str]) -> dict[str, str]:
    """Return under which name each column is kept that the codebook does not know, by its name in the file.

    It is the same one, unless it is RESERVED, in whatever letters (databases tell 'Row' and 'row' not apart): 'row' becomes
    'row_in_file'.
    """
    taken = set(header)
    found = {}
    for name in header:
        if name in BY_NAME or name == KEY:
            continue
        kept = name
        while kept.strip().lower() in RESERVED or (kept != name and kept in taken):
            kept += "_in_file"
        found[name] = kept
        taken.add(kept)
    return found
