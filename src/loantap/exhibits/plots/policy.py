"""Figures of the lending policy: where limits lie, what they trade, what profit rests on, and whom they refuse."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

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


def plot_frontier(curve: pd.DataFrame, *, points: pd.DataFrame) -> Figure:
    """Draw the defaults avoided against the good customers refused: the price of each policy in people.

    Args:
        curve: One row per threshold of the model: good_refused and defaults_avoided.
        points: The policies to mark: policy (its title), good_refused, defaults_avoided.
    """
    with canvas(height=4.6) as (figure, axes):
        ordered = curve.sort_values("good_refused")
        axes.plot(ordered["good_refused"], ordered["defaults_avoided"], color=REPAID, label="thresholds of the model")
        axes.plot([0, 1], [0, 1], color=LIGHT, linestyle="--", label="refusing at random")
        # Policies that lie close to one another share a mark, named once each.
        spots = points.assign(spot=points[["good_refused", "defaults_avoided"]].round(2).apply(tuple, axis=1)).groupby(
            "spot", sort=False
        )
        for mark, (_, some) in zip("oDs^vPX*hpd<>" * 2, spots, strict=False):
            x, y = some[["good_refused", "defaults_avoided"]].iloc[0]
            axes.plot(x, y, mark, color=DEFAULTED, markersize=7, label="; ".join(some["policy"]), clip_on=False)
        axes.set(xlabel="good customers refused", ylabel="defaults avoided", xlim=(0, 1), ylim=(0, 1))
        percent(axes.xaxis)
        percent(axes.yaxis)
        axes.legend(loc="lower right", fontsize=8)
    return figure


def plot_gains(table: pd.DataFrame) -> Figure:
    """Draw how sure the gain of each policy is: by the loans drawn, and by what is assumed.

    Args:
        table: One row per policy: policy, gain with gain_low and gain_high, gain_least and gain_most.
    """
    rows = table.iloc[::-1]
    with canvas(height=1.1 + 0.34 * len(rows)) as (figure, axes):
        places = range(len(rows))
        width = rows["gain_most"] - rows["gain_least"]
        axes.barh(
            places,
            width,
            left=rows["gain_least"],
            color=WARNING,
            alpha=0.25,
            height=0.62,
            label="over the range of one assumption at a time",
        )
        axes.axvline(0, color=NEUTRAL, linewidth=0.8)
        dotted_rows(axes, rows, "gain", rows["policy"].tolist())
        axes.plot([], [], "o-", color=DEFAULTED, label="gain on these loans, and its interval")
        axes.set(xlabel="gain in currency, against refusing nobody")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
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
        axes.set(xlabel="realised profit per 100 lent, nobody refused")
        for _, colour, label in ends:
            axes.barh(0, 0, left=middle, color=colour, alpha=0.85, label=label)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def plot_ratios(gaps: pd.DataFrame, *, mark: float) -> Figure:
    """Draw the lowest approval ratio among good customers that each rule leaves between groups.

    Args:
        gaps: One row per rule and attribute: rule, attribute, approval_ratio with approval_ratio_low and approval_ratio_high.
        mark: The ratio that a dashed line stands at.
    """
    gaps = gaps.dropna(subset=["approval_ratio"])
    rules, attributes = gaps["rule"].unique(), gaps["attribute"].unique()
    height = 1.0 + 0.24 * len(rules) * len(attributes) ** 0.5
    with canvas(height=height, columns=max(len(attributes), 1), sharey=True) as (figure, axes):
        if gaps.empty:
            axes.set_axis_off()
            axes.annotate("too few good customers to compare groups", (0.5, 0.5), color=NEUTRAL, ha="center")
            return figure
        for panel, attribute in zip(figure.axes, attributes, strict=True):
            rows = gaps[gaps["attribute"] == attribute].set_index("rule").reindex(rules[::-1])
            panel.axvline(mark, color=WARNING, linestyle="--")
            panel.axvline(1, color=LIGHT)
            dotted_rows(panel, rows, "approval_ratio", rows.index.tolist())
            panel.set(title=attribute.replace("_", " "), xlabel="lowest approval ratio")
            panel.xaxis.set_major_locator(MaxNLocator(4))
    return figure
