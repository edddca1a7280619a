"""The contract of a loan table: raw values are parsed and checked against the codebook, all problems at once."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc
from pandera.errors import SchemaErrors

from loantap.data.applications import MONTH_PATTERN
from loantap.data.columns import BY_NAME, COLUMNS, KEY
from loantap.data.declarations import Column
from loantap.data.headers import kept_names

FAILURE_COLUMNS = ["row", "column", "rule", "value"]
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_ADDRESS = re.compile(r"\b([A-Z]{2}) (\d{5})\s*$")
_HEADER_AGAIN = "the header line stands again among the loans"
_EXAMPLES = 3
_QUOTED = 20  # characters
_ASTRAY = 8  # broken columns, from which on names and values hardly belong together


@dataclass(frozen=True)
class Problem:
    """One rule broken in one column: how often, where first, and there by which value."""

    column: str
    rule: str
    count: int
    rows: tuple[int, ...]
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Say what came, where, and what was expected."""
        rows = ", ".join(f"{row:,}" for row in self.rows) + (", ..." if self.count > len(self.rows) else "")
        where = f" in row{'s'[: self.count > 1]} {rows}" if self.rows else ""
        came = f" (such as {', '.join(map(repr, self.values))})" if self.values else ""
        head = f"column '{self.column}': " if self.column else ""
        return f"{head}{self.rule}: {self.count:,}{where}{came}." + (
            f" Expected {BY_NAME[self.column].rule}." if self.column in BY_NAME else ""
        )


def check_loans(raw: pd.DataFrame, *, columns: tuple[Column, ...] = COLUMNS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parse raw loans and check every rule of the codebook.

    Args:
        raw: Columns as in the file, texts or already typed, indexed by row number.
        columns: The columns to look at; `raw` has them all but for optional ones, which are then missing throughout.

    Returns:
        The parsed frame (numbers as float64, months as datetime64, categories and texts as str, `state` and
        `pincode` in place of `address`, extra columns untouched, under the names of `kept_names`) with the rows of `raw`; and the failures,
        one line per broken rule: row, column, rule, value.
    """
    again = _header_rows(raw, columns)
    body = raw.loc[~again]
    parsed, failures = _parse(body, columns)
    failures += _check_values(parsed, columns)
    failures += _check_across(parsed)
    failures.append(_failures(raw.index[again], "", _HEADER_AGAIN))
    table = pd.concat(failures, ignore_index=True) if failures else pd.DataFrame(columns=FAILURE_COLUMNS)
    # A value that could not be parsed is missing afterwards; the first complaint is the true one.
    return parsed.reindex(raw.index), table.drop_duplicates(["row", "column"])


def summarise(failures: pd.DataFrame) -> list[Problem]:
    """Return one Problem per column and rule, the most frequent first; one value is quoted, of texts and addresses none."""
    problems = []
    for (column, rule), group in failures.groupby(["column", "rule"], sort=False):
        values = [shown for value in group["value"].dropna().head(1) if (shown := quotable(str(column), value))]
        rows = tuple(int(row) for row in group["row"].head(_EXAMPLES))
        problems.append(Problem(str(column), str(rule), len(group), rows, tuple(values)))
    broken = {problem.column for problem in problems if problem.column}
    if len(broken) >= _ASTRAY:
        # Together the values would be a record.
        rule = f"{len(broken)} columns break their rules: values may stand under the wrong names, and are not shown"
        rows = tuple(int(row) for row in failures["row"].drop_duplicates().head(_EXAMPLES))
        problems = [replace(problem, values=()) for problem in problems]
        problems.append(Problem("", rule, failures["row"].nunique(), rows, ()))
    return sorted(problems, key=lambda problem: (bool(problem.column), -problem.count))


def quotable(column: str, value: object) -> str | None:
    """Return a wrong value as a message may quote it, or None for what may be somebody's: a value of another column, or free text."""
    kind, text = BY_NAME[column].kind if column in BY_NAME else "text", str(value)
    if kind in ("text", "address") or len(text) > _QUOTED:
        return None
    letters, digits = sum(map(str.isalpha, text)), any(map(str.isdigit, text))
    if kind == "category" and _plain(text) in map(_plain, BY_NAME[column].levels):
        return text
    most = 6 if kind == "category" else 3  # letters beside digits: 48 months, Jan-2015
    return text if len(text) <= 3 or (digits and letters <= most) else None


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def _header_rows(raw: pd.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    name = next(column.name for column in columns if column.kind == "category")
    return (raw[name].astype("object") == name).to_numpy(dtype=bool)


def _parse(raw: pd.DataFrame, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    parsed: dict[str, pd.Series] = {}
    failures: list[pd.DataFrame] = []
    for column in columns:
        values = raw[column.name] if column.name in raw or not column.optional else pd.Series(None, raw.index, "str")
        match column.kind:
            case "number":
                parsed[column.name], rule = _number(values), "not a number"
            case "month":
                parsed[column.name], rule = _month(values), "not a month"
            case "address":
                parsed |= _state_and_pincode(values)
                failures.append(_bad(values, parsed["pincode"], column.name, "no state and pincode at its end"))
                continue
            case "category":
                parsed[column.name] = _stripped(values)
                continue
            case "text":
                parsed[column.name] = values
                continue
        failures.append(_bad(values, parsed[column.name], column.name, rule))
    key = {KEY: raw[KEY]} if KEY in raw else {}
    extra = {kept: raw[name] for name, kept in kept_names(raw.columns).items()}
    return pd.DataFrame({**parsed, **key, **extra}, index=raw.index), failures


def _number(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values):
        return pd.Series(np.nan, values.index)  # true is no number
    try:  # the fast way, for columns that hold nothing but plain numbers
        numbers = pd.Series(pc.cast(arrow.array(values), arrow.float64()).to_numpy(zero_copy_only=False), values.index)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError):
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _month(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_localize(None)  # the month that a calendar on the wall shows there
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.where(values.dt.year.between(1900, 2099)).astype("datetime64[s]")
    return _by_level(values, _month_of)


def _month_of(texts: pd.Series) -> pd.Series:
    known = texts.where(texts.astype("str").str.fullmatch(MONTH_PATTERN))
    return pd.to_datetime(known, format="%b-%Y", errors="coerce").astype("datetime64[s]")


def _stripped(values: pd.Series) -> pd.Series:
    # The published file writes " 36 months"; exports pad with spaces.
    return _by_level(values, lambda levels: levels.map(lambda level: str(level).strip()).astype("str"))


def _by_level(values: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Change each distinct value once: there are a few hundred at most."""
    codes, levels = pd.factorize(values)
    changed = change(pd.Series(levels)).array
    return pd.Series(changed.take(codes, allow_fill=True), values.index)


def _state_and_pincode(values: pd.Series) -> dict[str, pd.Series]:
    parts = values.astype("str").str.extract(_ADDRESS)
    return {"state": parts[0].astype("str"), "pincode": parts[1].astype("str")}


def _bad(values: pd.Series, parsed: pd.Series, column: str, rule: str) -> pd.DataFrame:
    bad = values.notna() & parsed.isna()
    found = _failures(values.index[bad], column, rule, values[bad])
    if rule == "not a number" and len(found):
        thousands = found["value"].astype("str").str.fullmatch(_THOUSANDS)
        found.loc[thousands, "rule"] = "a number with thousands separators"
    return found


@lru_cache(maxsize=4)
def schema(columns: tuple[Column, ...] = COLUMNS) -> pa.DataFrameSchema:
    """Return the pandera schema of a parsed frame, made from the codebook."""
    checked = {column.name: _pandera_column(column) for column in columns if column.kind != "address"}
    if any(column.kind == "address" for column in columns):
        checked["pincode"] = pa.Column(nullable=False)
    return pa.DataFrameSchema(checked)


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.kind == "category":
        checks.append(pa.Check.isin(column.levels, error="not an allowed value"))
    elif column.kind == "number":
        checks.append(pa.Check.ge(column.low, error=f"below {column.low:,.10g}"))
        if column.high < float("inf"):
            checks.append(pa.Check.le(column.high, error=f"above {column.high:,.10g}"))
    return pa.Column(checks=checks, nullable=column.missing)


def _check_values(parsed: pd.DataFrame, columns: tuple[Column, ...]) -> list[pd.DataFrame]:
    try:
        schema(columns).validate(parsed, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        rules = cases["check"].replace({"not_nullable": "missing"})
        columns = cases["column"].replace({"pincode": "address"})
        found = pd.DataFrame(
            {"row": cases["index"].astype("int64"), "column": columns, "rule": rules, "value": cases["failure_case"]}
        )
        return [found.astype({"value": "object"})]
    return []


def _check_across(parsed: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    if {"earliest_cr_line", "issue_d"} <= set(parsed.columns):
        early = parsed["earliest_cr_line"] > parsed["issue_d"]
        values = parsed.loc[early, "earliest_cr_line"]
        found.append(_failures(parsed.index[early], "earliest_cr_line", "later than issue_d", values))
    if {"grade", "sub_grade"} <= set(parsed.columns):
        both = parsed["sub_grade"].notna() & parsed["grade"].notna()
        astray = both & (parsed["sub_grade"].str[:1] != parsed["grade"])
        values = parsed.loc[astray, "sub_grade"]
        found.append(_failures(parsed.index[astray], "sub_grade", "of another grade than 'grade'", values))
    return found


def _failures(rows: pd.Index, column: str, rule: str, values: Iterable | None = None) -> pd.DataFrame:
    shown = pd.Series(list(values) if values is not None else [None] * len(rows), dtype="object")
    return pd.DataFrame({"row": rows.to_numpy(dtype="int64"), "column": column, "rule": rule, "value": shown})
