"""Figures of the lending policy: where limits lie, what they trade, what profit rests on, and whom they refuse."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.marks import dotted_rows, legend_below, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent


def plot_limits(evidence: Mapping[str, pd.DataFrame], *, limits: Mapping[str, float | None]) -> Figure:
    """Draw profit along each column that a cap may bound, with the proposed cap.

    Args:
        evidence: For each column, bins of the training loans: middle, expected, realised with `_low` and `_high`, and fitted.
        limits: The proposed cap of each column, None where profit never turns negative.
    """
    with canvas(height=3.2, columns=len(evidence), sharey=True) as (figure, first):
        for panel, (name, bins) in zip(figure.axes, evidence.items(), strict=True):
            bars, limit = reach(bins, "realised", "realised"), limits[name]
            panel.axhline(0, color=NEUTRAL, linewidth=0.8)
            panel.errorbar(bins["middle"], bins["realised"], yerr=bars, fmt="o", color=REPAID, label="realised")
            panel.step(bins["middle"], bins["fitted"], where="mid", color=DEFAULTED, label="expected, never rising")
            if limit is not None:
                panel.axvline(limit, color=WARNING, linestyle="--", label=f"cap at {limit:g}")
            panel.set(xlabel=name, title=name)
            panel.legend(loc="best")
        first.set_ylabel("profit per 100 lent")
    return figure


def plot_trade_off(curve: pd.DataFrame, *, points: pd.DataFrame) -> Figure:
    """Draw what approving fewer does to the default rate of the approved and to profit.

    Args:
        curve: One row per threshold of the model: approved, default_rate_approved and profit, each with `_low` and `_high`.
        points: Named policies: name, approved, default_rate_approved, profit.
    """
    panels = (
        ("default_rate_approved", "default rate of the approved", DEFAULTED),
        ("profit", "profit per 100 asked for", REPAID),
    )
    with canvas(height=4.0, columns=2) as (figure, first):
        for panel, (name, label, colour) in zip(figure.axes, panels, strict=True):
            x, low, high = curve["approved"], curve[f"{name}_low"], curve[f"{name}_high"]
            panel.plot(x, curve[name], color=colour, label="thresholds of the model")
            panel.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            for mark, row in zip("oDs^vP*Xhp", points.to_dict("records"), strict=False):
                policy = row["name"].replace("_", " ")
                panel.plot(row["approved"], row[name], mark, color=NEUTRAL, label=policy, markersize=6)
            panel.set(xlabel="applications approved", ylabel=label)
            percent(panel.xaxis)
        percent(first.yaxis)
        legend_below(figure, 2)
    return figure


def plot_tornado(table: pd.DataFrame) -> Figure:
    """Draw how far profit moves when one assumption goes to the ends of its range.

    Args:
        table: One row per assumption, the widest first: label, profit_low and profit_high (at the low and the high end of the
            assumption) and profit_default.
    """
    rows = table.iloc[::-1]
    ends = (("profit_low", REPAID, "at the low end"), ("profit_high", DEFAULTED, "at the high end"))
    with canvas(height=1.0 + 0.42 * len(rows)) as (figure, axes):
        middle = float(rows["profit_default"].iloc[0])
        for place, row in enumerate(rows.to_dict("records")):
            for end, colour, _ in ends:
                axes.barh(place, row[end] - middle, left=middle, color=colour, alpha=0.85, height=0.6)
        axes.axvline(middle, color=NEUTRAL)
        axes.axvline(0, color=LIGHT, linestyle="--")
        axes.set_yticks(range(len(rows)), rows["label"])
        axes.set(xlabel="expected profit per 100 lent, every loan granted")
        for _, colour, label in ends:
            axes.barh(0, 0, left=middle, color=colour, alpha=0.85, label=label)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def plot_gaps(gaps: pd.DataFrame) -> Figure:
    """Draw the widest gap in refusals among good customers that each rule leaves between groups.

    Args:
        gaps: One row per rule and attribute: rule, attribute, gap with gap_low and gap_high.
    """
    rules, attributes = gaps["rule"].unique(), gaps["attribute"].unique()
    height = 1.0 + 0.24 * len(rules) * len(attributes) ** 0.5
    with canvas(height=height, columns=max(len(attributes), 1), sharey=True) as (figure, axes):
        if gaps.empty:
            axes.set_axis_off()
            axes.annotate("too few good customers to compare groups", (0.5, 0.5), color=NEUTRAL, ha="center")
            return figure
        for panel, attribute in zip(figure.axes, attributes, strict=True):
            rows = gaps[gaps["attribute"] == attribute].set_index("rule").reindex(rules[::-1])
            panel.axvline(0, color=LIGHT, linestyle="--")
            dotted_rows(panel, rows, "gap", rows.index.tolist())
            panel.set(title=attribute.replace("_", " "), xlabel="widest gap")
            panel.xaxis.set_major_locator(MaxNLocator(4))
            percent(panel.xaxis)
    return figure
