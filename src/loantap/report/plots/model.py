"""Figures of the model: how well it ranks, how its probabilities hold, and what its threshold does to people."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from loantap.report.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, canvas, percent

_ODDS_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 5, 10, 20)


def plot_ranking(curve: pd.DataFrame, *, default_rate: float, threshold: float) -> Figure:
    """Draw the ROC and the precision-recall curve, with the chosen threshold marked.

    Args:
        curve: Columns threshold, recall, false_positive_rate, precision; one row per threshold.
        default_rate: Share of defaults: the precision of a model that knows nothing.
        threshold: The threshold in use.
    """
    shown = _thinned(curve)
    chosen = curve.iloc[int(np.abs(curve["threshold"] - threshold).to_numpy().argmin())]
    with canvas(height=3.3, columns=2) as (figure, axes):
        roc, precision = np.ravel(axes)  # type: ignore[call-overload]
        roc.plot([0, 1], [0, 1], color=LIGHT, linestyle="--", label="no skill")
        roc.plot(shown["false_positive_rate"], shown["recall"], color=DEFAULTED)
        roc.plot(chosen["false_positive_rate"], chosen["recall"], "o", color=NEUTRAL, label="threshold in use")
        roc.set(xlabel="repaid loans flagged", ylabel="defaults flagged (recall)", title="ROC curve")
        precision.axhline(default_rate, color=LIGHT, linestyle="--", label="no skill")
        precision.plot(shown["recall"], shown["precision"], color=DEFAULTED)
        precision.plot(chosen["recall"], chosen["precision"], "o", color=NEUTRAL, label="threshold in use")
        precision.set(xlabel="defaults flagged (recall)", ylabel="defaults among flagged", title="Precision and recall")
        for panel in (roc, precision):
            percent(panel.xaxis)
            percent(panel.yaxis)
            panel.set(xlim=(0, 1), ylim=(0, 1.02))
        roc.legend(loc="lower right")
        precision.legend(loc="upper right")
    return figure


def plot_calibration(calibrated: pd.DataFrame, raw: pd.DataFrame) -> Figure:
    """Draw observed against predicted default rate, before and after calibration.

    Args:
        calibrated: Columns predicted, default_rate, ci_low, ci_high; one row per decile of the prediction.
        raw: The same for the probabilities before calibration.
    """
    with canvas(height=3.6) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=LIGHT, linestyle="--", label="predicted = observed")
        for table, colour, label in (
            (raw, NEUTRAL, "before calibration"),
            (calibrated, DEFAULTED, "after calibration"),
        ):
            errors = np.clip(
                [table["default_rate"] - table["ci_low"], table["ci_high"] - table["default_rate"]], 0, None
            )  # rounding can leave an end a hair inside
            axes.errorbar(table["predicted"], table["default_rate"], yerr=errors, fmt="o-", color=colour, label=label)
        percent(axes.xaxis)
        percent(axes.yaxis)
        top = 1.05 * max(raw["predicted"].max(), raw["default_rate"].max(), calibrated["ci_high"].max())
        axes.set(xlabel="predicted default rate", ylabel="observed default rate", xlim=(0, top), ylim=(0, top))
        axes.legend(loc="upper left")
    return figure


def plot_threshold(curve: pd.DataFrame, *, threshold: float) -> Figure:
    """Draw precision, recall and F2 against the threshold.

    Args:
        curve: Columns threshold, precision, recall, f2; one row per threshold.
        threshold: The threshold in use.
    """
    shown = _thinned(curve)
    with canvas(height=3.3) as (figure, axes):
        styles = (("recall", REPAID, "-"), ("precision", NEUTRAL, "-."), ("f2", DEFAULTED, "-"))
        for name, colour, line in styles:
            axes.plot(shown["threshold"], shown[name], color=colour, linestyle=line, label=name.replace("f2", "F2"))
        axes.axvline(threshold, color=NEUTRAL, linestyle=":", label="threshold in use")
        percent(axes.xaxis)
        axes.set(
            xlabel="refuse at and above this predicted default rate",
            ylim=(0, 1.02),
            xlim=(0, shown["threshold"].quantile(0.995)),
        )
        axes.legend(loc="upper right", ncols=2)
    return figure


def plot_confusion(per_thousand: pd.Series) -> Figure:
    """Draw what happens to 1,000 applicants at the threshold.

    Args:
        per_thousand: Applicants by tn, fp, fn, tp.
    """
    parts = [
        ("tn", "approved, repays", REPAID, ""),
        ("fn", "approved, defaults", DEFAULTED, "//"),
        ("fp", "refused, would repay", REPAID, "//"),
        ("tp", "refused, would default", DEFAULTED, ""),
    ]
    with canvas(height=2.0) as (figure, axes):
        start = 0.0
        for key, label, colour, hatch in parts:
            size = float(per_thousand[key])
            axes.barh(
                0,
                size,
                left=start,
                color=colour,
                alpha=0.85,
                hatch=hatch,
                edgecolor="white",
                label=f"{label}: {size:,.0f}",
            )
            start += size
        axes.set(xlim=(0, start), yticks=[], xlabel="of 1,000 applicants")
        axes.grid(visible=False)
        axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def plot_coefficients(odds_ratios: pd.DataFrame) -> Figure:
    """Draw the odds ratios of the strongest features.

    Args:
        odds_ratios: Columns feature and odds_ratio, the strongest first.
    """
    table = odds_ratios.iloc[::-1]
    with canvas(height=0.6 + 0.24 * len(table)) as (figure, axes):
        colours = np.where(table["odds_ratio"] > 1, DEFAULTED, REPAID)
        axes.hlines(table["feature"], 1, table["odds_ratio"], color=colours, linewidth=1.5)
        axes.scatter(table["odds_ratio"], table["feature"], c=colours, zorder=3)
        axes.axvline(1, color=NEUTRAL, linewidth=0.8)
        axes.set(xscale="log", xlabel="odds ratio of default (logarithmic)")
        low, high = axes.get_xlim()
        axes.set_xticks([tick for tick in _ODDS_TICKS if low <= tick <= high])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
    return figure


def plot_grid(grid: pd.DataFrame, *, penalty: str, C: float) -> Figure:
    """Draw the mean F2 of each penalty and C, one standard deviation of the folds around it.

    Args:
        grid: Columns penalty, C, f2_mean, f2_sd.
        penalty: The chosen penalty.
        C: The chosen inverse strength.
    """
    with canvas(height=3.0) as (figure, axes):
        for (name, rows), colour in zip(grid.groupby("penalty"), (REPAID, DEFAULTED), strict=False):
            axes.errorbar(
                rows["C"], rows["f2_mean"], yerr=rows["f2_sd"], fmt="o-", color=colour, label=str(name), capsize=2
            )
        best = grid[(grid["penalty"] == penalty) & (grid["C"] == C)]
        aside = 0.93 if penalty == "l1" else 1.07
        axes.plot(
            best["C"] * aside,
            best["f2_mean"],
            "o",
            markersize=11,
            markerfacecolor="none",
            color=NEUTRAL,
            label="chosen",
        )
        axes.set(xscale="log", xlabel="C: to the right, a weaker penalty", ylabel="F2 at probability 0.5")
        axes.legend()
    return figure


def _thinned(curve: pd.DataFrame, points: int = 400) -> pd.DataFrame:
    # A curve of 79,000 points makes a file of megabytes and looks the same.
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(points, len(curve))).astype(int))
    return curve.iloc[chosen]
