"""Probability of default until the last installment: a projection, told only as far as loans of that age were seen."""

import numpy as np
import pandas as pd

from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.hazards import HORIZON, Hazards
from loantap.watchlist.landmarks import Landmarks, months_left

MIN_DEFAULTS = 100  # below, nothing is projected


def lifetime(hazards: Hazards, marks: Landmarks, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return of each live loan the months until its last installment, its probability of default in them and why it is withheld.

    Loans are followed for HORIZON months; beyond, the hazards of the last of them go on, at the months on book the loan will then have.
    That the borrower stays as risky as it looks now is an assumption: who has not defaulted by then has often recovered.

    Args:
        hazards: Fitted.
        marks: k live loans.
        confidence: Of the intervals, which tell how well the hazards are known and nothing of the assumption.

    Returns:
        months, lifetime_pd with lifetime_pd_low and lifetime_pd_high, and withheld: the reason in words, empty where it is told. The
        first four are NaN where it is not.
    """
    left = months_left(marks)
    withheld = np.select(
        [hazards.defaults < MIN_DEFAULTS, np.isnan(left), marks.age + np.nan_to_num(left) > hazards.oldest],
        [
            f"fewer than {MIN_DEFAULTS} defaults were seen",
            "the remaining term is not known",
            f"no loans were seen beyond {hazards.oldest} months on book",
        ],
        "",
    ).astype(object)
    table = pd.DataFrame({"months": left, "lifetime_pd": np.nan, "lifetime_pd_low": np.nan, "lifetime_pd_high": np.nan, "withheld": withheld})  # fmt: skip
    told = np.flatnonzero(withheld == "")
    if len(told):
        months = max(HORIZON, int(left[told].max()))
        found = hazards.probability(marks.only(told), months=months, confidence=confidence)
        table.loc[told, ["lifetime_pd", "lifetime_pd_low", "lifetime_pd_high"]] = found[["pd", "pd_low", "pd_high"]].to_numpy()  # fmt: skip
    table.loc[withheld != "", "months"] = np.nan
    return table
