"""Figures of the lending policy: where limits lie, how sure gains are, what profit rests on, and how alike groups are treated."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from loantap.exhibits.plots.frontier import VERDICTS
from loantap.exhibits.plots.marks import TOP, note, reach
from loantap.exhibits.plots.style import LIGHT, NEUTRAL, REPAID, WARNING, canvas
from loantap.exhibits.words import capital, percent, show


def plot_limits(evidence: Mapping[str, pd.DataFrame], *, limits: Mapping[str, float | None]) -> Figure:
    """Draw profit along each column that a cap may bound, with the proposed cap, None where profit never turns negative.

    By the column's name in words: bins of the training loans with middle, realised, realised_low, realised_high and fitted.
    """
    with canvas(height=3.2, columns=len(evidence), sharey=True) as (figure, first):
        for panel, (name, bins) in zip(figure.axes, evidence.items(), strict=True):
            bars, limit = reach(bins, "realised", "realised"), limits[name]
            panel.axhline(0, color=NEUTRAL, linewidth=0.8)
            panel.errorbar(bins["middle"], bins["realised"], yerr=bars, fmt="o", color=NEUTRAL)
            panel.step(bins["middle"], bins["fitted"], where="mid", color=REPAID, linewidth=2)
            if limit is not None:
                panel.axvline(limit, color=WARNING, linestyle="--")
                note(panel, f"cap at {limit:g} ", (limit, 1), (0, -9), xycoords=TOP, ha="right", color=WARNING)
            panel.set(xlabel=f"{capital(name)} (%)", title=capital(name))
        first.set_ylabel("Profit per 100 lent")
    return figure


def plot_gains(table: pd.DataFrame) -> Figure:
    """Draw how sure the gain of each policy is: gain with gain_low and gain_high, and the range gain_least to gain_most."""
    rows = table.iloc[::-1]
    with canvas(height=1.2 + 0.34 * len(rows)) as (figure, axes):
        places = range(len(rows))
        width = rows["gain_most"] - rows["gain_least"]
        axes.barh(places, width, left=rows["gain_least"], color=LIGHT, alpha=0.6, height=0.62)
        axes.axvline(0, color=NEUTRAL, linewidth=1)
        for place, row in enumerate(rows.to_dict("records")):
            look = VERDICTS[row["verdict"]]
            axes.plot([row["gain_low"], row["gain_high"]], [place, place], color=look["color"], linewidth=1.6)
            axes.plot(row["gain"], place, "o", ms=7, **look)
        axes.set_yticks(places, rows["policy"])
        axes.set(xlabel="Gain in currency against approving everyone", ylim=(-0.6, len(rows) - 0.4))
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        _above(axes, ["line: interval for all policies at once", "band: range over the assumptions"])
        axes.margins(x=0.05)
        for text, shift, side in (("loses", -4, "right"), ("gains", 4, "left")):
            note(axes, text, (0, 0), (shift, 3), xycoords=TOP, ha=side)
    return figure


def plot_tornado(table: pd.DataFrame) -> Figure:
    """Draw how far profit moves at the ends of each assumption: label, low, high, profit_low, profit_high, profit_default."""
    rows = table.iloc[::-1]
    with canvas(height=1.1 + 0.46 * len(rows)) as (figure, axes):
        middle = float(rows["profit_default"].iloc[0])
        for place, row in enumerate(rows.to_dict("records")):
            for end, alpha in (("low", 0.45), ("high", 0.85)):
                profit = row[f"profit_{end}"]
                axes.barh(place, profit - middle, left=middle, color=REPAID, alpha=alpha, height=0.6)
                side, shift = ("left", 3) if profit >= middle else ("right", -3)
                note(axes, percent(row[end]), (profit, place), (shift, 0), va="center", ha=side)
        axes.axvline(middle, color=NEUTRAL)
        axes.axvline(0, color=NEUTRAL, linestyle="--", linewidth=0.8)
        axes.set_yticks(range(len(rows)), [capital(str(label)) for label in rows["label"]])
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.14)
        axes.set(xlabel="Realised profit per 100 lent when everyone is approved")
        assumed = f"as assumed: {show(middle, 'number')} per 100 lent"
        _above(axes, [assumed, "pale: low end of the assumption, dark: high end, with its value"])
    return figure


def plot_ratios(gaps: pd.DataFrame, *, mark: float) -> Figure:
    """Draw the approval ratio with its ends of each rule and attribute, and a dashed line at a mark."""
    gaps = gaps.dropna(subset=["approval_ratio"])
    rules, attributes = gaps["rule"].unique(), gaps["attribute"].unique()
    height = 1.0 + 0.24 * len(rules) * len(attributes) ** 0.5
    with canvas(height=height, columns=max(len(attributes), 1), sharey=True) as (figure, axes):
        if gaps.empty:
            axes.set_axis_off()
            axes.annotate("Too few good customers to compare groups", (0.5, 0.5), color=NEUTRAL, ha="center")
            return figure
        for panel, attribute in zip(figure.axes, attributes, strict=True):
            rows = gaps[gaps["attribute"] == attribute].set_index("rule").reindex(rules[::-1])
            panel.axvline(mark, color=WARNING, linestyle="--")
            panel.axvline(1, color=NEUTRAL, linewidth=0.8)
            ends = rows[["approval_ratio_low", "approval_ratio_high"]].to_numpy()
            panel.hlines(range(len(rows)), ends[:, 0], ends[:, 1], color=NEUTRAL, linewidth=1.4)
            panel.plot(rows["approval_ratio"], range(len(rows)), "o", color=REPAID)
            panel.set_yticks(range(len(rows)), rows.index.tolist())
            panel.set(title=f"By {attribute.replace('_', ' ')}", xlabel="Lowest approval ratio", ylim=(-0.5, len(rows)))
            panel.grid(visible=False, axis="y")
            panel.xaxis.set_major_locator(MaxNLocator(4))
        note(figure.axes[0], "four fifths ", (mark, len(rules) - 0.35), (0, 0), ha="right", va="center", color=WARNING)
    return figure


def _above(axes: Axes, marks: Sequence[str]) -> None:
    """Say above the panel what its marks are."""
    note(axes, "; ".join(marks), (0, 1), (0, 5), xycoords="axes fraction")
