"""The three thresholds of a model, told together: for its score, for profit, and for what people can look at."""

from collections.abc import Mapping
from typing import Any

from loantap.exhibits.words import listed, percent, show
from loantap.model.evaluation import fbeta_name


def thresholds_told(told: Mapping[str, Any]) -> str:
    """Return where the three thresholds of a model lie; takes what `referred_sentence` takes."""
    for_profit, capacity = told["profit_threshold"], told["capacity_threshold"]
    return (
        f"Thresholds: {show(told['threshold'], 'rate')} for {fbeta_name(told['beta']).upper()}, {_at(for_profit)} for profit, and "
        f"{_at(capacity)} for a capacity of {percent(told['capacity'])} of applications"
    )


def referred_sentence(told: Mapping[str, Any]) -> str:
    """Return in a sentence what share of all applications a model refers at each of its thresholds.

    Args:
        told: A model's part of `results/model.json`, its card, or the attributes of what `judge` returns.
    """
    shares = told["referred"]
    where = {
        "threshold": f"the {fbeta_name(told['beta']).upper()} threshold",
        "profit_threshold": "the profit threshold",
        "capacity_threshold": f"the threshold for a capacity of {percent(told['capacity'])}",
    }
    parts = [
        f"{show(shares[name], 'rate')} at {words} ({show(told[name], 'rate')})"
        if told[name] <= 1
        else f"none at {words}"
        for name, words in where.items()
    ]
    return f"Of all applications the model refers {listed(parts)}; n = {show(told['test']['n'], 'count')} test loans."


def _at(threshold: float) -> str:
    return show(threshold, "rate") if threshold <= 1 else "none"
