"""The contract of a loan table: raw values are parsed and checked against the codebook, all problems at once."""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from loantap.data.columns import BY_NAME, COLUMNS, KEY
from loantap.data.declarations import Column
from loantap.data.headers import kept_names, plain_name
from loantap.data.values import levels, months, numbers

if TYPE_CHECKING:
    import pandera.pandas as pa

FAILURE_COLUMNS = ["row", "column", "rule", "value"]
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_ADDRESS = re.compile(r"\b([A-Z]{2}) (\d{5})\s*$")
_MASKED = r"\d{3}[xX*]{2}"
# What the parts of an address are called where they have columns of their own.
_PINCODES, _STATES = ("zip_code", "zip", "pincode", "postcode", "postal_code"), ("addr_state", "state")
_STATE = Column("state", "State", "two letters", "category", "application", False, "part of the address")
_HEADER_AGAIN = "the header line stands again among the loans"
_CODED = (
    "0 or 1 does not say which is a default: call the column loan_repaid (1 is repaid) or defaulted (1 is a default)"
)
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
    if "address" in body:
        failures.append(_failures(body.index[body["address"].isna()], "address", "missing"))
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
                parsed[column.name], rule = numbers(values, column), "not a number"
            case "month":
                parsed[column.name], rule = months(values), "not a month"
            case "address":
                where, found = _state_and_pincode(raw)
                parsed |= where
                failures.append(found)
                continue
            case "category":
                parsed[column.name] = levels(values, column)
                continue
            case "text":
                parsed[column.name] = values
                continue
        failures.append(_bad(values, parsed[column.name], column.name, rule))
    key = {KEY: raw[KEY]} if KEY in raw else {}
    extra = {kept: raw[name] for name, kept in kept_names(raw.columns).items()}
    return pd.DataFrame({**parsed, **key, **extra}, index=raw.index), failures


def address_columns(names: Iterable[object]) -> tuple[object | None, object | None]:
    """Return which columns hold states and pincodes where there is no address, None where none does."""
    plain = {plain_name(str(name)): name for name in names}
    state, pincode = (next((plain[name] for name in known if name in plain), None) for known in (_STATES, _PINCODES))
    return state, pincode


def _state_and_pincode(raw: pd.DataFrame) -> tuple[dict[str, pd.Series], pd.DataFrame]:
    """Return the state and the five digits of the pincode of each row, and the rows where they should be and are not.

    They stand at the end of the address, or in columns of their own where there is no address. A file may have neither, or masked
    pincodes such as 190xx: all are missing then.
    """
    if "address" in raw:
        parts = raw["address"].astype("str").str.extract(_ADDRESS)
        found = {"state": parts[0].astype("str"), "pincode": parts[1].astype("str")}
        return found, _bad(raw["address"], found["pincode"], "address", "no state and pincode at its end")
    states, pincodes = address_columns(raw.columns)
    absent = pd.Series(None, raw.index, "str")
    state = (
        absent if states is None else levels(raw[states], _STATE).where(lambda texts: texts.str.fullmatch("[A-Z]{2}"))
    )
    if pincodes is None:
        return {"state": state, "pincode": absent}, _failures(raw.index[:0], "address", "")
    texts = raw[pincodes].astype("str").str.strip().str.removesuffix(".0")
    masked = texts.str.fullmatch(_MASKED).fillna(False)
    # As a number, or after Excel, 08500 has lost its zero.
    digits = texts.where(texts.str.fullmatch(r"\d{3,5}") & ~masked).str.zfill(5)
    return {"state": state, "pincode": digits}, _bad(
        raw[pincodes].where(~masked), digits, "address", f"no pincode of five digits in '{pincodes}'"
    )


def _bad(values: pd.Series, parsed: pd.Series, column: str, rule: str) -> pd.DataFrame:
    bad = values.notna() & parsed.isna()
    found = _failures(values.index[bad], column, rule, values[bad])
    if rule == "not a number" and len(found):
        thousands = found["value"].astype("str").str.fullmatch(_THOUSANDS)
        found.loc[thousands, "rule"] = "a number with thousands separators"
    return found


@lru_cache(maxsize=4)
def schema(columns: tuple[Column, ...] = COLUMNS) -> "pa.DataFrameSchema":
    """Return the pandera schema of a parsed frame, made from the codebook."""
    import pandera.pandas as pa

    def checked(column: Column) -> pa.Column:
        checks = []
        if column.kind == "category":
            checks.append(pa.Check.isin(column.levels, error="not an allowed value"))
        elif column.kind == "number":
            checks.append(pa.Check.ge(column.low, error=f"below {column.low:,.10g}"))
            if column.high < float("inf"):
                checks.append(pa.Check.le(column.high, error=f"above {column.high:,.10g}"))
        return pa.Column(checks=checks, nullable=column.missing)

    return pa.DataFrameSchema({column.name: checked(column) for column in columns if column.kind != "address"})


def _check_values(parsed: pd.DataFrame, columns: tuple[Column, ...]) -> list[pd.DataFrame]:
    if all(_holds(parsed[column.name], column) for column in columns if column.kind != "address"):
        return []  # nearly always so, and sooner known than pandera, which tells what is wrong, is loaded
    # pandera loads pyspark where it is installed, and that one warns whoever has pandas 3.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pandera.errors import SchemaErrors

    try:
        schema(columns).validate(parsed, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        rules = cases["check"].replace({"not_nullable": "missing"})
        coded = cases["column"].eq("loan_status") & cases["failure_case"].isin(["0", "1"])
        rules = rules.mask(coded, _CODED)
        found = pd.DataFrame(
            {
                "row": cases["index"].astype("int64"),
                "column": cases["column"],
                "rule": rules,
                "value": cases["failure_case"],
            }
        )
        return [found.astype({"value": "object"})]
    return []


def _holds(values: pd.Series, column: Column) -> bool:
    if column.kind == "category":
        codes, found = pd.factorize(values)
        return bool(np.array([*(level in column.levels for level in found), column.missing])[codes].all())
    if column.kind == "number":
        known = values.to_numpy()
        return bool(((known >= column.low) & (known <= column.high) | (np.isnan(known) & column.missing)).all())
    return column.missing or bool(values.notna().all())


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
