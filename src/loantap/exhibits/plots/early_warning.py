"""Figures of early warning: what alerts cost and bring, how the watchlist moves, and how far the loans drift."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_STYLES = ((DEFAULTED, "-"), (REPAID, "--"), (NEUTRAL, ":"), (WARNING, "-."))


def plot_alerts(curves: pd.DataFrame, *, chosen: Mapping[str, float]) -> Figure:
    """Draw defaults warned of, and the share of alerts that were right, against alerts.

    Args:
        curves: method, alerts_per_1000, recall, by_chance, precision; several rows per method. What chance would find is drawn for the first.
        chosen: alerts_per_1000, recall and precision of the recommended setting on the same months.
    """
    panels = (("recall", "defaults warned of"), ("precision", "alerts followed by a default"))
    with canvas(height=3.4, columns=2) as (figure, axes):
        for panel, (name, label) in zip(np.ravel(axes), panels, strict=True):  # type: ignore[call-overload]
            for (method, rows), (colour, line) in zip(curves.groupby("method", sort=False), _STYLES, strict=False):
                ordered = rows.sort_values("alerts_per_1000")
                panel.plot(
                    ordered["alerts_per_1000"], ordered[name], color=colour, linestyle=line, marker=".", label=method
                )
            if name == "recall":
                first = curves[curves["method"] == curves["method"].iloc[0]].sort_values("alerts_per_1000")
                panel.plot(first["alerts_per_1000"], first["by_chance"], color=LIGHT, label="by chance")
            panel.plot(chosen["alerts_per_1000"], chosen[name], "o", markersize=11, markerfacecolor="none", color=NEUTRAL, label="recommended")  # fmt: skip
            panel.set(xlabel="alerts per 1,000 loans a month", ylabel=label, ylim=(0, None), xlim=(0, None))
            percent(panel.yaxis)
        handles, labels = np.ravel(axes)[0].get_legend_handles_labels()  # type: ignore[call-overload]
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def plot_lights(by_month: pd.DataFrame) -> Figure:
    """Draw the share of amber and red loans by month.

    Args:
        by_month: month (text), amber and red (shares of the live loans).
    """
    with canvas(height=2.6) as (figure, axes):
        places = np.arange(len(by_month))
        axes.bar(places, by_month["red"], color=DEFAULTED, label="red")
        axes.bar(places, by_month["amber"], bottom=by_month["red"], color=WARNING, alpha=0.6, hatch="//", edgecolor="white", label="amber")  # fmt: skip
        axes.set_xticks(places[::3], by_month["month"].iloc[::3])
        axes.set(ylabel="live loans")
        percent(axes.yaxis, 1)
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
    """Draw observed over expected defaults by month.

    Args:
        calibration: month (text), ratio with ci_low and ci_high.
    """
    with canvas(height=2.6) as (figure, axes):
        places = np.arange(len(calibration))
        ends = [calibration["ratio"] - calibration["ci_low"], calibration["ci_high"] - calibration["ratio"]]
        axes.axhline(1, color=LIGHT, linestyle="--")
        axes.errorbar(places, calibration["ratio"], yerr=np.clip(ends, 0, None), fmt="o-", color=DEFAULTED)
        axes.set_xticks(places[::3], calibration["month"].iloc[::3])
        axes.set(ylabel="observed over expected defaults", ylim=(0, None))
    return figure
