"""What early warning says of a month of live loans, and what to do: what can be offered to the red ones, and whom to act on first."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from loantap.data.columns import KEY
from loantap.model.economics import Economics
from loantap.model.persistence import SavedModel
from loantap.watchlist.hazards import fit_hazards, why_not
from loantap.watchlist.landmarks import borrowers, landmarks
from loantap.watchlist.last_worklist import LastList, Outcomes, outcomes
from loantap.watchlist.live import TERMS, Live
from loantap.watchlist.model_update import probabilities
from loantap.watchlist.month import Month, find_month, watch_month
from loantap.watchlist.restructuring import PROBABILITY, best_offer, options
from loantap.watchlist.settings import ActingSettings, Settings
from loantap.watchlist.watchlist import LINES, LISTED
from loantap.watchlist.worklist import carried, worklist

GONE = "gone"


@dataclass(frozen=True)
class Acting:
    """What to do about a month's loans: the offers to red ones, the one that fits each of them, and the work list."""

    offers: pd.DataFrame
    best: pd.DataFrame
    worklist: pd.DataFrame


@dataclass(frozen=True)
class Watch:
    """What early warning says of a month, and what to do.

    Attributes:
        month: The line of each loan, and what has changed.
        acting: What can be offered, and whom to act on first.
        no_risk: Why the probability of default within 12 months is not known, or "".
        became: What became of the loans of the last work list, None where none was given.
        notes: What is to be said of the last work list.
    """

    month: Month
    acting: Acting
    no_risk: str
    became: Outcomes | None
    notes: tuple[str, ...] = ()


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
    no_risk, risk = why_not(month.panel, month.where), pd.Series(dtype=float)
    if not no_risk:
        known = borrowers(month.panel, live.applications, probability=month.at_application, issued=live.issued)
        hazards = fit_hazards(month.panel, month.where, known)
        marks = landmarks(month.panel, month.where, known, [len(month.panel.months) - 1])
        risk = hazards.probability(marks)["pd"].set_axis(month.panel.loan_id[marks.row])
    done = act(month, applications=live.applications, risk=risk, economics=economics, saved=settings.acting)
    if last is None:
        return Watch(month, done, no_risk, None)
    became = outcomes(last.rows, month.loans[[KEY, "light"]], today=today or date.today())
    done = replace(done, worklist=carried(done.worklist, last.rows))
    return Watch(month, done, no_risk, became, (*last.notes, *became.notes))


def act(
    month: Month, *, applications: pd.DataFrame, risk: pd.Series, economics: Economics, saved: ActingSettings
) -> Acting:
    """Return what to do about a month's loans.

    On the work list are those on the watchlist, green ones that are likely to default, and those that were listed and are gone.

    Args:
        month: What early warning says of it.
        applications: loan_id and TERMS of the loans.
        risk: Probability of default within 12 months, by loan_id; a loan that is absent has none.
        economics: What a cost to the lender rests on.
        saved: What acting saves.
    """
    offers = options(_red(month, applications, risk), economics=economics)
    best = best_offer(offers)
    rows = pd.concat([_listed(month), _likely(month, risk, saved.from_probability), _gone(month)], ignore_index=True)
    rows["pd_12_months"] = rows[KEY].map(risk).astype(float)
    rows = rows.merge(best[[KEY, "offer", "expected_cost"]], on=KEY, how="left").fillna({"offer": ""})
    return Acting(offers, best, worklist(rows, economics=economics, saved=saved))


def _red(month: Month, applications: pd.DataFrame, risk: pd.Series) -> pd.DataFrame:
    """Return the red loans with their terms; the revolving balance is the application's, moved in proportion to the utilisation."""
    listed = month.watchlist
    red = listed.loc[listed["light"] == LINES[0], [KEY, "balance", "dti", "revol_util"]]
    wanted = applications[[KEY, "revol_util", *TERMS]].rename(columns={"revol_util": "then"})
    loans = red.merge(wanted, on=KEY, how="left", validate="one_to_one")
    then = loans["then"].to_numpy(dtype=float, na_value=np.nan)
    now = loans["revol_util"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where((then > 0) & ~np.isnan(now), now / then, 1.0)
    probability = loans[KEY].map(risk).astype(float)
    return loans.assign(revol_bal=loans["revol_bal"].astype(float) * moved, **{PROBABILITY: probability})


def _listed(month: Month) -> pd.DataFrame:
    """Return the loans on the list as the work list wants them."""
    changed, known_in = (frame.set_index(KEY) for frame in (month.changes.rows, month.loans))
    listed = month.watchlist
    return listed[[KEY, "light", "since", "reasons", "days_past_due"]].assign(
        exposure=listed["balance"],
        days_past_due_as_of=listed[KEY].map(known_in["known_in"]).astype(object).fillna(""),
        changed=listed[KEY].map(changed["words"]).astype(object).fillna(""),
    )


def _likely(month: Month, risk: pd.Series, least: float) -> pd.DataFrame:
    """Return the green loans that are likely to default all the same: no single sign is strong, all together are."""
    loans = month.loans[month.loans["light"] == "green"]
    likely = loans[loans[KEY].map(risk).astype(float) >= least]
    told = [f"likely to default within 12 months: {100 * chance:.0f}%" for chance in likely[KEY].map(risk)]
    return likely[[KEY, "light", "days_past_due"]].assign(
        since="", exposure=likely["balance"], reasons=told, changed="", days_past_due_as_of=likely["known_in"]
    )


def _gone(month: Month) -> pd.DataFrame:
    """Return the loans that were on the list of the month before and are gone, as they last stood."""
    rows = month.changes.rows
    rows = rows[(rows["change"] == GONE) & rows["before"].isin(LISTED)]
    panel, then = month.panel, month.previous or 0
    places = np.searchsorted(panel.loan_id, rows[KEY])
    days = np.full(len(rows), np.nan) if panel.days_past_due is None else panel.days_past_due[places, then]
    return pd.DataFrame(
        {
            KEY: rows[KEY].to_numpy(), "light": GONE, "since": str(month.month), "days_past_due": days,
            "days_past_due_as_of": str(panel.months[then]), "exposure": panel.balance[places, then],
            "reasons": [f"not delivered; {light} the month before" for light in rows["before"]], "changed": rows["words"].to_numpy(),
        }
    )  # fmt: skip
