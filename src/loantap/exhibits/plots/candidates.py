"""Figures of a model's choice: how candidates differ, how the search went, and what single inputs do."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.marks import RING, ratio_ticks
from loantap.exhibits.plots.style import DEFAULTED, NEUTRAL, REPAID, canvas
from loantap.exhibits.tuning_sentences import in_a_sentence
from loantap.exhibits.words import capital

_ODDS_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20)
_CLOSE_TICKS, _CLOSE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3), 4


def plot_odds_ratios(odds_ratios: pd.DataFrame) -> Figure:
    """Draw odds ratios with their intervals; columns change, odds_ratio, ci_low, ci_high, the strongest first."""
    table = odds_ratios.iloc[::-1]
    with canvas(height=0.6 + 0.24 * len(table)) as (figure, axes):
        axes.axvline(1, color=NEUTRAL, linewidth=0.8)
        colours = np.where(table["odds_ratio"] > 1, DEFAULTED, REPAID)
        _coloured_rows(axes, table[["odds_ratio", "ci_low", "ci_high"]], table["change"], colours)
        axes.set(xscale="log", xlabel="Odds ratio of default, all else equal (logarithmic)")
        low, high = axes.get_xlim()
        ratio_ticks(axes, _CLOSE_TICKS if high / low < _CLOSE else _ODDS_TICKS)
    return figure


def plot_differences(table: pd.DataFrame, *, score: str, reference: str) -> Figure:
    """Draw how far each candidate's F-beta and ROC-AUC lie from the reference's, with intervals.

    Args:
        table: Columns name, and for the score and roc_auc NAME_difference, NAME_difference_low, NAME_difference_high.
        score: The name of F-beta, such as f2.
        reference: The candidate that the others are compared with.
    """
    rows = table[table["name"] != reference].iloc[::-1]
    with canvas(height=0.9 + 0.27 * len(rows), columns=2, sharey=True) as (figure, _):
        for panel, name, label in zip(figure.axes, (score, "roc_auc"), (score.upper(), "ROC-AUC"), strict=True):
            middle, low, high = (rows[f"{name}_difference{end}"] for end in ("", "_low", "_high"))
            panel.axvline(0, color=NEUTRAL, linewidth=0.8)
            colours = np.where((low <= 0) & (high >= 0), NEUTRAL, np.where(middle > 0, REPAID, DEFAULTED))
            _coloured_rows(
                panel, pd.concat([middle, low, high], axis=1), rows["name"].map(in_a_sentence).map(capital), colours
            )
            panel.set(title=label, xlabel="Difference")
            panel.grid(visible=False, axis="y")
            panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:+.3f}" if value else "0")
    return figure


def plot_grid(grid: pd.DataFrame, *, score: str, penalty: str, C: float) -> Figure:
    """Draw the mean F-beta of each penalty and C, one standard deviation of the folds around it.

    Args:
        grid: Columns penalty, C, and mean and sd of the score, such as f2_mean and f2_sd.
        score: The name of F-beta, such as f2.
        penalty: The chosen penalty.
        C: The chosen inverse strength.
    """
    mean, sd = f"{score}_mean", f"{score}_sd"
    with canvas(height=3.0) as (figure, axes):
        for (name, rows), colour in zip(grid.groupby("penalty"), (REPAID, DEFAULTED), strict=False):
            axes.errorbar(rows["C"], rows[mean], yerr=rows[sd], fmt="o-", color=colour, label=str(name), capsize=2)
        best = grid[(grid["penalty"] == penalty) & (grid["C"] == C)]
        aside = best["C"] * (0.93 if penalty == "l1" else 1.07)
        axes.plot(aside, best[mean], label="chosen", **RING)
        axes.set(
            xscale="log", xlabel="C (to the right, a weaker penalty)", ylabel=f"{score.upper()} at probability 0.5"
        )
        axes.legend()
    return figure


def _coloured_rows(axes: Axes, table: pd.DataFrame, names: pd.Series, colours: Iterable[str]) -> None:
    """Draw value, low and high, the columns of the table, as dots on lines, and name the rows from the bottom."""
    for place, ((value, low, high), colour) in enumerate(zip(table.to_numpy(), colours, strict=True)):
        axes.plot([low, high], [place, place], color=colour, linewidth=1.5)
        axes.plot(value, place, "o", color=colour)
    axes.set_yticks(range(len(table)), names)
