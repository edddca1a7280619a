"""Values as people write them: numbers, months and levels of categories, read by the same rules at every door.

Nothing is guessed: of what may mean two things the file's form is asked (`loantap.data.text_form`), and fractions and percentages are told
apart by whole columns (`loantap.data.units`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loantap.data.applications import MONTH_NAMES
from loantap.data.declarations import Column

_YEARS = (1900, 2099)
_REST = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
_FULL = "|".join(f"{name}(?:{rest})?" for name, rest in zip(MONTH_NAMES, _REST, strict=True))
_NAMED = re.compile(rf"(?P<name>{_FULL})[- ]'?(?P<year>\d{{4}}|\d\d)", re.I)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)(-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?")
_SLASHED = re.compile(r"\s*(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d\d)(?: [\d:]+(?: ?[AP]M)?)?\s*")
_SPACES = " \t\r\n\u00a0\u202f"
# How a text of months differs from the codebook's form, as people are told.
_FORMS = ((re.compile(r"\d{4}-.*"), "2015-01"), (re.compile(r"[a-z]{3}-\d\d", re.I), "Jan-15"))


def numbers(values: pd.Series, column: Column) -> pd.Series:
    """Return finite numbers, NaN for what is none; of a percentage a percent sign behind it is read too.

    Args:
        values: Numbers, or texts of them.
        column: What they are of.
    """
    if pd.api.types.is_bool_dtype(values):
        return pd.Series(np.nan, values.index)  # true is no number
    try:  # the fast way, for columns that hold nothing but plain numbers
        found = pd.Series(pc.cast(pa.array(values), pa.float64()).to_numpy(zero_copy_only=False), values.index)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        texts = values.where(values.isna(), values.astype("str").str.strip(_SPACES))
        if column.unit.startswith("percent"):
            texts = texts.where(values.isna(), texts.astype("str").str.removesuffix("%").str.rstrip(_SPACES))
        found = pd.to_numeric(texts, errors="coerce").astype("float64")
    return found.where(np.isfinite(found))


def months(values: pd.Series) -> pd.Series:
    """Return the first day of months as datetime64[s], NaT for what is none.

    Read are Jan-2015, January 2015, Jan-15 (the latest such year that has begun), 2015-01, 2015-01-31 with or without a time, and dates.
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_localize(None)  # the month that a calendar on the wall shows there
    if pd.api.types.is_datetime64_any_dtype(values):
        inside = values.where(values.dt.year.between(*_YEARS))
        return inside.dt.to_period("M").dt.start_time.astype("datetime64[s]")
    return by_level(values, lambda levels: pd.Series([_month(level) for level in levels], dtype="datetime64[s]"))


def _month(value: object) -> pd.Timestamp | None:
    if hasattr(value, "strftime"):  # a date
        value = value.strftime("%Y-%m")
    text = str(value).strip(_SPACES)
    if found := _NAMED.fullmatch(text):
        number, year = (
            [name.lower() for name in MONTH_NAMES].index(found["name"][:3].lower()) + 1,
            _whole_year(found["year"]),
        )
    elif found := _ISO.fullmatch(text):
        number, year = int(found["month"]), int(found["year"])
    else:
        return None
    return pd.Timestamp(year, number, 1) if 1 <= number <= 12 and _YEARS[0] <= year <= _YEARS[1] else None


def _whole_year(digits: str) -> int:
    """Return a year; one of two digits is the latest that has begun."""
    year = int(digits)
    if len(digits) == 2:
        year += 2000 if 2000 + year <= datetime.now(UTC).year else 1900
    return year


def levels(values: pd.Series, column: Column) -> pd.Series:
    """Return the levels of a category: letters' case and spaces around do not matter, and synonyms are read; what is none stays.

    Args:
        values: Texts, or the numbers of a category such as a term of 36.
        column: The category.
    """
    known = {_plain(level): level for level in column.levels}
    known |= {_plain(word): level for word, level in column.synonyms.items()}
    return by_level(values, lambda found: found.map(lambda level: known.get(_plain(level), str(level).strip(_SPACES))).astype("str"))  # fmt: skip


def _plain(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float | np.floating) else str(value)
    return " ".join(text.replace("\u00a0", " ").casefold().split())


def with_points(texts: pd.Series) -> pd.Series:
    """Return texts of numbers that have decimal commas, and maybe points between thousands, as numbers are written elsewhere.

    Of one that has a decimal point the point becomes a comma, so that it is no number: nobody knows what it means.
    """
    body = texts.str.replace(r"(?<=\d)\.(?=\d{3}(?:\D|$))", "", regex=True)
    return body.str.translate(str.maketrans(",.", ".,"))


def dated(values: pd.Series, order: str) -> pd.Series:
    """Return texts such as 3/4/2015 as 2015-04 or 2015-03; others stay.

    Args:
        values: Months or dates.
        order: "day-first" or "month-first".
    """
    first, second = ("day", "month") if order == "day-first" else ("month", "day")

    def one(text: object) -> object:
        if not isinstance(text, str) or not (found := _SLASHED.fullmatch(text)):
            return text
        parts = {first: int(found[1]), second: int(found[2])}
        year = _whole_year(found[3])
        return f"{year}-{parts['month']:02}" if 1 <= parts["day"] <= 31 else text

    return by_level(values, lambda found: found.map(one))


def date_order(values: Iterable[pd.Series]) -> str | None:
    """Return whether dates such as 3/4/2015 are "day-first" or "month-first"; "" where there are none, None where both may be.

    Args:
        values: Months or dates, as texts, of several columns.
    """
    texts = [text for column in values for text in column.dropna().unique() if isinstance(text, str)]
    pairs = [(int(found[1]), int(found[2])) for text in texts if (found := _SLASHED.fullmatch(text))]
    if not pairs:
        return ""
    firsts, seconds = {first for first, _ in pairs}, {second for _, second in pairs}
    # One that exceeds 12 is a day; the first of the month, throughout and beside other months, is one too.
    day_first = max(firsts) > 12 or (firsts == {1} and len(seconds) > 1)
    month_first = max(seconds) > 12 or (seconds == {1} and len(firsts) > 1)
    if day_first == month_first:
        return None
    return "day-first" if day_first else "month-first"


def by_level(values: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Change each distinct value once: there are a few hundred at most."""
    codes, found = pd.factorize(values)
    changed = change(pd.Series(found)).array
    return pd.Series(changed.take(codes, allow_fill=True), values.index)


def _known(text: str, column: Column) -> bool:
    return bool(levels(pd.Series([text]), column).isin(column.levels).all())


def told_forms(raw: pd.DataFrame, columns: Sequence[object]) -> list[str]:
    """Return in which other form than the codebook's values are written, a sentence for each, by the first of each column.

    Args:
        raw: Some rows, as in the file.
        columns: The columns to look at; those of snapshots have no form of their own.
    """
    told: dict[str, list[str]] = {}
    for column in (one for one in columns if isinstance(one, Column) and one.name in raw):
        first = next(iter(raw[column.name].dropna()), None)
        text = str(first).strip(_SPACES) if isinstance(first, str) else ""
        if column.kind == "number" and text.endswith("%"):
            told.setdefault("written with percent signs", []).append(column.name)
        elif column.kind == "month":
            for form, shown in _FORMS:
                if form.fullmatch(text):
                    told.setdefault(f"written as {shown}", []).append(column.name)
        elif column.kind == "category" and text not in column.levels and _known(text, column):
            told.setdefault("levels written otherwise than in the codebook", []).append(column.name)
    return [f"{form}: {', '.join(names)}" for form, names in told.items()]
