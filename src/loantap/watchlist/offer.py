"""New terms that can be offered for a loan, and who gains by them, in words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

AT_ONCE, NEVER = "as it stands", "would never"  # an offer pays for itself
# Percent a year below which no rate is cut; a lower rate stays. A point above what `Economics` takes for the cost of funding.
RATE_FLOOR = 6.0
# What a borrower pays a month on revolving debt, as a share of it: an assumption, since the loans hold no such payments.
MINIMUM_PAYMENT = 0.03


@dataclass(frozen=True)
class Offer:
    """New terms for a loan; each default leaves its part of the terms as it is.

    Attributes:
        extra_months: Installments more than those to come.
        rate_cut: Percentage points off the yearly rate, but not below RATE_FLOOR.
        holiday: Months without payment, before the installments; their interest is added to the balance.
        consolidated: Share of the borrower's revolving balance that the loan takes over, at the loan's rate.
    """

    extra_months: int = 0
    rate_cut: float = 0.0
    holiday: int = 0
    consolidated: float = 0.0

    @property
    def name(self) -> str:
        """The new terms in words."""
        parts = {
            f"{self.extra_months} months longer": self.extra_months,
            f"rate {self.rate_cut:g} points lower": self.rate_cut,
            f"no payment for {self.holiday} months": self.holiday,
            f"{self.consolidated:.0%} of the revolving balance taken over": self.consolidated,
        }
        return ", ".join(words for words, value in parts.items() if value)

    def new_rate(self, int_rate: Any) -> Any:
        """Return the offered rate of loans, in percent a year."""
        return np.minimum(int_rate, np.maximum(np.subtract(int_rate, self.rate_cut), RATE_FLOOR))

    def taken_over(self, revol_bal: Any) -> Any:
        """Return how much of a revolving balance the loan takes over, in whole cents; if none, an unknown one is 0."""
        return in_cents(np.multiply(self.consolidated, revol_bal)) if self.consolidated else np.zeros_like(revol_bal)


# The terms are the lender's to choose; these are common ones. A holiday goes with a longer term: over the same number of
# installments the interest of the months without payment would make each of them larger than before.
OFFERS = (
    Offer(extra_months=12),
    Offer(extra_months=24),
    Offer(rate_cut=3.0),
    Offer(extra_months=12, holiday=3),
    Offer(consolidated=0.5),
)


def in_cents(amount: Any) -> Any:
    """Return amounts rounded half up to whole cents."""
    return np.floor(np.multiply(amount, 100) + 0.5) / 100


def who_gains(offers: pd.DataFrame) -> list[str]:
    """Return what the interest_change and expected_cost of offers mean for borrower and lender; "" where there are no terms."""
    change, cost = (np.rint(offers[name].to_numpy(dtype=float)).tolist() for name in ("interest_change", "expected_cost"))  # fmt: skip
    return [_words(*row) if row[0] == row[0] else "" for row in zip(change, cost, strict=True)]


def pays_for_itself(break_even: float) -> str:
    """Return when an offer pays for itself, in words; "" where it is not known.

    Args:
        break_even: Points by which the probability of failing has to fall, infinite for never.
    """
    if np.isnan(break_even) or np.isinf(break_even):
        return NEVER if break_even > 0 else ""
    return f"if the probability falls by {max(break_even, 0.01):.2f} points" if break_even else AT_ONCE


def _words(change: float, cost: float) -> str:
    borrower, lender = "the borrower pays as much interest as before", "the lender expects neither a gain nor a loss"
    if change:
        borrower = f"the borrower pays {change:,.0f} more interest" if change > 0 else f"the borrower saves {-change:,.0f} of interest"  # fmt: skip
    if np.isnan(cost):
        lender = "what the lender gives up is not known"
    elif cost:
        lender = f"the lender expects to give up {cost:,.0f}" if cost > 0 else f"the lender expects to gain {-cost:,.0f}"  # fmt: skip
    return f"{borrower}, {lender}"
