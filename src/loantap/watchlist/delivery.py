"""Whether a month's delivery of snapshots is complete, held against the month before."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.watchlist.settings import DeliverySettings

_LEAST = 10  # loans in arrears in the month before, below which their number may fall by chance
_VALUES = {
    "dti": "debt-to-income", "revol_util": "utilisation", "balance": "the balance", "days_past_due": "days past due",
    "payment": "payments", "inquiries": "inquiries", "status": "the status",
}  # fmt: skip
_UNTOLD = {
    "days_past_due": "days past due; no light is green, and nobody is known to be in arrears or in default",
    "status": "status; loans that were repaid or charged off are told from others by balance and days past due alone",
    "payment": "payments; installments paid in part are seen only when days past due rise",
    "inquiries": "inquiries; that a borrower looks for credit elsewhere is not seen",
}


@dataclass(frozen=True)
class Held:
    """What the snapshots of a month hold."""

    month: str
    loans: int
    balance: float  # sum of what is known
    known: Mapping[str, int]  # loans of which a value is known, by column; columns that nobody tells are absent
    arrears: int  # loans that are a day past due or more


@dataclass(frozen=True)
class Delivery:
    """What was delivered for a month."""

    loans: int
    before: int  # loans of the last month before it that was delivered, 0 without one
    again: int  # loans of both
    problems: tuple[str, ...]  # how the month falls short of the one before, a sentence each
    untold: tuple[str, ...]  # columns that nobody delivered, in words, and what is therefore not told


def held(panel: Panel, t: int) -> Held:
    """Return what a month of a panel holds."""
    here, values = panel.delivered[:, t], {name: getattr(panel, name) for name in _VALUES}
    known = {name: int((~np.isnan(one[here, t])).sum()) for name, one in values.items() if one is not None}
    late = 0 if panel.days_past_due is None else int((panel.days_past_due[:, t] >= 1).sum())
    return Held(str(panel.months[t]), int(here.sum()), float(np.nansum(panel.balance[:, t])), known, late)


def check_delivery(
    now: Held,
    before: Held | None,
    *,
    again: int,
    told: Collection[str],
    settings: DeliverySettings,
    accept_incomplete: bool = False,
    without_arrears: bool = False,
) -> Delivery:
    """Return what was delivered for a month.

    Args:
        now: What the month holds.
        before: The same of the last month before it that was delivered; None where there is none.
        again: Loans of both.
        told: The columns that have a value in some month.
        settings: By how much it may fall short of the month before.
        accept_incomplete: Whether a month that does is accepted.
        without_arrears: Whether to go on where nobody tells days past due.

    Raises InputError for a month that falls short, with the numbers, and where nobody tells days past due, unless that is accepted.
    """
    if "days_past_due" not in told and not without_arrears:
        raise InputError(
            "snapshots: expected days_past_due, found no such column with values. Arrears come before every other sign: export them. "
            "To go on without, add --without-arrears; then no light is green."
        )
    problems = () if before is None else tuple(_short(now, before, again, settings))
    if before is not None and problems and not accept_incomplete:
        lines = "\n  ".join(problems)
        raise InputError(
            f"snapshots of {now.month}: the delivery looks incomplete beside {before.month}:\n  {lines}\n"
            "Export the month again. If it is right as it is, add --accept-incomplete; the page will say so."
        )
    untold = tuple(f"Not delivered: {what}." for name, what in _UNTOLD.items() if name not in told)
    return Delivery(now.loans, before.loans if before else 0, again, problems, untold)


def _short(now: Held, before: Held, again: int, settings: DeliverySettings) -> Iterator[str]:
    """Yield how a month falls short of one before, a sentence each."""

    def compare(words: str, one: float, then: float, share: float) -> Iterator[str]:
        if one < (1 - share) * then:
            less = f"{100 * (1 - one / then):.1f}% less ({100 * share:g}% may be missing)"
            yield f"{words}: {one:,.0f} after {then:,.0f}, {less}"

    yield from compare("loans", now.loans, before.loans, settings.loans)
    yield from compare("loans of the month before", again, before.loans, 2 * settings.loans)
    yield from compare("balance", now.balance, before.balance, settings.balance)
    arrears_known = "days_past_due" in now.known
    for name, words in _VALUES.items():
        if name not in now.known or not now.loans:
            continue
        share, then = now.known[name] / now.loans, before.known[name] / before.loans
        if share < then - settings.known:
            arrears_known &= name != "days_past_due"
            allowed = f"({100 * settings.known:g} points may be missing)"
            yield f"{words}: known of {100 * share:.1f}% of the loans after {100 * then:.1f}% {allowed}"
    if arrears_known and before.arrears >= _LEAST:
        yield from compare("loans in arrears", now.arrears, before.arrears, settings.arrears)
