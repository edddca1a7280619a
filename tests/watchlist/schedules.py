"""The reference that offers are held to: every payment of a loan, month by month, in whole cents."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.model.economics import Economics
from loantap.watchlist.offers import COLUMNS, OFFERS, Offer, in_cents, options
from loantap.watchlist.payments import remaining_months

AS_IT_IS = "as it is"


def cents(amount: Any) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def amortization_schedule(
    balance: Any, rate: Any, months: int, *, installment: Any = None, holiday: int = 0
) -> pd.DataFrame:
    """Return month, payment, interest, principal and balance; every amount is rounded, and the last payment is what is then owed."""
    left, monthly = cents(balance), Decimal(str(rate)) / 1200
    rows = []
    for month in range(1, holiday + 1):
        interest = cents(left * monthly)
        left += interest
        rows.append((month, cents(0), interest, -interest, left))
    if installment is None:
        installment = annuity(left, monthly * 1200, months) if monthly else left / months
    regular = cents(installment)
    for month in range(holiday + 1, holiday + months + 1):
        interest = cents(left * monthly)
        last = month == holiday + months or regular >= left + interest
        principal = left if last else regular - interest
        left -= principal
        rows.append((month, interest + principal, interest, principal, left))
        if last:
            break
    return pd.DataFrame(rows, columns=["month", "payment", "interest", "principal", "balance"])


def schedules(loan: Mapping[str, Any], *, offers: Sequence[Offer] = OFFERS) -> dict[str, pd.DataFrame]:
    """Return the payments to come of a loan: as it is, and by the name of each offer that is made."""
    balance, int_rate, installment = (np.asarray(loan[name], dtype=float) for name in COLUMNS[:3])
    balance = in_cents(balance)
    months = remaining_months(balance, int_rate, installment)
    if np.isnan(months):
        return {}
    found = {AS_IT_IS: amortization_schedule(balance, int_rate, int(months), installment=installment)}
    table = options(pd.DataFrame([dict(loan)]), offers=offers, economics=Economics())
    for offer, computed in zip(offers, table["installment"].notna(), strict=True):
        if computed:
            owed, rate = balance + offer.taken_over(loan["revol_bal"]), offer.new_rate(int_rate)
            found[offer.name] = amortization_schedule(
                owed, rate, int(months) + offer.extra_months, holiday=offer.holiday
            )
    return found
