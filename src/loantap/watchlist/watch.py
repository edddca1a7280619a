"""What early warning says of a month of live loans, from snapshots and applications as they come."""

from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np

from loantap.data.columns import KEY
from loantap.model.economics import Economics
from loantap.model.persistence import SavedModel
from loantap.watchlist.acting import Watch, act, risk_ahead
from loantap.watchlist.landmarks import borrowers
from loantap.watchlist.last_worklist import LastList, outcomes
from loantap.watchlist.live import Live
from loantap.watchlist.model_update import probabilities
from loantap.watchlist.month import find_month, watch_month
from loantap.watchlist.settings import Settings
from loantap.watchlist.worklist import carried


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
