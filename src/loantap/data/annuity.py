"""The monthly payment that follows from amount, rate and term."""

from typing import Any


def annuity(amount: Any, yearly_rate: Any, months: Any) -> Any:
    """Return the monthly payment A r / (1 - (1 + r)^-n) of a number, an array or a column.

    Args:
        amount: A, in currency.
        yearly_rate: In percent a year; r is a twelfth of its hundredth part.
        months: n.
    """
    rate = yearly_rate / 1200
    return amount * rate / (1 - (1 + rate) ** -months)


def months_of(term: str) -> int:
    """Return the months of a term such as '36 months'."""
    return int(term.split()[0])
