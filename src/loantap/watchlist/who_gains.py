"""Who gains and who pays by an offer, in words: a cost below 0 is a gain of somebody."""

import numpy as np
import pandas as pd


def who_gains(offers: pd.DataFrame) -> list[str]:
    """Return what each offer means for borrower and lender, in whole units of currency; "" where it is not known.

    Args:
        offers: interest_change and cost, as from `options`, n rows.
    """
    change, cost = (np.rint(offers[name].to_numpy(dtype=float)) for name in ("interest_change", "cost"))
    rows = zip(change.tolist(), cost.tolist(), np.isnan(change + cost).tolist(), strict=True)
    return ["" if unknown else _words(int(more), int(given)) for more, given, unknown in rows]


def _words(change: int, cost: int) -> str:
    borrower, lender = "the borrower pays as much interest as before", "the lender neither gains nor gives up anything"
    if change:
        borrower = f"the borrower pays {change:,} more interest" if change > 0 else f"the borrower saves {-change:,} of interest"  # fmt: skip
    if cost:
        lender = f"the lender gives up {cost:,}" if cost > 0 else f"the lender gains {-cost:,}"
    return f"{borrower}, {lender}"
