"""The work list as CSV and as Excel, for people who fill it in: nothing in it is run, and nothing that they wrote is lost."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from itertools import chain, count
from pathlib import Path
from shutil import copy2
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from loantap.data.snapshot_rows import is_formula
from loantap.errors import InputError
from loantap.files import replacing, sha256
from loantap.watchlist.worklist import COUNTS, HEADS, MONEY, RATES, STATUSES, totals

if TYPE_CHECKING:
    from xlsxwriter import Workbook

SHEET = "Work list"
_TEXT_MOST, _ROWS_MOST = 32_767, 1_048_576  # signs that a cell of Excel holds, and rows that a sheet does
_FORMATS = dict.fromkeys(MONEY, "#,##0.00") | dict.fromkeys(COUNTS, "#,##0") | dict.fromkeys(RATES, "0.0%")
_WIDTHS = {
    "rank": 6, "light": 11, "days_past_due": 9, "days_past_due_as_of": 12, "due_date": 12, "reasons": 48, "changed": 28, "offer": 34,
    "note": 48, "owner": 16, "status": 20, "since": 16, "loan_id": 16,
}  # fmt: skip
_DATE = "yyyy-mm-dd"
_TALL = ("reasons", "changed", "offer", "note")
_HEAD = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E9EDF1"}


def write_csv(listed: pd.DataFrame, path: Path) -> None:
    """Write a work list as CSV: amounts with two decimals, an apostrophe before what a spreadsheet would run."""
    with replacing(path, private=True) as temporary:
        _texts(listed).to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")


def write_excel(listed: pd.DataFrame, path: Path, *, title: str, notes: Sequence[str] = ()) -> None:
    """Write a work list as an Excel workbook: counts and notes first, then the list with its filters.

    Texts are never taken for formulas or links, and the same list gives the same bytes.

    Args:
        listed: As from `worklist`.
        path: Where to.
        title: What it is, such as 'Work list of 2016-05'.
        notes: What a reader has to know, a sentence each.

    Raises InputError without XlsxWriter, or for more loans than a sheet holds.
    """
    if len(listed) >= _ROWS_MOST:
        raise InputError(f"Excel: expected fewer than {_ROWS_MOST:,} loans, got {len(listed):,}. Use the CSV.")
    try:
        from xlsxwriter import Workbook
    except ImportError as error:
        raise InputError("Excel: expected XlsxWriter, which is not installed. Install loantap[report].") from error
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with replacing(path, private=True) as temporary, Workbook(str(temporary), options) as workbook:
        workbook.set_properties(
            {"title": title, "created": datetime(2000, 1, 1)}
        )  # that the bytes hold no time of writing
        _counts(workbook, listed, title, notes)
        _rows(workbook, listed)


def unedited(path: Path, written: str | None) -> bool:
    """Return whether a file may be overwritten: it is absent, or still has the SHA-256 that it was written with."""
    return not path.exists() or (written is not None and sha256(path) == written)


def free_path(path: Path, written: Mapping[str, str]) -> Path:
    """Return the path itself, or where people have edited that file the first of NAME-2, NAME-3 ... that they have not.

    `written` holds the SHA-256 of the files that were written there, by name.
    """
    others = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(one for one in chain([path], others) if unedited(one, written.get(one.name)))


def keep_edited(before: Path, staging: Path, written: Mapping[str, str], *, own: Collection[str] = ()) -> None:
    """Copy what people have put or edited into the folder that takes the place of theirs.

    `free_path` in that folder then finds edited lists, and leaves them alone.

    Args:
        before: The folder that is replaced; it may be absent.
        staging: The folder that will take its place.
        written: SHA-256 of the work lists that were written there, by name.
        own: Files that are made anew each time, by name.
    """
    for path in sorted(before.iterdir()) if before.is_dir() else ():
        if path.is_file() and path.name not in own and not unedited(path, written.get(path.name)):
            copy2(path, staging / path.name)


def kept_note(path: Path, instead: Path) -> str:
    """Return what is said where a list went under another name, "" where it did not."""
    if path == instead:
        return ""
    return f"{path.name} was edited since it was written, so it was kept; the new list is in {instead.name}."


def as_text(values: pd.Series, digits: int) -> pd.Series:
    """Return numbers as texts with some decimals, "" where not known."""
    return values.map(f"{{:.{digits}f}}".format, na_action="ignore").astype(object).fillna("")


def as_written(offered: pd.DataFrame) -> pd.DataFrame:
    """Return offers as they are written to a file: amounts and rates as texts with two decimals, probabilities with four."""
    numbers = offered.select_dtypes("float").columns
    return offered.assign(**{name: as_text(offered[name], 4 if name == "probability" else 2) for name in numbers})


def _texts(listed: pd.DataFrame) -> pd.DataFrame:
    """Return every cell as the text that is written."""
    digits = dict.fromkeys(MONEY, 2) | dict.fromkeys(RATES, 4) | dict.fromkeys(COUNTS, 0)
    shown = {name: as_text(listed[name], of) for name, of in digits.items()}
    for name in (name for name in listed if name not in shown):
        # A carriage return alone is not quoted, and would begin a row that somebody made up.
        texts = listed[name].fillna("").astype("str").str.replace(r"\r\n?", "\n", regex=True)
        shown[str(name)] = texts.where(~is_formula(pa.array(texts, type=pa.string())), "'" + texts)
    return listed.assign(**shown)


def _counts(workbook: "Workbook", listed: pd.DataFrame, title: str, notes: Sequence[str]) -> None:
    sheet, head = _sheet(workbook, "Summary"), workbook.add_format(_HEAD)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    money, whole = workbook.add_format({"num_format": "#,##0.00"}), workbook.add_format({"num_format": "#,##0"})
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 5, 18)
    sheet.write_string(0, 0, title, workbook.add_format({"bold": True, "font_size": 14}))
    heads = {"loans": "Loans", "unknown": "Expected loss not known (loans)"}
    table = totals(listed)
    for place, name in enumerate(map(str, table)):
        sheet.write_string(2, place, heads.get(name, HEADS.get(name, name.capitalize())), head)
        for row, value in enumerate(table[name], 3):
            if isinstance(value, str) or pd.isna(value):
                sheet.write_string(row, place, value if isinstance(value, str) else "not known")
            else:
                sheet.write_number(row, place, float(value), money if name in MONEY else whole)
    for row, text in enumerate(notes, 4 + len(table)):
        sheet.merge_range(row, 0, row, 5, "", wrapped)
        sheet.write_string(row, 0, text, wrapped)
        sheet.set_row(row, 15 * -(-len(text) // 95))


def _sheet(workbook: "Workbook", name: str) -> Any:
    """Return a new sheet that prints in landscape on A4, one page wide."""
    sheet = workbook.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    return sheet


def _rows(workbook: "Workbook", listed: pd.DataFrame) -> None:
    sheet, head = _sheet(workbook, SHEET), workbook.add_format(_HEAD)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top", "indent": 1})
    forms = {*_FORMATS.values(), _DATE}
    looks = {form: workbook.add_format({"num_format": form, "valign": "top"}) for form in forms}
    last, places = max(len(listed), 1), list(HEADS)
    for place, name in enumerate(HEADS):
        sheet.set_column(place, place, _WIDTHS.get(name, 13))
        sheet.write_string(0, place, HEADS[name], head)
        for row, value in enumerate(listed[name], 1):
            _cell(sheet, row, place, name, value, wrapped, looks)
    for row, texts in enumerate(listed[list(_TALL)].to_dict("records"), 1):
        lines = max(
            sum(1 + len(line) // _WIDTHS[str(name)] for line in text.split("\n")) for name, text in texts.items()
        )
        if lines > 1:  # not every program finds the height of a row by itself
            sheet.set_row(row, 15 * min(lines, 10))
    sheet.set_row(0, 48)  # heads of three lines
    sheet.freeze_panes(1, places.index("loan_id") + 1)
    sheet.autofilter(0, 0, last, len(HEADS) - 1)
    sheet.repeat_rows(0)
    rules: dict[str, dict[str, Any]] = {
        "status": {"validate": "list", "source": list(STATUSES)},
        "due_date": {"validate": "date", "criteria": ">", "value": date(2000, 1, 1)},
    }
    for name, rule in rules.items():
        place = places.index(name)
        sheet.data_validation(1, place, last, place, rule | {"error_type": "warning"})
    for row, due in enumerate([*listed["due_date"], *[""] * (last - len(listed))], 1):
        if not due:
            sheet.write_blank(row, places.index("due_date"), None, looks[_DATE])


def _cell(sheet: Any, row: int, place: int, name: str, value: Any, wrapped: Any, looks: Mapping[str, Any]) -> None:
    if pd.isna(value) or value == "":
        return
    if name in _FORMATS:
        sheet.write_number(row, place, float(value), looks[_FORMATS[name]])
        return
    try:
        day = date.fromisoformat(str(value)) if name == "due_date" else None
    except ValueError:
        day = None
    if day is not None and day.year >= 1900:  # Excel knows none before
        sheet.write_datetime(row, place, datetime(day.year, day.month, day.day), looks[_DATE])
    else:
        sheet.write_string(row, place, str(value)[:_TEXT_MOST], wrapped)
