"""One month of live loans: the watchlist, what has changed, and what can be offered to borrowers with a red light."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.columns import KEY
from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.model_update import Probabilities
from loantap.watchlist.restructuring import action, options
from loantap.watchlist.rule import LIGHTS
from loantap.watchlist.settings import Settings
from loantap.watchlist.watchlist import Changes, assess, changes, watchlist

TERMS = ("int_rate", "installment", "annual_inc", "revol_bal")  # what offers need of an application


@dataclass(frozen=True)
class Month:
    """What early warning says of a month.

    Attributes:
        month: Which, datetime64[M].
        lights: One row per light: light, loans, share (of the live loans), balance (currency), action.
        watchlist: The amber and red loans, see `watchlist.watchlist`.
        changes: What has changed since the month before.
        offers: What can be offered to the loans with a red light, see `restructuring.options`.
        unknown: Live loans without an application, whose probability of default is not known.
    """

    month: np.datetime64
    lights: pd.DataFrame
    watchlist: pd.DataFrame
    changes: Changes
    offers: pd.DataFrame
    unknown: int


def find_month(panel: Panel, month: np.datetime64 | None) -> int:
    """Return the position of a month, of the last one for None; raises InputError for one that the panel lacks."""
    if month is None:
        return len(panel.months) - 1
    found = np.flatnonzero(panel.months == month.astype("datetime64[M]"))
    if len(found) == 0:
        raise InputError(
            f"month {month}: expected one of the snapshots' months, {panel.months[0]} to {panel.months[-1]}. Name one of them."
        )
    return int(found[0])


def months_needed(position: int) -> list[int]:
    """Return the positions whose probabilities `watch_month` wants: the month before, where there is one, and the month."""
    return [one for one in (position - 1, position) if one >= 0]


def watch_month(
    panel: Panel,
    position: int,
    *,
    probabilities: Probabilities,
    applications: pd.DataFrame,
    settings: Settings,
    economics: Economics,
) -> Month:
    """Return what early warning says of a month; it depends on nothing after it and on nothing said before.

    Args:
        panel: Snapshots of n loans.
        position: Position of the month.
        probabilities: At `months_needed(position)`.
        applications: loan_id and TERMS of the loans.
        settings: Thresholds and points.
        economics: What a cost to the lender rests on.
    """
    known: dict[str, Any] = {"settings": settings, "probability_then": probabilities.at_application}
    after = assess(panel, position, probability_now=probabilities.now[:, -1], **known)
    if position > 0:
        before = assess(panel, position - 1, probability_now=probabilities.now[:, 0], **known)
    else:
        before = after.iloc[:0]
    defaulted = panel.loan_id[panel.default_month() == position]
    listed, changed = watchlist(after), changes(before, after, defaulted=defaulted)
    if before.empty:
        words = f"there is no snapshot of the month before, so all {len(listed):,} on the list count as new"
        changed = replace(changed, words=words)
    grouped = after.groupby("light")["balance"].agg(["size", "sum"]).reindex(LIGHTS[::-1]).fillna(0)
    lights = pd.DataFrame(
        {
            "light": grouped.index,
            "loans": grouped["size"].astype(int).to_numpy(),
            "share": (grouped["size"] / max(len(after), 1)).to_numpy(),
            "balance": grouped["sum"].to_numpy(),
            "action": [action(light) for light in grouped.index],
        }
    )
    return Month(
        month=panel.months[position],
        lights=lights,
        watchlist=listed,
        changes=changed,
        offers=_offers(panel, position, listed, applications, economics),
        unknown=int(after["probability"].isna().sum()),
    )


def _offers(
    panel: Panel, position: int, listed: pd.DataFrame, applications: pd.DataFrame, economics: Economics
) -> pd.DataFrame:
    """Return the offers to red loans; the revolving balance is the application's, moved in proportion to the utilisation."""
    red = listed.loc[listed["light"] == LIGHTS[2], [KEY, "balance", "dti", "revol_util"]]
    wanted = applications[[KEY, "revol_util", *TERMS]].rename(columns={"revol_util": "then"})
    loans = red.merge(wanted, on=KEY, how="left", validate="one_to_one")
    then = loans["then"].to_numpy(dtype=float, na_value=np.nan)
    now = loans["revol_util"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where((then > 0) & ~np.isnan(now), now / then, 1.0)
    return options(loans.assign(revol_bal=loans["revol_bal"].astype(float) * moved), economics=economics)
