"""All published tables of a run in one Excel workbook: a sheet of contents, and a sheet for each table with its notes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits.heads import LABELS, head
from loantap.exhibits.words import ABSENT, WITH_INTERVAL, capital, columns, ends_of, show
from loantap.runs.results import RunFolder, read_table
from loantap.runs.staging import Staged, moment

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

WORKBOOK_NAME = "loantap-tables.xlsx"
CONTENTS = "Contents"
# How Excel shows the kinds of `words.show`.
_FORMATS = {
    "count": "#,##0", "money": "#,##0", "number": "#,##0.00", "ratio": "0.00", "rate": "0.0%", "score": "0.000",
    "p": '[<0.001]"< 0.001";0.000', "text": "General",
}  # fmt: skip
_SHORT = {
    "association": "assoc", "model-": "", "without-pincode": "no pincode", "with-pincode": "pincode", "application-only": "applicant",
}  # fmt: skip
_LONGEST = 31  # letters of a sheet's name, for Excel
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_N = re.compile(r"\bn = ([\d,]+)")
_NARROW, _WIDE = 9, 48  # signs
_LINE = 15  # points
_HEAD_ROW = 4  # of a table, counted from 0: above it stand title, notes, notice and the link back


@dataclass(frozen=True)
class _Table:
    """A published table with its words."""

    name: str
    sheet: str
    title: str
    notes: str
    rows: pd.DataFrame
    kinds: Mapping[str, str]


def write_workbook(staged: Staged) -> Path:
    """Write the workbook beside the staged pages, so that both engines carry it with the site.

    Tables hold every row and column as published: what was suppressed stays empty. Texts are never taken for formulas or links. The same
    run gives the same bytes.
    """
    from xlsxwriter import Workbook  # here, since who only reads a run needs none

    manifest = RunFolder(staged.run).manifest()
    path = staged.folder / WORKBOOK_NAME
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(str(path), options) as book:
        book.set_properties(
            {"title": f"Tables of run {manifest['run_id']}", "created": moment(manifest).replace(tzinfo=None)}
        )
        tables = list(_tables(staged, manifest))
        _contents(book, tables, manifest, staged.notice)
        for table in tables:
            _sheet(book, table, staged.notice)
    return path


def _tables(staged: Staged, manifest: Mapping[str, Any]) -> Iterator[_Table]:
    """Yield the tables in the order of the stages that made them."""
    taken = {CONTENTS.lower()}
    written = [Path(name).name for record in manifest.get("stages", []) for name in record.get("files", ())]
    order = {name: place for place, name in reversed([*enumerate(written)])}
    paths = (staged.folder / "tables").glob("*.csv")
    for path in sorted(paths, key=lambda path: (order.get(path.name, len(written)), path.stem)):
        if not path.with_suffix(".json").is_file():
            continue
        words, rows = json.loads(path.with_suffix(".json").read_text("utf-8")), read_table(path)
        if not path.stem.startswith("codebook"):  # which is there to say the names
            rows = rows.map(lambda value: LABELS.get(value, value) if isinstance(value, str) else value)
        kinds = _kinds(rows, words["columns"])
        yield _Table(
            path.stem, _sheet_name(path.stem, taken), words["title"], words["caption"], rows[list(kinds)], kinds
        )


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel takes and no other sheet has, and note it as taken."""
    for long, short in _SHORT.items():
        name = name.replace(long, short)
    words = _FORBIDDEN.sub("", name.replace("-", " ").replace("_", " "))
    for number in range(1, 10_000):
        tail = "" if number == 1 else f" {number}"
        sheet = f"{words[: _LONGEST - len(tail)].strip()}{tail}"
        if sheet.lower() not in taken:
            break
    taken.add(sheet.lower())
    return sheet


def _contents(book: "Workbook", tables: list[_Table], manifest: Mapping[str, Any], notice: str | None) -> None:
    sheet = _prepared(book, CONTENTS, notice)
    title, head_line, link, wrapped, count = (
        book.add_format(look) for look in (
            {"bold": True, "font_size": 14}, _HEAD, {"font_color": "#1F5FA8", "underline": 1, "valign": "top"},
            {"text_wrap": True, "valign": "top"}, {"num_format": "#,##0", "valign": "top"},
        )
    )  # fmt: skip
    sheet.write_string(0, 0, f"Tables of run {manifest['run_id']}", title)
    sheet.write_string(1, 0, f"{len(tables)} tables, as published with the report. Each has a sheet with its notes.")
    _warn(book, sheet, notice)
    for place, (text, width) in enumerate((("Table", 40), ("Finding", 100), ("Loans", 12), ("Rows", 10))):
        sheet.set_column(place, place, width)
        sheet.write_string(_HEAD_ROW, place, text, head_line)
    for row, table in enumerate(tables, _HEAD_ROW + 1):
        sheet.write_url(row, 0, f"internal:'{table.sheet}'!A1", link, string=_in_words(table.name))
        sheet.write_string(row, 1, table.title, wrapped)
        sheet.set_row(row, _height(table.title, 100))
        if loans := _N.search(table.notes):
            sheet.write_number(row, 2, int(loans[1].replace(",", "")), count)
        sheet.write_number(row, 3, len(table.rows), count)
    sheet.freeze_panes(_HEAD_ROW + 1, 0)
    sheet.autofilter(_HEAD_ROW, 0, _HEAD_ROW + len(tables), 3)


def _sheet(book: "Workbook", table: _Table, notice: str | None) -> None:
    sheet = _prepared(book, table.sheet, notice)
    looks = {kind: book.add_format({"num_format": form, "valign": "top"}) for kind, form in _FORMATS.items()}
    wrapped, head_line = book.add_format({"text_wrap": True, "valign": "top"}), book.add_format(_HEAD)
    sheet.write_string(0, 0, table.title, book.add_format({"bold": True, "font_size": 13}))
    _warn(book, sheet, notice)
    sheet.write_url(
        3, 0, f"internal:'{CONTENTS}'!A1", book.add_format({"font_color": "#1F5FA8", "underline": 1}), string="Contents"
    )
    widths = {name: _width(table.rows[name], head(name), kind) for name, kind in table.kinds.items()}
    for place, (name, kind) in enumerate(table.kinds.items()):
        values = table.rows[name]
        sheet.set_column(place, place, widths[name])
        sheet.write_string(_HEAD_ROW, place, head(name), head_line)
        for row, value in enumerate(values, _HEAD_ROW + 1):
            if pd.isna(value):
                continue
            if isinstance(value, bool):
                sheet.write_string(row, place, "yes" if value else "no", wrapped)
            elif isinstance(value, str):
                sheet.write_string(row, place, value, wrapped)
            else:
                sheet.write_number(row, place, float(value), looks[kind])
    last = max(len(table.kinds) - 1, 1)
    notes = table.notes.replace(f"{table.title}. ", "", 1)
    sheet.merge_range(1, 0, 1, last, "", wrapped)
    sheet.write_string(1, 0, notes, wrapped)
    sheet.set_row(1, _height(notes, max(sum(widths.values()), 30)))
    wide = [name for name in widths if widths[name] == _WIDE]
    for row, texts in enumerate(table.rows[wide].itertuples(index=False), _HEAD_ROW + 1):
        tallest = max((_height(value, _WIDE) for value in texts if isinstance(value, str)), default=0)
        if tallest > _LINE:
            sheet.set_row(row, tallest)
    sheet.freeze_panes(_HEAD_ROW + 1, 1)
    if len(table.rows):
        sheet.autofilter(_HEAD_ROW, 0, _HEAD_ROW + len(table.rows), len(table.kinds) - 1)
    sheet.repeat_rows(_HEAD_ROW)


_HEAD = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E9EDF1"}


def _prepared(book: "Workbook", name: str, notice: str | None) -> "Worksheet":
    """Return a new sheet that prints on A4, as wide as the page, with the notice at the head of each."""
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if notice:
        sheet.set_header(f"&L{notice}")
    return sheet


def _warn(book: "Workbook", sheet: "Worksheet", notice: str | None) -> None:
    if notice:
        sheet.write_string(2, 0, notice, book.add_format({"bold": True, "font_color": "#7A5200"}))


def _kinds(rows: pd.DataFrame, shown: Mapping[str, str]) -> dict[str, str]:
    """Return the kind of value in each column, those that the report shows first; the ends of an interval are of its value's kind."""
    kinds = {name: kind.partition(WITH_INTERVAL)[0] for name, kind in shown.items() if name in rows}
    for name in [name for name, kind in shown.items() if WITH_INTERVAL in kind]:
        kinds |= {end: kinds[name] for end in ends_of(name, rows) if end not in kinds}
    kinds |= columns(*(str(name) for name in rows if name not in kinds))
    return kinds | {name: "score" for name, kind in kinds.items() if kind == "text" and _is_fractional(rows[name])}


def _is_fractional(values: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 != 0).any())


def _width(values: pd.Series, text: str, kind: str) -> int:
    return min(max([_NARROW, len(text) + 3, *(len(_text(value, kind)) + 2 for value in values)]), _WIDE)


def _height(text: str, width: float) -> int:
    """Return the height of a row in which a text is wrapped, in points; not every program finds it by itself."""
    return _LINE * -(-len(text) // int(0.95 * width) or 1)


def _text(value: Any, kind: str) -> str:
    return show(value, "text" if isinstance(value, (str, bool)) else kind) if not pd.isna(value) else ABSENT


def _in_words(name: str) -> str:
    return capital(name.replace("eda-", "exploration-").replace("-", " ").replace("_", " "))
