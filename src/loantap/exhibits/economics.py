"""The assumptions behind profit and the thresholds of a model in words, and money rounded to what its interval bears."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.words import listed, percent, show
from loantap.model.economics import ASSUMPTIONS, Economics
from loantap.model.evaluation import fbeta_name

_DIGITS = 3  # of half the width of an interval: finer figures would feign a precision that is not there


def told(economics: Economics) -> str:
    """Return the assumptions as the clauses of a sentence."""
    early = "nobody repays early"
    if economics.settled_after != 1:
        early = f"a repaid loan is settled after {percent(economics.settled_after)} of its term"
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
        {"name": one.name, "label": one.label, "meaning": one.meaning, "low": one.low, "default": getattr(economics, one.name),
         "high": one.high, "checked": one.checked, "source": one.source if one.checked else f"judgement: {one.source}"}
        for one in ASSUMPTIONS
    )  # fmt: skip


def thresholds_told(model: Mapping[str, Any]) -> str:
    """Return where the three thresholds of a model lie; takes what `referred_sentence` takes."""
    others = (model[name] for name in ("profit_threshold", "capacity_threshold"))
    profit, capacity = (show(threshold, "rate") if threshold <= 1 else "none" for threshold in others)
    return (
        f"Thresholds: {show(model['threshold'], 'rate')} for {fbeta_name(model['beta']).upper()}, {profit} for profit, and "
        f"{capacity} for a capacity of {percent(model['capacity'])} of applications"
    )


def referred_sentence(model: Mapping[str, Any]) -> str:
    """Return in a sentence what share of all applications a model refers at its thresholds, from its results, card or what `evaluate_model` returns."""
    shares = model["referred"]
    where = {
        "threshold": f"the {fbeta_name(model['beta']).upper()} threshold",
        "profit_threshold": "the profit threshold",
        "capacity_threshold": f"the threshold for a capacity of {percent(model['capacity'])}",
    }
    parts = [
        f"{show(shares[name], 'rate')} at {words} ({show(model[name], 'rate')})" if model[name] <= 1 else f"none at {words}"
        for name, words in where.items()
    ]  # fmt: skip
    return f"Of all applications the model refers {listed(parts)}; n = {show(model['test']['n'], 'count')} test loans."
