"""Figures of the model: how it was chosen, how well it ranks, how its probabilities hold, and what its threshold does to people."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.marks import RING, TOP, intervals, name_mark, name_rows, note, ratio_ticks, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent
from loantap.exhibits.tuning_sentences import in_a_sentence
from loantap.exhibits.words import capital

_ODDS_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20)
_CLOSE_TICKS, _CLOSE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3), 4
_HALF, _WIDE = 0.5, 130  # of 1,000 applicants: a part as wide has room for its own words


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
    """Draw how far each candidate's F-beta (`score`, such as f2) and ROC-AUC lie from the reference's, with intervals.

    Columns name, and for the score and roc_auc NAME_difference, NAME_difference_low, NAME_difference_high.
    """
    rows = table[table["name"] != reference].iloc[::-1]
    with canvas(height=0.9 + 0.27 * len(rows), columns=2, sharey=True) as (figure, _):
        for panel, name, label in zip(figure.axes, (score, "roc_auc"), (score.upper(), "ROC-AUC"), strict=True):
            middle, low, high = (rows[f"{name}_difference{end}"] for end in ("", "_low", "_high"))
            panel.axvline(0, color=NEUTRAL, linewidth=0.8)
            colours = np.where((low <= 0) & (high >= 0), NEUTRAL, np.where(middle > 0, REPAID, DEFAULTED))
            names = rows["name"].map(in_a_sentence).map(capital)
            _coloured_rows(panel, pd.concat([middle, low, high], axis=1), names, colours)
            panel.set(title=label, xlabel="Difference")
            panel.grid(visible=False, axis="y")
            panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:+.3f}" if value else "0")
    return figure


def plot_grid(grid: pd.DataFrame, *, score: str, penalty: str, C: float) -> Figure:
    """Draw the mean F-beta of each penalty and C, one standard deviation of the folds around it, and which penalty and C were chosen.

    Columns penalty, C, and mean and sd of the score, such as f2_mean and f2_sd.
    """
    mean, sd = f"{score}_mean", f"{score}_sd"
    with canvas(height=3.0) as (figure, axes):
        for (name, rows), colour in zip(grid.groupby("penalty"), (REPAID, DEFAULTED), strict=False):
            axes.errorbar(rows["C"], rows[mean], yerr=rows[sd], fmt="o-", color=colour, label=str(name), capsize=2)
        best = grid[(grid["penalty"] == penalty) & (grid["C"] == C)]
        aside = best["C"] * (0.93 if penalty == "l1" else 1.07)
        axes.plot(aside, best[mean], label="chosen", **RING)
        xlabel, ylabel = "C (to the right, a weaker penalty)", f"{score.upper()} at probability 0.5"
        axes.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
        axes.legend()
    return figure


def plot_ranking(curve: pd.DataFrame, *, default_rate: float, thresholds: Mapping[str, float]) -> Figure:
    """Draw the ROC and the precision-recall curve, with the chosen thresholds marked, but those above 1, which flag nobody.

    Columns threshold, recall, false_positive_rate, precision. The default rate is the precision of a model that knows nothing.
    """
    shown = _thinned(curve)
    with canvas(height=3.3, columns=2) as (figure, roc):
        precision = figure.axes[1]
        _diagonal(roc)
        note(roc, "no skill", (0.62, 0.62), (4, -10))
        precision.axhline(default_rate, color=NEUTRAL, linestyle="--", linewidth=0.8)
        note(precision, "no skill", (0.02, default_rate), (0, -10))
        panels = ((roc, "false_positive_rate", "recall", (7, -9)), (precision, "recall", "precision", (4, 7)))
        for panel, x, y, shift in panels:
            panel.plot(shown[x], shown[y], color=REPAID, linewidth=1.8)
            for name, threshold in thresholds.items():
                point = curve.iloc[int((curve["threshold"] - threshold).abs().argmin())]
                if threshold <= 1:
                    panel.plot(point[x], point[y], "o", color=NEUTRAL)
                    side, across = ("right", -1) if panel is precision and point[x] > _HALF else ("left", 1)
                    note(panel, name, (point[x], point[y]), (across * shift[0], shift[1]), ha=side)
            percent(panel.xaxis, panel.yaxis)
            panel.set(xlim=(0, 1), ylim=(0, 1.02))
        roc.set(xlabel="Repaid loans flagged", ylabel="Defaults flagged (recall)", title="ROC curve")
        precision.set(xlabel="Defaults flagged (recall)", ylabel="Defaults among flagged", title="Precision and recall")
    return figure


def plot_calibration(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw observed against predicted default rate of each label: predicted, default_rate, ci_low, ci_high, a row per decile."""
    styles = ((REPAID, "o-", (6, 8)), (NEUTRAL, "s-", (6, -12)), (WARNING, "^:", (-4, 8)))
    with canvas(height=3.6) as (figure, axes):
        _diagonal(axes)
        for (label, table), (colour, style, shift) in zip(tables.items(), styles, strict=False):
            errors, last = reach(table, "default_rate"), table.iloc[-1]
            axes.errorbar(table["predicted"], table["default_rate"], yerr=errors, fmt=style, color=colour)
            sides = {"ha": "right" if shift[0] < 0 else "left", "va": "baseline"}
            name_mark(axes, label, (last["predicted"], last["default_rate"]), shift, colour, **sides)
        percent(axes.xaxis, axes.yaxis)
        top = 1.05 * float(np.max([table[["predicted", "ci_high"]].to_numpy().max() for table in tables.values()]))
        note(axes, "predicted = observed", (0.8 * top, 0.8 * top), (-4, 6), ha="right")
        axes.set(xlabel="Predicted default rate", ylabel="Observed default rate", xlim=(0, top), ylim=(0, top))
    return figure


def plot_threshold(curve: pd.DataFrame, *, score: str, thresholds: Mapping[str, float]) -> Figure:
    """Draw precision, recall and F-beta (columns threshold, precision, recall and the score) with the chosen thresholds, but those above 1."""
    shown = _thinned(curve)
    with canvas(height=3.3) as (figure, axes):
        first = shown.iloc[int(shown["threshold"].argmin())]
        for name, colour, line in (("recall", REPAID, "-"), ("precision", NEUTRAL, "-."), (score, DEFAULTED, "-")):
            label = name.replace(score, score.upper()).capitalize()
            axes.plot(shown["threshold"], shown[name], color=colour, linestyle=line, linewidth=1.8)
            name_mark(axes, label, (first["threshold"], first[name]), (-4, 0), colour, ha="right")
        end = float(shown["threshold"].quantile(0.995))
        for place, (name, threshold) in enumerate(thresholds.items()):
            if threshold <= 1:
                end = max(end, threshold)
                axes.axvline(threshold, color=NEUTRAL, linestyle=":")
                note(axes, f"{name}, {threshold:.1%}", (threshold, 1), (4, 4 - 11 * place), xycoords=TOP, va="top")
        percent(axes.xaxis, axes.yaxis)
        start = min(0.0, float(first["threshold"]) - 0.16 * end)  # room for the names of the lines
        axes.set(xlabel="Flag at and above this predicted default rate", ylim=(0, 1.08), xlim=(start, 1.02 * end))
    return figure


def plot_confusion(per_thousand: pd.Series) -> Figure:
    """Draw what happens to 1,000 applicants at the threshold: so many of them are tn, fp, fn and tp."""
    parts = {
        "tn": ("not flagged", "repay", REPAID), "fn": ("not flagged", "default", DEFAULTED),
        "fp": ("flagged", "would repay", REPAID), "tp": ("flagged", "would default", DEFAULTED),
    }  # fmt: skip
    with canvas(height=1.7) as (figure, axes):
        start, narrow = 0.0, 0
        for key, (decided, ends, colour) in parts.items():
            size, flagged = float(per_thousand[key]), decided == "flagged"
            middle = start + size / 2
            axes.barh(0, size, left=start, color=colour, alpha=0.9 if flagged else 0.5, edgecolor="white", height=0.9)
            if size >= _WIDE:
                look: dict[str, Any] = {"color": "white" if flagged else "black", "fontsize": 9, "linespacing": 1.3}
                axes.text(middle, 0, f"{size:,.0f}\n{decided}\n{ends}", ha="center", va="center", **look)
            else:  # beside the bar, above and below in turn, so that two narrow parts do not hide one another
                y, shift, align = ((0.45, 3, "bottom"), (-0.45, -3, "top"))[narrow % 2]
                narrow += 1
                side = "center" if middle > _WIDE else "left"
                note(axes, f"{size:,.0f} {decided}, {ends}", (middle, y), (0, shift), ha=side, va=align, color=colour)
            start += size
        axes.set(xlim=(0, start), ylim=(-0.8, 0.8))
        axes.set_axis_off()
    return figure


def plot_gains(gains: pd.DataFrame) -> Figure:
    """Draw the default rate of each decile, riskiest first, and the share of defaults found: cumulative_loans, cumulative_defaults."""
    with canvas(height=3.0, columns=2) as (figure, rates):
        recall = figure.axes[1]
        rates.bar(gains["decile"], gains["default_rate"], color=DEFAULTED, alpha=0.85)
        errors = reach(gains, "default_rate")
        rates.errorbar(gains["decile"], gains["default_rate"], yerr=errors, fmt="none", color=NEUTRAL, elinewidth=1.2)
        rates.set(xlabel="Tenth of loans, the riskiest first", title="Default rate", xticks=gains["decile"])
        _diagonal(recall)
        note(recall, "no skill", (0.6, 0.6), (4, -10))
        recall.plot([0, *gains["cumulative_loans"]], [0, *gains["cumulative_defaults"]], "o-", color=DEFAULTED)
        recall.set(xlabel="Loans, the riskiest first", title="Defaults found", xlim=(0, 1), ylim=(0, 1.02))
        percent(rates.yaxis, recall.xaxis, recall.yaxis)
    return figure


def plot_groups(groups: pd.DataFrame) -> Figure:
    """Draw what each group meets (factor, group, n): false_positive_rate and roc_auc, each with `_low` and `_high`."""
    table = groups.iloc[::-1]
    names = [f"{group} ({n:,})" for group, n in zip(table["group"], table["n"], strict=True)]
    factors = table["factor"].to_numpy()
    with canvas(height=0.8 + 0.2 * len(table), columns=2, sharey=True) as (figure, axes):
        titles = {"false_positive_rate": "Good customers flagged", "roc_auc": "ROC-AUC"}
        for panel, (name, title) in zip(figure.axes, titles.items(), strict=True):
            for place, ends in enumerate(zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)):
                panel.plot(ends, [place, place], color=NEUTRAL, linewidth=1.4)
            panel.plot(table[name], range(len(table)), "o", color=DEFAULTED)
            panel.set_yticks(range(len(table)), names)
            panel.set(title=title)
            for border in np.flatnonzero(factors[1:] != factors[:-1]):
                panel.axhline(border + 0.5, color=LIGHT, linewidth=0.8)
        percent(axes.xaxis)
    return figure


def plot_stability(vintages: pd.DataFrame, *, roc_auc: float) -> Figure:
    """Draw each vintage's observed and predicted default rate, its ROC-AUC beside that of all test loans, and its stability index.

    Columns vintage, default_rate, ci_low, ci_high, predicted, roc_auc with `_low` and `_high`, psi and chance_high.
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


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=NEUTRAL, linestyle="--", linewidth=0.8)


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    # A curve of 79,000 points makes a file of megabytes and looks the same.
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(400, len(curve))).astype(int))
    return curve.iloc[chosen]


def _coloured_rows(axes: Axes, table: pd.DataFrame, names: pd.Series, colours: Iterable[str]) -> None:
    """Draw value, low and high, the columns of the table, as dots on lines, and name the rows from the bottom."""
    for place, ((value, low, high), colour) in enumerate(zip(table.to_numpy(), colours, strict=True)):
        axes.plot([low, high], [place, place], color=colour, linewidth=1.5)
        axes.plot(value, place, "o", color=colour)
    axes.set_yticks(range(len(table)), names)
