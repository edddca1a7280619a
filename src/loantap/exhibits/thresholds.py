"""The three thresholds of a model, told together: for its score, for profit, and for what people can look at."""

from collections.abc import Mapping
from typing import Any

from loantap.exhibits.words import percent, show
from loantap.model.evaluation import fbeta_name


def thresholds_told(told: Mapping[str, Any]) -> str:
    """Return where the three thresholds of a model lie; takes what `referred_sentence` takes."""
    for_profit, capacity = told["profit_threshold"], told["capacity_threshold"]
    return (
        f"The threshold for {fbeta_name(told['beta']).upper()} is {show(told['threshold'], 'rate')}, "
        f"the one for profit {_at(for_profit)}, and with room for {percent(told['capacity'])} of the applications it is {_at(capacity)}"
    )


def referred_sentence(told: Mapping[str, Any]) -> str:
    """Return in a sentence what share of all applications a model refers at each of its thresholds.

    Args:
        told: A model's part of `results/model.json`, its card, or the attributes of what `judge` returns.
    """
    shares = told["referred"]
    others = {
        "at the one for profit": "profit_threshold",
        f"with room for {percent(told['capacity'])} of them": "capacity_threshold",
    }
    rest = "; ".join(
        f"{where} ({show(told[name], 'rate')} or more) {show(shares[name], 'rate')}"
        if told[name] <= 1
        else f"{where} nobody"
        for where, name in others.items()
    )
    return (
        f"At the threshold for {fbeta_name(told['beta']).upper()} ({show(told['threshold'], 'rate')} or more) the model refers "
        f"{show(shares['threshold'], 'rate')} of all applications; {rest} (n = {show(told['test']['n'], 'count')} test loans)."
    )


def _at(threshold: float) -> str:
    return show(threshold, "rate") if threshold <= 1 else "out of reach (nobody would be referred)"
