"""The records of a file of text, read in chunks; lines that are none are told apart from records that are broken."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from loantap.data.headers import told_arrow
from loantap.data.text_form import DELIMITERS, TextForm, open_bytes
from loantap.errors import InputError

# What pandas reads as missing by default, so that missing counts agree with the published ones.
MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
BATCH_ROWS = 100_000
_MOST_RAGGED = 100_000  # records with a wrong number of fields; what is more is no table
_BLOCK_BYTES = 1 << 22  # Arrow reads up to 32 of them ahead
# A line of words, such as "Total amount funded: 460296150": a record that was cut short begins with a number.
_NOTE = re.compile(r"[^\n]*[^\W\d]{2}[^\n]*")
_LONGEST_NOTE, _MOST_NOTES = 200, 100
_END_OF_FILE = "\x1a"  # DOS wrote it behind the last line


@dataclass(frozen=True)
class RaggedRow:
    """A record with another number of fields than the header has."""

    row: int
    fields: int
    text: str


class TextRecords:
    """The records of a file of text.

    Attributes:
        ragged: Records with a wrong number of fields met so far.
        notes: Lines that are none met so far.
        second_table: Lines of another table below met so far: they follow a note, and have as many fields as one another.
    """

    def __init__(self, path: Path, form: TextForm, only: Sequence[str] | None) -> None:
        """Read nothing yet.

        Args:
            path: The file.
            form: How it is written.
            only: The columns to read; all if None.
        """
        self._path, self._form, self._only = path, form, only
        self.ragged: list[RaggedRow] = []
        self.notes = self.second_table = 0
        self._skipped: list[int] = []
        self._other: tuple[int, int | None] | None = None  # where a second table goes on, and how many fields it has

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield frames of texts with missing ones as NaN, indexed by the number of the record; the first one below the header is 1.

        Raises InputError for what is no table.
        """
        start = 1
        try:
            for frame in self._frames():
                frame.index = pd.Index(self._numbers(start, len(frame)), name="row")
                start = int(frame.index[-1]) + 1 if len(frame) else start
                yield frame
        except pa.ArrowInvalid as error:
            told = told_arrow(error)
            if "UTF8" in told:
                told = "further down not all bytes are UTF-8. Name the encoding that the file has, such as --encoding cp1252"
            raise InputError(
                f"{self._path}: expected records of text with quotes around fields that hold a delimiter or a line break, but: {told}. Export "
                "the file again."
            ) from error

    def _frames(self) -> Iterator[pd.DataFrame]:
        form = self._form
        with open_bytes(self._path) as stream:
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    block_size=_BLOCK_BYTES, use_threads=False, skip_rows=form.skipped, encoding=form.encoding
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=self._skip, delimiter=form.delimiter
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(form.header, pa.string()),
                    null_values=MISSING,
                    strings_can_be_null=True,
                    include_columns=self._only,
                ),
            )
            waiting: list[pa.RecordBatch] = []
            for batch in reader:
                waiting.append(batch)
                if sum(map(len, waiting)) >= BATCH_ROWS:
                    yield pa.Table.from_batches(waiting).to_pandas()
                    waiting = []
            if waiting:
                yield pa.Table.from_batches(waiting).to_pandas()

    def _skip(self, row: pyarrow.csv.InvalidRow) -> str:
        """Say of a line with another number of fields what it is; Arrow counts lines from the file's first one."""
        number, fields = (row.number or 1) - 1 - self._form.skipped, row.actual_columns
        if fields == 1 and self.notes < _MOST_NOTES and _is_note(row.text.strip()):
            self.notes += 1
            self._other = (number + 1, None)
        elif self._other and self._other[0] == number and self._other[1] in (None, fields):
            self.second_table += 1
            self._other = (number + 1, fields)
        elif len(self.ragged) >= _MOST_RAGGED:
            return "error"  # this is another kind of file
        else:
            self.ragged.append(RaggedRow(number, fields, row.text))
        self._skipped.append(number)
        return "skip"

    def _numbers(self, start: int, rows: int) -> np.ndarray:
        taken = [number for number in self._skipped if number >= start]
        candidates = np.arange(start, start + rows + len(taken))
        return candidates[~np.isin(candidates, taken)][:rows] if taken else candidates


def _is_note(text: str) -> bool:
    # A quote that is never closed swallows records, and signs that stand between fields elsewhere make one of another table.
    whole = len(text) <= _LONGEST_NOTE and text.count('"') % 2 == 0 and not any(sign in text for sign in DELIMITERS)
    return text == _END_OF_FILE or (whole and _NOTE.fullmatch(text) is not None)
