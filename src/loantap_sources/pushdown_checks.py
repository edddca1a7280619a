"""The contract, held against counts by value: one look at each distinct value in place of one at each loan."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from loantap.data.columns import BY_NAME
from loantap.data.contract import Problem, quotable
from loantap.data.declarations import Column
from loantap.data.ingest import IngestSummary

_PINCODE = re.compile(r"\d{5}")
_MONTH = re.compile(r"\d{4}-\d{2}-01([ T]00:00:00(\.0+)?)?")  # SQLite holds dates as texts


def as_written(values: pd.DataFrame) -> pd.DataFrame:
    """Return values of a database as a file of loans writes them: CHAR without its padding, a term in months as a text."""
    changed: dict[str, pd.Series] = {}
    for name in map(str, values.columns):
        column, found = BY_NAME.get(name), values[name]
        if name == "term" and pd.api.types.is_numeric_dtype(found):
            changed[name] = found.map(lambda months: f"{months:g} months", na_action="ignore")
        elif (column is None or column.kind == "category") and pd.api.types.is_string_dtype(found):
            changed[name] = found.str.strip()
        elif column and column.kind == "number" and found.dtype == object:
            # A decimal that is no number, as some databases have it, is a missing value, as it is among floats.
            changed[name] = found.map(lambda value: None if isinstance(value, Decimal) and value.is_nan() else value)
    return values.assign(**changed)


def examine(counts: pd.DataFrame, columns: tuple[str, ...], summary: IngestSummary) -> list[Problem]:
    """Return the rules that values break, and note missing values and the period."""
    if columns == ("issue_d", "earliest_cr_line"):
        if any(_not_months(counts[name].dropna()).any() for name in columns):
            return []  # which its own counts tell
        early = pd.to_datetime(counts["earliest_cr_line"]) > pd.to_datetime(counts["issue_d"])
        return _named("earliest_cr_line", "later than issue_d", counts.loc[early])
    if columns == ("grade", "sub_grade"):
        return _named(
            "sub_grade", "of another grade than 'grade'", counts.loc[counts["sub_grade"].str[:1] != counts["grade"]]
        )
    if columns == ("pincode",):
        texts = counts["pincode"].map(lambda value: isinstance(value, str) and _PINCODE.fullmatch(value) is not None)
        return _named("pincode", "no text of five digits", counts.loc[~texts.astype(bool)])
    if len(columns) > 1 or columns == ("state",):
        return []
    name = columns[0]
    column = BY_NAME[name]
    absent = counts[name].isna()
    if missing := int(counts.loc[absent, "n"].sum()):
        summary.missing[name] = missing
    if name == "issue_d" and not _not_months(counts.loc[~absent, name]).any():
        months = pd.to_datetime(counts.loc[~absent, name])
        summary.period = (f"{months.min():%Y-%m}", f"{months.max():%Y-%m}")
    problems = [] if column.missing else _named(name, "missing", counts.loc[absent])
    present = counts.loc[~absent]
    for rule, broken in _broken(column, present[name]):
        problems += _named(name, rule, present.loc[broken])
    return problems


def _broken(column: Column, values: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    if column.kind == "category":
        yield "not an allowed value", ~values.isin(column.levels)
    elif column.kind == "number":
        numbers = pd.to_numeric(values, errors="coerce")
        yield "not a number", numbers.isna()
        yield f"below {column.low:,.10g}", numbers < column.low
        yield f"above {column.high:,.10g}", numbers > column.high
    elif column.kind == "month":
        yield "not the first day of a month, as a date", _not_months(values)


def _not_months(values: pd.Series) -> pd.Series:
    """Tell what is no first day of a month: numbers, instants of a time zone, texts of another form, other days."""

    def wrong(value: Any) -> bool:
        if isinstance(value, str):
            return _MONTH.fullmatch(value) is None
        return not isinstance(value, date) or value.day != 1 or getattr(value, "tzinfo", None) is not None

    return values.map(wrong).astype(bool)


def _named(column: str, rule: str, counts: pd.DataFrame) -> list[Problem]:
    if counts.empty:
        return []
    values = tuple(shown for value in counts[column].dropna().head(1) if (shown := quotable(column, value)))
    return [Problem(column, rule, int(counts["n"].sum()), (), values)]
