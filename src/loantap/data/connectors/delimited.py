"""Delimited text in any code page, read in parts with every value as a text."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from loantap.errors import SchemaError

_BLOCK = 1 << 22
# 'Ã©' in a file of one byte per character is a UTF-8 'é': texts of two code pages were put together.
_UTF8_PAIR = re.compile(rb"[\xc3-\xc5][\x80-\xbf]")
_LATIN = ("cp1252", "windows-1252", "latin-1", "latin1", "iso-8859-1", "iso8859-1")


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
        path: The file; `.gz` is unpacked.
        shown: How messages call it.
        wanted: Columns that have to be there.
        header: The columns' names, if the first line does not hold them.
        encoding: Its code page.
        delimiter: Between fields.

    Raises SchemaError for a wrong header, a record of another number of fields, and bytes that the code page does not
    know, with the place.
    """
    ragged: list[Any] = []

    def set_aside(row: Any) -> str:
        ragged.append(row)
        return "skip"

    names = _checked(header or _header(path, shown, encoding, delimiter), wanted, shown, encoding)
    try:
        with io.BufferedReader(_Utf8(path, shown, encoding), _BLOCK) as stream:
            reader = pa.csv.open_csv(
                pa.PythonFile(stream),
                read_options=pa.csv.ReadOptions(
                    column_names=names, skip_rows=0 if header else 1, block_size=_BLOCK, use_threads=False
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside
                ),
                convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise SchemaError(
                f"{shown}: expected {len(names)} fields with '{delimiter}' between, but: {error}."
            ) from None
    if ragged:
        record = "?" if ragged[0].number is None else ragged[0].number - (0 if header else 1)
        raise SchemaError(
            f"{shown}: expected {len(names)} fields in every record, found {ragged[0].actual_columns} in record {record} "
            f"({len(ragged):,} such records). It is cut short, or a text holds '{delimiter}' without quotes. Export it again."
        )


def _header(path: Path, shown: str, encoding: str, delimiter: str) -> list[str]:
    with io.TextIOWrapper(io.BufferedReader(_Utf8(path, shown, encoding)), "utf-8", newline="") as stream:
        return [name.strip() for name in next(csv.reader(stream, delimiter=delimiter), [])]


def _checked(names: Sequence[str], wanted: Sequence[str], shown: str, encoding: str) -> list[str]:
    if missing := [name for name in wanted if name not in names]:
        found = ", ".join(names[:12])[:300]
        raise SchemaError(
            f"{shown}: expected the column{'s'[: len(missing) > 1]} {', '.join(missing)}, found: {found or 'nothing'}. If a "
            f"column was renamed, say so under 'columns'; if this is hard to read, encoding ({encoding}) or delimiter is wrong."
        )
    if doubled := sorted({name for name in names if names.count(name) > 1} & set(wanted)):
        raise SchemaError(f"{shown}: expected each column once, these stand more than once: {', '.join(doubled)}.")
    return list(names)


class _Utf8(io.RawIOBase):
    """A file in some code page, read as UTF-8 with line feeds; a byte that the code page does not know is an error."""

    def __init__(self, path: Path, shown: str, encoding: str) -> None:
        self._stream: Any = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed in close)
        self._shown, self._encoding = shown, encoding.lower()
        # A byte order mark is no part of the first column's name.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig" if self._encoding == "utf-8" else encoding)()
        self._ready, self._read = b"", 0

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with UTF-8."""
        while not self._ready:
            block = self._stream.read(_BLOCK)
            self._ready = self._decoded(block)
            if not block:
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
            raise self._mixed(f"byte {self._read + error.start:,} is not") from None
        if self._encoding in _LATIN and (match := _UTF8_PAIR.search(block)):
            raise self._mixed(f"from byte {self._read + match.start():,} on stands UTF-8")
        self._read += len(block)
        # EBCDIC ends a line with NEL.
        return text.replace("\x85", "\n").encode() if self._encoding.startswith("cp") else text.encode()

    def _mixed(self, what: str) -> SchemaError:
        return SchemaError(
            f"{self._shown}: expected {self._encoding} throughout, {what}. Files of several code pages were put together, or "
            "'encoding' is wrong."
        )
