"""The lights of a month as one SELECT: what `loantap watch` says of each loan, computed where the snapshots lie.

Steps: rows that keep the contract; one row per loan and month; what had come by then (windows over the months of a loan); where
it stood; its last months side by side; what is carried, and the trends; the model's probabilities; points and lights. Expressions
are written in DuckDB's SQL and rendered in that of the database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.panel import FORBEARANCE
from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap.watchlist.settings import SIGNALS, Settings
from loantap.watchlist.signals import LAST_VALUES
from loantap.watchlist.standing import BUCKETS, ENDED, NEVER, OFF
from loantap.watchlist.transitions import BACK, NEW
from loantap.watchlist.worklist import GONE
from loantap_sources.dialects import Dialect
from loantap_sources.model_sql import probability_select
from loantap_sources.sql_steps import fenced, selected
from loantap_sources.watch_rows import SnapshotRows, given, month_text, settled
from loantap_sources.watch_standing import NUMBERS, standings
from loantap_sources.watch_trends import LONGEST, trends, window_columns

WATCH_DIALECTS: tuple[Dialect, ...] = ("duckdb", "postgres", "databricks", "spark")
LIGHTS = (
    KEY, "balance", "dti", "dti_trend", "dti_acceleration", "revol_util", "util_trend", "util_acceleration", "probability",
    "probability_change", "payment_shortfall", "payment", "inquiries", "forbearance", "days_past_due", "known_in", "arrears_told", "lost",
    "points", "light", "good_months", "bucket_before", "bucket", "balance_moved",
)  # fmt: skip


def watch_select(
    snapshots: SnapshotRows,
    *,
    first: int,
    last: int,
    settings: Settings,
    dialect: Dialect,
    model: SavedModel,
    applications: exp.Table,
    application_columns: Mapping[str, str],
    needed: Sequence[str],
) -> exp.Select:
    """Return the statement: LIGHTS of every loan of the month, and of those of the month before that are gone.

    Columns are those of `lights.assess`, without `reasons`, which are words; and with good_months (how far a probation is), bucket and
    bucket_before (of BUCKETS; 'new' or 'delivered again' where there was no snapshot the month before), and balance_moved (of the month
    before where it is known, else of the month).

    Args:
        snapshots: The snapshots.
        first: The first month that counts, as from `month_number`.
        last: The month that is watched.
        settings: Thresholds and points.
        dialect: Of the database that will run it.
        model: Whose probabilities are used.
        applications: Cleaned applications with loan_id, one row per loan.
        application_columns: What is there of the codebook, with its name in the table.
        needed: The columns whose rules an application has to keep.

    Raises InputError for a dialect without medians, or a window longer than LONGEST.
    """
    if dialect not in WATCH_DIALECTS or settings.window > LONGEST:
        raise InputError(
            f"lights in SQL: expected one of {', '.join(WATCH_DIALECTS)} and a window of at most {LONGEST} months, got {dialect} and "
            f"{settings.window}. Watch without --into."
        )
    asked: dict[str, Any] = {"needed": needed, "dialect": dialect, "columns": application_columns}
    steps = [
        ("given", given(snapshots, dialect)),
        ("snapshots", settled(first=first, last=last)),
        *standings(last, settings),
        ("levels", _levels(last, settings)),
        *trends(settings),
        ("at_application", probability_select(model, table=applications, prefix="then_", **asked)),
        ("as_now", _as_now(applications, application_columns)),
        ("now", probability_select(model, table=exp.to_table("as_now"), prefix="now_", **asked)),
        ("signals", _signals(settings)),
        ("scored", _scored(settings)),
    ]
    statement = selected({}, "scored", *LIGHTS)
    for name, step in steps:
        statement = statement.with_(name, as_=fenced(step, dialect), copy=False)
    return statement


def _levels(last: int, settings: Settings) -> exp.Select:
    carry = settings.carry
    last_value = {name: f"COALESCE({', '.join(f'{name}_{back}' for back in range(carry + 1))})" for name in (*NUMBERS, "status")}  # fmt: skip
    # What was last known of each measure, in months ago, where it stands for the month.
    lost = [f"CASE WHEN ever_{name} > 0 AND {last_value[name]} IS NULL THEN '{words}' END" for name, words in LAST_VALUES.items() if name in NUMBERS]  # fmt: skip
    lost.append(f"CASE WHEN age > {carry} AND age < {NEVER} THEN '{LAST_VALUES['days_past_due']}' END")
    months = [month_text(last - back) for back in range(carry + 1)]
    known_in = " ".join(f"WHEN days IS NOT NULL AND age = {back} THEN '{months[back]}'" for back in range(1, carry + 1))
    was = "CASE {} ELSE CASE WHEN first_month = {} THEN '{}' ELSE '{}' END END"
    paid = " ".join(
        f"WHEN payment_{back} IS NOT NULL THEN CASE WHEN here_{back + 1} = 1 THEN payment_{back} END"
        for back in range(carry + 1)
    )
    made = {
        **{f"{name}_last": value for name, value in last_value.items()},
        "lost": f"CONCAT_WS(', ', {', '.join(lost)})",
        "known_in": f"CASE {known_in} ELSE '' END" if known_in else "''",
        "paid": f"CASE {paid} END",
        "is_live": f"here_0 = 1 AND in_default = 0 AND bucket NOT IN ({OFF}, {ENDED})",
        "bucket_before": was.format(f"WHEN here_1 = 1 THEN {_bucket('bucket_then')}", last, NEW, BACK),
        "bucket_now": f"CASE WHEN here_0 = 1 THEN {_bucket('bucket')} ELSE '{GONE}' END",
    }
    return selected(made, "recent", "*", *window_columns(settings))


def _bucket(code: str) -> str:
    return f"CASE {code} {' '.join(f'WHEN {place} THEN {chr(39)}{name}{chr(39)}' for place, name in enumerate(BUCKETS))} END"  # fmt: skip


def _as_now(applications: exp.Table, columns: Mapping[str, str]) -> exp.Select:
    """Return the applications with debt-to-income and utilisation as the snapshots tell them, where they tell both."""
    now = {columns[name]: exp.column(f"{name}_last", "levels") for name in ("dti", "revol_util")}
    made = [exp.alias_(now.get(name, exp.column(name, "a", quoted=True)), name, quoted=True) for name in {KEY: 0, **dict.fromkeys(columns.values())}]  # fmt: skip
    on = exp.cast(exp.column(KEY, "a"), "text").eq(exp.column(KEY, "levels"))
    told = exp.condition("levels.is_live AND levels.dti_last IS NOT NULL AND levels.revol_util_last IS NOT NULL")
    return exp.select(*made).from_(exp.alias_(applications, "a", table=True)).join("levels", on=on).where(told)


def _signals(settings: Settings) -> exp.Select:
    """Return the signals; a loan that was due an installment has a shortfall."""
    share = "1 - paid / NULLIF(applied.installment, 0)"
    due = "is_live AND applied.installment > 0 AND balance_last > applied.installment"
    made = {
        "probability": "CASE WHEN applied.refused IS NULL THEN now.probability_of_default END",
        "probability_change": "CASE WHEN applied.refused IS NULL THEN now.probability_of_default - applied.probability_of_default END",
        "payment_shortfall": f"CASE WHEN {due} THEN CASE WHEN {share} < 0 THEN 0 WHEN {share} > 1 THEN 1 ELSE {share} END END",
    }
    names = ("dti_trend", "dti_acceleration", "util_trend", "util_acceleration")
    joined = selected(made, "levels", "levels.*", *names).join("slopes", using=[KEY], join_type="left")
    for name, alias in (("at_application", "applied"), ("now", "now")):
        joined = joined.join(exp.alias_(exp.to_table(name), alias, table=True), on=f"levels.loan_id = {alias}.loan_id", join_type="left")  # fmt: skip
    return joined


def _scored(settings: Settings) -> exp.Select:
    """Return points and lights: the worse of both counts, and no points undercut a floor."""
    read = {"dti": "dti_last", "revol_util": "revol_util_last", "inquiries": "inquiries_last"}
    parts = []
    for name in SIGNALS:
        value, limits = read.get(name, name), settings.signals.of(name)
        parts.append(f"CASE WHEN {value} > {limits.red} THEN 2 WHEN {value} > {limits.amber} THEN 1 ELSE 0 END")
    points, floors = " + ".join(parts), settings.floors
    forborne = f"COALESCE(status_last = {FORBEARANCE}, FALSE)"
    red = f"days >= {floors.red} OR {points} >= {settings.red_points}"
    amber = f"days >= {floors.amber} OR {points} >= {settings.amber_points} OR {forborne}"
    light = (
        f"CASE WHEN here_0 = 0 THEN '{GONE}' WHEN bucket = {OFF} THEN 'charged off' WHEN bucket = {ENDED} THEN 'closed' "
        f"WHEN in_default = 1 THEN 'in default' WHEN {red} THEN 'red' WHEN lost <> '' THEN 'unknown' WHEN {amber} THEN 'amber' "
        f"WHEN age IS NULL OR age >= {NEVER} THEN 'unknown' ELSE 'green' END"
    )
    alive = {"payment": "payment_last", "inquiries": "inquiries_last", "forbearance": forborne, "lost": "lost",
             "arrears_told": f"COALESCE(age < {NEVER}, FALSE)"}  # fmt: skip
    made = {name: f"CASE WHEN is_live THEN {sql} END" for name, sql in alive.items()}
    made |= {name: f"CASE WHEN is_live THEN {name}_last ELSE {name}_0 END" for name in ("dti", "revol_util")}
    made |= {
        "balance": "CASE WHEN here_0 = 1 THEN balance_last END",
        "balance_moved": "COALESCE(CASE WHEN here_1 = 1 THEN balance_1 END, balance_0)",
    }
    made |= {"points": f"CASE WHEN is_live THEN {points} ELSE 0 END", "light": light}
    made |= {
        "days_past_due": "days",
        "good_months": "CASE WHEN in_default = 1 THEN run ELSE 0 END",
        "bucket": "bucket_now",
    }
    kept = (
        "dti_trend",
        "dti_acceleration",
        "util_trend",
        "util_acceleration",
        "probability",
        "probability_change",
        "payment_shortfall",
    )
    return selected(made, "signals", KEY, *kept, "known_in", "bucket_before")
