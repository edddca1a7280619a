"""New terms that can be offered for a loan."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Offer:
    """New terms for a loan; each default leaves its part of the terms as it is.

    Attributes:
        extra_months: Installments more than those to come.
        rate_cut: Percentage points off the yearly rate ...
        rate_floor: ... but not below this rate, in percent a year. A lower rate stays. By default a point above what
            `Economics` takes for the cost of funding.
        holiday: Months without payment, before the installments; their interest is added to the balance.
        consolidated: Share of the borrower's revolving balance that the loan takes over, at the loan's rate.
        minimum_payment: What the borrower pays a month on revolving debt, as a share of it: an assumption, since the
            loans hold no such payments. By this much of the balance taken over the debt payments in dti fall.
    """

    extra_months: int = 0
    rate_cut: float = 0.0
    rate_floor: float = 6.0
    holiday: int = 0
    consolidated: float = 0.0
    minimum_payment: float = 0.03

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}: expected 0 or more, got {value}")
        for name in ("consolidated", "minimum_payment"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name}: expected a share within 0 to 1, got {getattr(self, name)}")

    @property
    def name(self) -> str:
        """The new terms in words."""
        parts = {
            f"{self.extra_months} months longer": self.extra_months,
            f"rate {self.rate_cut:g} points lower": self.rate_cut,
            f"no payment for {self.holiday} months": self.holiday,
            f"{self.consolidated:.0%} of the revolving balance taken over": self.consolidated,
        }
        return ", ".join(words for words, value in parts.items() if value) or AS_IT_IS

    def new_rate(self, int_rate: Any) -> Any:
        """Return the offered rate of loans, in percent a year."""
        return np.minimum(int_rate, np.maximum(np.subtract(int_rate, self.rate_cut), self.rate_floor))

    def taken_over(self, revol_bal: Any) -> Any:
        """Return how much of a revolving balance the loan takes over, in whole cents; if none, an unknown one is 0."""
        if not self.consolidated:
            return np.zeros_like(revol_bal, dtype=float)
        return in_cents(np.multiply(self.consolidated, revol_bal))


# The terms are the lender's to choose; these are common ones. A holiday goes with a longer term: over the same number of
# installments the interest of the months without payment would make each of them larger than before.
OFFERS = (
    Offer(extra_months=12),
    Offer(extra_months=24),
    Offer(rate_cut=3.0),
    Offer(extra_months=12, holiday=3),
    Offer(consolidated=0.5),
)


def as_written(offered: pd.DataFrame) -> pd.DataFrame:
    """Return offers as they are written to a file: amounts and rates as texts with two decimals, probabilities with four."""
    numbers = offered.select_dtypes("float").columns
    return offered.assign(
        **{name: [_cell(value, 4 if name == "probability" else 2) for value in offered[name]] for name in numbers}
    )


def _cell(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def in_cents(amount: Any) -> Any:
    """Return amounts rounded half up to whole cents."""
    return np.floor(np.multiply(amount, 100) + 0.5) / 100
