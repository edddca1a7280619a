"""Figures of the model: how well it ranks, how its probabilities hold, and what its threshold does to people."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.marks import RING, dotted_rows, ratio_ticks, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, canvas, percent

_ODDS_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20)


def plot_ranking(curve: pd.DataFrame, *, default_rate: float, thresholds: Mapping[str, float]) -> Figure:
    """Draw the ROC and the precision-recall curve, with the chosen thresholds marked.

    Args:
        curve: Columns threshold, recall, false_positive_rate, precision; one row per threshold.
        default_rate: Share of defaults: the precision of a model that knows nothing.
        thresholds: The thresholds by name.
    """
    shown = _thinned(curve)
    with canvas(height=3.3, columns=2) as (figure, roc):
        precision = figure.axes[1]
        _diagonal(roc, "no skill")
        precision.axhline(default_rate, color=LIGHT, linestyle="--", label="no skill")
        for panel, x, y in ((roc, "false_positive_rate", "recall"), (precision, "recall", "precision")):
            panel.plot(shown[x], shown[y], color=DEFAULTED)
            for (name, threshold), marker in zip(thresholds.items(), "oDs", strict=False):
                point = curve.iloc[int((curve["threshold"] - threshold).abs().argmin())]
                panel.plot(point[x], point[y], marker=marker, color=NEUTRAL, linestyle="", label=name)
            percent(panel.xaxis, panel.yaxis)
            panel.set(xlim=(0, 1), ylim=(0, 1.02))
        roc.set(xlabel="repaid loans flagged", ylabel="defaults flagged (recall)", title="ROC curve")
        precision.set(xlabel="defaults flagged (recall)", ylabel="defaults among flagged", title="Precision and recall")
        roc.legend(loc="lower right")
        precision.legend(loc="upper right")
    return figure


def plot_calibration(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw observed against predicted default rate.

    Args:
        tables: For each label, columns predicted, default_rate, ci_low, ci_high; one row per decile of the prediction.
    """
    styles = ((DEFAULTED, "o-"), (REPAID, "s-"), (NEUTRAL, "^:"))
    with canvas(height=3.6) as (figure, axes):
        _diagonal(axes, "predicted = observed")
        for (label, table), (colour, style) in zip(tables.items(), styles, strict=False):
            errors, rates = reach(table, "default_rate"), table["default_rate"]
            axes.errorbar(table["predicted"], rates, yerr=errors, fmt=style, color=colour, label=label)
        percent(axes.xaxis, axes.yaxis)
        top = 1.05 * float(np.max([table[["predicted", "ci_high"]].to_numpy().max() for table in tables.values()]))
        axes.set(xlabel="predicted default rate", ylabel="observed default rate", xlim=(0, top), ylim=(0, top))
        axes.legend(loc="upper left")
    return figure


def plot_threshold(curve: pd.DataFrame, *, score: str, thresholds: Mapping[str, float]) -> Figure:
    """Draw precision, recall and F-beta against the threshold.

    Args:
        curve: Columns threshold, precision, recall and the score; one row per threshold.
        score: The name of F-beta, such as f2.
        thresholds: The chosen thresholds by name; those beyond the largest prediction are left out.
    """
    shown = _thinned(curve)
    with canvas(height=3.3) as (figure, axes):
        for name, colour, line in (("recall", REPAID, "-"), ("precision", NEUTRAL, "-."), (score, DEFAULTED, "-")):
            label = name.replace(score, score.upper())
            axes.plot(shown["threshold"], shown[name], color=colour, linestyle=line, label=label)
        end = float(shown["threshold"].quantile(0.995))
        styles: tuple[Any, ...] = (":", "--", (0, (6, 2, 1, 2)))
        for (name, threshold), style in zip(thresholds.items(), styles, strict=False):
            if threshold <= 1:
                end = max(end, threshold)
                axes.axvline(threshold, color=NEUTRAL, linestyle=style, label=name)
        percent(axes.xaxis)
        axes.set(xlabel="refuse at and above this predicted default rate", ylim=(0, 1.02), xlim=(0, 1.02 * end))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, columnspacing=1.2)
    return figure


def plot_confusion(per_thousand: pd.Series) -> Figure:
    """Draw what happens to 1,000 applicants at the threshold: so many of them are tn, fp, fn and tp."""
    parts = {
        "tn": ("approved, repays", REPAID, ""),
        "fn": ("approved, defaults", DEFAULTED, "//"),
        "fp": ("refused, would repay", REPAID, "//"),
        "tp": ("refused, would default", DEFAULTED, ""),
    }
    with canvas(height=2.0) as (figure, axes):
        start = 0.0
        for key, (label, colour, hatch) in parts.items():
            size = float(per_thousand[key])
            style: dict[str, Any] = {"color": colour, "alpha": 0.85, "hatch": hatch, "edgecolor": "white"}
            axes.barh(0, size, left=start, label=f"{label}: {size:,.0f}", **style)
            start += size
        axes.set(xlim=(0, start), yticks=[], xlabel="of 1,000 applicants")
        axes.grid(visible=False)
        axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def plot_odds_ratios(odds_ratios: pd.DataFrame) -> Figure:
    """Draw odds ratios with their intervals; columns change, odds_ratio, ci_low, ci_high, the strongest first."""
    table = odds_ratios.iloc[::-1]
    with canvas(height=0.6 + 0.24 * len(table)) as (figure, axes):
        axes.axvline(1, color=NEUTRAL, linewidth=0.8)
        colours = np.where(table["odds_ratio"] > 1, DEFAULTED, REPAID)
        _coloured_rows(axes, table[["odds_ratio", "ci_low", "ci_high"]], table["change"], colours)
        axes.set(xscale="log", xlabel="odds ratio of default, everything else as it is (logarithmic)")
        ratio_ticks(axes, _ODDS_TICKS)
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
            _coloured_rows(panel, pd.concat([middle, low, high], axis=1), rows["name"], colours)
            panel.set(title=label, xlabel=f"difference from {reference}")
            panel.xaxis.set_major_locator(MaxNLocator(5))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:+.3f}" if value else "0")
    return figure


def plot_gains(gains: pd.DataFrame) -> Figure:
    """Draw the default rate of each decile of risk, and the share of all defaults found by going down them.

    Args:
        gains: Columns decile, default_rate, ci_low, ci_high, cumulative_loans, cumulative_defaults; riskiest first.
    """
    with canvas(height=3.0, columns=2) as (figure, rates):
        found = figure.axes[1]
        rates.bar(gains["decile"], gains["default_rate"], color=DEFAULTED, alpha=0.85)
        errors = reach(gains, "default_rate")
        rates.errorbar(gains["decile"], gains["default_rate"], yerr=errors, fmt="none", color=NEUTRAL, elinewidth=1.2)
        rates.set(xlabel="tenth of the loans, the riskiest first", title="Default rate", xticks=gains["decile"])
        _diagonal(found, "no skill")
        found.plot([0, *gains["cumulative_loans"]], [0, *gains["cumulative_defaults"]], "o-", color=DEFAULTED)
        found.set(xlabel="loans, the riskiest first", title="Defaults found", xlim=(0, 1), ylim=(0, 1.02))
        percent(rates.yaxis, found.xaxis, found.yaxis)
        found.legend(loc="lower right")
    return figure


def plot_groups(groups: pd.DataFrame) -> Figure:
    """Draw what each group meets: customers who would repay and are flagged, and how well its loans are told apart.

    Args:
        groups: Columns factor, group, n, and false_positive_rate and roc_auc with their `_low` and `_high`.
    """
    table = groups.iloc[::-1]
    names = [f"{group}   n = {n:,}" for group, n in zip(table["group"], table["n"], strict=True)]
    factors = table["factor"].to_numpy()
    with canvas(height=0.8 + 0.2 * len(table), columns=2, sharey=True) as (figure, axes):
        titles = {"false_positive_rate": "Good customers flagged", "roc_auc": "ROC-AUC"}
        for panel, (name, title) in zip(figure.axes, titles.items(), strict=True):
            dotted_rows(panel, table, name, names)
            panel.set(title=title)
            for border in np.flatnonzero(factors[1:] != factors[:-1]):
                panel.axhline(border + 0.5, color=LIGHT, linewidth=0.8)
        percent(axes.xaxis)
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
        axes.set(xscale="log", xlabel="C: to the right, a weaker penalty", ylabel=f"{score.upper()} at probability 0.5")
        axes.legend()
    return figure


def _diagonal(axes: Axes, label: str) -> None:
    axes.plot([0, 1], [0, 1], color=LIGHT, linestyle="--", label=label)


def _coloured_rows(axes: Axes, table: pd.DataFrame, names: pd.Series, colours: Iterable[str]) -> None:
    """Draw value, low and high, the columns of the table, as dots on lines, and name the rows from the bottom."""
    for place, ((value, low, high), colour) in enumerate(zip(table.to_numpy(), colours, strict=True)):
        axes.plot([low, high], [place, place], color=colour, linewidth=1.5)
        axes.plot(value, place, "o", color=colour)
    axes.set_yticks(range(len(table)), names)


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    # A curve of 79,000 points makes a file of megabytes and looks the same.
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(400, len(curve))).astype(int))
    return curve.iloc[chosen]
