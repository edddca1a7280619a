"""Figures of the exploratory analysis. Every rate comes with its interval; a dashed line marks all loans together."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_BY_TIME = {"application": REPAID, "pricing": WARNING, "funding": NEUTRAL}


def default_rates(rates: pd.DataFrame, *, overall: float, label: str) -> Figure:
    """Draw one row per level with its default rate, interval and number of loans.

    Args:
        rates: level, n, default_rate, ci_low, ci_high, in the order to show, first on top.
        overall: Default rate of all loans.
        label: What the levels are, for the axis.
    """
    with canvas(height=0.9 + 0.27 * len(rates)) as (figure, axes):
        rows = np.arange(len(rates))
        _intervals(axes, rates, rows, DEFAULTED)
        _overall(axes, overall)
        axes.set_yticks(rows, rates["level"].str.replace("_", " "))
        axes.set_ylabel(label)
        _counts(axes, rates["n"], rows, rates["default_rate"])
    return figure


def driver_panels(rates: pd.DataFrame, *, overall: float) -> Figure:
    """Draw one small panel per driver with the default rate along its levels.

    Args:
        rates: driver, level, default_rate, ci_low, ci_high; the levels of a driver in their order.
        overall: Default rate of all loans.
    """
    panels = list(rates.groupby("driver", sort=False))
    rows = -(-len(panels) // 3)
    with canvas(height=1.75 * rows, rows=rows, columns=3, sharey=True) as (figure, _):
        for (driver, levels), panel in zip(panels, figure.axes, strict=False):
            x = np.arange(len(levels))
            known = levels["level"].ne("missing").to_numpy()
            panel.axhline(overall, color=NEUTRAL, linewidth=0.8, linestyle="--")
            panel.vlines(x, levels["ci_low"], levels["ci_high"], color=DEFAULTED, linewidth=1.6, alpha=0.55)
            panel.plot(
                x[known], levels["default_rate"][known], color=DEFAULTED, linewidth=0.9, marker="o", markersize=3.5
            )
            panel.plot(x[~known], levels["default_rate"][~known], color=WARNING, linestyle="", marker="D", markersize=4)
            panel.set_title(str(driver), fontsize=9)
            panel.grid(visible=False, axis="x")
            _end_labels(panel, levels["level"].tolist())
            percent(panel.yaxis)
        for panel in figure.axes[len(panels) :]:
            panel.set_visible(False)
        figure.axes[0].set_ylim(bottom=0)
        figure.supylabel("Default rate", fontsize=9, color=NEUTRAL)
    return figure


def driver_ladder(rates: pd.DataFrame, strength: pd.DataFrame, *, overall: float) -> Figure:
    """Draw, per driver, the default rates of its levels and how well it alone tells the outcomes apart.

    Args:
        rates: driver, share (of the loans), default_rate, ci_low, ci_high of each level shown.
        strength: driver, known, auc, ci_low, ci_high, in the order to show, first on top.
        overall: Default rate of all loans.
    """
    height = 1.1 + 0.27 * len(strength)
    with canvas(height=height, columns=2, sharey=True, width_ratios=[3, 2]) as (figure, _):
        left, right = figure.axes
        rows = {driver: row for row, driver in enumerate(strength["driver"])}
        colours = strength["known"].map(_BY_TIME)
        for driver, levels in rates.groupby("driver", sort=False):
            if driver not in rows:
                continue
            colour = colours.iloc[rows[driver]]
            # From the lowest to the highest rate: thin to the outer ends of their intervals, thick between the rates.
            left.hlines(
                rows[driver], levels["ci_low"].min(), levels["ci_high"].max(), color=LIGHT, linewidth=1.2, zorder=1
            )
            reach = levels["default_rate"].min(), levels["default_rate"].max()
            left.hlines(rows[driver], *reach, color=colour, linewidth=2.2, alpha=0.35, zorder=2)
            left.scatter(
                levels["default_rate"], [rows[driver]] * len(levels), s=8 + 90 * levels["share"], color=colour, linewidth=0
            )  # fmt: skip
        left.set_yticks(range(len(strength)), strength["driver"])
        left.set_title("Default rate of its levels")
        _overall(left, overall)
        for row, colour in enumerate(colours):
            _intervals(right, strength.iloc[[row]], np.array([row]), colour, value="auc")
        right.axvline(0.5, color=NEUTRAL, linewidth=0.8, linestyle="--")
        right.set_title("AUC of the column alone")
        right.set_xlabel("0.5: no better than chance")
        right.set_ylim(len(strength) - 0.4, -0.6)
        handles = [
            mpl.lines.Line2D([], [], color=_BY_TIME[known], marker="o", linestyle="", label=text)
            for known, text in [
                ("application", "known at application"),
                ("pricing", "the lender's own pricing"),
                ("funding", "set at funding"),
            ]
            if strength["known"].eq(known).any()
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def group_rates(groups: pd.DataFrame, *, inside: str, others: str) -> Figure:
    """Draw two default rates per row: of the loans in a group, and of the others.

    Args:
        groups: label, n, default_rate, ci_low, ci_high, other_rate, other_low, other_high; rows without n have been
            suppressed and are named only.
        inside: What the loans in a group are called.
        others: What the others are called.
    """
    with canvas(height=1.15 + 0.32 * len(groups)) as (figure, axes):
        rows = np.arange(len(groups))
        shown = groups["n"].notna().to_numpy()
        axes.hlines(rows[shown], groups["default_rate"][shown], groups["other_rate"][shown], color=LIGHT, linewidth=2)
        other = groups[["other_rate", "other_low", "other_high"]].set_axis(
            ["default_rate", "ci_low", "ci_high"], axis=1
        )
        _intervals(axes, other[shown], rows[shown], REPAID, label=others)
        _intervals(axes, groups[shown], rows[shown], DEFAULTED, label=inside)
        axes.set_yticks(rows, groups["label"])
        axes.set_xlim(left=0)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
        _counts(axes, groups["n"], rows)
        if shown.any():
            figure.legend(loc="outside upper left", ncols=2, fontsize=8)
    return figure


def _intervals(
    axes: Axes, rates: pd.DataFrame, rows: np.ndarray, colour: str, *, value: str = "default_rate", label: str | None = None
) -> None:  # fmt: skip
    axes.hlines(rows, rates["ci_low"], rates["ci_high"], color=colour, linewidth=2.2, alpha=0.45)
    axes.plot(rates[value], rows, color=colour, linestyle="", marker="o", label=label)
    axes.grid(visible=False, axis="y")


def _overall(axes: Axes, overall: float) -> None:
    axes.axvline(overall, color=NEUTRAL, linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"Default rate (dashed: all loans, {overall:.1%})".replace("%", " %"))
    percent(axes.xaxis)


def _counts(axes: Axes, n: pd.Series, rows: np.ndarray, rates: pd.Series | None = None) -> None:
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for row, count, rate in zip(rows, n, [None] * len(rows) if rates is None else rates, strict=True):
        text = "too few to show" if pd.isna(count) else f"n = {count:,.0f}"
        if rate is not None:
            text = f"{100 * rate:.1f} %   {text}"
        axes.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=NEUTRAL,
            annotation_clip=False,
        )  # fmt: skip


def _end_labels(axes: Axes, levels: list[str]) -> None:
    """Name the first and last level only; all of them would not fit."""
    known = [level for level in levels if level != "missing"]
    axes.set_xticks([0, max(len(known) - 1, 0)], [known[0], known[-1]] if known else ["", ""], fontsize=7)
    first, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    axes.set_xlim(-0.5, max(len(levels) - 0.5, 1))
