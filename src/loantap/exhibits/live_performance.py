"""What live monitoring shows: the performance to expect before outcomes are known."""

import pandas as pd

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.plots.early_warning import plot_expected
from loantap.exhibits.words import by_name, columns, estimate, percent, show

# What the measures are called; precision, recall and F2 are those of the flagged loans.
MEASURES = {
    "default_rate": "Default rate", "auc": "AUC", "precision": "Precision", "recall": "Recall", "f2": "F2", "brier": "Brier score",
}  # fmt: skip


def expected(found: pd.DataFrame, *, confidence: float, threshold: float) -> Exhibit:
    """Show the performance that the probabilities let expect: `expected_performance` at a confidence and a threshold."""
    row = by_name(found.rename(columns={"measure": "name"}))["default_rate"]
    rate = estimate(row["expected"], row["low"], row["high"], kind="rate")
    n, unknown = int(found["n"].iloc[0]), int(found["unknown"].iloc[0])
    left = f", {show(unknown, 'count')} left out since something is not known" if unknown else ""
    caption = (
        f"{percent(confidence)} intervals of the values that will come out; precision, recall and F2 of loans flagged from a probability of "
        f"{show(threshold, 'rate')}; n = {show(n, 'count')} loans{left}. All of this rests on the calibration "
        "still holding: only outcomes can show whether it does. A common shock, such as a recession, would move results further."
    )
    named = found.assign(measure=found["measure"].map(MEASURES)).rename(
        columns={"low": "expected_low", "high": "expected_high"}
    )
    return Exhibit(
        "live-expected-performance", f"If the calibration holds, {rate} of the live loans default within their term, says the model of the applications",
        caption, "A dot on its interval for each measure, between 0 and 1.",
        table=named, columns=columns("measure", "expected with interval", expected="score"), figure=plot_expected(named),
    )  # fmt: skip
