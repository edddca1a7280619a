"""The first look at a file of loans: its column names, before anything is read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loantap.data.columns import BY_NAME, COLUMNS, KEY, NEEDED, RESERVED
from loantap.errors import InputError, SchemaError


class TableColumn(Protocol):
    """A column that a table may have."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """What it holds: "number" or something else."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that it goes by, in the form of `plain_name`."""


def plain_name(name: str) -> str:
    """Return a header in small letters with _ between words, for comparison: letters' case, spaces and signs do not matter."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def recognised(header: Sequence[str], *, columns: Sequence[TableColumn] = COLUMNS) -> dict[str, str]:
    """Return under which other header each column is found that is not there under its own name: header by column.

    Args:
        header: The names in a file.
        columns: What is looked for.

    Raises SchemaError where two headers could be one column: nobody but the lender knows which is meant.
    """
    plain = {name: plain_name(name) for name in header}
    found = {}
    for column in columns:
        if column.name in header:
            continue
        # One that differs in case or spaces only is meant before one that is called otherwise.
        same = [name for name in header if plain[name] == plain_name(column.name)]
        names = same or [name for name in header if plain[name] in column.aliases]
        if len(names) > 1:
            raise SchemaError(
                f"expected one column {column.name}, found {' and '.join(names)}. Rename the one that is meant to {column.name}."
            )
        if names:
            found[column.name] = names[0]
    return found


@dataclass(frozen=True)
class Dialect:
    """A kind of file that many have, known by its columns.

    Attributes:
        what: What it is.
        marks: Columns that no other kind has, in the form of `plain_name`.
    """

    what: str
    marks: frozenset[str]


DIALECTS = {
    "lendingclub": Dialect(
        "LendingClub's own file: loans granted against its policy count by how they ended, Default counts as Charged Off",
        frozenset({"funded_amnt", "zip_code", "addr_state"}),
    ),
    "case-study": Dialect(
        "the case study's cut of LendingClub's file", frozenset({"address", "mort_acc", "loan_status"})
    ),
}


def dialect_of(header: Sequence[str], *, asked: str = "") -> str:
    """Return the name of the dialect that a header shows, or "" for none.

    Raises InputError where another one is asked for than the header shows, or one that there is not.
    """
    if asked and asked not in DIALECTS:
        raise InputError(f"--dialect expected {' or '.join(DIALECTS)}, got '{asked}'.")
    there = {plain_name(name) for name in header}
    if asked and (absent := DIALECTS[asked].marks - there):
        raise InputError(
            f"--dialect {asked} expected {DIALECTS[asked].what}, with the columns {', '.join(sorted(absent))}, which are absent. Leave it out, "
            "and the file is read by what it holds."
        )
    return asked or next((name for name, dialect in DIALECTS.items() if dialect.marks <= there), "")


def renaming_notes(renamed: Mapping[str, str]) -> list[str]:
    """Return what is said of columns that have another name in a source, that name by column: of other letters' case or spaces once."""
    letters = {column: name for column, name in renamed.items() if plain_name(name) == plain_name(column)}
    told = [f"The column '{name}' is taken for {column}." for column, name in renamed.items() if column not in letters]
    if letters:
        column, name = next(iter(letters.items()))
        told.append(f"Columns whose names have other letters or spaces, such as '{name}' for {column}: {len(letters)}.")
    return told


def _few(header: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tell whether fewer than half of the names that are wanted are there: what is found may then be a record."""
    return 2 * len({name.strip().lower() for name in header} & {name.lower() for name in wanted}) < len(wanted)


def check_header(path: Path, header: list[str], needed: Sequence[str]) -> None:
    """Raise SchemaError for another separator, a column that stands twice, or one that is missing."""
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
        raise SchemaError(
            f"{path}: expected {'the ' if needed is NEEDED else ''}{len(needed)} columns of the codebook (data/README.md), found {len(header)} "
            f"columns, and these are missing: {', '.join(missing)}. Export them too."
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
