"""The assumptions behind profit in words, and money rounded to what its interval bears."""

import math

import pandas as pd

from loantap.exhibits.words import percent, show
from loantap.model.economics import ASSUMPTIONS, Economics

_DIGITS = 3  # of half the width of an interval: finer figures would feign a precision that is not there


def told(economics: Economics) -> str:
    """Return the assumptions as the clauses of a sentence."""
    early = (
        "nobody repays early"
        if economics.settled_after == 1
        else f"a repaid loan is settled after {percent(economics.settled_after)} of its term"
    )
    return (
        f"a default comes after {percent(economics.default_after)} of the installments and loses "
        f"{percent(economics.loss_given_default)} of the balance outstanding then, {early}, and money costs "
        f"{percent(economics.funding_cost)} a year"
    )


def rounded(amount: float, low: float, high: float) -> str:
    """Return an amount of money in no finer figures than its interval, or its range, bears: 47,255 in -100,771 to 195,281 is 47,000."""
    half = abs(high - low) / 2
    unit = 10.0 ** max(math.floor(math.log10(half)) + 1 - _DIGITS, 0) if half > 0 and math.isfinite(half) else 1.0
    return show(unit * round(amount / unit), "money")


def rounded_range(low: float, high: float) -> str:
    """Return the ends of an interval of money, rounded alike."""
    return f"{rounded(low, low, high)} to {rounded(high, low, high)}"


def assumption_table(economics: Economics) -> pd.DataFrame:
    """Return the assumptions as rows: name, label, meaning, low, default (as assumed here), high, checked and source, in words."""
    return pd.DataFrame(
        {
            **one.model_dump(include={"name", "label", "meaning", "low"}),
            "default": getattr(economics, one.name),
            **one.model_dump(include={"high", "checked"}),
            "source": one.source if one.checked else f"judgement: {one.source}",
        }
        for one in ASSUMPTIONS
    )
