"""What is paid each month until a loan is repaid, to the cent."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity, installments
from loantap.errors import InputError

_CENT = Decimal("0.01")
_REST = 0.1  # of an installment: what is left of a loan on schedule because its installment was rounded is far below


def amortization_schedule(
    balance: Any, yearly_rate_percent: Any, months: int, *, installment: Any = None, holiday: int = 0
) -> pd.DataFrame:
    """Return what is paid each month until nothing is owed.

    A month's interest is a twelfth of the yearly rate on the balance before it. Every amount is rounded half up to
    whole cents, the installment included, and the last payment is whatever is then owed.

    Args:
        balance: What is owed now, in currency.
        yearly_rate_percent: In percent a year; 0 is a rate.
        months: Number of payments.
        installment: Monthly payment, in currency; the annuity of balance, rate and months by default. One that
            repays sooner makes fewer rows.
        holiday: Months without payment before the first one; their interest is added to the balance, so that their
            principal is negative.

    Returns:
        One row per month, `holiday` + `months` or fewer: month (from 1), payment, interest, principal and balance
        (after the payment), the four as Decimal in currency. Payment is interest and principal; principal adds up to
        the balance; the last balance is 0.

    Raises InputError for a balance that is not positive, a rate below 0, numbers of months that are not whole, and an
    installment that does not exceed the interest or does not repay in `months`.
    """
    borrowed = left = _cents(_decimal(balance, "balance"))
    rate = _decimal(yearly_rate_percent, "yearly_rate_percent") / 1200
    if borrowed <= 0:
        raise InputError(f"balance: expected more than 0, got {balance}. A loan that is repaid has no schedule.")
    if rate < 0:
        raise InputError(f"yearly_rate_percent: expected 0 or more, got {yearly_rate_percent}.")
    for name, value, least in (("months", months, 1), ("holiday", holiday, 0)):
        if value != value // 1 or value < least:
            raise InputError(f"{name}: expected a whole number, {least} or more, got {value}.")
    rows: list[tuple[int, Decimal, Decimal, Decimal, Decimal]] = []
    for month in range(1, int(holiday) + 1):
        interest = _cents(left * rate)
        left += interest
        rows.append((month, _cents(Decimal(0)), interest, -interest, left))
    regular = _regular(left, rate, int(months), installment)
    for month in range(int(holiday) + 1, int(holiday + months) + 1):
        interest = _cents(left * rate)
        last = month == holiday + months or regular >= left + interest
        principal = left if last else regular - interest
        left -= principal
        rows.append((month, interest + principal, interest, principal, left))
        if last:
            break
    schedule = pd.DataFrame(rows, columns=["month", "payment", "interest", "principal", "balance"])
    check_schedule(schedule, borrowed)  # none that does not add up leaves this module
    return schedule


def check_schedule(schedule: pd.DataFrame, balance: Any) -> None:
    """Raise InputError if a schedule does not add up to the cent.

    Args:
        schedule: As from `amortization_schedule`.
        balance: What is owed before its first month, in currency.
    """
    owed = _cents(_decimal(balance, "balance"))
    columns = (schedule[name].tolist() for name in ("month", "payment", "interest", "principal", "balance"))
    for month, payment, interest, principal, left in zip(*columns, strict=True):
        if payment != interest + principal:
            raise InputError(f"month {month}: expected a payment of {interest} and {principal}, got {payment}.")
        owed -= principal
        if left != owed:
            raise InputError(f"month {month}: expected a balance of {owed}, got {left}.")
    if owed != 0:
        raise InputError(f"schedule: expected principal that adds up to {balance}, and {owed} is left. Add payments.")


def remaining_months(balance: Any, yearly_rate_percent: Any, installment: Any) -> np.ndarray:
    """Return how many installments repay a balance, the last of them mostly a smaller one.

    Their number, rounded up; a rest below a tenth of an installment is paid with
    the last one. NaN where nothing is owed or the installment does not exceed the interest. The shape is that of the
    arguments.

    Args:
        balance: In currency.
        yearly_rate_percent: In percent a year.
        installment: In currency a month.
    """
    return np.maximum(np.ceil(periods(balance, yearly_rate_percent, installment) - _REST), 1.0)


def periods(balance: Any, yearly_rate_percent: Any, installment: Any) -> np.ndarray:
    """Return how many installments repay a balance, as a number with a fraction; otherwise as `remaining_months`."""
    numbers = (np.asarray(value, dtype=float) for value in (balance, yearly_rate_percent, installment))
    owed, yearly, paid = np.broadcast_arrays(*numbers)
    interest = owed * (yearly / 1200)
    asked = np.floor(interest * 100 + 0.5) / 100  # in whole cents
    return np.where((owed > 0) & (paid > np.maximum(interest, asked)), installments(owed, yearly, paid), np.nan)


def _regular(balance: Decimal, rate: Decimal, months: int, installment: Any) -> Decimal:
    """Return the monthly payment, once it is known to repay."""
    if installment is None:
        regular = _cents(annuity(balance, rate * 1200, months) if rate else balance / months)
    else:
        regular = _cents(_decimal(installment, "installment"))
    interest = _cents(balance * rate)
    if regular <= interest:
        raise InputError(
            f"installment: expected more than the first month's interest of {interest}, got {regular}. "
            "Ask for fewer months or a larger installment."
        )
    needed = remaining_months(float(balance), float(rate) * 1200, float(regular))
    if installment is not None and needed > months:
        raise InputError(
            f"installment: {regular} repays {balance} in {needed:.0f} months, expected at most {months}. "
            "Ask for more months or a larger installment."
        )
    return regular


def _decimal(value: Any, name: str) -> Decimal:
    try:
        found = Decimal(str(value))  # by its digits: 88.85 is meant, not the nearest binary fraction
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise InputError(f"{name}: expected a number, got {value}.")
    return found


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)
