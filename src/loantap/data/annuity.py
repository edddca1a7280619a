"""Amount, rate, term and monthly payment of a loan: each of them, and what is still owed, follows from the others."""

from typing import Any

import numpy as np


def annuity(amount: Any, yearly_rate: Any, months: Any) -> Any:
    """Return the monthly payment A r / (1 - (1 + r)^-n) of a number, an array or a column.

    Args:
        amount: A, in currency.
        yearly_rate: In percent a year; r is a twelfth of its hundredth part.
        months: n.
    """
    rate = yearly_rate / 1200
    return amount * rate / (1 - (1 + rate) ** -months)


def balance_after(amount: Any, yearly_rate: Any, installment: Any, months: Any) -> np.ndarray:
    """Return what is owed after k installments: A (1 + r)^k - P ((1 + r)^k - 1) / r, below 0 where more was paid.

    Args:
        amount: A, in currency.
        yearly_rate: In percent a year; r is a twelfth of its hundredth part, and may be 0.
        installment: P, in currency a month.
        months: k.
    """
    rate = np.divide(yearly_rate, 1200)
    return amount * (1 + rate) ** months - installment * _grown(rate, months)


def present_value(yearly_rate: float, installment: Any, months: Any) -> np.ndarray:
    """Return the value today of k installments P, the first one due in a month: P (1 - (1 + r)^-k) / r.

    Args:
        yearly_rate: At which payments are discounted, in percent a year; r is a twelfth of its hundredth part, and may be 0.
        installment: P, in currency a month.
        months: k.
    """
    rate = np.divide(yearly_rate, 1200)
    return installment * _grown(rate, months) / (1 + rate) ** months


def installments(amount: Any, yearly_rate: Any, installment: Any) -> np.ndarray:
    """Return how many installments repay an amount: -log(1 - A r / P) / log(1 + r), A / P at a rate of 0.

    NaN or infinite where the installment does not exceed the interest.

    Args:
        amount: A, in currency.
        yearly_rate: In percent a year; r is a twelfth of its hundredth part, and may be 0.
        installment: P, in currency a month.
    """
    rate = np.divide(yearly_rate, 1200)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            rate == 0, np.divide(amount, installment), -np.log1p(-amount * rate / installment) / np.log1p(rate)
        )


def _grown(rate: Any, months: Any) -> np.ndarray:
    """Return what payments of 1 a month have grown to with the last of them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(rate == 0, months, ((1 + rate) ** months - 1) / rate)


def months_of(term: str) -> int:
    """Return the months of a term such as '36 months'."""
    return int(term.split()[0])
