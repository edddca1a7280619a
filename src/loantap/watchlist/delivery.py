"""Whether a month's delivery is complete: held against the month before, before anything is said of it."""

from dataclasses import dataclass

import numpy as np

from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.watchlist.settings import DeliverySettings

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
