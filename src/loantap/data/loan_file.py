"""A file of loans, applications or snapshots: opened, checked and read in chunks, whatever form it has."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from loantap.data.columns import CHARGED_OFF, COLUMNS, DEFAULTED, FULLY_PAID, NEEDED, REPAID
from loantap.data.files_of_tables import is_excel, is_parquet, parquet_chunks, parquet_files, parquet_header, read_excel
from loantap.data.headers import (
    DIALECTS,
    TableColumn,
    check_header,
    check_types,
    dialect_of,
    plain_name,
    recognised,
    renaming_notes,
)
from loantap.data.text_form import NOTHING_ASKED, Asked, TextForm, text_form
from loantap.data.text_records import RaggedRow, TextRecords
from loantap.data.values import by_level, date_order, dated, told_forms, with_points
from loantap.errors import InputError, SchemaError

_FIRST_ROWS = 1_000  # in which the forms of values are looked at


@dataclass
class LoanFile:
    """A file of loans, opened but not yet read.

    Attributes:
        path: The file, or the folder of Parquet files.
        header: The names of its columns, those that have another name than in the codebook by the codebook's.
        form: How its text is read; None for what is no text.
        asked: What somebody says of its form.
        kind: A file.
        only: The columns to read, by their names in the file; all of them if None.
        renamed: Which columns have another name in the file: that name by column.
        columns: What its columns may be.
        needed: The columns that it has to have; a line without a value in any of them is no record.
        dialect: The kind of file, one of DIALECTS, or "".
    """

    path: Path
    header: tuple[str, ...]
    form: TextForm | None = None
    asked: Asked = NOTHING_ASKED
    kind: str = "file"
    only: list[str] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[TableColumn] = COLUMNS
    needed: tuple[str, ...] = ()
    dialect: str = ""
    _records: TextRecords | None = None
    _blank: int = 0
    _dates: str | None = ""
    _forms: Sequence[str] = ()

    @property
    def location(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def ragged(self) -> list[RaggedRow]:
        """Records with a wrong number of fields met so far; complete once `chunks` is exhausted."""
        return self._records.ragged if self._records else []

    @property
    def notes(self) -> list[str]:
        """What was told from the file and not by it, for people; complete once `chunks` is exhausted."""
        name, records = self.path.name, self._records
        told = [f"{name}: {text}." for text in (self.form.told if self.form else ())]
        if self.dialect == "lendingclub":
            told.append(f"{name}: {DIALECTS[self.dialect].what} (dialect {self.dialect}).")
        told += renaming_notes(self.renamed)
        if self._dates and not self.asked.dates:
            told.append(f"{name}: dates such as 3/4/2015 are read {self._dates}.")
        told += [f"{name}: {text}." for text in self._forms]
        if dropped := self._blank + (records.notes if records else 0):
            told.append(f"{name}: lines that hold no record, such as notes and totals, left out: {dropped:,}.")
        if records and records.second_table:
            told.append(f"{name}: lines of another table below a note, left out: {records.second_table:,}.")
        return told

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of the file's columns, indexed by record number (the first loan is row 1).

        Values of text are texts with missing ones as NaN; Parquet columns keep their types.

        Raises InputError for a damaged file, SchemaError for one that holds no loan.
        """
        empty, self._dates, self._blank = True, self.asked.dates, 0
        for read in self._read():
            frame = self._without_blanks(read.rename(columns={name: column for column, name in self.renamed.items()}))
            if empty:
                self._forms = told_forms(frame.head(_FIRST_ROWS), self.columns)
            frame = self._as_elsewhere(frame)
            empty = empty and frame.empty
            yield frame
        if empty:
            raise SchemaError(
                f"{self.path}: expected loans below the header, found none. Check how the file was exported."
            )

    def _without_blanks(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the records: lines of totals and the like hold nothing in any column that is needed, or the names again."""
        held = [name for name in self.needed if name in frame]
        if not held:
            return frame
        blank = frame[held].isna().all(axis=1)
        if self.form and len(held) > 1:
            again = frame[held[0]] == self.renamed.get(held[0], held[0])
            if again.any():
                names = [self.renamed.get(name, name) for name in held]
                blank |= again & (frame[held] == names).all(axis=1)
        self._blank += int(blank.sum())
        return frame[~blank] if blank.any() else frame

    def _as_elsewhere(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return values as they are written in other files: numbers with points, dates in one order, an outcome in words."""
        changed: dict[str, pd.Series] = {}
        months = {one.name: frame[one.name] for one in self.columns if one.kind == "month" and one.name in frame}
        if not self._dates and (order := date_order(months.values())) != "":
            if order is None:
                raise InputError(
                    f"{self.path}: expected dates whose month is plain, got such as 3/4/2015, which may be in March or April. Say which: --dates "
                    "day-first or --dates month-first."
                )
            self._dates = order
        if self._dates:
            changed |= {name: dated(values, self._dates) for name, values in months.items()}
        if self.form and self.form.decimal != ".":
            changed |= {one.name: with_points(frame[one.name]) for one in self.columns if one.kind == "number" and one.name in frame}  # fmt: skip
        if coded := outcome_by_code(self.renamed.get("loan_status", "")):
            changed["loan_status"] = by_level(frame["loan_status"], lambda found: found.map(lambda code: coded.get(_code(code), code)))  # fmt: skip
        return frame.assign(**changed) if changed else frame

    def _read(self) -> Iterator[pd.DataFrame]:
        try:
            if self.form:
                self._records = TextRecords(self.path, self.form, self.only)
                yield from self._records.chunks()
            elif is_excel(self.path):
                yield read_excel(self.path).filter(self.only or [*self.header])
            else:
                yield from parquet_chunks(self.path, self.only)
        except (OSError, EOFError, UnicodeError) as error:
            raise InputError(
                f"{self.path}: the file is damaged or cut short ({error}). Copy or export it again."
            ) from error


def outcome_by_code(name: str) -> dict[str, str]:
    """Return what 0 and 1 mean in a column of that name; nothing where its name does not tell."""
    plain = plain_name(name)
    if plain in REPAID:
        return {"0": CHARGED_OFF, "1": FULLY_PAID}
    return {"0": FULLY_PAID, "1": CHARGED_OFF} if plain in DEFAULTED else {}


def _code(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value).strip().removesuffix(".0")


def open_loans(
    path: Path,
    *,
    needed: Sequence[str] = NEEDED,
    welcome: Sequence[str] | None = None,
    columns: Sequence[TableColumn] = COLUMNS,
    asked: Asked = NOTHING_ASKED,
) -> LoanFile:
    """Open a file of loans and check its header: text with delimiters, gzipped or not, Parquet, a folder of Parquet files, or Excel.

    What it is follows from its content, not from its name.

    Args:
        path: The file.
        needed: The columns that it has to have.
        welcome: Further columns to read where they are there; if None, all that are there are read.
        columns: What its columns may be, by their own names or other ones.
        asked: What somebody says of its form; the rest is told from the file.

    Raises InputError if the file is absent, empty or not readable, MissingToolError for Excel without its extra, and
    SchemaError if a column is missing or stands twice. Columns that the codebook does not know are kept.
    """
    path = Path(path)
    _check_there(path)
    wanted = {*needed, *(welcome or ())} or {one.name for one in columns}
    # Two names for what is not read are no doubt, and one is nothing to tell.
    sought = columns if welcome is None else [one for one in columns if one.name in wanted]

    def known(header: Sequence[str]) -> int:
        return len(wanted & {*header, *recognised(header, columns=sought)})

    form = None
    if is_parquet(path):
        header = parquet_header(path)
    elif is_excel(path):
        header = list(read_excel(path, rows=0).columns)
    else:
        form = text_form(path, known=known, asked=asked)
        header = list(form.header)
    renamed = recognised(header, columns=sought)
    names = {name: column for column, name in renamed.items()}
    own = [names.get(name, name) for name in header]
    check_header(path, own, needed)
    dialect = dialect_of(header, asked=asked.dialect) if columns is COLUMNS else ""
    unnamed = [
        name for name in header if not name.strip() or name.startswith("Unnamed: ")
    ]  # an index that pandas wrote
    only = [name for name, column in zip(header, own, strict=True) if name not in unnamed and (welcome is None or column in wanted)]  # fmt: skip
    if is_parquet(path):
        check_types(parquet_files(path)[0], only)
    return LoanFile(
        path,
        tuple(column for name, column in zip(header, own, strict=True) if name not in unnamed),
        form,
        asked=asked,
        only=None if len(only) == len(header) else only,
        renamed=renamed,
        columns=columns,
        needed=tuple(needed),
        dialect=dialect,
    )


def _check_there(path: Path) -> None:
    if path.is_dir() and not parquet_files(path):
        raise InputError(
            f"{path}: expected a file of loans, found a folder without Parquet files there. Check the path."
        )
    if str(path).startswith(("http:/", "https:/", "s3:/")):
        raise InputError(
            f"{path}: expected a file of this machine, got an address. Download the file, or declare it as a source (data/sources.md)."
        )
    if not path.exists():
        raise InputError(f"{path}: expected a file of loans, found nothing there. Check the path.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: expected loans, the file is empty (0 bytes). Copy or export it again.")
