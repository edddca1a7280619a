"""Where loans come from: files read, or synthetic loans made, in chunks; every value still as it was written."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from loantap.data.columns import COLUMNS, NEEDED
from loantap.data.files_of_tables import (
    is_excel,
    is_parquet,
    parquet_files,
    parquet_header,
    plain_values,
    read_excel,
    with_points,
)
from loantap.data.headers import (
    TableColumn,
    check_header,
    check_types,
    recognised,
    renaming_notes,
    told_arrow,
    with_text_keys,
    without_marks,
)
from loantap.data.synthetic import iter_loans
from loantap.data.text_form import TextForm, open_bytes, text_form
from loantap.errors import InputError, SchemaError

SUFFIXES = (".csv", ".csv.gz", ".parquet")  # of what is written
# What pandas reads as missing by default, so that missing counts agree with the published ones.
MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
_BATCH_ROWS = 100_000
_NOTES_FIELDS = 2  # of a line that is no record but a note
_MOST_RAGGED = 100_000  # records with a wrong number of fields; what is more is no table
_BLOCK_BYTES = 1 << 22  # Arrow reads up to 32 of them ahead


@dataclass(frozen=True)
class RaggedRow:
    """A record with another number of fields than the header has."""

    row: int
    fields: int
    text: str


class Origin(Protocol):
    """Where loans come from."""

    @property
    def kind(self) -> str:
        """A file, synthetic, or the warehouse."""

    @property
    def location(self) -> str:
        """Where the loans are stored, in words."""


class LoanSource(Origin, Protocol):
    """What the ingest reads: raw frames with the columns of the codebook, indexed by row number."""

    ragged: list[RaggedRow]

    @property
    def notes(self) -> Sequence[str]:
        """What was told from the source and not by it; complete once `chunks` is exhausted."""

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the loans."""


@dataclass
class SyntheticLoans:
    """The synthetic twin of the published portfolio.

    Attributes:
        rows: How many loans to make.
        seed: The random seed; the same one makes the same loans.
    """

    rows: int
    seed: int
    kind: str = "synthetic"
    ragged: list[RaggedRow] = field(default_factory=list)
    notes: Sequence[str] = ()

    @property
    def location(self) -> str:
        """Rows and seed."""
        return f"synthetic: {self.rows:,} rows, seed {self.seed}"

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield frames of raw loans, indexed by row number."""
        start = 1
        for frame in iter_loans(self.rows, seed=self.seed):
            frame.index = pd.RangeIndex(start, start + len(frame), name="row")
            start += len(frame)
            yield frame


@dataclass
class LoanFile:
    """A file of loans, opened but not yet read.

    Attributes:
        path: The file, or the folder of Parquet files.
        header: Its column names.
        form: How its text is read; None for what is no text.
        ragged: Records with a wrong number of fields met so far; complete once `chunks` is exhausted.
        only: The columns to read, by their names in the file; all of them if None.
        renamed: Which columns have another name in the file: that name by column.
        needed: The columns that it has to have; a line without a value in any of them is no record.
        numbers: The columns that hold numbers.
        dropped: Such lines met so far, and lines of notes.
    """

    path: Path
    header: tuple[str, ...]
    form: TextForm | None = None
    ragged: list[RaggedRow] = field(default_factory=list)
    kind: str = "file"
    only: list[str] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    dropped: int = 0

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def notes(self) -> list[str]:
        """What was told from the file and not by it, for people; complete once `chunks` is exhausted."""
        told = [f"{self.path.name}: {text}." for text in (self.form.told if self.form else ())]
        told += renaming_notes(self.renamed)
        if self.dropped:
            told.append(
                f"{self.path.name}: lines that hold no record, such as notes and totals, left out: {self.dropped:,}."
            )
        return told

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of the file's columns, indexed by record number (the first loan is row 1).

        Values of text are texts with missing ones as NaN; Parquet columns keep their types.

        Raises InputError for a damaged file, SchemaError for one that holds no loan.
        """
        empty, start, own = True, 1, {name: column for column, name in self.renamed.items()}
        for read in self._read():
            frame = read.rename(columns=own)
            numbers = self._numbers(start, len(frame))
            frame.index = pd.Index(numbers, name="row")
            start = int(numbers[-1]) + 1 if len(numbers) else start
            frame = self._records(frame)
            if self.form and self.form.decimal != ".":
                frame = with_points(frame, self.numbers)
            empty = empty and frame.empty
            yield frame
        if empty:
            raise SchemaError(
                f"{self.path}: expected loans below the header, found none. Check how the file was exported."
            )

    def _records(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the records: lines of totals and the like hold nothing in any column that is needed."""
        held = [name for name in self.needed if name in frame]
        if not held or not (blank := frame[held].isna().all(axis=1)).any():
            return frame
        self.dropped += int(blank.sum())
        return frame[~blank]

    def _read(self) -> Iterator[pd.DataFrame]:
        try:
            if self.form is None and not is_excel(self.path):
                yield from self._read_parquet()
            elif self.form is None:
                yield read_excel(self.path).filter(self.only or self.header)
            else:
                yield from self._read_text(self.form)
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{self.path}: expected records of text with quotes around fields that hold a delimiter or a line break, but: "
                f"{told_arrow(error)}. Export the file again."
            ) from error
        except (OSError, EOFError, UnicodeError) as error:
            raise InputError(
                f"{self.path}: the file is damaged or cut short ({error}). Copy or export it again."
            ) from error

    def _read_parquet(self) -> Iterator[pd.DataFrame]:
        for path in parquet_files(self.path):
            file = pq.ParquetFile(path, pre_buffer=False)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=self.only):
                # What pandas noted there would make an index of a column, and hide it.
                yield without_marks(with_text_keys(plain_values(batch)), MISSING).to_pandas(ignore_metadata=True, date_as_object=False)  # fmt: skip

    def _read_text(self, form: TextForm) -> Iterator[pd.DataFrame]:
        with open_bytes(self.path) as stream:
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    block_size=_BLOCK_BYTES, use_threads=False, skip_rows=form.skipped, encoding=form.encoding
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=self._set_aside, delimiter=form.delimiter
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(self.header, pa.string()),
                    null_values=MISSING,
                    strings_can_be_null=True,
                    include_columns=self.only,
                ),
            )
            waiting: list[pa.RecordBatch] = []
            for batch in reader:
                waiting.append(batch)
                if sum(map(len, waiting)) >= _BATCH_ROWS:
                    yield pa.Table.from_batches(waiting).to_pandas()
                    waiting = []
            if waiting:
                yield pa.Table.from_batches(waiting).to_pandas()

    def _set_aside(self, row: pyarrow.csv.InvalidRow) -> str:
        if row.actual_columns <= _NOTES_FIELDS and len(self.header) > 2 * _NOTES_FIELDS:
            self.dropped += 1  # a line of notes between records
            return "skip"
        if len(self.ragged) >= _MOST_RAGGED:
            return "error"  # this is another kind of file
        # Arrow counts records from 1 and the header is the first; with its number unknown, say so with 0.
        self.ragged.append(RaggedRow((row.number or 1) - 1, row.actual_columns, row.text))
        return "skip"

    def _numbers(self, start: int, rows: int) -> np.ndarray:
        taken = {ragged.row for ragged in self.ragged if ragged.row >= start}
        candidates = np.arange(start, start + rows + len(taken))
        return candidates[~np.isin(candidates, list(taken))][:rows] if taken else candidates


def open_loans(
    path: Path,
    *,
    needed: Sequence[str] = NEEDED,
    welcome: Sequence[str] | None = None,
    columns: Sequence[TableColumn] = COLUMNS,
    **form: str | None,
) -> LoanFile:
    """Open a file of loans and check its header: text with delimiters, gzipped or not, Parquet, a folder of Parquet files, or Excel.

    What it is follows from its content, not from its name.

    Args:
        path: The file.
        needed: The columns that it has to have.
        welcome: Further columns to read where they are there; if None, all that are there are read.
        columns: What its columns may be, by their own names or other ones.
        **form: encoding, delimiter and decimal of a file of text, where somebody says so; else they are told from it.

    Raises InputError if the file is absent, empty or not readable, MissingToolError for Excel without its extra, and
    SchemaError if a column is missing or stands twice. Columns that the codebook does not know are kept.
    """
    path = Path(path)
    if path.is_dir() and not parquet_files(path):
        raise InputError(
            f"{path}: expected a file of loans, found a folder without Parquet files there. Check the path."
        )
    if not path.exists():
        raise InputError(f"{path}: expected a file of loans, found nothing there. Check the path.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: expected loans, the file is empty (0 bytes). Copy or export it again.")
    wanted = {*needed, *(welcome or ())}

    def known(header: Sequence[str]) -> int:
        return len(wanted & {*header, *recognised(header, columns=columns)})

    text = None
    if is_parquet(path):
        header = parquet_header(path)
    elif is_excel(path):
        header = list(read_excel(path, rows=0).columns)
    else:
        text = text_form(path, known=known, **form)
        header = list(text.header)
    renamed = recognised(header, columns=columns)
    own = {name: column for column, name in renamed.items()}
    check_header(path, [own.get(name, name) for name in header], needed)
    only = None if welcome is None else [name for name in header if own.get(name, name) in wanted]
    if is_parquet(path):
        check_types(path, only or header)
    numbers = tuple(column.name for column in columns if column.kind == "number")
    return LoanFile(path, tuple(header), text, only=only, renamed=renamed, needed=tuple(needed), numbers=numbers)
