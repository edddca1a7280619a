"""Who gains and who pays by an offer, in words: a cost below 0 is a gain of somebody."""

import numpy as np
import pandas as pd

AT_ONCE, NEVER = "as it stands", "would never"


def who_gains(offers: pd.DataFrame) -> list[str]:
    """Return what each offer means for borrower and lender, in whole units of currency; "" where there are no terms.

    Args:
        offers: interest_change and expected_cost, as from `options`, n rows.
    """
    change, cost = (np.rint(offers[name].to_numpy(dtype=float, na_value=np.nan)) for name in ("interest_change", "expected_cost"))  # fmt: skip
    return [_words(*row) if row[0] == row[0] else "" for row in zip(change.tolist(), cost.tolist(), strict=True)]


def pays_for_itself(offers: pd.DataFrame) -> list[str]:
    """Return when each offer pays for itself, in words; "" where it is not known.

    Args:
        offers: break_even, as from `options`: points by which the probability of failing has to fall, infinite for never.
    """
    return [_when(points) for points in offers["break_even"].to_numpy(dtype=float, na_value=np.nan).tolist()]


def _when(points: float) -> str:
    if np.isnan(points) or np.isinf(points):
        return NEVER if points > 0 else ""
    return f"if the probability falls by {max(points, 0.01):.2f} points" if points else AT_ONCE


def _words(change: float, cost: float) -> str:
    borrower, lender = "the borrower pays as much interest as before", "the lender expects neither a gain nor a loss"
    if change:
        borrower = f"the borrower pays {change:,.0f} more interest" if change > 0 else f"the borrower saves {-change:,.0f} of interest"  # fmt: skip
    if np.isnan(cost):
        lender = "what the lender gives up is not known"
    elif cost:
        lender = f"the lender expects to give up {cost:,.0f}" if cost > 0 else f"the lender expects to gain {-cost:,.0f}"  # fmt: skip
    return f"{borrower}, {lender}"
