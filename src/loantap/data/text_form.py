"""In which form a file of text is: its encoding, what stands between fields, the decimal sign, and the line with the names.

What can be told from the first bytes and lines is told and said; what cannot is asked.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loantap.errors import InputError

_SNIFFED_BYTES = 1 << 16
_LINES_ON_TOP = 20  # notes, blank lines and the like before the names
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive (or an Excel workbook)", b"PAR1": "a Parquet file", b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"7z\xbc\xaf": "a 7z archive", b"BZh": "a bzip2 archive", b"SQLite format 3": "an SQLite database",
}  # fmt: skip
_HTML = re.compile(rb"^\s*<(!doctype|html|\?xml)", re.I)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_COMMA_NUMBER, _POINT_NUMBER = re.compile(r"\s*-?[\d.]*\d,\d+\s*%?\s*"), re.compile(r"\s*-?\d+\.\d+\s*%?\s*")
THOUSANDS = re.compile(r"\s*-?\d{1,3}(\.\d{3})+\s*")
GZIP = b"\x1f\x8b"
_UTF8_LETTER = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")  # in cp1252 two signs that hardly ever stand together
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Asked:
    """What somebody says of the form of a file; what is empty is told from the file.

    Attributes:
        encoding: As Python calls it.
        delimiter: What stands between fields: one character, or "tab".
        decimal: "." or ",".
        dates: Whether 3/4/2015 is "day-first" or "month-first".
        dialect: What kind of file it has to be, one of `loantap.data.headers.DIALECTS`.
    """

    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    dates: str = ""
    dialect: str = ""

    def __post_init__(self) -> None:
        """Raise InputError for what is no form."""
        if len(self.separator) > 1:
            raise InputError(f"--delimiter expected one character, or tab, got '{self.delimiter}'.")
        for name, choices in (("decimal", (".", ",")), ("dates", ("day-first", "month-first"))):
            if getattr(self, name) not in ("", *choices):
                raise InputError(f"--{name} expected {' or '.join(choices)}, got '{getattr(self, name)}'.")

    @property
    def separator(self) -> str:
        """The delimiter as it stands in the file; empty where nobody says."""
        return "\t" if self.delimiter in ("tab", "\\t") else self.delimiter


NOTHING_ASKED = Asked()


@dataclass(frozen=True)
class TextForm:
    """The form of a file of text.

    Attributes:
        header: The names of its columns.
        encoding: As Python calls it.
        delimiter: What stands between fields.
        decimal: "." or ",".
        skipped: Lines before the one with the names.
        told: What was told from the file and differs from UTF-8 with commas, for people.
    """

    header: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    skipped: int = 0
    told: tuple[str, ...] = ()


def open_bytes(path: Path) -> io.BufferedIOBase:
    """Open a file for reading; a gzipped one, whatever its name, is unpacked."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == GZIP
    return gzip.open(path) if zipped else path.open("rb")


def text_form(path: Path, *, known: Callable[[Sequence[str]], int], asked: Asked = NOTHING_ASKED) -> TextForm:
    """Return the form of a file.

    Args:
        path: The file.
        known: Returns how many of some names are columns that are looked for.
        asked: What somebody says of it; the rest is told from the file.

    Raises InputError for what is no text, saying what it is.
    """
    start, whole = _start(path)
    encoding = asked.encoding or _encoding(path, start)
    text = _decoded(path, start, encoding, whole=whole)
    told = (
        [] if asked.encoding or encoding == "utf-8" else [f"it is read as {encoding}: not all of its bytes are UTF-8"]
    )
    header, delimiter, skipped = _header(text, known, asked.separator)
    if delimiter != "," and not asked.separator:
        told.append(f"fields stand between {DELIMITERS[delimiter]}")
    if skipped:
        told.append(f"{skipped} line{'s'[: skipped > 1]} above the names of the columns left out")
    decimal = asked.decimal or _decimal(text, delimiter, skipped)
    if decimal == "," and not asked.decimal:
        told.append("numbers have a decimal comma")
    return TextForm(tuple(header), encoding, delimiter, decimal, skipped, tuple(told))


def _start(path: Path) -> tuple[bytes, bool]:
    """Return the first bytes, and whether they are all; raises InputError for what is no text."""
    try:
        with open_bytes(path) as stream:
            start = stream.read(_SNIFFED_BYTES)
            whole = not stream.read(1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: the file is damaged or cut short ({error}). Copy or export it again.") from error
    if what := other_kind(start):
        raise InputError(f"{path}: expected a file of text, this is {what}.")
    return start, whole


def other_kind(start: bytes) -> str:
    """Return what a file is that begins so and is no table of text, and what to do with it; empty for text."""
    if _HTML.match(start):
        return "a web page: the download gave a page, such as one to log in, and not the file. Download it again"
    if start[6:10] == b"HIXF":
        return "DB2's IXF. Export it as DEL"
    named = next((what for magic, what in _NOT_TEXT.items() if start.startswith(magic)), "")
    return f"{named}. Unpack it, or give it the ending that it has" if named else ""


def _encoding(path: Path, start: bytes) -> str:
    if start.startswith(_UTF16):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        letters = sum(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start)
        if letters < 0.8 * len(start) or b"\x00" in start:  # EBCDIC and other binary data
            raise InputError(
                f"{path}: expected text, found other data: it is binary, or in another code page. Check that this is the CSV file, or name its "
                "encoding, such as --encoding cp037."
            ) from None
        if _UTF8_LETTER.search(start):
            raise InputError(
                f"{path}: expected text in one encoding, some letters are UTF-8 and some are not: parts of it come from different programs. Export it "
                "again, or read it with some letters wrong: --encoding cp1252."
            ) from None
        return "cp1252"
    return "utf-8"


def _decoded(path: Path, start: bytes, encoding: str, *, whole: bool) -> str:
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
        text = decoder.decode(start, final=whole)
    except LookupError:
        raise InputError(
            f"--encoding expected one that Python knows, such as utf-8 or cp1252, got '{encoding}'."
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected {encoding}, byte {error.start:,} is none. Name the encoding that it has, such as --encoding cp1252.") from None  # fmt: skip
    if "\x00" in text:
        raise InputError(f"{path}: expected text, found binary data. Check that this is the CSV file.")
    return text


def _header(text: str, known: Callable[[Sequence[str]], int], delimiter: str) -> tuple[list[str], str, int]:
    """Return the names, what stands between them and the lines above: of the line in which most names are known, else of the first."""
    lines = _LINE_END.split(text)
    best: tuple[int, int, tuple[list[str], str]] = (0, 0, ([], delimiter or ","))
    for place, line in enumerate(lines[: _LINES_ON_TOP + 1]):
        for separator in [delimiter] if delimiter else DELIMITERS:
            names = next(csv.reader([line], delimiter=separator), [])
            if (count := known(names)) > best[0]:
                best = (count, place, (names, separator))
    count, place, (names, separator) = best
    if count < 2:
        try:
            first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ","), [])
        except csv.Error:
            first = []
        return first, delimiter or ",", 0
    return names, separator, place


def _decimal(text: str, delimiter: str, skipped: int) -> str:
    """Return the decimal sign: a comma where fields are numbers with one, and points stand between thousands at most."""
    if delimiter == ",":
        return "."
    fields = [
        field for row in csv.reader(_LINE_END.split(text)[skipped + 1 : -1], delimiter=delimiter) for field in row
    ]
    points = [field for field in fields if _POINT_NUMBER.fullmatch(field) and not THOUSANDS.fullmatch(field)]
    return "," if any(map(_COMMA_NUMBER.fullmatch, fields)) and not points else "."
