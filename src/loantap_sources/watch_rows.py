"""Monthly snapshots in SQL: rows that keep the contract, one for each loan and month."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.snapshot_contract import AS_OF, MEASURES, SNAPSHOT_BY_NAME
from loantap.data.snapshot_rows import WORSE_COUNTS
from loantap_sources.dialects import Dialect
from loantap_sources.sql_steps import selected
from loantap_sources.sql_values import case, column, double, months_of_date

_FIRST_MONTH = 1970 * 12 + 1


@dataclass(frozen=True)
class SnapshotRows:
    """A table of snapshots, and how it is read.

    Attributes:
        table: The table.
        columns: What is there of the codebook, with its name in the table.
        statuses: The code of each text of the status.
        months: The month of each text of the column of months; None where that holds dates.
    """

    table: exp.Table
    columns: Mapping[str, str]
    statuses: Mapping[str, float]
    months: Mapping[str, int] | None = None


def month_number(month: np.datetime64) -> int:
    """Return a month as months from year 0, as `sql_values.read` does."""
    return int(month.astype("datetime64[M]").astype(int)) + _FIRST_MONTH


def month_text(number: int) -> str:
    """Return such a month as a text, as 2016-05."""
    return str(np.datetime64(number - _FIRST_MONTH, "M"))


def given(rows: SnapshotRows, dialect: Dialect) -> exp.Select:
    """Return the rows with a loan, each value that breaks its rule as NULL: loan_id, month and MEASURES, NULL where not delivered."""
    columns = rows.columns
    loan = exp.Trim(this=exp.cast(column(columns[KEY]), "text"))
    found = column(columns[AS_OF])
    month: exp.Expr
    if rows.months is None:
        month = exp.cast(months_of_date(found, dialect), "int")
    else:
        month = case(*((found.eq(text), exp.convert(of)) for text, of in rows.months.items()))
    made = {KEY: loan, "month": month} | {name: _measure(name, rows) for name in MEASURES}
    return exp.select(*(exp.alias_(value, name, quoted=True) for name, value in made.items())).from_(rows.table)


def named() -> exp.Expr:
    """Return whether a row names a loan, and by no text that a spreadsheet would run."""
    return exp.condition(
        "loan_id <> '' AND (SUBSTRING(loan_id, 1, 1) NOT IN ('=', '+', '-', '@') OR REGEXP_MATCHES(loan_id, '^[-+]?[0-9.]+$'))",
        dialect="duckdb",
    )


def _measure(name: str, rows: SnapshotRows) -> exp.Expr:
    rules = SNAPSHOT_BY_NAME[name]
    if name not in rows.columns:
        return exp.cast(exp.null(), "double")
    found = column(rows.columns[name])
    if rules.kind == "status":
        return case(*((found.eq(text), double(code)) for text, code in rows.statuses.items()), default=exp.cast(exp.null(), "double"))  # fmt: skip
    value = exp.cast(found, "double")
    keeps = [value >= double(rules.low), value <= double(min(rules.high, np.finfo(float).max))]
    return case((exp.and_(*keeps, *([value.eq(exp.Floor(this=value))] if rules.whole else [])), value))


def settled(*, first: int, last: int) -> exp.Select:
    """Return one row per loan and month of `given`: of what several say differently nothing is known, of arrears the worse counts."""
    agreed = {name: f"CASE WHEN MIN({name}) = MAX({name}) THEN MAX({name}) END" for name in MEASURES}
    made = agreed | {WORSE_COUNTS: f"MAX({WORSE_COUNTS})"}
    months = exp.condition(f"month BETWEEN {first} AND {last}")
    return selected(made, "given", KEY, "month").where(named(), months).group_by(KEY, "month")
