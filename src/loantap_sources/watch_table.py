"""Watch a month inside the warehouse: the line of every loan goes into a table, and only the loans to look at come out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlglot import exp

from loantap.data.columns import KEY
from loantap.errors import InputError, SchemaError
from loantap.model.persistence import SavedModel
from loantap.watchlist.delivery import Delivery
from loantap.watchlist.lights import LINES, LIVE, reasons_of
from loantap.watchlist.live import application_needs
from loantap.watchlist.settings import Settings
from loantap.watchlist.standing import BUCKETS, CURRENT, FROM_90, GONE
from loantap.watchlist.transitions import ROWS
from loantap.watchlist.worklist import LISTED
from loantap_sources.connectors.base import BATCH_ROWS
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.sql import shown, told
from loantap_sources.dialects import OF_ENGINE
from loantap_sources.inside import alone, made_inside, place
from loantap_sources.live_tables import ApplicationTable, SnapshotTable
from loantap_sources.model_sql import probability_select
from loantap_sources.score_table import judge_units
from loantap_sources.sql_steps import selected
from loantap_sources.tables import need_own
from loantap_sources.warehouse import open_warehouse, table_name
from loantap_sources.watch_checks import Ask, application_notes, delivered, find_months, snapshot_rows
from loantap_sources.watch_rows import month_text
from loantap_sources.watch_sql import LIGHTS, WATCH_DIALECTS, watch_select

_TEXTS = (KEY, "known_in", "lost", "light", "bucket", "bucket_before")


@dataclass(frozen=True)
class TableWatch:
    """What was written of a month.

    Attributes:
        location: Where, in words.
        month: Which, as 2016-05.
        lights: Loans by line.
        moved: Loans and balance by bucket, from the month before, rows and columns as ROWS and BUCKETS, as `transitions.matrix_of` takes them.
        delivery: What was delivered, and how it falls short.
        notes: What a person should know.
    """

    location: str
    month: str
    lights: dict[str, int]
    moved: tuple[np.ndarray, np.ndarray]
    delivery: Delivery
    notes: list[str]

    @property
    def moves(self) -> str:
        """How many loans rolled to a worse bucket and how many to a better one, in words."""
        counts, late = self.moved[0], slice(CURRENT, FROM_90 + 1)
        between = counts[len(ROWS) - GONE :][late, late]
        worse, better = int(np.triu(between, 1).sum()), int(np.tril(between, -1).sum())
        return f"{worse:,} to a worse one, {better:,} to a better one, {int(np.trace(between)):,} stayed"


def watch_into(
    model: SavedModel,
    config: Config,
    snapshots: str,
    applications: str,
    target: str,
    *,
    as_of: np.datetime64 | None,
    settings: Settings,
    **accepted: bool,
) -> TableWatch:
    """Write LIGHTS of every loan of a month into a table, in the place of one that holds such.

    Args:
        model: Whose probabilities are used.
        config: Declares the warehouse.
        snapshots: The table of snapshots; numbers are numbers there, not texts.
        applications: The table of applications, one row per loan.
        target: The table that is written.
        as_of: The month; the last one by default.
        settings: Thresholds and points.
        accepted: As in `check_delivery`, which raises InputError.

    Raises InputError for a database that cannot do it or a target that is somebody else's, SchemaError for tables that break the
    contract as a whole, SourceError if the warehouse fails; it then holds what it held.
    """
    target, engine = table_name(target), open_warehouse(config, create=True)
    dialect = OF_ENGINE.get(engine.dialect.name)
    if dialect not in WATCH_DIALECTS:
        raise InputError(
            f"{shown(engine.url)}: expected a warehouse in PostgreSQL or Databricks, got {engine.dialect.name}. Watch without --into."
        )
    needed = application_needs(model)
    live, known = SnapshotTable(config, snapshots), ApplicationTable(config, applications, needed=needed)
    if KEY not in known.header:
        raise SchemaError(
            f"{known.location}: expected the column {KEY}, which joins applications to snapshots. Add it."
        )
    schema = config.warehouse.table_schema if config.warehouse else None
    with alone(engine, config) as opened:
        ask = Ask(opened.execution_options(no_parameters=True), dialect)
        if dialect == "postgres":
            # It cannot know how many loans a step has, and would look each up among all others; and it would compile for longer than it runs.
            for setting in ("enable_nestloop", "jit"):
                ask.connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        need_own(ask.connection, target, schema, LIGHTS)
        rows, table = snapshot_rows(ask, live, place(snapshots, schema)), place(applications, schema)
        months = find_months(ask, rows, live, as_of)
        delivery = delivered(ask, rows, months, settings=settings.delivery, **accepted)
        there: dict[str, Any] = {"needed": needed, "dialect": dialect}
        scores = probability_select(model, table=table, columns=known.columns, **there)
        notes = [*live.notes, *months.notes, *known.notes, *application_notes(ask, scores, known.location)]
        notes += judge_units(ask.connection, applications, schema, known)
        query = watch_select(
            rows, first=months.first, last=months.last, settings=settings, model=model, applications=table,
            application_columns=known.columns, **there,
        )  # fmt: skip
        with made_inside(ask.connection, query, target, schema, dialect, version=model.version) as new:
            lights, moved, unknown = _counts(ask, place(new, schema))
    if unknown:
        notes.append(f"{unknown:,} live loans have no known probability (no application, or a value missing).")
    where = f"table {target} in {shown(engine.url)}"
    return TableWatch(where, month_text(months.last), lights, moved, delivery, notes)


def _counts(ask: Ask, table: exp.Table) -> tuple[dict[str, int], tuple[np.ndarray, np.ndarray], int]:
    """Return loans by line, how they moved, and how many live ones have no probability."""
    made = exp.select("*").from_(table)
    by_line = selected({"n": "COUNT(*)", "known": "COUNT(probability)"}, "made", "light").group_by("light")
    lines = {line: (loans, loans - known) for line, loans, known in ask(by_line, made=made)}
    moves = selected({"n": "COUNT(*)", "owed": "SUM(balance_moved)"}, "made", "bucket_before", "bucket")
    cells = ask(moves.group_by("bucket_before", "bucket"), made=made)
    counts, balance = np.zeros((len(ROWS), len(BUCKETS)), dtype=np.int64), np.zeros((len(ROWS), len(BUCKETS)))
    for before, now, loans, owed in cells:
        counts[ROWS.index(before), BUCKETS.index(now)] = loans
        balance[ROWS.index(before), BUCKETS.index(now)] = float(owed or 0)
    return (
        {line: lines.get(line, (0, 0))[0] for line in LINES},
        (counts, balance),
        sum(lines.get(line, (0, 0))[1] for line in LIVE),
    )


def listed(config: Config, target: str, settings: Settings) -> Iterator[pd.DataFrame]:
    """Yield the loans to look at from such a table, each with its reasons: red first, most points and balance first."""
    engine, schema = open_warehouse(config), config.warehouse.table_schema if config.warehouse else None
    table = sa.table(table_name(target), *map(sa.column, LIGHTS), schema=schema)
    place_of = sa.case({light: number for number, light in enumerate(LISTED)}, value=table.c.light)
    asked = sa.select(table).where(table.c.light.in_(LISTED)).order_by(place_of, table.c.points.desc(), table.c.balance.desc(), table.c.loan_id)  # fmt: skip
    with told(engine, config.secrets), engine.connect() as connection:
        result = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(asked)
        for part in result.partitions(BATCH_ROWS):
            loans = pd.DataFrame(part, columns=list(LIGHTS))
            numbers = [name for name in LIGHTS if name not in _TEXTS]
            loans = loans.assign(**{name: pd.to_numeric(loans[name]).astype(float) for name in numbers})
            yield loans.assign(reasons=reasons_of(loans.fillna(dict.fromkeys(_TEXTS, "")), settings=settings))
