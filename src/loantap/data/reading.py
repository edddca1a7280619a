"""Where loans come from: files read, or synthetic loans made, in chunks; every value still as it was written."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from loantap.data import columns
from loantap.data.headers import (
    check_header,
    check_types,
    csv_header,
    parquet_header,
    told_arrow,
    with_text_keys,
    without_marks,
)
from loantap.data.synthetic import iter_loans
from loantap.errors import InputError, SchemaError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
# What pandas reads as missing by default, so that missing counts agree with the published ones.
MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
_BATCH_ROWS = 100_000
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
        path: The file.
        header: Its column names.
        ragged: Records with a wrong number of fields met so far; complete once `chunks` is exhausted.
        only: The columns to read, by their names in the file; all of them if None.
        renamed: Which columns have another name in the file: that name by column.
    """

    path: Path
    header: tuple[str, ...]
    ragged: list[RaggedRow] = field(default_factory=list)
    kind: str = "file"
    only: list[str] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self.path)

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of the file's columns, indexed by record number (the first loan is row 1).

        CSV values are texts with missing ones as NaN; Parquet columns keep their types.

        Raises InputError for a damaged file, SchemaError for one that holds no loan.
        """
        empty = True
        start = 1
        for frame in self._read():
            numbers = self._numbers(start, len(frame))
            frame.index = pd.Index(numbers, name="row")
            start = int(numbers[-1]) + 1 if len(numbers) else start
            empty = empty and frame.empty
            yield frame
        if empty:
            raise SchemaError(
                f"{self.path}: expected loans below the header, found none. Check how the file was exported."
            )

    def _read(self) -> Iterator[pd.DataFrame]:
        own = {name: column for column, name in self.renamed.items()}
        try:
            if self.path.suffix == ".parquet":
                file = pq.ParquetFile(self.path, pre_buffer=False)
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=self.only):
                    # What pandas noted there would make an index of a column, and hide it.
                    named = batch.rename_columns([own.get(name, name) for name in batch.schema.names])
                    yield without_marks(with_text_keys(named), MISSING).to_pandas(ignore_metadata=True)
            else:
                yield from (frame.rename(columns=own) for frame in self._read_csv())
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{self.path}: expected UTF-8 text with commas between fields and quotes around texts that hold a "
                f"comma or a line break, but: {told_arrow(error)}. Export the file again."
            ) from error
        except (OSError, EOFError) as error:
            raise InputError(
                f"{self.path}: the file is damaged or cut short ({error}). Copy or export it again."
            ) from error

    def _read_csv(self) -> Iterator[pd.DataFrame]:
        reader = pyarrow.csv.open_csv(
            self.path,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._set_aside),
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
    needed: Sequence[str] = columns.NEEDED,
    welcome: Sequence[str] | None = None,
    recognise: Callable[[Sequence[str]], Mapping[str, str]] = lambda header: {},
) -> LoanFile:
    """Open a CSV (also gzipped) or Parquet file of loans and check its header.

    Args:
        path: The file.
        needed: The columns that it has to have.
        welcome: Further columns to read where they are there; if None, all that are there are read.
        recognise: Returns which columns have another name in a header: that name by column.

    Raises InputError if the file is absent, empty, of another type or not readable as what its name says, and
    SchemaError if a column is missing or stands twice. Columns that the codebook does not know are kept.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: expected a file of loans, found {'a folder' if path.is_dir() else 'nothing'} there. Check the path."
        )
    if not path.name.endswith(SUFFIXES):
        raise InputError(
            f"{path}: expected a file ending in {', '.join(SUFFIXES)}. Convert it, or rename it if it is one."
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path}: expected loans, the file is empty (0 bytes). Copy or export it again.")
    header = parquet_header(path) if path.suffix == ".parquet" else csv_header(path)
    renamed = recognise(header)
    own = {name: column for column, name in renamed.items()}
    check_header(path, [own.get(name, name) for name in header], needed)
    only = None if welcome is None else [name for name in header if own.get(name, name) in (*needed, *welcome)]
    if path.suffix == ".parquet":
        check_types(path, only or header)
    return LoanFile(path, tuple(header), only=only, renamed=renamed)
