"""Figures of the model: how well it ranks, how its probabilities hold, and what its threshold does to people."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import dotted_rows, note, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_HALF, _WIDE = 0.5, 130  # of 1,000 applicants: a part as wide has room for its own words


def plot_ranking(curve: pd.DataFrame, *, default_rate: float, thresholds: Mapping[str, float]) -> Figure:
    """Draw the ROC and the precision-recall curve, with the chosen thresholds marked.

    Args:
        curve: Columns threshold, recall, false_positive_rate, precision; one row per threshold.
        default_rate: Share of defaults: the precision of a model that knows nothing.
        thresholds: The thresholds by name; those above 1, which flag nobody, are left out.
    """
    shown = _thinned(curve)
    with canvas(height=3.3, columns=2) as (figure, roc):
        precision = figure.axes[1]
        _diagonal(roc)
        note(roc, "no skill", (0.62, 0.62), (4, -10))
        precision.axhline(default_rate, color=NEUTRAL, linestyle="--", linewidth=0.8)
        note(precision, "no skill", (0.02, default_rate), (0, -10))
        for panel, x, y, shift in (
            (roc, "false_positive_rate", "recall", (7, -9)),
            (precision, "recall", "precision", (4, 7)),
        ):
            panel.plot(shown[x], shown[y], color=REPAID, linewidth=1.8)
            for name, threshold in thresholds.items():
                point = curve.iloc[int((curve["threshold"] - threshold).abs().argmin())]
                if threshold <= 1:
                    panel.plot(point[x], point[y], "o", color=NEUTRAL)
                    right = panel is precision and point[x] > _HALF
                    note(
                        panel,
                        name,
                        (point[x], point[y]),
                        (-shift[0], shift[1]) if right else shift,
                        ha="right" if right else "left",
                    )
            percent(panel.xaxis, panel.yaxis)
            panel.set(xlim=(0, 1), ylim=(0, 1.02))
        roc.set(xlabel="Repaid loans flagged", ylabel="Defaults flagged (recall)", title="ROC curve")
        precision.set(xlabel="Defaults flagged (recall)", ylabel="Defaults among flagged", title="Precision and recall")
    return figure


def plot_calibration(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw observed against predicted default rate.

    Args:
        tables: For each label, columns predicted, default_rate, ci_low, ci_high; one row per decile of the prediction.
    """
    styles = ((REPAID, "o-", (6, 8)), (NEUTRAL, "s-", (6, -12)), (WARNING, "^:", (-4, 8)))
    with canvas(height=3.6) as (figure, axes):
        _diagonal(axes)
        for (label, table), (colour, style, shift) in zip(tables.items(), styles, strict=False):
            errors, last = reach(table, "default_rate"), table.iloc[-1]
            axes.errorbar(table["predicted"], table["default_rate"], yerr=errors, fmt=style, color=colour)
            side = "right" if shift[0] < 0 else "left"
            note(
                axes, label, (last["predicted"], last["default_rate"]), shift, color=colour, fontweight="bold", ha=side
            )
        percent(axes.xaxis, axes.yaxis)
        top = 1.05 * float(np.max([table[["predicted", "ci_high"]].to_numpy().max() for table in tables.values()]))
        note(axes, "predicted = observed", (0.8 * top, 0.8 * top), (-4, 6), ha="right")
        axes.set(xlabel="Predicted default rate", ylabel="Observed default rate", xlim=(0, top), ylim=(0, top))
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
        first = shown.iloc[int(shown["threshold"].argmin())]
        for name, colour, line in (("recall", REPAID, "-"), ("precision", NEUTRAL, "-."), (score, DEFAULTED, "-")):
            label = name.replace(score, score.upper()).capitalize()
            axes.plot(shown["threshold"], shown[name], color=colour, linestyle=line, linewidth=1.8)
            note(
                axes,
                label,
                (first["threshold"], first[name]),
                (-4, 0),
                color=colour,
                fontweight="bold",
                ha="right",
                va="center",
            )
        end = float(shown["threshold"].quantile(0.995))
        for place, (name, threshold) in enumerate(thresholds.items()):
            if threshold <= 1:
                end = max(end, threshold)
                axes.axvline(threshold, color=NEUTRAL, linestyle=":")
                note(
                    axes,
                    f"{name}, {threshold:.1%}",
                    (threshold, 1),
                    (4, 4 - 11 * place),
                    xycoords=("data", "axes fraction"),
                    va="top",
                )
        percent(axes.xaxis, axes.yaxis)
        start = min(0.0, float(first["threshold"]) - 0.16 * end)  # room for the names of the lines
        axes.set(xlabel="Flag at and above this predicted default rate", ylim=(0, 1.08), xlim=(start, 1.02 * end))
    return figure


def plot_confusion(per_thousand: pd.Series) -> Figure:
    """Draw what happens to 1,000 applicants at the threshold: so many of them are tn, fp, fn and tp."""
    parts = {
        "tn": ("not flagged, repay", REPAID, 0.5),
        "fn": ("not flagged, default", DEFAULTED, 0.5),
        "fp": ("flagged, would repay", REPAID, 0.9),
        "tp": ("flagged, would default", DEFAULTED, 0.9),
    }
    with canvas(height=1.7) as (figure, axes):
        start, narrow = 0.0, 0
        for key, (label, colour, alpha) in parts.items():
            size = float(per_thousand[key])
            axes.barh(0, size, left=start, color=colour, alpha=alpha, edgecolor="white", height=0.9)
            text = f"{size:,.0f}\n{label.replace(', ', chr(10))}"
            if size >= _WIDE:
                ink = "white" if alpha > _HALF else "black"
                axes.text(start + size / 2, 0, text, ha="center", va="center", color=ink, fontsize=9, linespacing=1.3)
            else:  # beside the bar, above and below in turn, so that two narrow parts do not hide one another
                y, align = ((0.45, "bottom"), (-0.45, "top"))[narrow % 2]
                narrow += 1
                note(axes, text.replace("\n", " ", 1).replace("\n", ", "), (start + size / 2, y), (0, 3 if align == "bottom" else -3),
                     ha="center" if start + size / 2 > _WIDE else "left", va=align, color=colour)  # fmt: skip
            start += size
        axes.set(xlim=(0, start), ylim=(-0.8, 0.8))
        axes.set_axis_off()
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
        rates.set(xlabel="Tenth of loans, the riskiest first", title="Default rate", xticks=gains["decile"])
        _diagonal(found)
        note(found, "no skill", (0.6, 0.6), (4, -10))
        found.plot([0, *gains["cumulative_loans"]], [0, *gains["cumulative_defaults"]], "o-", color=DEFAULTED)
        found.set(xlabel="Loans, the riskiest first", title="Defaults found", xlim=(0, 1), ylim=(0, 1.02))
        percent(rates.yaxis, found.xaxis, found.yaxis)
    return figure


def plot_groups(groups: pd.DataFrame) -> Figure:
    """Draw what each group meets: customers who would repay and are flagged, and how well its loans are told apart.

    Args:
        groups: Columns factor, group, n, and false_positive_rate and roc_auc with their `_low` and `_high`.
    """
    table = groups.iloc[::-1]
    names = [f"{group} ({n:,})" for group, n in zip(table["group"], table["n"], strict=True)]
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


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=NEUTRAL, linestyle="--", linewidth=0.8)


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    # A curve of 79,000 points makes a file of megabytes and looks the same.
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(400, len(curve))).astype(int))
    return curve.iloc[chosen]
