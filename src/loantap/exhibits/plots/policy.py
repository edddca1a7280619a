"""Figures of the lending policy: where limits lie, what they trade, what profit rests on, and whom they refuse."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_PER_100 = "profit per 100 lent"


def plot_limits(evidence: Mapping[str, pd.DataFrame], *, limits: Mapping[str, float | None]) -> Figure:
    """Draw profit along each column that a cap may bound, with the proposed cap.

    Args:
        evidence: For each column, bins of the training loans: middle, expected, realised with `_low` and `_high`, and fitted.
        limits: The proposed cap of each column, None where profit never turns negative.
    """
    with canvas(height=3.2, columns=len(evidence), sharey=True) as (figure, axes):
        for panel, (name, bins) in zip(np.ravel(axes), evidence.items(), strict=True):  # type: ignore[call-overload]
            ends = [bins["realised"] - bins["realised_low"], bins["realised_high"] - bins["realised"]]
            panel.axhline(0, color=NEUTRAL, linewidth=0.8)
            panel.errorbar(
                bins["middle"], bins["realised"], yerr=np.clip(ends, 0, None), fmt="o", color=REPAID, label="realised"
            )
            panel.step(bins["middle"], bins["fitted"], where="mid", color=DEFAULTED, label="expected, never rising")
            limit = limits[name]
            if limit is not None:
                panel.axvline(limit, color=WARNING, linestyle="--", label=f"cap at {limit:g}")
            panel.set(xlabel=name, title=name)
            panel.legend(loc="best")
        np.ravel(axes)[0].set_ylabel(_PER_100)  # type: ignore[call-overload]
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
    marks = "oDs^vP*Xhp"
    with canvas(height=4.0, columns=2) as (figure, axes):
        for panel, (name, label, colour) in zip(np.ravel(axes), panels, strict=True):  # type: ignore[call-overload]
            panel.plot(curve["approved"], curve[name], color=colour, label="thresholds of the model")
            panel.fill_between(
                curve["approved"], curve[f"{name}_low"], curve[f"{name}_high"], color=colour, alpha=0.15, linewidth=0
            )
            for mark, row in zip(marks, points.to_dict("records"), strict=False):
                panel.plot(
                    row["approved"], row[name], mark, color=NEUTRAL, label=row["name"].replace("_", " "), markersize=6
                )
            panel.set(xlabel="applications approved", ylabel=label)
            percent(panel.xaxis)
        percent(np.ravel(axes)[0].yaxis)  # type: ignore[call-overload]
        handles, labels = np.ravel(axes)[0].get_legend_handles_labels()  # type: ignore[call-overload]
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def plot_tornado(table: pd.DataFrame) -> Figure:
    """Draw how far profit moves when one assumption goes to the ends of its range.

    Args:
        table: One row per assumption, the widest first: label, profit_low and profit_high (at the low and the high end of the
            assumption) and profit_default.
    """
    rows = table.iloc[::-1].reset_index(drop=True)
    with canvas(height=1.0 + 0.42 * len(rows)) as (figure, axes):
        middle = float(rows["profit_default"].iloc[0])
        for place, row in enumerate(rows.to_dict("records")):
            for end, colour in (("profit_low", REPAID), ("profit_high", DEFAULTED)):
                axes.barh(place, row[end] - middle, left=middle, color=colour, alpha=0.85, height=0.6)
        axes.axvline(middle, color=NEUTRAL)
        axes.axvline(0, color=LIGHT, linestyle="--")
        axes.set_yticks(range(len(rows)), rows["label"])
        axes.set(xlabel="expected profit per 100 lent, every loan granted")
        for colour, label in ((REPAID, "at the low end"), (DEFAULTED, "at the high end")):
            axes.barh(0, 0, left=middle, color=colour, alpha=0.85, label=label)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def plot_gaps(gaps: pd.DataFrame) -> Figure:
    """Draw the widest gap in refusals among good customers that each rule leaves between groups.

    Args:
        gaps: One row per rule and attribute: rule, attribute, gap with gap_low and gap_high.
    """
    rules = list(dict.fromkeys(gaps["rule"]))
    attributes = list(dict.fromkeys(gaps["attribute"]))
    with canvas(height=1.0 + 0.24 * len(rules) * len(attributes) ** 0.5, columns=max(len(attributes), 1), sharey=True) as (figure, axes):  # fmt: skip
        if gaps.empty:
            axes.set_axis_off()
            axes.annotate("too few good customers to compare groups", (0.5, 0.5), color=NEUTRAL, ha="center")
            return figure
        for panel, attribute in zip(np.ravel(axes), attributes, strict=True):  # type: ignore[call-overload]
            rows = gaps[gaps["attribute"] == attribute].set_index("rule").reindex(rules[::-1])
            panel.axvline(0, color=LIGHT, linestyle="--")
            for place, row in enumerate(rows.to_dict("records")):
                panel.plot([row["gap_low"], row["gap_high"]], [place, place], color=NEUTRAL, linewidth=1.4)
            panel.plot(rows["gap"], range(len(rows)), "o", color=DEFAULTED)
            panel.set(title=attribute.replace("_", " "), xlabel="widest gap")
            panel.set_yticks(range(len(rows)), rows.index)
            panel.xaxis.set_major_locator(MaxNLocator(4))
            percent(panel.xaxis)
    return figure
