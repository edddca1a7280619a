"""One month of live loans: whether its delivery is complete, the line of each, the watchlist, and what has changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.columns import KEY
from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.watchlist.model_update import Probabilities
from loantap.watchlist.settings import DeliverySettings, Settings
from loantap.watchlist.signals import stand
from loantap.watchlist.standing import Standing
from loantap.watchlist.watchlist import ACTIONS, LINES, LIVE, Changes, assess, changes, watchlist

LEAST = 10  # loans in arrears in the month before, below which their number may fall by chance
_VALUES = {
    "dti": "debt-to-income", "revol_util": "utilisation", "balance": "the balance", "days_past_due": "days past due", "payment": "payments",
    "inquiries": "inquiries", "status": "the status",
}  # fmt: skip
_UNTOLD = {
    "days_past_due": "days past due; no light is green, and nobody is known to be in arrears or in default",
    "status": "status; loans that were repaid or charged off are told from others by balance and days past due alone",
    "payment": "payments; installments paid in part are seen only when days past due rise",
    "inquiries": "inquiries; that a borrower looks for credit elsewhere is not seen",
}
_Ask = Callable[[Panel, Sequence[int]], Probabilities]


@dataclass(frozen=True)
class Delivery:
    """What was delivered for a month: its loans, those of the last month before it that was delivered (0 without one), and those of both.

    Attributes:
        problems: How the month falls short of the one before, a sentence each.
        untold: Columns that nobody delivered, in words, and what is therefore not told.
    """

    loans: int
    before: int
    again: int
    problems: tuple[str, ...]
    untold: tuple[str, ...]


@dataclass(frozen=True)
class Month:
    """What early warning says of a month.

    Attributes:
        panel: The snapshots up to the month.
        where: Where its loans stand.
        month: Which, datetime64[M].
        delivery: What was delivered, and how it falls short.
        lights: One row per line of the delivery: light, loans, share (of the loans delivered), balance (currency), action.
        loans: Every loan delivered with its line, as from `watchlist.assess`.
        before: The same of the last month before it that was delivered, without reasons; empty where there is none.
        previous: The position of that month, None where there is none.
        watchlist: The loans to look at, with `since`: the month from which on they have their light without a break.
        changes: What has changed since the month before.
        at_application: Probability of default of each loan of the panel by its application, shape (n,).
        unknown: Live loans without an application or with a value missing, whose probability of default is not known.
    """

    panel: Panel
    where: Standing
    month: np.datetime64
    delivery: Delivery
    lights: pd.DataFrame
    loans: pd.DataFrame
    before: pd.DataFrame
    previous: int | None
    watchlist: pd.DataFrame
    changes: Changes
    at_application: np.ndarray
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


def watch_month(
    panel: Panel,
    position: int,
    *,
    probabilities: _Ask,
    applications: pd.DataFrame,
    settings: Settings,
    accept_incomplete: bool = False,
    without_arrears: bool = False,
) -> Month:
    """Return what early warning says of a month; it depends on nothing after it and on nothing said before.

    Args:
        panel: Snapshots of n loans.
        position: Position of the month.
        probabilities: Returns the model's probabilities of a panel at some of its months.
        applications: loan_id and installment of the loans.
        settings: Thresholds and points.
        accept_incomplete: Whether a month that falls short of the one before is accepted.
        without_arrears: Whether to go on where nobody tells days past due.

    Raises InputError for a month that `check_delivery` refuses.
    """
    panel = panel.until(panel.months[position])
    # A month that all lack says nothing of anybody.
    previous = max(np.flatnonzero(panel.delivered[:, :position].any(axis=0)).tolist(), default=None)
    accepted = {"accept_incomplete": accept_incomplete, "without_arrears": without_arrears}
    delivery = check_delivery(panel, position, previous, settings=settings.delivery, **accepted)
    terms, where = applications.drop_duplicates(KEY).set_index(KEY)["installment"], stand(panel, settings=settings)
    months = [one for one in (previous, position) if one is not None]
    lines = _Lines(panel, months, probabilities, terms, settings, where)
    after = lines.assess(position)
    before = after.iloc[:0] if previous is None else lines.assess(previous, with_reasons=False)
    listed, changed = watchlist(after), changes(before, after)
    if before.empty:
        words = f"there is no snapshot of the month before, so all {len(listed):,} on the list count as new"
        changed = replace(changed, words=words)
    rows = np.searchsorted(panel.loan_id, listed["loan_id"])
    since = _since(panel.only(rows), where.only(rows), listed["light"].to_numpy(), probabilities, terms, settings)
    return Month(
        panel=panel,
        where=where,
        month=panel.months[position],
        delivery=delivery,
        lights=_lines(after),
        loans=after,
        before=before,
        previous=previous,
        watchlist=listed.assign(since=since),
        changes=changed,
        at_application=lines.known.at_application,
        unknown=int(after.loc[after["light"].isin(LIVE), "probability"].isna().sum()),
    )


class _Lines:
    """The line of each loan of a panel at some of its months."""

    def __init__(
        self, panel: Panel, months: Sequence[int], ask: _Ask, terms: pd.Series, settings: Settings, where: Standing
    ) -> None:
        self._panel, self._months, self.known = panel, list(months), ask(panel, months)
        installment = terms.reindex(panel.loan_id).to_numpy(dtype=float, na_value=np.nan)
        self._how: dict[str, Any] = {"settings": settings, "where": where, "installment": installment}

    def assess(self, t: int, *, with_reasons: bool = True) -> pd.DataFrame:
        """Return the loans delivered at a month with their lines."""
        then, now = self.known.at_application, self.known.now[:, self._months.index(t)]
        return assess(
            self._panel, t, probability_then=then, probability_now=now, with_reasons=with_reasons, **self._how
        )


def _nothing_known(panel: Panel, months: Sequence[int]) -> Probabilities:
    """Return the probabilities of loans none of which has an application."""
    unknown = np.full((len(panel.loan_id), len(months)), np.nan)
    return Probabilities(np.full(len(unknown), np.nan), unknown)


def _since(
    panel: Panel, where: Standing, light: np.ndarray, ask: _Ask, terms: pd.Series, settings: Settings
) -> np.ndarray:
    """Return the month from which on each loan has its light without a break, as text, shape (n,)."""
    end, span = len(panel.months) - 1, 2
    first, rows = np.full(len(light), end), np.arange(len(light))
    while len(rows) and end > 0:  # the longer ago, the fewer loans are left
        months = range(max(end - span, 0), end)
        part, unbroken = panel.only(rows), np.ones(len(rows), dtype=bool)
        asked = ask if terms.index.isin(part.loan_id).any() else _nothing_known
        lines = _Lines(part, months, asked, terms, settings, where.only(rows))
        for t in reversed(months):
            then = lines.assess(t, with_reasons=False)["light"].reindex(range(len(rows))).to_numpy()
            unbroken &= then == light[rows]
            first[rows[unbroken]] = t
        rows, end, span = rows[unbroken], months[0], 2 * span
    return np.datetime_as_string(panel.months)[first]


def _lines(loans: pd.DataFrame) -> pd.DataFrame:
    grouped = loans.groupby("light")["balance"].agg(["size", "sum"]).reindex(LINES).fillna(0)
    counted = {"loans": grouped["size"].astype(int), "share": grouped["size"] / max(len(loans), 1)}
    return pd.DataFrame({**counted, "balance": grouped["sum"], "action": pd.Series(ACTIONS)}).reset_index(names="light")


def check_delivery(
    panel: Panel, t: int, before: int | None, *, settings: DeliverySettings, accept_incomplete: bool = False, without_arrears: bool = False
) -> Delivery:  # fmt: skip
    """Return what was delivered for a month.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month.
        before: Position of the last month before it that was delivered; None where there is none.
        settings: By how much it may fall short of the month before.
        accept_incomplete: Whether a month that does is accepted.
        without_arrears: Whether to go on where nobody tells days past due.

    Raises InputError for a month that falls short, with the numbers, and where nobody tells days past due, unless that is accepted.
    """
    if panel.days_past_due is None and not without_arrears:
        raise InputError(
            "snapshots: expected days_past_due, found no such column with values. Arrears come before every other sign: export them. "
            "To go on without, add --without-arrears; then no light is green."
        )
    problems = () if before is None else tuple(_short(panel, before, t, settings))
    if problems and not accept_incomplete:
        raise InputError(
            f"snapshots of {panel.months[t]}: the delivery looks incomplete beside {panel.months[before]}:\n  "
            + "\n  ".join(problems)
            + "\nExport the month again. If it is right as it is, add --accept-incomplete; the page will say so."
        )
    here = panel.delivered[:, t]
    there = np.zeros_like(here) if before is None else panel.delivered[:, before]
    untold = tuple(f"Not delivered: {what}." for name, what in _UNTOLD.items() if getattr(panel, name) is None)
    return Delivery(int(here.sum()), int(there.sum()), int((here & there).sum()), problems, untold)


def _short(panel: Panel, before: int, t: int, settings: DeliverySettings) -> list[str]:
    """Return how a month falls short of one before, a sentence each."""
    here, there = (panel.delivered[:, month] for month in (t, before))
    found = []

    def compare(words: str, now: float, then: float, share: float) -> None:
        if now < (1 - share) * then:
            fall = f"{100 * (1 - now / then):.1f}%"
            found.append(f"{words}: {now:,.0f} after {then:,.0f}, {fall} less ({100 * share:g}% may be missing)")

    compare("loans", here.sum(), there.sum(), settings.loans)
    compare("loans of the month before", (here & there).sum(), there.sum(), 2 * settings.loans)
    compare("balance", np.nansum(panel.balance[:, t]), np.nansum(panel.balance[:, before]), settings.balance)
    arrears_known = panel.days_past_due is not None
    for name, words in _VALUES.items():
        values = getattr(panel, name)
        if values is None or not here.any():
            continue
        now, then = ((~np.isnan(values[one, month])).mean() for one, month in ((here, t), (there, before)))
        if now < then - settings.known:
            arrears_known &= name != "days_past_due"
            found.append(
                f"{words}: known of {100 * now:.1f}% of the loans after {100 * then:.1f}% ({100 * settings.known:g} points may be missing)"
            )
    if panel.days_past_due is not None and arrears_known:
        now, then = (int((panel.days_past_due[:, month] >= 1).sum()) for month in (t, before))
        if then >= LEAST:
            compare("loans in arrears", now, then, settings.arrears)
    return found
