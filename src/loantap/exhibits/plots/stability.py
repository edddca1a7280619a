"""The figure of the model by vintage: calibration, ranking and the mix of scores, row by row."""

import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import intervals, name_rows
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, canvas, percent


def plot_stability(vintages: pd.DataFrame, *, roc_auc: float) -> Figure:
    """Draw each vintage's observed and predicted default rate, its ROC-AUC and its stability index.

    Args:
        vintages: vintage, default_rate, ci_low, ci_high, predicted, roc_auc with `_low` and `_high`, psi and chance_high.
        roc_auc: That of all test loans.
    """
    rows = range(len(vintages))
    with canvas(height=1.2 + 0.3 * len(vintages), columns=3, sharey=True) as (figure, rates):
        _, ranking, mix = figure.axes
        intervals(rates, vintages, rows, DEFAULTED)
        rates.plot(vintages["predicted"], rows, "D", color=NEUTRAL, markerfacecolor="white")
        percent(rates.xaxis)
        rates.set(title="Default rate", xlabel="Dot: observed; diamond: predicted")
        ranking.axvline(roc_auc, color=NEUTRAL, linewidth=0.8, linestyle="--")
        intervals(ranking, vintages, rows, REPAID, value="roc_auc", ends="roc_auc")
        ranking.set(title="ROC-AUC", xlabel="Dashed: all test loans")
        mix.barh(rows, vintages["psi"], color=LIGHT, height=0.6)
        mix.plot(vintages["chance_high"], rows, "|", color=NEUTRAL, markersize=12, markeredgewidth=1.6)
        mix.grid(visible=False, axis="y")
        mix.set(title="Stability index", xlabel="Line: chance alone, at most", xlim=(0, None))
        name_rows(rates, vintages["vintage"].tolist())
    return figure
