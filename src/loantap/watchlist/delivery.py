"""Whether a month's delivery is complete: held against the month before, before anything is said of it."""

from dataclasses import dataclass

import numpy as np

from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.watchlist.settings import DeliverySettings

LEAST = 10  # loans in arrears in the month before, below which their number may fall by chance
_VALUES = {
    "dti": "debt-to-income",
    "revol_util": "utilisation",
    "balance": "the balance",
    "days_past_due": "days past due",
    "payment": "payments",
    "inquiries": "inquiries",
    "status": "the status",
}


@dataclass(frozen=True)
class Delivery:
    """What was delivered for a month.

    Attributes:
        loans: Loans of the month.
        before: Loans of the last month before it that was delivered; 0 where there is none.
        again: Loans of both.
        problems: How the month falls short of the one before, a sentence each.
        untold: Columns that nobody delivered, in words, and what is therefore not told.
    """

    loans: int
    before: int
    again: int
    problems: tuple[str, ...]
    untold: tuple[str, ...]


def check_delivery(
    panel: Panel, t: int, *, settings: DeliverySettings, accept_incomplete: bool = False, without_arrears: bool = False
) -> Delivery:
    """Return what was delivered for a month.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month.
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
    earlier = np.flatnonzero(panel.delivered[:, :t].any(axis=0))
    before = int(earlier[-1]) if len(earlier) else None
    problems = () if before is None else tuple(_short(panel, before, t, settings))
    if problems and not accept_incomplete:
        raise InputError(
            f"snapshots of {panel.months[t]}: the delivery looks incomplete beside {panel.months[before]}:\n  "
            + "\n  ".join(problems)
            + "\nExport the month again. If it is right as it is, add --accept-incomplete; the page will say so."
        )
    here = panel.delivered[:, t]
    there = np.zeros_like(here) if before is None else panel.delivered[:, before]
    return Delivery(int(here.sum()), int(there.sum()), int((here & there).sum()), problems, tuple(_untold(panel)))


def _short(panel: Panel, before: int, t: int, settings: DeliverySettings) -> list[str]:
    here, there = (panel.delivered[:, month] for month in (t, before))
    found = []
    for words, now, then, share in (
        ("loans", here.sum(), there.sum(), settings.loans),
        ("loans of the month before", (here & there).sum(), there.sum(), 2 * settings.loans),
        ("balance", np.nansum(panel.balance[:, t]), np.nansum(panel.balance[:, before]), settings.balance),
    ):
        if now < (1 - share) * then:
            found.append(
                f"{words}: {now:,.0f} after {then:,.0f}, {_fall(now, then)} less ({100 * share:g}% may be missing)"
            )
    for name, words in _VALUES.items():
        values = getattr(panel, name)
        if values is None or not here.any():
            continue
        now, then = ((~np.isnan(values[one, month])).mean() for one, month in ((here, t), (there, before)))
        if now < then - settings.known:
            found.append(
                f"{words}: known of {100 * now:.1f}% of the loans after {100 * then:.1f}% ({100 * settings.known:g} points may be missing)"
            )
    if panel.days_past_due is not None and not any(one.startswith(_VALUES["days_past_due"]) for one in found):
        now, then = (int((panel.days_past_due[:, month] >= 1).sum()) for month in (t, before))
        if then >= LEAST and now < (1 - settings.arrears) * then:
            found.append(
                f"loans in arrears: {now:,} after {then:,}, {_fall(now, then)} less ({100 * settings.arrears:g}% may be missing)"
            )
    return found


def _fall(now: float, then: float) -> str:
    return f"{100 * (1 - now / then):.1f}%"


def _untold(panel: Panel) -> list[str]:
    """Return what nobody delivers, and what is not told without it."""
    cases = {
        "days past due": (panel.days_past_due, "no light is green, and nobody is known to be in arrears or in default"),
        "status": (
            panel.status,
            "loans that were repaid or charged off are told from others by balance and days past due alone",
        ),
        "payments": (panel.payment, "installments paid in part are seen only when days past due rise"),
        "inquiries": (panel.inquiries, "that a borrower looks for credit elsewhere is not seen"),
    }
    return [f"Not delivered: {name}; {what}." for name, (values, what) in cases.items() if values is None]
