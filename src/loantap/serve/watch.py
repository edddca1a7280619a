"""A month's watchlist as files and as rows of a table: the same again for the same snapshots, model and settings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from loantap.data.annuity import annuity
from loantap.data.cleaning import typed
from loantap.data.columns import KEY
from loantap.data.connectors.config import Config
from loantap.data.contract import FAILURE_COLUMNS, summarise
from loantap.data.panel import Panel
from loantap.data.tables import append
from loantap.data.units import Units
from loantap.data.warehouse import open_warehouse, transaction
from loantap.errors import InputError, SchemaError
from loantap.exhibits.watch_page import watch_page
from loantap.files import alone_in, staging_folder, take_place
from loantap.jsonable import jsonable
from loantap.model.economics import Economics
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.serve.batch import Applications, checked_applications
from loantap.watchlist.model_update import probabilities
from loantap.watchlist.month import TERMS, Month, find_month, watch_month
from loantap.watchlist.settings import Settings

TABLE, AS_OF = "loantap_watchlist", "as_of"
_PROBLEMS = 5  # of applications, that are told
_DIGITS = 4  # of what is computed; nobody needs more, and a reader would take them for exactness


@dataclass(frozen=True)
class Watched:
    """A month that was written.

    Attributes:
        folder: Where its files are.
        month: What they say.
    """

    folder: Path
    month: Month

    def count(self, light: str) -> int:
        """Return how many live loans have a light."""
        lights = self.month.lights
        return int(lights.loc[lights["light"] == light, "loans"].iloc[0])


def application_needs(model: SavedModel) -> list[str]:
    """Return the columns of an application that a watchlist reads."""
    return sorted({*source_columns(inputs=model.facts.inputs), *TERMS, "dti", "revol_util"})


def read_applications(model: SavedModel, applications: Applications) -> tuple[pd.DataFrame, list[str]]:
    """Read the applications of live loans, each with an installment; those that break the contract are left out, and told in notes.

    Raises InputError where they bear no loan_id, InputError or SchemaError for what cannot be read or if none keeps the contract.
    """
    if KEY not in applications.header:
        raise InputError(
            f"{applications.location}: expected the column {KEY}, which joins applications to snapshots; there is none. Add it."
        )
    needed, units, read = application_needs(model), Units(), 0
    parts: list[pd.DataFrame] = []
    failures = [pd.DataFrame(columns=FAILURE_COLUMNS)]
    for raw in applications.chunks():
        checked, found = checked_applications(raw, needed=needed)
        parts.append(typed(checked.loc[~checked.index.isin(found["row"])]))
        failures.append(found)
        units.add(checked)
        read += len(raw)
    read += len(applications.ragged)
    if read == 0:
        raise InputError(f"{applications.location}: expected applications, found none. Check how they were exported.")
    notes = units.doubts(applications.location)
    good = pd.concat(parts, ignore_index=True)
    due = annuity(good["loan_amnt"], good["int_rate"], good["term"]).round(2)
    good = good.assign(installment=good["installment"].fillna(due) if "installment" in good else due)
    if refused := read - len(good):
        problems = summarise(pd.concat([found for found in failures if len(found)] or failures, ignore_index=True))
        told = [str(problem) for problem in problems[:_PROBLEMS]]
        if applications.ragged:
            told.append(f"{len(applications.ragged):,} records have another number of fields than the header.")
        if good.empty:
            lines = "".join(f"\n  {one}" for one in told)
            raise SchemaError(f"{applications.location}: no row keeps the contract of applications:{lines}")
        note = f"{refused:,} of {read:,} applications break the contract and were left out: their loans have no probability."
        notes = [" ".join([note, *told]), *notes]
    return good, notes


def watch(
    panel: Panel,
    applications: pd.DataFrame,
    model: SavedModel,
    *,
    as_of: np.datetime64 | None,
    settings: Settings,
    economics: Economics,
    accept_incomplete: bool = False,
    without_arrears: bool = False,
) -> Month:
    """Return what early warning says of a month, the last one by default; raises InputError as `watch_month` does."""
    return watch_month(
        panel, find_month(panel, as_of), probabilities=partial(probabilities, model, applications, carry=settings.carry), applications=applications,
        settings=settings, economics=economics, accept_incomplete=accept_incomplete, without_arrears=without_arrears,
    )  # fmt: skip


def write_month(
    month: Month,
    out: Path,
    *,
    model: SavedModel,
    source: str,
    synthetic: bool,
    notes: Sequence[str],
    quarantine: pd.DataFrame,
) -> Watched:
    """Write a month's watchlist into OUT/YYYY-MM, in the place of what was there, whole or not at all.

    Files: watchlist.csv, changes.csv, offers.csv, quarantine.csv (rows of snapshots set aside), watchlist.json (the counts) and
    index.html. They hold no time of writing, so the same input gives the same bytes.

    Raises InputError where another process is writing there.

    Args:
        month: What to write.
        out: The folder of all months.
        model: What the probabilities come from.
        source: Where the snapshots are stored, in words.
        synthetic: Whether the snapshots were made.
        notes: What was seen when reading them.
        quarantine: Rows set aside, with their reasons.
    """
    name = str(month.month)
    summary: dict[str, Any] = jsonable(
        {
            AS_OF: name,
            "source": source,
            "synthetic": synthetic,
            "model_version": model.version,
            "lights": month.lights,
            "changes": month.changes.counts,
            "changed": month.changes.words,
            "delivered": month.delivery.loans,
            "delivered_before": month.delivery.before,
            "delivered_again": month.delivery.again,
            "incomplete": month.delivery.problems,
            "not_delivered": month.delivery.untold,
            "unknown": month.unknown,
            "quarantined": len(quarantine),
            "notes": list(notes),
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    busy = f"{out}: another loantap is writing a watchlist there. Try again."
    with alone_in(out, busy=busy), staging_folder(out) as staging:
        for file, table in (
            ("watchlist", month.watchlist),
            ("changes", month.changes.rows),
            ("offers", month.offers),
            ("quarantine", quarantine),
        ):
            table.round(_DIGITS).to_csv(staging / f"{file}.csv", index=False, lineterminator="\n")
        text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False)
        (staging / "watchlist.json").write_text(text + "\n", "utf-8")
        (staging / "index.html").write_text(watch_page(month, summary), "utf-8")
        take_place(staging, out / name)
    return Watched(out / name, month)


def write_rows(month: Month, config: Config) -> int:
    """Put a month's watchlist into the warehouse's table, in the place of the rows that it held for the month.

    Raises InputError for a table of that name that is not loantap's, SourceError if the warehouse fails.
    """
    engine, schema = open_warehouse(config, create=True), config.warehouse.table_schema if config.warehouse else None
    rows = month.watchlist.round(_DIGITS)
    rows.insert(0, AS_OF, str(month.month))
    table = sa.table(TABLE, sa.column(AS_OF), schema=schema)
    with transaction(engine, config) as connection:
        inspector = sa.inspect(connection)
        if inspector.has_table(TABLE, schema):
            known = {column["name"] for column in inspector.get_columns(TABLE, schema)}
            if known != set(rows.columns):
                raise InputError(
                    f"warehouse: '{TABLE}' is there with other columns than this version of loantap writes. Rename it."
                )
            connection.execute(sa.delete(table).where(table.c[AS_OF] == str(month.month)))
        append(connection, sa.Table(TABLE, sa.MetaData(schema=schema)), rows)
    return len(rows)
