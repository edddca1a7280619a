"""Figures of early warning: alerts, lights by month, drift of the loans, and what is expected of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import RING, intervals, name_mark, name_rows, note, reach
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent

_STYLES = ((DEFAULTED, "-"), (REPAID, "--"), (NEUTRAL, ":"), (WARNING, "-."))


def plot_alerts(curves: pd.DataFrame, *, chosen: Mapping[str, float]) -> Figure:
    """Draw defaults warned of, and the share of alerts that were right, against alerts.

    Columns method, alerts_per_1000, recall, by_chance (drawn for the first method) and precision; `chosen` is the recommended setting.
    """
    x = "alerts_per_1000"
    methods = [(name, rows.sort_values(x)) for name, rows in curves.groupby("method", sort=False)]
    with canvas(height=3.4, columns=2) as (figure, first):
        for panel, name in zip(figure.axes, ("recall", "precision"), strict=True):
            for place, ((method, rows), (colour, line)) in enumerate(zip(methods, _STYLES, strict=False)):
                panel.plot(rows[x], rows[name], color=colour, linestyle=line, marker=".", label=str(method))
                end = rows.iloc[-1]
                if panel is first:
                    left = end[x] > curves[x].max() / 2
                    sides = {"ha": "right" if left else "left", "va": "bottom" if place != 1 or left else "top"}
                    name_mark(panel, str(method), (end[x], end[name]), (-6 if left else 6, 4), colour, **sides)
            if panel is first:
                chance = methods[0][1]
                panel.plot(chance[x], chance["by_chance"], color=NEUTRAL, linewidth=0.8, label="by chance")
                note(panel, "by chance", (chance[x].iloc[-1], chance["by_chance"].iloc[-1]), (4, -2), va="top")
            panel.plot(chosen[x], chosen[name], label="recommended", **RING)
            panel.set(xlabel="Alerts per 1,000 loans a month", ylim=(0, None), xlim=(0, None))
            percent(panel.yaxis)
        first.set_title("Defaults warned of")
        figure.axes[1].set_title("Alerts followed by a default")
        note(figure.axes[1], "circled: the recommended setting", (1, 1), (0, -10), xycoords="axes fraction", ha="right")
    return figure


def plot_lights(by_month: pd.DataFrame) -> Figure:
    """Draw the shares of amber and red loans, columns amber and red, by month (text)."""
    with canvas(height=2.6) as (figure, axes):
        places, red = range(len(by_month)), by_month["red"]
        hatched: dict[str, Any] = {"color": WARNING, "alpha": 0.6, "hatch": "//", "edgecolor": "white"}
        axes.bar(places, red, color=DEFAULTED)
        axes.bar(places, by_month["amber"], bottom=red, **hatched)
        last = len(by_month) - 1
        for name, colour, under in (("red", DEFAULTED, 0 * red), ("amber", WARNING, red)):
            middle = float((under + by_month[name] / 2).fillna(0).iloc[-1]) if len(by_month) else 0.0
            name_mark(axes, name, (last + 0.55, middle), (0, 0), colour, annotation_clip=False)
        axes.set_xticks(places[::3], by_month["month"].iloc[::3])
        axes.set(ylabel="Share of live loans", xlim=(-0.6, last + 1.9))
        percent(axes.yaxis)
    return figure


def plot_drift(drift: pd.DataFrame, *, amber: float, red: float) -> Figure:
    """Draw the stability index of each variable by month (variable, month as text, psi, in order), with the customary limits."""
    with canvas(height=3.0) as (figure, axes):
        months, ends = list(dict.fromkeys(drift["month"])), []
        for (name, rows), (colour, line) in zip(drift.groupby("variable", sort=False), _STYLES, strict=False):
            places = [months.index(month) for month in rows["month"]]
            axes.plot(places, rows["psi"], color=colour, linestyle=line, marker=".", label=str(name))
            ends.append((float(rows["psi"].iloc[-1]), str(name), colour))
        for limit, label in ((amber, "amber"), (red, "red")):
            axes.axhline(limit, color=NEUTRAL, linestyle="--", linewidth=0.8)
            note(axes, f"{label} from here", (0, limit), (0, 2))
        step = 0.045 * red  # the lines end close to one another: their names stand in the order of the ends, apart
        for place, (_, name, colour) in enumerate(sorted(ends)):
            height = max(min(end for end, *_ in ends) + (2 * place - 0.5) * step, place * 2 * step)
            name_mark(axes, name, (len(months) - 0.7, height), (0, 0), colour, annotation_clip=False)
        axes.set_xticks(range(0, len(months), 3), months[::3])
        axes.set(ylabel="Stability index", ylim=(0, None), xlim=(-0.5, len(months) + 0.28 * len(months)))
    return figure


def plot_outcomes(calibration: pd.DataFrame) -> Figure:
    """Draw observed over expected defaults, ratio with ci_low and ci_high, by month (text)."""
    with canvas(height=2.6) as (figure, axes):
        places = range(len(calibration))
        axes.axhline(1, color=LIGHT, linestyle="--")
        axes.errorbar(places, calibration["ratio"], yerr=reach(calibration, "ratio"), fmt="o-", color=DEFAULTED)
        axes.set_xticks(places[::3], calibration["month"].iloc[::3])
        axes.set(ylabel="Observed over expected defaults", ylim=(0, None))
    return figure


def plot_expected_observed(groups: pd.DataFrame) -> Figure:
    """Draw the share expected to default and the share that did, row by row: group, expected_rate and observed_rate with low and high."""
    with canvas(height=0.8 + 0.26 * len(groups)) as (figure, axes):
        rows = np.arange(len(groups))
        intervals(axes, groups, list(rows - 0.16), REPAID, value="expected_rate", ends="expected_rate", label="expected")  # fmt: skip
        intervals(axes, groups, list(rows + 0.16), DEFAULTED, value="observed_rate", ends="observed_rate", label="defaulted")  # fmt: skip
        name_rows(axes, [str(name) for name in groups["group"]])
        percent(axes.xaxis)
        axes.set(xlabel="Share of loans", xlim=(0, None))
        axes.legend(loc="lower right")
    return figure


def plot_expected(scores: pd.DataFrame) -> Figure:
    """Draw each measure's expected value on its interval: measure (its name), expected, expected_low and expected_high, within 0 to 1."""
    known = scores.dropna(subset=["expected"])
    with canvas(height=2.6) as (figure, axes):
        places = range(len(known))
        axes.hlines(places, known["expected_low"], known["expected_high"], color=NEUTRAL, linewidth=2.2, alpha=0.6)
        axes.plot(known["expected"], places, color=REPAID, linestyle="", marker="o")
        name_rows(axes, known["measure"].tolist())
        axes.set(xlim=(0, 1), xlabel="Value")
    return figure
