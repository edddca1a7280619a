"""Where each loan stands in each month, in SQL: windows over the months of a loan, as `loantap.watchlist.standing` goes through them.

What has been so since a month is told by the last month in which something was seen: all windows go over the same order, so that a
database sorts once.
"""

from collections.abc import Iterator

from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.panel import CHARGED_OFF, CLOSED, DEFAULT_DAYS, OPEN
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import LAST_VALUES
from loantap.watchlist.standing import EDGES, ENDED, FROM_90, NEVER, OFF, UNKNOWN
from loantap_sources.sql_steps import selected

NUMBERS = tuple(name for name in LAST_VALUES if name != "days_past_due")  # that are carried
_SO_FAR = " OVER (PARTITION BY loan_id ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
_MOST_DAYS = 1 << 16  # more than the contract allows; a month and its days past due go into one whole number


def standings(last: int, settings: Settings) -> Iterator[tuple[str, exp.Select]]:
    """Yield the steps from `snapshots` to `recent`: one row per loan that is delivered in the last month or the one before."""
    yield "running", _running(settings)
    yield "runs", _runs()
    yield "probations", _probations(settings)
    yield "stands", _stands(settings)
    yield "buckets", _buckets(last - settings.window - settings.carry)
    yield "recent", _recent(last, settings)


def _running(settings: Settings) -> exp.Select:
    """Return with each snapshot the last month in which each thing had been seen by then."""
    enters = f"COALESCE(days_past_due >= {DEFAULT_DAYS} OR status = {CHARGED_OFF}, FALSE)"
    when = {
        "entered_at": enters,
        "reset_at": f"{enters} OR days_past_due >= {settings.floors.red}",
        "known_at": "days_past_due IS NOT NULL",
        "off_at": f"status = {CHARGED_OFF}",
        "open_at": f"status = {OPEN}",
    }
    made = {name: f"MAX(CASE WHEN {seen} THEN month END){_SO_FAR}" for name, seen in when.items()}
    made["goods"] = f"COUNT(CASE WHEN days_past_due < {settings.floors.red} THEN 1 END){_SO_FAR}"
    made["known"] = f"MAX(CAST(month AS BIGINT) * {_MOST_DAYS} + CAST(days_past_due AS BIGINT)){_SO_FAR}"
    made["first_month"] = f"MIN(month){_SO_FAR}"
    made |= {f"ever_{name}": f"COUNT({name}){_SO_FAR}" for name in NUMBERS}
    return selected(made, "snapshots", "*")


def _runs() -> exp.Select:
    """Return how many months in a row had been good: those since the last that was not."""
    return selected({"run": f"goods - COALESCE(MAX(CASE WHEN month = reset_at THEN goods END){_SO_FAR}, 0)"}, "running", "*")  # fmt: skip


def _probations(settings: Settings) -> exp.Select:
    return selected({"left_at": f"MAX(CASE WHEN run > {settings.probation} THEN month END){_SO_FAR}"}, "runs", "*")


def _stands(settings: Settings) -> exp.Select:
    days, age = f"known - CAST(known_at AS BIGINT) * {_MOST_DAYS}", "month - known_at"
    made = {
        "last_days": days,
        "age": f"CASE WHEN {age} < {NEVER} THEN {age} ELSE {NEVER} END",
        "days": f"CASE WHEN {age} <= {settings.carry} THEN CAST({days} AS DOUBLE) END",
        "in_default": "CASE WHEN entered_at IS NOT NULL AND COALESCE(left_at < entered_at, TRUE) THEN 1 ELSE 0 END",
        "written_off": "CASE WHEN off_at IS NOT NULL AND COALESCE(off_at > open_at, TRUE) THEN 1 ELSE 0 END",
    }
    return selected(made, "probations", "*")


def _buckets(since: int) -> exp.Select:
    paid = f"in_default = 0 AND COALESCE(last_days <= 0, TRUE) AND COALESCE(status = {CLOSED} OR balance <= 0, FALSE)"
    late = " ".join(f"WHEN days < {edge} THEN {place}" for place, edge in enumerate(EDGES))
    bucket = f"CASE WHEN written_off = 1 THEN {OFF} WHEN {paid} THEN {ENDED} WHEN days IS NULL THEN {UNKNOWN} {late} ELSE {FROM_90} END"  # fmt: skip
    return selected({"bucket": bucket}, "stands", "*").where(f"month > {since}")


def _recent(last: int, settings: Settings) -> exp.Select:
    """Return the last months of each loan side by side: NAME_0 is the month's value, NAME_1 that of the month before."""

    def at(name: str, back: int) -> str:
        return f"MAX(CASE WHEN month = {last - back} THEN {name} END)"

    carry, window = settings.carry, settings.carry + settings.window
    states = ("age", "days", "in_default", "bucket", "first_month", "run", *(f"ever_{name}" for name in NUMBERS))
    made = {name: at(name, 0) for name in states}
    made |= {f"here_{back}": f"COALESCE({at('1', back)}, 0)" for back in range(carry + 2)}
    made["bucket_then"] = at("bucket", 1)
    for name in (*NUMBERS, "status"):
        backs = window if name in ("dti", "revol_util") else max(carry + 1, 2)
        made |= {f"{name}_{back}": at(name, back) for back in range(backs)}
    return selected(made, "buckets", KEY).group_by(KEY).having(f"MAX(month) >= {last - 1}")
