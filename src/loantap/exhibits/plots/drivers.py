"""Default rates with their intervals: by level, along drivers, and of two runs; a dashed line marks all loans together."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loantap.exhibits.plots.marks import intervals, name_rows, texted_rows
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, ONE, OTHER, WARNING, canvas, percent
from loantap.exhibits.words import show

_BY_TIME = {"application": ONE, "pricing": OTHER, "funding": NEUTRAL}
_RUNS = (("earlier", "earlier run", NEUTRAL, -0.15), ("later", "this run", DEFAULTED, 0.15))
_TIMES = {"application": "known at application", "pricing": "the lender's own pricing", "funding": "set at funding"}


def default_rates(rates: pd.DataFrame, *, overall: float, label: str) -> Figure:
    """Draw one row per level, from the top, with its rate and number of loans: level, n, default_rate, ci_low, ci_high; `label` names the axis."""
    with canvas(height=0.9 + 0.27 * len(rates)) as (figure, axes):
        intervals(axes, rates, range(len(rates)), DEFAULTED)
        _overall(axes, overall)
        numbers = zip(rates["default_rate"], rates["n"], strict=True)
        texted_rows(axes, rates["level"], [f"{show(rate, 'rate')}   n = {n:,.0f}" for rate, n in numbers])
        axes.set_ylabel(label)
    return figure


def driver_panels(rates: pd.DataFrame, *, overall: float) -> Figure:
    """Draw a small panel per driver with the rates of its levels in order: driver, level, default_rate, ci_low, ci_high."""
    panels = list(rates.groupby("driver", sort=False))
    rows = -(-len(panels) // 3)
    with canvas(height=1.75 * rows, rows=rows, columns=3, sharey=True) as (figure, first):
        for (driver, levels), panel in zip(panels, figure.axes, strict=False):
            places, rate = np.arange(len(levels)), levels["default_rate"]
            known = levels["level"].ne("missing").to_numpy()
            panel.axhline(overall, color=NEUTRAL, linewidth=0.8, linestyle="--")
            panel.vlines(places, levels["ci_low"], levels["ci_high"], color=DEFAULTED, linewidth=1.6, alpha=0.55)
            panel.plot(places[known], rate[known], color=DEFAULTED, linewidth=0.9, marker="o", markersize=3.5)
            panel.plot(places[~known], rate[~known], color=WARNING, linestyle="", marker="D", markersize=4)
            panel.set_title(str(driver), fontsize=9)
            panel.grid(visible=False, axis="x")
            # All levels would not fit: the first and the last are named.
            names = levels["level"][known].tolist() or [""]
            panel.set_xticks([0, len(names) - 1], [names[0], names[-1]], fontsize=7)
            for name, side in zip(panel.get_xticklabels(), ("left", "right"), strict=True):
                name.set(ha=side)
            panel.set_xlim(-0.5, max(len(levels) - 0.5, 1))
            percent(panel.yaxis)
        for panel in figure.axes[len(panels) :]:
            panel.set_visible(False)
        first.set_ylim(bottom=0)
        figure.supylabel("Default rate", fontsize=9, color=NEUTRAL)
    return figure


def driver_ladder(rates: pd.DataFrame, strength: pd.DataFrame, *, overall: float) -> Figure:
    """Draw, per driver, the default rates of its levels and how well it alone tells the outcomes apart.

    Columns of each level shown: driver, share (of the loans), default_rate, ci_low, ci_high; of each driver, from the top: driver, known,
    auc, ci_low, ci_high.
    """
    height = 1.1 + 0.27 * len(strength)
    with canvas(height=height, columns=2, sharey=True, width_ratios=[3, 2]) as (figure, left):
        right = figure.axes[1]
        drivers, colours = strength["driver"].tolist(), strength["known"].map(_BY_TIME).tolist()
        for driver, levels in rates[rates["driver"].isin(drivers)].groupby("driver", sort=False):
            row, rate = drivers.index(driver), levels["default_rate"]
            # From the lowest to the highest rate: thin to the outer ends of their intervals, thick between the rates.
            left.hlines(row, levels["ci_low"].min(), levels["ci_high"].max(), color=LIGHT, linewidth=1.2, zorder=1)
            left.hlines(row, rate.min(), rate.max(), color=colours[row], linewidth=2.2, alpha=0.35, zorder=2)
            left.scatter(rate, [row] * len(levels), s=8 + 90 * levels["share"], color=colours[row], linewidth=0)
        left.set_yticks(range(len(drivers)), drivers)
        left.set_title("Default rate of its levels")
        _overall(left, overall)
        for row, colour in enumerate(colours):
            intervals(right, strength.iloc[[row]], [row], colour, value="auc")
        right.axvline(0.5, color=NEUTRAL, linewidth=0.8, linestyle="--")
        right.set(title="AUC of the column alone", xlabel="0.5: no better than chance", ylim=(len(drivers) - 0.4, -0.6))
        times = [known for known in _TIMES if known in set(strength["known"])]
        dots: dict[str, Any] = {"marker": "o", "linestyle": ""}
        handles = [Line2D([], [], color=_BY_TIME[known], label=_TIMES[known], **dots) for known in times]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def then_and_now(levels: pd.DataFrame) -> Figure:
    """Draw the rate of each level in two runs: name, and earlier and later with their low and high ends."""
    rates = levels.astype({f"{side}{end}": float for side, *_ in _RUNS for end in ("", "_low", "_high")})
    with canvas(height=1.4 + 0.32 * len(rates)) as (figure, axes):
        for side, label, colour, shift in _RUNS:
            intervals(axes, rates, np.arange(len(rates)) + shift, colour, value=side, ends=side, label=label)
        name_rows(axes, rates["name"].tolist())
        axes.set_xlim(left=0)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(_RUNS))
    return figure


def _overall(axes: Axes, overall: float) -> None:
    axes.axvline(overall, color=NEUTRAL, linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"Default rate (dashed: all loans, {show(overall, 'rate')})")
    percent(axes.xaxis)
