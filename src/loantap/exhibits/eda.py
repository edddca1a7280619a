"""Sentences of the exploratory analysis, made from finished numbers: an effect, its interval and n."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.comparisons import Contrast
from loantap.exhibits.exhibit import Finding
from loantap.exhibits.words import interval, show


def points(value: float) -> str:
    """Return a difference of two rates in percentage points, with a true minus sign."""
    return f"{100 * value:.1f}".replace("-", "−")


def contrast_finding(
    name: str, found: Contrast | None, *, phrase: str, other: str, confidence: float = 0.95
) -> Finding:
    """Say how two levels of a driver differ.

    Args:
        name: The finding's id.
        found: The two levels, or None where there were no two.
        phrase: The loans of a level in words, with {} for the level: 'loans over {} months'.
        other: The same for the second level named: 'those over {}'.
        confidence: Of the interval.
    """
    if found is None:
        text = f"There are no two levels of {name} with enough loans to compare."
        return Finding(name, text, text, None, None, None, None)
    high, low = phrase.format(found.high.replace("_", " ")), other.format(found.low.replace("_", " "))
    rates = f"{show(found.high_rate, 'rate')} against {show(found.low_rate, 'rate')}"
    if found.ci_low <= 0 <= found.ci_high:
        title = f"Default rates of {high} and {low} cannot be told apart: {rates}"
    elif found.low_rate > 0:
        title = f"{_upper(high)} default {found.high_rate / found.low_rate:.1f} times as often as {low}: {rates}"
    else:
        title = f"{_upper(high)} default more often than {low}: {rates}"
    text = f"{title} ({_difference(found.difference, found.ci_low, found.ci_high, confidence)}; n = {found.n:,})."
    return Finding(name, title, text, found.difference, found.ci_low, found.ci_high, found.n)


def group_finding(name: str, row: Mapping[str, Any], *, loans: str, total: int, confidence: float = 0.95) -> Finding:
    """Say how the loans in a group differ from all others.

    Args:
        name: The finding's id.
        row: n, default_rate, other_rate, difference, diff_low, diff_high; without n it was suppressed.
        loans: The group in words: 'loans without emp_length'.
        total: Loans in the group and outside.
        confidence: Of the interval.
    """
    if pd.isna(row["n"]):
        text = f"There are too few {loans} to show their default rate."
        return Finding(name, text, text, None, None, None, None)
    low, high = float(row["diff_low"]), float(row["diff_high"])
    rates = f"{show(row['default_rate'], 'rate')} against {show(row['other_rate'], 'rate')} of the others"
    told_apart = "" if low > 0 or high < 0 else "; the rates cannot be told apart"
    title = f"{_upper(loans)} default at {rates}{told_apart}"
    difference = _difference(float(row["difference"]), low, high, confidence)
    text = f"{title} ({difference}; {int(row['n']):,} of {total:,} loans)."
    return Finding(name, title, text, float(row["difference"]), low, high, total)


def strength_finding(name: str, strength: pd.DataFrame, *, lead: str, confidence: float = 0.95) -> Finding:
    """Say which column alone tells the outcomes apart best, and which comes next; the estimate is the first one's AUC.

    Args:
        name: The finding's id.
        strength: driver, auc, ci_low, ci_high, n; strongest first, two rows or more.
        lead: What is compared: 'Of all that is known at application'.
        confidence: Of the interval.
    """
    first, second = strength.iloc[0], strength.iloc[1]
    if second["ci_high"] > first["ci_low"]:
        best = f"{first['driver']} and {second['driver']} alone tell most about default, hardly apart"
    else:
        best = f"{first['driver']} alone tells most about default, before {second['driver']}"
    title = f"{lead}, {best}: AUC {first['auc']:.3f} and {second['auc']:.3f}"
    spans = " and ".join(interval(row["ci_low"], row["ci_high"], "score") for row in (first, second))
    text = f"{title} ({100 * confidence:g} % intervals {spans}; n = {first['n']:,})."
    return Finding(
        name, title, text, float(first["auc"]), float(first["ci_low"]), float(first["ci_high"]), int(first["n"])
    )


def rates_in_words(rates: pd.DataFrame, *, label: str) -> str:
    """Return the alt text of a figure of default rates: every level with its rate."""
    levels = "; ".join(f"{row['level']} {show(row['default_rate'], 'rate')}" for _, row in rates.iterrows())
    return f"Dots with interval bars, one row per level: default rate by {label}. {levels}."


def _difference(difference: float, low: float, high: float, confidence: float) -> str:
    span = f"{points(low)} to {points(high)}"
    return f"difference {points(difference)} points, {100 * confidence:g} % interval {span}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
