"""What live monitoring shows: the performance to expect before outcomes are known."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.plots.live_performance import plot_expected
from loantap.exhibits.words import by_name, columns, interval, percent, show

# What the measures are called; precision, recall and F2 are those of the flagged loans.
MEASURES = {
    "default_rate": "Default rate", "auc": "AUC", "precision": "Precision", "recall": "Recall", "f2": "F2", "brier": "Brier score",
}  # fmt: skip


def expected(found: pd.DataFrame, *, confidence: float, threshold: float) -> Exhibit:
    """Show the performance that the probabilities let expect: `expected_performance` at a confidence and a threshold."""
    row = by_name(found.rename(columns={"measure": "name"}))["default_rate"]
    title = f"If the calibration holds, {_rate(row)} of the live loans default within their term, says the model of the applications"
    caption = (
        f"{percent(confidence)} intervals of the values that will come out; {_basis(found, threshold)}. All of this rests on the calibration "
        "still holding: only outcomes can show whether it does. A common shock, such as a recession, would move results further."
    )
    return Exhibit(
        "live-expected-performance", title, caption, "A dot on its interval for each measure, between 0 and 1.",
        table=_named(found), columns=columns("measure", "expected with interval", expected="score"), figure=plot_expected(_named(found)),
    )  # fmt: skip


def _rate(row: Mapping[str, Any]) -> str:
    return f"{show(row['expected'], 'rate')} ({interval(row['low'], row['high'], 'rate')})"


def _named(found: pd.DataFrame) -> pd.DataFrame:
    ends = {"low": "expected_low", "high": "expected_high"}
    return found.assign(measure=found["measure"].map(MEASURES)).rename(columns=ends)


def _basis(found: pd.DataFrame, threshold: float) -> str:
    n, unknown = int(found["n"].iloc[0]), int(found["unknown"].iloc[0])
    left = f", {show(unknown, 'count')} left out since something is not known" if unknown else ""
    return f"precision, recall and F2 of loans flagged from a probability of {show(threshold, 'rate')}; n = {show(n, 'count')} loans{left}"
