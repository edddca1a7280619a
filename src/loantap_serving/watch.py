"""What early warning says of a month of live loans, from snapshots and applications as they come."""

from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.data.cleaning import typed
from loantap.data.columns import KEY
from loantap.data.contract import FAILURE_COLUMNS, summarise
from loantap.data.units import Units
from loantap.errors import InputError, SchemaError
from loantap.model.economics import Economics
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap_serving.batch import Applications, checked_applications
from loantap.watchlist.acting import TERMS, Watch, act, risk_ahead
from loantap.watchlist.landmarks import borrowers
from loantap.watchlist.last_worklist import LastList, outcomes
from loantap.watchlist.live import Live
from loantap.watchlist.model_update import probabilities
from loantap.watchlist.month import find_month, watch_month
from loantap.watchlist.settings import Settings
from loantap.watchlist.worklist import carried

_PROBLEMS = 5  # of applications, that are told


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
    live: Live,
    model: SavedModel,
    *,
    as_of: np.datetime64 | None,
    settings: Settings,
    economics: Economics,
    last: LastList | None = None,
    today: date | None = None,
    accept_incomplete: bool = False,
    without_arrears: bool = False,
) -> Watch:
    """Return what early warning says of a month and what to do.

    Args:
        live: Snapshots and applications.
        model: Whose probabilities are used.
        as_of: The month; the last one by default.
        settings: Thresholds, and what acting saves.
        economics: What a cost to the lender rests on.
        last: The last work list, as people have filled it in.
        today: What its due dates are held against.
        accept_incomplete: Whether a month that falls short of the one before is accepted.
        without_arrears: Whether to go on where nobody tells days past due.

    Raises InputError as `watch_month` does.
    """
    month = watch_month(
        live.panel, find_month(live.panel, as_of), probabilities=partial(probabilities, model, live.applications, carry=settings.carry),
        applications=live.applications, settings=settings, accept_incomplete=accept_incomplete, without_arrears=without_arrears,
    )  # fmt: skip
    known = borrowers(month.panel, live.applications, probability=month.at_application, issued=live.issued)
    risk, no_risk = risk_ahead(month, known, random_state=0)
    done = act(month, applications=live.applications, risk=risk, economics=economics, saved=settings.acting)
    if last is None:
        return Watch(month, done, no_risk, None)
    became = outcomes(last.rows, month.loans[[KEY, "light"]], today=today or date.today())
    done = replace(done, worklist=carried(done.worklist, last.rows))
    return Watch(month, done, no_risk, became, (*last.notes, *became.notes))
