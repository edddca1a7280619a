"""Delimited text in any code page, read in parts with every value as a text."""

import codecs
import csv
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from loantap.data.headers import told_arrow, told_header
from loantap.data.text_form import open_bytes, other_kind
from loantap.errors import InputError, SchemaError

_BLOCK = 1 << 22
_LONGEST_HEADER, _MAGIC = 1 << 17, 64
_END_OF_FILE = "\x1a"  # DOS wrote it behind the last line
# 'Ã©' in a file of one byte per character is a UTF-8 'é', and 'â‚¬' is '€': texts of two code pages were put together.
# What cp1252 has for quotes, dashes and spaces may well follow 'Ä' and 'Å'.
_UTF8 = re.compile(
    rb"\xc3[\x80-\xbf]|\xc2[\xa1-\xbf]|\xe2[\x80-\x84][\x80-\xbf]|[\xc4\xc5](?![\x85\x91-\x97\xa0\xab\xb4\xb7\xbb])[\x80-\xbf]"
)
_LATIN = ("cp1252", "iso8859-1", "iso8859-15")
# A last record of the reader's own: it is not found at the end if a quote before it was never closed.
_END = "\x1aend of file\x1a"


@dataclass
class _Ragged:
    """Records of another number of fields: the first, and how many."""

    record: int = 0
    fields: int = 0
    count: int = 0

    def set_aside(self, row: Any) -> str:
        if not self.count:
            self.record, self.fields = row.number or 0, row.actual_columns
        self.count += 1
        return "skip"


def read_delimited(
    path: Path,
    *,
    shown: str,
    wanted: Sequence[str],
    header: Sequence[str] | None = None,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Iterator[pa.Table]:
    """Yield the records of a file, all values texts and none taken for missing.

    Args:
        path: The file; a gzipped one is unpacked.
        shown: How messages call it.
        wanted: Columns that have to be there.
        header: The columns' names, if the first line does not hold them.
        encoding: Its code page.
        delimiter: Between fields.

    Raises SchemaError for a wrong header, a record of another number of fields, a quote that is not closed, and bytes
    that the code page does not know, with the place; InputError for a damaged file.
    """
    with (
        suppress(OSError, EOFError, zlib.error),
        open_bytes(path) as stream,
    ):  # what is damaged is told of when it is read
        if what := other_kind(stream.read(_MAGIC)):
            raise SchemaError(f"{shown}: expected delimited text, this is {what}.")
    first = _header(path, shown, encoding, delimiter)
    if header and first == list(header):
        raise SchemaError(f"{shown}: expected records only, its first line names the columns. Leave 'header' out.")
    names = _checked(header or first, wanted, shown, encoding, delimiter)
    ragged, read, held = _Ragged(), 0, None
    try:
        with _Blocks(_Utf8(path, shown, encoding, end=delimiter.join([_END] * len(names))), _BLOCK) as stream:
            reader = pa.csv.open_csv(
                pa.PythonFile(stream),
                read_options=pa.csv.ReadOptions(
                    column_names=names, skip_rows_after_names=0 if header else 1, block_size=_BLOCK, use_threads=False
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged.set_aside
                ),
                convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
            for batch in reader:
                if batch.num_rows:
                    if held is not None:
                        yield held
                    held = pa.Table.from_batches([batch])
                    read += batch.num_rows
    except pa.ArrowInvalid as error:
        place = f"after record {read + ragged.count:,}"
        if "straddl" in str(error):
            raise SchemaError(
                f"{shown}: expected records of at most {_BLOCK:,} bytes, found a longer one {place}. A quote is not closed "
                f"there, or encoding ({encoding}) is wrong. Export it again."
            ) from None
        raise SchemaError(
            f"{shown}: expected {len(names)} fields with '{delimiter}' between, but {place}: {told_arrow(error)}."
        ) from None
    if held is None or held.column(0)[-1].as_py() != _END:
        raise SchemaError(
            f"{shown}: expected every quote to be closed, one in record {read + ragged.count:,} is not. It is cut short, or "
            "a text holds a quote that is not doubled. Export it again."
        )
    yield held.slice(0, held.num_rows - 1)
    if ragged.count:
        raise SchemaError(
            f"{shown}: expected {len(names)} fields in every record, found {ragged.fields} in record "
            f"{ragged.record - (0 if header else 1):,} ({ragged.count:,} such records). It is cut short, the delimiter is not "
            f"'{delimiter}', or a text holds one without quotes. Export it again."
        )


def _header(path: Path, shown: str, encoding: str, delimiter: str) -> list[str]:
    with io.TextIOWrapper(io.BufferedReader(_Utf8(path, shown, encoding)), "utf-8", newline="") as stream:
        start = io.StringIO(stream.read(_LONGEST_HEADER), newline="")
    try:
        return [name.strip() for name in next(csv.reader(start, delimiter=delimiter), [])]
    except csv.Error as error:
        raise SchemaError(f"{shown}: expected names of columns in the first line, but: {error}.") from None


def _checked(names: Sequence[str], wanted: Sequence[str], shown: str, encoding: str, delimiter: str) -> list[str]:
    if missing := [name for name in wanted if name not in names]:
        raise SchemaError(
            f"{shown}: expected the column{'s'[: len(missing) > 1]} {', '.join(missing)}, found instead: "
            f"{told_header(names, wanted)}. If a column was renamed, say so under 'columns'; if the first line is a record, name "
            f"the columns under 'header'; if this is hard to read, encoding ({encoding}) or delimiter ({delimiter}) is wrong"
            f"{'. Text of a mainframe is EBCDIC, such as cp037' if _unreadable(names) else ''}."
        )
    if doubled := sorted({name for name in names if names.count(name) > 1} & set(wanted)):
        raise SchemaError(f"{shown}: expected each column once, these stand more than once: {', '.join(doubled)}.")
    return list(names)


def _unreadable(names: Sequence[str]) -> bool:
    text = "".join(names)
    return sum(map(str.isascii, text)) < len(text) / 2


class _Utf8(io.RawIOBase):
    """A file in some code page, read as UTF-8 with line feeds; a byte that the code page does not know is an error."""

    def __init__(self, path: Path, shown: str, encoding: str, *, end: str = "") -> None:
        self._stream = open_bytes(path)
        self._shown, self._encoding = shown, codecs.lookup(encoding).name
        # A byte order mark is no part of the first column's name.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig" if self._encoding == "utf-8" else encoding)()
        self._ready, self._tail, self._end = b"", b"", f"\n{end}\n".encode() if end else b""
        self._read = self._lines = 0

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with UTF-8."""
        while not self._ready:
            try:
                block = self._stream.read(_BLOCK)
            except (OSError, EOFError, zlib.error) as error:
                raise InputError(
                    f"{self._shown}: the file is damaged or cut short ({error}). Copy or export it again."
                ) from None
            self._ready = self._decoded(block)
            if not block:
                self._ready, self._end = self._ready + self._end, b""
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()

    def _decoded(self, block: bytes) -> bytes:
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # What the decoder was given begins with bytes it had kept back.
            raise self._mixed(block, error.start + len(block) - len(error.object), "is not") from None
        if self._encoding in _LATIN and (match := _UTF8.search(self._tail + block)):
            raise self._mixed(block, match.start() - len(self._tail), "and what follows is UTF-8")
        self._read, self._lines, self._tail = self._read + len(block), self._lines + block.count(b"\n"), block[-2:]
        # EBCDIC ends a line with NEL.
        if len(block) < _BLOCK:
            text = text.rstrip(_END_OF_FILE)
        return text.replace("\x85", "\n").encode() if self._encoding.startswith("cp") else text.encode()

    def _mixed(self, block: bytes, start: int, what: str) -> SchemaError:
        line = self._lines + block[: max(start, 0)].count(b"\n") + 1
        return SchemaError(
            f"{self._shown}: expected {self._encoding} throughout, byte {self._read + start:,} in line {line:,} {what}. Files of "
            "several code pages were put together, or 'encoding' is wrong."
        )


class _Blocks(io.BufferedReader):
    """Blocks that do not end between a carriage return and its line feed: Arrow drops the line feed, even within quotes."""

    _kept = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, a carriage return at their end kept for the next block."""
        data = self._kept + super().read(size if size is None or size < 0 else size - len(self._kept))
        whole = data.rstrip(b"\r") or data
        self._kept = data[len(whole) :]
        return whole
