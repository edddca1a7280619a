"""What is asked of snapshots and applications in the warehouse before a month of them is watched there: a few rows of counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.snapshot_contract import AS_OF, MEASURES, months_since_1970, status_code
from loantap.data.snapshot_rows import FAR, bulk_of
from loantap.data.units import FRACTION, PERCENTAGES, Units
from loantap.errors import InputError, SchemaError
from loantap.watchlist.delivery import Delivery, Held, check_delivery
from loantap.watchlist.settings import DeliverySettings
from loantap_sources.dialects import Dialect
from loantap_sources.live_tables import SnapshotTable
from loantap_sources.model_sql import REFUSED
from loantap_sources.sql_steps import fenced, selected
from loantap_sources.sql_values import written
from loantap_sources.watch_rows import SnapshotRows, given, month_number, month_text, named, settled

_MOST_TEXTS = 2_000  # of months, or of statuses: each is written into the statement
_FIRST = (1900 - 1970) * 12
_FEW_LOST = 20  # rows without a month that are no month of their own


@dataclass(frozen=True)
class Ask:
    """What runs a query, after steps that it names, in the database's own SQL."""

    connection: sa.Connection
    dialect: Dialect

    def __call__(self, query: exp.Select, **steps: exp.Select) -> list[Any]:
        """Return the rows."""
        for name, step in steps.items():
            query = query.with_(name, as_=fenced(step, self.dialect), copy=False)
        return list(self.connection.exec_driver_sql(written(query, self.dialect)).all())


@dataclass(frozen=True)
class Months:
    """The months of a table of snapshots.

    Attributes:
        first: The first one that counts, as from `month_number`.
        last: The one that is watched.
        before: The last one before it that was delivered; None without one.
        rows: Rows of the one that is watched.
        told: The columns that have a value in some month.
        notes: What a person should know.
    """

    first: int
    last: int
    before: int | None
    rows: int
    told: list[str]
    notes: list[str]


def snapshot_rows(ask: Ask, live: SnapshotTable, table: exp.Table) -> SnapshotRows:
    """Return how the snapshots are read; raises SchemaError for numbers that are texts there."""
    texts = [name for name in MEASURES if name in live.kinds and name != "status" and isinstance(live.kinds[name], sa.String | sa.Boolean)]  # fmt: skip
    if texts:
        raise SchemaError(
            f"{live.location}: expected numbers, these columns hold texts: {', '.join(texts)}. Make a view that casts them, or watch "
            "without --into."
        )

    def found(name: str) -> list[str]:
        own = exp.column(live.columns[name], quoted=True)
        values = [
            str(row[0])
            for row in ask(exp.select(own).distinct().from_(table).limit(_MOST_TEXTS + 1))
            if row[0] is not None
        ]
        if len(values) > _MOST_TEXTS:
            raise SchemaError(f"{live.location}: column '{name}' expected at most {_MOST_TEXTS:,} different texts, found more. Write months as dates.")  # fmt: skip
        return values

    codes = (
        {text: status_code(text) for text in found("status")} if isinstance(live.kinds.get("status"), sa.String) else {}
    )
    statuses = {text: code for text, code in codes.items() if code is not None}
    if not isinstance(live.kinds[AS_OF], sa.String):
        return SnapshotRows(table, live.columns, statuses)
    texts = found(AS_OF)
    numbers = months_since_1970(pd.Series(texts, dtype="str"))
    months = {text: month_number(np.datetime64(int(of), "M")) for text, of in zip(texts, numbers, strict=True) if of >= _FIRST}  # fmt: skip
    return SnapshotRows(table, live.columns, statuses, months)


def find_months(ask: Ask, rows: SnapshotRows, live: SnapshotTable, as_of: np.datetime64 | None) -> Months:
    """Return the months that count, as `read_snapshots` finds them.

    Raises InputError for a month that is not there, SchemaError where many rows have none or a percentage is in fractions.
    """
    made = {"n": "COUNT(*)", "named": f"SUM(CASE WHEN {named().sql('duckdb')} THEN 1 ELSE 0 END)"}
    made |= {f"known_{name}": f"COUNT({name})" for name in MEASURES}
    shares = [name for name in PERCENTAGES if name in MEASURES]
    for name in shares:
        made[f"small_{name}"] = f"SUM(CASE WHEN {name} > 0 AND {name} <= {FRACTION} THEN 1 ELSE 0 END)"
        made[f"large_{name}"] = f"SUM(CASE WHEN {name} > {FRACTION} THEN 1 ELSE 0 END)"
    counted = ask(selected(made, "given", "month").group_by("month"), given=given(rows, ask.dialect))
    table = pd.DataFrame(counted, columns=["month", *made]).astype("Int64").set_index("month")
    lost, by_month = (
        int(table.loc[table.index.isna(), "n"].sum()),
        table[table.index.notna()].astype("int64").sort_index(),
    )
    if as_of is not None:
        by_month = by_month[by_month.index <= month_number(as_of)]
    if by_month.empty:
        raise InputError(
            f"{live.location}: expected snapshots{f' of {as_of} or earlier' if as_of else ''}, found none."
        )
    first, last = bulk_of(by_month.index.to_numpy(dtype=np.int64), by_month["n"].to_numpy())
    inside = by_month.loc[first:last]
    lost += int(by_month["n"].sum() - inside["n"].sum())
    if as_of is not None and last != month_number(as_of):
        raise InputError(
            f"month {as_of}: expected one of the snapshots' months, {month_text(first)} to {month_text(last)}. Name one of them."
        )
    if 2 * lost > max(int(inside["n"].iloc[-1]), _FEW_LOST):
        raise SchemaError(
            f"{live.location}: {lost:,} rows have no month, or one more than {FAR} months from the others; the newest month has "
            f"{inside['n'].iloc[-1]:,}. A whole month may be among them. Write months as dates."
        )
    notes = _units(inside, shares, live.location)
    if bad := lost + int((inside["n"] - inside["named"]).sum()):
        notes.append(f"{bad:,} of {table['n'].sum():,} rows have no month, or no loan, and were left out.")
    told = [name for name in MEASURES if inside[f"known_{name}"].any()]
    before = int(inside.index[-2]) if len(inside) > 1 else None
    return Months(first, last, before, int(inside["named"].iloc[-1]), told, notes)


def _units(months: pd.DataFrame, shares: list[str], where: str) -> list[str]:
    """Return doubts about the units of all rows, or raise SchemaError; a single month may have other units too."""
    notes: list[str] = []
    for place, part in [
        ("", months),
        *((f", month {month_text(int(one))}", months.loc[[one]]) for one in months.index),
    ]:
        units = Units()
        for name in shares:
            n = part[[f"small_{name}", f"large_{name}"]].sum().to_numpy()
            units.add({name: np.array([FRACTION, 2 * FRACTION])}, n)
        doubts = units.doubts(where + place)
        notes += doubts if not place else []
    return notes


def delivered(
    ask: Ask, rows: SnapshotRows, months: Months, *, settings: DeliverySettings, **accepted: bool
) -> Delivery:
    """Return what was delivered for the month, as `check_delivery` judges it, which raises InputError."""
    steps = {
        "given": given(rows, ask.dialect),
        "snapshots": settled(first=months.before or months.last, last=months.last),
    }
    made = {
        "loans": "COUNT(*)",
        "owed": "COALESCE(SUM(balance), 0)",
        "late": "SUM(CASE WHEN days_past_due >= 1 THEN 1 ELSE 0 END)",
    }
    made |= {f"known_{name}": f"COUNT({name})" for name in months.told}
    found = {}
    for month, loans, owed, late, *known in ask(selected(made, "snapshots", "month").group_by("month"), **steps):
        found[int(month)] = Held(
            month_text(int(month)), loans, float(owed), dict(zip(months.told, known, strict=True)), int(late)
        )
    twice = exp.select(KEY).from_("snapshots").group_by(KEY).having("COUNT(*) = 2")
    again = ask(exp.select("COUNT(*)").from_("twice"), **steps, twice=twice)[0][0] if months.before else 0
    now = found[months.last]
    if copies := months.rows - now.loans:
        months.notes.append(f"{copies:,} rows of {now.month} repeat a loan. What they say differently counts as not known; of arrears the worse counts.")  # fmt: skip
    before = None if months.before is None else found[months.before]
    return check_delivery(now, before, again=again, told=months.told, settings=settings, **accepted)


def application_notes(ask: Ask, scores: exp.Select, where: str) -> list[str]:
    """Return how many applications break the contract; raises InputError for two of one loan, SchemaError if none keeps it."""
    made = {"n": "COUNT(*)", "loans": f"COUNT(DISTINCT {KEY})", "broken": f"COUNT({REFUSED})", "named": f"COUNT({KEY})"}
    rows, loans, broken, keyed = ask(selected(made, "asked"), asked=scores)[0]
    if loans < keyed:
        raise InputError(
            f"{where}: expected one row per loan, got {keyed:,} rows of {loans:,} loans. Keep one of each."
        )
    if broken == rows:
        raise SchemaError(f"{where}: no row keeps the contract of applications. Mend them.")
    return [f"{broken:,} of {rows:,} applications break the contract and were left out: their loans have no probability."] if broken else []  # fmt: skip
