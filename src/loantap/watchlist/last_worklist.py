"""Last month's work list as people have filled it in, and what has become of its loans."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from loantap.data.snapshot_rows import is_formula
from loantap.errors import InputError
from loantap.watchlist.worklist import HEADS, IN_DEFAULT, PEOPLES
from loantap.watchlist.worklist_files import SHEET

NEEDED = ("loan_id", "light", *PEOPLES)
DONE = "done"
_ENDS = (IN_DEFAULT, "charged off", "closed", "gone", "unknown")
_RANK = {"green": 0, "amber": 1, "red": 2, IN_DEFAULT: 3, "charged off": 4}
_SHOWN = 3
_ROUNDED = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)  # how a spreadsheet writes a long number
_DAY_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class LastList:
    """An earlier work list."""

    rows: pd.DataFrame  # NEEDED as text, one row a loan; due_date as 2026-12-01 where it could be read
    notes: tuple[str, ...]  # what was seen when reading it


@dataclass(frozen=True)
class Outcomes:
    """What has become of the loans of an earlier work list."""

    rows: (
        pd.DataFrame
    )  # NEEDED with light as it was, light_now, outcome (words), overdue (date passed, and status not done)
    counts: pd.DataFrame  # outcome and loans, the most frequent first
    by: pd.DataFrame  # by owner and status: kind ("owner" or "status"), value ("none" where empty), outcome, loans
    notes: tuple[str, ...]  # what has to be told


def read_last(path: Path) -> LastList:
    """Read a work list that people have filled in: CSV (comma, semicolon or tab, UTF-8) or Excel.

    Heads may be the columns' names or their words. Loans that stand there twice, columns that are not known and heads that were
    changed are told; of a loan's rows the first counts.

    Raises InputError for a file that cannot be read, without a column of NEEDED, or with loans whose numbers a spreadsheet has cut.
    """
    try:
        lines = _excel(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    except OSError as error:
        why = error.strerror
        raise InputError(f"{path}: expected last month's work list, but it cannot be read: {why}.") from error
    start = next((row for row, line in enumerate(lines) if "loan_id" in map(_name, line)), None)
    if start is None:
        raise InputError(
            f"{path}: expected a row of heads with '{HEADS['loan_id']}' or 'loan_id', found none. Put the heads back."
        )
    heads, notes = lines[start], []
    names = [_name(text) for text in heads]
    others = ", ".join(repr(text[:40]) for text, name in zip(heads, names, strict=True) if not name and text)
    if absent := [name for name in NEEDED if name not in names]:
        raise InputError(
            f"{path}: expected the columns {', '.join(NEEDED)}; {', '.join(absent)} is absent"
            f"{f', and {others} is not known' if others else ''}. Put the heads back as they were."
        )
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"{path}: expected each column once, got {', '.join(twice)} twice. Remove one of them.")
    if others:
        notes.append(f"Columns that are not known were left out: {others}.")
    if changed := [text for text, name in zip(heads, names, strict=True) if name and text not in (name, HEADS[name])]:
        notes.append(f"Heads that were changed were still recognised: {', '.join(map(repr, changed))}.")
    cells = [[*line, *[""] * len(names)] for line in lines[start + 1 :] if any(line)]
    rows = pd.DataFrame({name: [line[names.index(name)] for line in cells] for name in NEEDED}, dtype="str")
    rows = rows.apply(lambda texts: texts.str.replace(r"\r\n?", "\n", regex=True).str.strip())
    if empty := int((rows["loan_id"] == "").sum()):
        notes.append(f"{empty:,} rows without a loan were left out.")
    rows = rows[rows["loan_id"] != ""]
    if cut := rows.loc[rows["loan_id"].str.fullmatch(_ROUNDED), "loan_id"].tolist():
        raise InputError(
            f"{path}: {_some(cut)}: a spreadsheet has rounded these loan numbers. Keep that column as text."
        )
    if again := rows.loc[rows["loan_id"].duplicated(), "loan_id"].unique().tolist():
        notes.append(f"Loans that stand there twice, of which the first row counts: {_some(again)}.")
    rows = rows.drop_duplicates("loan_id").reset_index(drop=True)
    days = [_day(text) for text in rows["due_date"]]
    if unread := [text for text, day in zip(rows["due_date"], days, strict=True) if text and day is None]:
        notes.append(f"Due dates that could not be read, write them as 2026-12-01: {_some(unread)}.")
    due = [day.isoformat() if day else text for text, day in zip(rows["due_date"], days, strict=True)]
    return LastList(rows.assign(due_date=due), tuple(notes))


def outcomes(last: pd.DataFrame, now: pd.DataFrame, *, today: date) -> Outcomes:
    """Return what has become of the loans of an earlier work list.

    Args:
        last: As from `read_last`.
        now: loan_id and light of every loan of the month, each in one of red, amber, green, unknown, in default, charged off, closed
            or gone; a loan that is not there is gone.
        today: Before which a due date has passed.

    Raises InputError where loans of the earlier list are known now only with zeros before their numbers.
    """
    lights = pd.Series(now["light"].to_numpy(), index=now["loan_id"].astype("str"))
    lost = last.loc[~last["loan_id"].isin(lights.index), "loan_id"]
    bare = set(lights.index[lights.index.str.startswith("0")].str.lstrip("0"))
    if cut := [loan for loan in lost if loan in bare]:
        raise InputError(
            f"The earlier work list: {len(cut):,} loans, such as {_some(cut)}, are known with zeros before their numbers, which a "
            "spreadsheet has dropped. Keep that column as text."
        )
    light_now = last["loan_id"].map(lights).fillna("gone").astype("str")
    outcome = [_outcome(was, light) for was, light in zip(last["light"], light_now, strict=True)]
    passed = [(day := _day(text)) is not None and day < today for text in last["due_date"]]
    overdue = np.array(passed, dtype=bool) & (last["status"].str.strip().str.lower() != DONE).to_numpy(dtype=bool)
    rows = last.assign(light_now=light_now, outcome=outcome, overdue=overdue)
    by = [
        rows.assign(kind=kind, value=rows[kind].replace("", "none")).groupby(["kind", "value", "outcome"]).size()
        for kind in ("owner", "status")
    ]
    late = int(overdue.sum())
    notes = (f"Due dates that have passed on rows that are not {DONE}: {late:,}.",) if late else ()
    counts = rows["outcome"].value_counts().rename_axis("outcome").rename("loans").reset_index()
    return Outcomes(rows, counts, pd.concat(by).rename("loans").reset_index(), notes)


def _outcome(was: str, light: str) -> str:
    if was == light:
        return f"still {light}"
    if light in _ENDS:
        return light
    if was not in _RANK or light not in _RANK:
        return f"now {light}"
    return "eased" if _RANK[light] < _RANK[was] else "worse"


def _csv(path: Path) -> list[list[str]]:
    content, text = path.read_bytes(), None
    for encoding in ("utf-8-sig", "cp1252"):  # the second is what Excel writes as "CSV" in western Europe
        with suppress(UnicodeDecodeError):
            text = text or content.decode(encoding)
    if text is None:
        raise InputError(f"{path}: expected UTF-8. In Excel choose 'CSV UTF-8' or keep the workbook (.xlsx).")
    text = re.sub(r"\Asep=(.)\r?\n", "", text)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # a note may be long
    try:
        lines = list(csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: expected CSV, but: {error}. Save it from the spreadsheet again.") from error
    flat = [cell for line in lines for cell in line]
    run = iter(is_formula(pa.array([cell[1:] if cell.startswith("'") else "" for cell in flat], type=pa.string())))
    # The apostrophe before what a spreadsheet would run was put there when the list was written.
    return [[(cell[1:] if next(run) else cell).strip() for cell in line] for line in lines]


def _excel(path: Path) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.escape import unescape
    except ImportError as error:
        raise InputError(f"{path}: expected openpyxl to read Excel, which is not installed. Install it, or save as CSV UTF-8.") from error  # fmt: skip
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        lines = [[unescape(_text(value)) for value in line] for line in sheet.iter_rows(values_only=True)]
        book.close()
    except Exception as error:
        raise InputError(
            f"{path}: expected an Excel workbook, but it cannot be read. Save it again, or as CSV UTF-8."
        ) from error
    return lines


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value).strip()


def _name(text: str) -> str:
    """Return the column that a head names, "" for one that is not known."""
    head = " ".join(text.replace("_", " ").lower().split())
    return next((name for name, words in HEADS.items() if head in (name.replace("_", " "), words.lower())), "")


def _day(text: str) -> date | None:
    """Return a date: 2026-12-01, 01.12.2026, or with slashes where only one reading is possible."""
    with suppress(ValueError):
        return date.fromisoformat(text.replace("/", "-")[:10])
    if parts := _DAY_FIRST.fullmatch(text):
        first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
        readings = {(first, second)} if parts[2] == "." else {(first, second), (second, first)}
        valid = {(day, month) for day, month in readings if 1 <= month <= 12 and 1 <= day <= 31}
        with suppress(ValueError):  # no reading, more than one, or no such day
            ((day, month),) = valid
            return date(year, month, day)
    return None


def _some(values: Sequence[str] | np.ndarray) -> str:
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    return ", ".join(str(value)[:40] for value in values[:_SHOWN]) + more
