"""The contract of monthly snapshots: each column described once, and rows checked against it."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loantap.data.applications import MONTH_NAMES
from loantap.data.columns import BY_NAME, KEY
from loantap.data.panel import CHARGED_OFF, CLOSED, FORBEARANCE, OPEN, STATUSES

AS_OF = "as_of"
_MONTH = re.compile(
    rf"(?P<name>{'|'.join(MONTH_NAMES)})-(?P<of>\d{{4}})|(?P<year>\d{{4}})-(?P<month>\d\d)(-(?P<day>\d\d)([ T]\d.*)?)?"
)
_YEARS = (1900, 2099)
_NO_MONTH = np.iinfo(np.int16).min
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_NUMBER_TYPES = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)


@dataclass(frozen=True)
class SnapshotColumn:
    """One column of monthly snapshots.

    Attributes:
        name: The header.
        meaning: What the value says, in one line.
        unit: The unit of a number.
        kind: How the value is read.
        low: The smallest allowed number.
        high: The largest allowed number.
        whole: Whether the number has to be whole.
        optional: Whether the whole column may be absent.
        aliases: Other headers under which it is recognised, in small letters with `_` between words.
    """

    name: str
    meaning: str
    unit: str = ""
    kind: Literal["text", "month", "number", "status"] = "number"
    low: float = 0.0
    high: float = float("inf")
    whole: bool = False
    optional: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule that a value has to keep, in words."""
        match self.kind:
            case "text":
                return "a text that does not begin like a formula (= + - @), or a number"
            case "month":
                return "a month such as 2016-01, 2016-01-31 or Jan-2016, or a date"
            case "status":
                return f"{', '.join(STATUSES.values())}, open, or one of their synonyms; may be missing"
        above = f"{self.low:,.10g} or more" if self.high == float("inf") else f"{self.low:,.10g} to {self.high:,.10g}"
        return f"a {'whole ' if self.whole else ''}number, {above}, in {self.unit}; may be missing"


def _as_in_loans(name: str, *aliases: str) -> SnapshotColumn:
    column = BY_NAME[name]
    return SnapshotColumn(name, column.meaning, column.unit, low=column.low, high=column.high, aliases=aliases)


SNAPSHOT_COLUMNS: tuple[SnapshotColumn, ...] = (
    SnapshotColumn(KEY, "Which loan", kind="text", aliases=("id", "account_id", "loan_number", "loan_no", "account_number", "contract_id")),
    SnapshotColumn(AS_OF, "The month at whose end the values held", kind="month",
                   aliases=("month", "date", "as_of_date", "snapshot_date", "reporting_date", "report_date", "period", "month_end")),
    _as_in_loans("dti", "debt_to_income", "debt_to_income_ratio"),
    _as_in_loans("revol_util", "utilisation", "utilization", "revolving_utilisation", "revolving_utilization", "credit_utilization"),
    SnapshotColumn("balance", "Balance outstanding", "currency", high=1e12,
                   aliases=("out_prncp", "outstanding", "outstanding_balance", "outstanding_principal", "current_balance", "upb")),
    SnapshotColumn("days_past_due", "Days since the oldest unpaid installment was due", "days", whole=True, optional=True, high=36_500,
                   aliases=("dpd", "days_late", "days_overdue", "days_in_arrears", "arrears_days", "days_delinquent", "past_due_days")),
    SnapshotColumn("status", "What the days past due do not tell of the loan", kind="status", optional=True,
                   aliases=("loan_status", "account_status")),
    SnapshotColumn("payment", "What was paid in the month", "currency", optional=True,
                   aliases=("payment_received", "amount_paid", "paid_in_month")),
    SnapshotColumn("inquiries", "Credit inquiries of the last six months", "inquiries", whole=True, optional=True,
                   aliases=("inq_last_6mths", "inquiries_last_6_months", "credit_inquiries")),
)  # fmt: skip
SNAPSHOT_BY_NAME = {column.name: column for column in SNAPSHOT_COLUMNS}
NEEDED = tuple(column.name for column in SNAPSHOT_COLUMNS if not column.optional)
OPTIONAL = tuple(column.name for column in SNAPSHOT_COLUMNS if column.optional)
MEASURES = tuple(column.name for column in SNAPSHOT_COLUMNS if column.kind in ("number", "status"))
_OF_WORDS = {
    OPEN: ("open", "current", "active", "live", "performing", "issued", "late", "delinquent", "past due", "in grace period", "in arrears",
           "late 16 30 days", "late 31 120 days"),
    CLOSED: ("closed", "paid", "paid off", "fully paid", "paid in full", "repaid", "prepaid", "settled", "matured"),
    CHARGED_OFF: ("charged off", "charge off", "chargedoff", "written off", "write off"),
    FORBEARANCE: ("forbearance", "in forbearance", "hardship", "payment holiday", "deferred", "restructured", "modified"),
}  # fmt: skip
_STATUS = {word: code for code, words in _OF_WORDS.items() for word in words}


def snapshot_codebook() -> list[dict[str, str]]:
    """Return the codebook of snapshots as one row of texts per column."""
    return [
        {
            "column": column.name,
            "meaning": column.meaning,
            "rule": column.rule,
            "column may be absent": "yes" if column.optional else "no",
        }
        for column in SNAPSHOT_COLUMNS
    ]


def check_snapshots(raw: pd.DataFrame) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Parse some rows and check every rule that a row can break by itself.

    A row without loan or month is left out; a value that breaks its rule counts as not known, and the row stays: a loan that is late
    must not leave the list because its income is misspelt.

    Args:
        raw: The columns of snapshots, texts or typed, indexed by row number; those that are OPTIONAL may be absent.

    Returns:
        The rows by column, shape (r,) each: row (its number), loan_id (an Arrow array), as_of (months since January 1970) and the
        measures that are there (NaN where not known; status by its code); and by broken rule, such as "balance: below 0", the rows that
        break it: row, loan_id, as_of and value, as texts but for the row.
    """
    loan_id, month = pc.utf8_trim_whitespace(_array(raw[KEY]).cast(pa.string())), months_since_1970(raw[AS_OF])
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(loan_id), ""), True).to_numpy(zero_copy_only=False)
    no_month, unknown = month == _NO_MONTH, raw[AS_OF].isna().to_numpy()
    broken = {f"{KEY}: missing": blank, f"{AS_OF}: missing": unknown, f"{AS_OF}: not a month": no_month & ~unknown}
    bad = np.logical_or.reduce(list(broken.values()))
    measures = {}
    for name in (one for one in MEASURES if one in raw):
        column, array = SNAPSHOT_BY_NAME[name], _array(raw[name])
        values = (
            _statuses(array) if column.kind == "status" else _numbers(array, percent=column.unit.startswith("percent"))
        )
        wrong = _broken(column, values, array.is_null().to_numpy(zero_copy_only=False))
        measures[name] = np.where(np.logical_or.reduce(list(wrong.values())), np.nan, values)
        broken |= wrong
    failures = {rule: _failures(raw, wrong, rule) for rule, wrong in broken.items() if wrong.any()}
    if bad.any():
        loan_id, month = loan_id.filter(pa.array(~bad)), month[~bad]
        measures = {name: values[~bad] for name, values in measures.items()}
    kept = {"row": raw.index.to_numpy()[~bad], KEY: loan_id, AS_OF: month, **measures}
    return kept, failures


def _failures(raw: pd.DataFrame, wrong: np.ndarray, rule: str) -> pd.DataFrame:
    """Return the rows that break one rule."""
    names = {KEY: KEY, AS_OF: AS_OF, "value": rule.partition(":")[0]}
    texts = {name: raw.loc[wrong, column].astype("str").array for name, column in names.items()}
    return pd.DataFrame({"row": raw.index[wrong], **texts})


def _broken(column: SnapshotColumn, values: np.ndarray, absent: np.ndarray) -> dict[str, np.ndarray]:
    """Return by rule which values of a column break it."""
    if column.kind == "status":
        return {f"{column.name}: not a known status": np.isnan(values) & ~absent}
    rules = {"not a number": np.isnan(values) & ~absent, f"below {column.low:,.10g}": values < column.low}
    if column.high < float("inf"):
        rules[f"above {column.high:,.10g}"] = values > column.high
    if column.whole:
        rules["not a whole number"] = np.isfinite(values) & (values != np.floor(values))
    return {f"{column.name}: {rule}": wrong for rule, wrong in rules.items()}


def _statuses(array: pa.Array) -> np.ndarray:
    """Return the codes of statuses, NaN for what is none."""
    if not _is_text(array.type):
        return np.full(len(array), np.nan)
    encoded = array.dictionary_encode()
    codes = map(status_code, encoded.dictionary.to_pylist())
    levels = np.array([*(np.nan if code is None else code for code in codes), np.nan])
    return levels[encoded.indices.fill_null(len(levels) - 1).to_numpy()]


def status_code(text: str) -> float | None:
    """Return the code of a status, None for what is none; one without a word is open."""
    word = re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
    return _STATUS.get(word) if word else OPEN


def _array(values: pd.Series) -> pa.Array:
    """Return a column as one Arrow array without dictionary; NaN is missing."""
    array = pa.array(values, from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _numbers(array: pa.Array, *, percent: bool) -> np.ndarray:
    """Return finite numbers as floats, a percent sign behind a percentage left out, and NaN for all else."""
    kind = array.type
    if not (_is_text(kind) or any(fits(kind) for fits in _NUMBER_TYPES)):
        return np.full(len(array), np.nan)  # true is no number, and a date is none
    try:
        numbers = array.cast(pa.float64(), safe=_is_text(kind))
    except pa.ArrowInvalid:  # some text is no number, or stands between spaces
        texts = pc.replace_substring_regex(array, r"\s*%\s*$", "") if percent else array
        plain = pc.match_substring_regex(texts, _NUMBER)
        numbers = pc.if_else(plain, pc.utf8_trim_whitespace(texts), pa.scalar(None, kind)).cast(pa.float64())
    values = numbers.to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def months_since_1970(values: pd.Series) -> np.ndarray:
    """Return months since January 1970 as int16, _NO_MONTH for what is none; of a time with a zone, its own local month."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_localize(None)
    array = _array(values)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        months = array.to_numpy(zero_copy_only=False).astype("datetime64[M]").astype(np.int64)
        low, high = ((year - 1970) * 12 for year in (_YEARS[0], _YEARS[1] + 1))
        return np.where((months >= low) & (months < high), months, _NO_MONTH).astype(np.int16)
    if not _is_text(array.type):
        return np.full(len(array), _NO_MONTH, dtype=np.int16)
    encoded = array.dictionary_encode()
    levels = np.array([*map(_month_of, encoded.dictionary.to_pylist()), _NO_MONTH], dtype=np.int16)
    return levels[encoded.indices.fill_null(len(levels) - 1).to_numpy()]


def _month_of(text: str) -> int:
    found = _MONTH.fullmatch(text.strip())
    if not found:
        return _NO_MONTH
    year = int(found["year"] or found["of"])
    month = int(found["month"]) if found["month"] else MONTH_NAMES.index(found["name"]) + 1
    try:
        date(year, month, int(found["day"] or 1))
    except ValueError:
        return _NO_MONTH
    return (year - 1970) * 12 + month - 1 if _YEARS[0] <= year <= _YEARS[1] else _NO_MONTH
