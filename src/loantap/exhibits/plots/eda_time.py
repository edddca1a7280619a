"""Figures of the loans over the time of funding."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from loantap.exhibits.plots.eda_distributions import short_number
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, WARNING, canvas, percent


def vintages(overall: pd.DataFrame, by_term: dict[int, pd.DataFrame]) -> Figure:
    """Draw the default rate of each vintage, for all loans and by term, above the number of loans.

    Lines are dotted where loans had not run to term; the shade covers what even the shortest had not.

    Args:
        overall: start, end, n, default_rate, ci_low, ci_high, unripe of all loans.
        by_term: The same for the loans of each term, in months.
    """
    with canvas(height=4.6, rows=2, sharex=True, height_ratios=[3, 1]) as (figure, _):
        top, bottom = figure.axes
        unripe = overall.loc[overall["unripe"], "start"]
        if len(unripe):
            begin = float(date2num(unripe.iloc[0]))
            for panel in (top, bottom):
                panel.axvspan(begin, _edges(overall)[-1], color=WARNING, alpha=0.08, linewidth=0)
            top.annotate(
                " may still be running", (begin, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8, color=WARNING
            )  # fmt: skip
        _rates(top, overall, NEUTRAL, "all loans")
        for (term, rates), colour in zip(by_term.items(), (REPAID, DEFAULTED), strict=False):
            _rates(top, rates, colour, f"{term} months")
        top.set_ylim(bottom=0)
        percent(top.yaxis)
        top.set_ylabel("Default rate")
        top.legend(loc="upper left", fontsize=8, ncols=3)
        bottom.stairs(_per_month(overall, "n"), _edges(overall), fill=True, color=LIGHT)
        bottom.xaxis_date()
        bottom.set_ylabel("Loans a month")
        bottom.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
    return figure


def timeline(months: pd.DataFrame) -> Figure:
    """Draw the loans funded per month, by how they ended.

    Args:
        months: start, end, n, defaults.
    """
    with canvas(height=2.7) as (figure, axes):
        edges = _edges(months)
        n, defaults = _per_month(months, "n"), _per_month(months, "defaults")
        axes.stairs(n, edges, fill=True, color=REPAID, label="repaid")
        axes.stairs(defaults, edges, fill=True, color=DEFAULTED, label="defaulted")
        axes.xaxis_date()
        axes.set_ylabel("Loans funded a month")
        axes.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
        axes.legend(loc="upper left", fontsize=8)
    return figure


def _edges(rates: pd.DataFrame) -> np.ndarray:
    last = rates["end"].iloc[-1] + pd.offsets.MonthBegin()
    return np.asarray(date2num([*rates["start"], last]))


def _per_month(rates: pd.DataFrame, name: str) -> np.ndarray:
    # Periods merged for being small are longer than the others.
    months = np.rint(np.diff(_edges(rates)) / (365.25 / 12))
    return rates[name].to_numpy(dtype="float64") / months


def _rates(axes: Axes, rates: pd.DataFrame, colour: str, label: str) -> None:
    """Draw a line with its band: solid where the loans have run to term, dotted where not."""
    middle = (date2num(rates["start"]) + date2num(rates["end"])) / 2 + 15
    axes.fill_between(middle, rates["ci_low"], rates["ci_high"], color=colour, alpha=0.16, linewidth=0)
    axes.plot(middle, rates["default_rate"], color=colour, linestyle="", marker="o", markersize=2.5)
    # The first unripe vintage ends the solid line; the dotted one goes on from the last ripe vintage.
    split = int((~rates["unripe"]).sum())
    solid, dotted = slice(0, split), slice(max(split - 1, 0), None)
    axes.plot(middle[solid], rates["default_rate"][solid], color=colour, linewidth=1.3, label=label)
    axes.plot(middle[dotted], rates["default_rate"][dotted], color=colour, linewidth=1.3, linestyle=":")
