"""What live monitoring shows: the performance to expect before outcomes are known, and the catch-up when they come."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.plots.live_performance import plot_expected
from loantap.exhibits.words import by_name, columns, interval, listed, percent, show

# What the measures are called; precision, recall and F2 are those of the flagged loans.
MEASURES = {
    "default_rate": "Default rate", "auc": "AUC", "precision": "Precision", "recall": "Recall", "f2": "F2", "brier": "Brier score",
}  # fmt: skip
_SHOWN = "shown"


def expected(found: pd.DataFrame, *, confidence: float, threshold: float) -> Exhibit:
    """Show the performance that the probabilities let expect: `expected_performance` at a confidence and a threshold."""
    row = by_name(found.rename(columns={"measure": "name"}))["default_rate"]
    title = f"If the calibration holds, {_rate(row)} of the live loans default"
    caption = (
        f"{percent(confidence)} intervals of the values that will come out; {_basis(found, threshold)}. All of this rests on the calibration "
        "still holding: only outcomes can show whether it does. A common shock, such as a recession, would move results further."
    )
    return Exhibit(
        "live-expected-performance", title, caption, "A dot on its interval for each measure, between 0 and 1.",
        table=_named(found), columns=columns("measure", "expected with interval", expected="score"), figure=plot_expected(_named(found)),
    )  # fmt: skip


def caught_up(found: pd.DataFrame, *, confidence: float, threshold: float) -> Exhibit:
    """Show what came out beside what was expected: `catch_up` at a confidence and a threshold."""
    caption = (
        f"{percent(confidence)} intervals of what was expected; shown: in all measures together, such differences come by chance in at most "
        f"{percent(round(1 - confidence, 9))} of cases; {_basis(found, threshold)}."
    )
    return Exhibit(
        "live-catch-up", caught_up_title(found), caption, "For each measure, what came out as a ring beside what was expected, a dot on its interval.",
        table=_named(found), columns=columns("measure", "realised", "expected with interval", "verdict", expected="score", realised="score"),
        figure=plot_expected(_named(found)),
    )  # fmt: skip


def caught_up_title(found: pd.DataFrame) -> str:
    """Return the verdict of a catch-up in a sentence."""
    row = by_name(found.rename(columns={"measure": "name"}))["default_rate"]
    rate = f"{show(row['realised'], 'rate')} defaulted, {_rate(row)} was expected"
    differ = found[found["verdict"] == _SHOWN]
    if differ.empty:
        return f"{rate}: no difference from the expected performance is shown"
    told = [
        f"{_word(name)} is {direction}" for name, direction in zip(differ["measure"], differ["direction"], strict=True)
    ]
    return f"{rate}: shown, {listed(told)} than expected"


def _word(measure: str) -> str:
    name = MEASURES[measure]
    return name if name.isupper() or name == "F2" else name.lower() if measure != "brier" else name


def _rate(row: Mapping[str, Any]) -> str:
    return f"{show(row['expected'], 'rate')} ({interval(row['low'], row['high'], 'rate')})"


def _named(found: pd.DataFrame) -> pd.DataFrame:
    ends = {"low": "expected_low", "high": "expected_high"}
    return found.assign(measure=found["measure"].map(MEASURES)).rename(columns=ends)


def _basis(found: pd.DataFrame, threshold: float) -> str:
    n, unknown = int(found["n"].iloc[0]), int(found["unknown"].iloc[0])
    left = f", {show(unknown, 'count')} left out since something is not known" if unknown else ""
    return f"precision, recall and F2 of loans flagged from a probability of {show(threshold, 'rate')}; n = {show(n, 'count')} loans{left}"
