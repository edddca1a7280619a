"""One month of live loans: the line of each, the watchlist, what has changed, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from loantap.data.columns import KEY
from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.model.persistence import SavedModel
from loantap.watchlist.delivery import Delivery, check_delivery, held
from loantap.watchlist.hazards import fit_hazards, why_not
from loantap.watchlist.landmarks import borrowers, landmarks
from loantap.watchlist.last_worklist import LastList, Outcomes, outcomes
from loantap.watchlist.lights import ACTIONS, LINES, LIVE, Changes, assess, changes, watchlist
from loantap.watchlist.live import Live
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import Probabilities, probabilities
from loantap.watchlist.standing import Standing, standing
from loantap.watchlist.worklist import Acting, act, carried

_Ask = Callable[[Panel, Sequence[int]], Probabilities]


@dataclass(frozen=True)
class Month:
    """What early warning says of a month."""

    panel: Panel  # the snapshots up to the month
    standing: Standing  # where its loans stand
    month: np.datetime64  # which, datetime64[M]
    delivery: Delivery  # what was delivered, and how it falls short
    lights: (
        pd.DataFrame
    )  # by line of the delivery: light, loans, share (of those delivered), balance (currency), action
    loans: pd.DataFrame  # every loan delivered with its line, as from `lights.assess`
    before: pd.DataFrame  # the same of the last month before it that was delivered, without reasons; empty without one
    previous: int | None  # the position of that month
    watchlist: pd.DataFrame  # the loans to look at, with `since`: the month from which on they have had their light
    changes: Changes  # since the month before
    at_application: np.ndarray  # probability of default of each loan of the panel by its application, shape (n,)
    unknown: int  # live loans without an application or with a value missing: no known probability of default


def find_month(panel: Panel, month: np.datetime64 | None) -> int:
    """Return the position of a month, of the last one for None; raises InputError for one that the panel lacks."""
    if month is None:
        return len(panel.months) - 1
    places = np.flatnonzero(panel.months == month.astype("datetime64[M]"))
    if len(places) == 0:
        raise InputError(
            f"month {month}: expected one of the snapshots' months, {panel.months[0]} to {panel.months[-1]}. Name one of them."
        )
    return int(places[0])


def watch_month(
    panel: Panel,
    position: int,
    *,
    probabilities: _Ask,
    applications: pd.DataFrame,
    settings: Settings,
    **accepted: bool,
) -> Month:
    """Return what early warning says of a month; it depends on nothing after it and on nothing said before.

    Args:
        panel: Snapshots of n loans.
        position: Position of the month.
        probabilities: Returns the model's probabilities of a panel at some of its months.
        applications: loan_id and installment of the loans.
        settings: Thresholds and points.
        accepted: accept_incomplete and without_arrears, as in `delivery.check_delivery`.

    Raises InputError for a month that `check_delivery` refuses.
    """
    panel = panel.until(panel.months[position])
    # A month that all lack says nothing of anybody.
    previous = max(np.flatnonzero(panel.delivered[:, :position].any(axis=0)).tolist(), default=None)
    both = panel.delivered[:, [position, position if previous is None else previous]].all(axis=1)
    delivery = check_delivery(
        held(panel, position), None if previous is None else held(panel, previous), again=0 if previous is None else int(both.sum()),
        told=[name for name, _ in panel.matrices()], settings=settings.delivery, **accepted,
    )  # fmt: skip
    terms, stands = applications.drop_duplicates(KEY).set_index(KEY)["installment"], standing(panel, settings=settings)
    months = [one for one in (previous, position) if one is not None]
    known, lines = _lines(panel, months, probabilities, terms, settings, stands)
    after = lines(position)
    before = after.iloc[:0] if previous is None else lines(previous, with_reasons=False)
    listed, changed = watchlist(after), changes(before, after)
    if before.empty:
        words = f"there is no snapshot of the month before, so all {len(listed):,} on the list count as new"
        changed = replace(changed, words=words)
    rows = np.searchsorted(panel.loan_id, listed["loan_id"])
    since = _since(panel.only(rows), stands.only(rows), listed["light"].to_numpy(), probabilities, terms, settings)
    unknown = int(after.loc[after["light"].isin(LIVE), "probability"].isna().sum())
    return Month(
        panel, stands, panel.months[position], delivery, _by_line(after), after, before, previous, listed.assign(since=since),
        changed, known.at_application, unknown,
    )  # fmt: skip


def _lines(
    panel: Panel, months: Sequence[int], ask: _Ask, terms: pd.Series, settings: Settings, stands: Standing
) -> tuple[Probabilities, Callable[..., pd.DataFrame]]:
    """Return the probabilities of a panel's loans at some months, and what returns the lines of those delivered at one."""
    known, installment = ask(panel, months), terms.reindex(panel.loan_id).to_numpy(dtype=float, na_value=np.nan)

    def lines(t: int, *, with_reasons: bool = True) -> pd.DataFrame:
        return assess(
            panel, t, settings=settings, stands=stands, with_reasons=with_reasons, installment=installment,
            probability_then=known.at_application, probability_now=known.now[:, list(months).index(t)],
        )  # fmt: skip

    return known, lines


def _nothing_known(panel: Panel, months: Sequence[int]) -> Probabilities:
    """Return the probabilities of loans none of which has an application."""
    unknown = np.full((len(panel.loan_id), len(months)), np.nan)
    return Probabilities(np.full(len(unknown), np.nan), unknown)


def _since(
    panel: Panel, stands: Standing, light: np.ndarray, ask: _Ask, terms: pd.Series, settings: Settings
) -> np.ndarray:
    """Return the month from which on each loan has its light without a break, as text, shape (n,)."""
    end, span = len(panel.months) - 1, 2
    first, rows = np.full(len(light), end), np.arange(len(light))
    while len(rows) and end > 0:  # the longer ago, the fewer loans are left
        months = range(max(end - span, 0), end)
        part, unbroken = panel.only(rows), np.ones(len(rows), dtype=bool)
        asked = ask if terms.index.isin(part.loan_id).any() else _nothing_known
        _, lines = _lines(part, months, asked, terms, settings, stands.only(rows))
        for t in reversed(months):
            unbroken &= lines(t, with_reasons=False)["light"].reindex(range(len(rows))).to_numpy() == light[rows]
            first[rows[unbroken]] = t
        rows, end, span = rows[unbroken], months[0], 2 * span
    return np.datetime_as_string(panel.months)[first]


def _by_line(loans: pd.DataFrame) -> pd.DataFrame:
    grouped = loans.groupby("light")["balance"].agg(["size", "sum"]).reindex(LINES).fillna(0)
    counted = {"loans": grouped["size"].astype(int), "share": grouped["size"] / max(len(loans), 1)}
    return pd.DataFrame({**counted, "balance": grouped["sum"], "action": pd.Series(ACTIONS)}).reset_index(names="light")


@dataclass(frozen=True)
class Watch:
    """What early warning says of a month, and what to do."""

    month: Month
    acting: Acting
    no_risk: str  # why the probability of default within 12 months is not known, or ""
    became: Outcomes | None  # what became of the loans of the last work list, None where none was given
    notes: tuple[str, ...] = ()  # what is to be said of the last work list


def watch(
    live: Live,
    model: SavedModel,
    *,
    as_of: np.datetime64 | None,
    settings: Settings,
    economics: Economics,
    last: LastList | None = None,
    today: date | None = None,
    **accepted: bool,
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
        accepted: As in `watch_month`, which raises InputError.
    """
    ask, position = (
        partial(probabilities, model, live.applications, carry=settings.carry),
        find_month(live.panel, as_of),
    )
    month = watch_month(
        live.panel, position, probabilities=ask, applications=live.applications, settings=settings, **accepted
    )
    no_risk, risk = why_not(month.panel, month.standing), pd.Series(dtype=float)
    if not no_risk:
        known = borrowers(month.panel, live.applications, probability=month.at_application, issued=live.issued)
        hazards = fit_hazards(month.panel, month.standing, known)
        marks = landmarks(month.panel, month.standing, known, [len(month.panel.months) - 1])
        risk = hazards.probability(marks)["pd"].set_axis(month.panel.loan_id[marks.row])
    acting = act(month, applications=live.applications, risk=risk, economics=economics, saved=settings.acting)
    if last is None:
        return Watch(month, acting, no_risk, None)
    became = outcomes(last.rows, month.loans[[KEY, "light"]], today=today or date.today())
    acting = replace(acting, worklist=carried(acting.worklist, last.rows))
    return Watch(month, acting, no_risk, became, (*last.notes, *became.notes))
