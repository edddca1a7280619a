"""Figures of early warning: what alerts cost and bring, how the watchlist moves, and how far the loans drift."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import RING, legend_below, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_STYLES = ((DEFAULTED, "-"), (REPAID, "--"), (NEUTRAL, ":"), (WARNING, "-."))


def plot_alerts(curves: pd.DataFrame, *, chosen: Mapping[str, float]) -> Figure:
    """Draw defaults warned of, and the share of alerts that were right, against alerts.

    Args:
        curves: method, alerts_per_1000, recall, by_chance, precision; several rows per method. What chance would find is drawn for the first.
        chosen: alerts_per_1000, recall and precision of the recommended setting on the same months.
    """
    x = "alerts_per_1000"
    methods = [(name, rows.sort_values(x)) for name, rows in curves.groupby("method", sort=False)]
    with canvas(height=3.4, columns=2) as (figure, first):
        for panel, name in zip(figure.axes, ("recall", "precision"), strict=True):
            for (method, rows), (colour, line) in zip(methods, _STYLES, strict=False):
                panel.plot(rows[x], rows[name], color=colour, linestyle=line, marker=".", label=method)
            if panel is first:
                panel.plot(methods[0][1][x], methods[0][1]["by_chance"], color=LIGHT, label="by chance")
            panel.plot(chosen[x], chosen[name], label="recommended", **RING)
            panel.set(xlabel="alerts per 1,000 loans a month", ylim=(0, None), xlim=(0, None))
            percent(panel.yaxis)
        first.set_ylabel("defaults warned of")
        figure.axes[1].set_ylabel("alerts followed by a default")
        legend_below(figure, 5)
    return figure


def plot_lights(by_month: pd.DataFrame) -> Figure:
    """Draw the shares of amber and red loans, columns amber and red, by month (text)."""
    with canvas(height=2.6) as (figure, axes):
        places, red = range(len(by_month)), by_month["red"]
        hatched: dict[str, Any] = {"color": WARNING, "alpha": 0.6, "hatch": "//", "edgecolor": "white"}
        axes.bar(places, red, color=DEFAULTED, label="red")
        axes.bar(places, by_month["amber"], bottom=red, label="amber", **hatched)
        axes.set_xticks(places[::3], by_month["month"].iloc[::3])
        axes.set(ylabel="live loans")
        percent(axes.yaxis)
        axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def plot_drift(drift: pd.DataFrame, *, amber: float, red: float) -> Figure:
    """Draw the stability index of each variable by month, with the customary limits.

    Args:
        drift: variable, month (text) and psi, ordered by month.
        amber: The index from which a variable counts as drifting.
        red: The index from which it counts as drifted.
    """
    with canvas(height=3.0) as (figure, axes):
        months = list(dict.fromkeys(drift["month"]))
        for (name, rows), (colour, line) in zip(drift.groupby("variable", sort=False), _STYLES, strict=False):
            places = [months.index(month) for month in rows["month"]]
            axes.plot(places, rows["psi"], color=colour, linestyle=line, marker=".", label=str(name))
        for limit, label in ((amber, "amber"), (red, "red")):
            axes.axhline(limit, color=LIGHT, linestyle="--")
            axes.annotate(label, (len(months) - 1, limit), color=NEUTRAL, ha="right", va="bottom")
        axes.set_xticks(range(0, len(months), 3), months[::3])
        axes.set(ylabel="stability index", ylim=(0, None))
        axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def plot_outcomes(calibration: pd.DataFrame) -> Figure:
    """Draw observed over expected defaults, ratio with ci_low and ci_high, by month (text)."""
    with canvas(height=2.6) as (figure, axes):
        places = range(len(calibration))
        axes.axhline(1, color=LIGHT, linestyle="--")
        axes.errorbar(places, calibration["ratio"], yerr=reach(calibration, "ratio"), fmt="o-", color=DEFAULTED)
        axes.set_xticks(places[::3], calibration["month"].iloc[::3])
        axes.set(ylabel="observed over expected defaults", ylim=(0, None))
    return figure
