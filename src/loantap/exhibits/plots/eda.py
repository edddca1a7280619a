"""Figures of the exploratory analysis: groups of loans, how numbers are distributed and go together, and the time of funding."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from loantap.exhibits.plots.marks import TOP, intervals, name_mark, note, texted_rows
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, ONE, OTHER, REPAID, WARNING, canvas, percent

_BY_OUTCOME = {"repaid": REPAID, "defaulted": DEFAULTED}
_DIVERGING = LinearSegmentedColormap.from_list("loantap", [REPAID, "white", DEFAULTED])


def group_rates(groups: pd.DataFrame, *, inside: str, others: str) -> Figure:
    """Draw two default rates per row: of the loans in a group, and of the others, as both are called.

    Columns label, n, default_rate, ci_low, ci_high, other_rate, other_low, other_high; rows without n were suppressed and are named only.
    """
    with canvas(height=1.15 + 0.32 * len(groups)) as (figure, axes):
        places, shown = np.flatnonzero(groups["n"].notna()).tolist(), groups[groups["n"].notna()]
        axes.hlines(places, shown["default_rate"], shown["other_rate"], color=LIGHT, linewidth=2)
        other = shown[["other_rate", "other_low", "other_high"]].set_axis(["default_rate", "ci_low", "ci_high"], axis=1)
        intervals(axes, other, places, NEUTRAL, label=others)
        intervals(axes, shown, places, DEFAULTED, label=inside)
        texted_rows(axes, groups["label"], ["too few to show" if pd.isna(n) else f"n = {n:,.0f}" for n in groups["n"]])
        axes.set_xlim(left=0)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
        if len(shown):
            figure.legend(loc="outside upper left", ncols=2, fontsize=8)
    return figure


def distributions(histograms: pd.DataFrame, medians: pd.DataFrame) -> Figure:
    """Draw the distribution of each column by outcome (column, outcome, left, right, density), and its medians by outcome."""
    columns, middle = list(histograms["column"].unique()), medians.set_index("column")
    rows = -(-len(columns) // 3)
    with canvas(height=1.55 * rows + 0.3, rows=rows, columns=3) as (figure, first):
        for name, panel in zip(columns, figure.axes, strict=False):
            for outcome, colour in _BY_OUTCOME.items():
                bars = histograms[histograms["column"].eq(name) & histograms["outcome"].eq(outcome)]
                edges = [*bars["left"], bars["right"].iloc[-1]]
                panel.stairs(bars["density"], edges, color=colour, linewidth=1.3, label=outcome)
                panel.stairs(bars["density"], edges, color=colour, fill=True, alpha=0.12)
                panel.axvline(middle.loc[name, outcome], color=colour, linewidth=1, linestyle=":")
            panel.set_title(name, fontsize=9)
            panel.set_yticks([])
            panel.spines["left"].set_visible(False)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.xaxis.set_major_formatter(_short)
            panel.tick_params(labelsize=8)
        for panel in figure.axes[len(columns) :]:
            panel.set_visible(False)
        figure.legend(*first.get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=8)
    return figure


def correlations(pairs: pd.DataFrame, order: list[str]) -> Figure:
    """Draw rank correlations, columns first, second and rho, as a triangle of numbers; `order` is from top to bottom."""
    both = pd.concat([pairs, pairs.rename(columns={"first": "second", "second": "first"})])
    square = both.pivot(index="first", columns="second", values="rho").loc[order, order]
    triangle = square.where(np.tri(len(order), k=-1, dtype=bool)).iloc[1:, :-1]
    # -0.00 would claim a direction.
    texts = triangle.map(lambda rho: f"{rho:.2f}".replace("-0.00", "0.00").replace("-", "−"))
    with canvas(height=0.9 + 0.36 * len(order)) as (figure, axes):
        axes.grid(visible=False)
        sns.heatmap(
            triangle, vmin=-1, vmax=1, cmap=_DIVERGING, annot=texts, fmt="", annot_kws={"size": 7.5}, linewidths=1,
            linecolor="white", cbar=False, ax=axes,
        )  # fmt: skip
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.set_xticks(axes.get_xticks(), triangle.columns, rotation=45, ha="right", rotation_mode="anchor")
    return figure


def pairs(sample: pd.DataFrame, columns: list[str]) -> Figure:
    """Draw where defaulted and repaid loans of a sample without missing values lie, two columns at a time, as contours: no loan is shown."""
    limits: dict[str, Any] = {name: tuple(sample[name].quantile([0.005, 0.98])) for name in columns}
    with canvas(height=7, rows=len(columns), columns=len(columns)) as (figure, _):
        for panel, (row, column) in zip(figure.axes, np.ndindex(len(columns), len(columns)), strict=True):
            x, y = columns[column], columns[row]
            if column > row:
                panel.set_visible(False)
                continue
            for defaulted, colour in enumerate(_BY_OUTCOME.values()):
                chosen = sample[sample["default"].eq(defaulted)]
                options = {"ax": panel, "color": colour, "cut": 0, "warn_singular": False}
                if x == y:
                    sns.kdeplot(x=chosen[x], clip=limits[x], linewidth=1.3, **options)
                else:
                    options |= {"clip": (limits[x], limits[y]), "levels": [0.25, 0.5, 0.75], "gridsize": 60}
                    with suppress(ValueError):  # too few different loans have no contours
                        sns.kdeplot(x=chosen[x], y=chosen[y], linewidths=1, **options)
            panel.set_xlim(limits[x])
            if x == y:
                panel.set_yticks([])
            else:
                panel.set_ylim(limits[y])
            bottom, left = row == len(columns) - 1, column == 0 < row
            panel.set(xlabel=x if bottom else "", ylabel=y if left else "")
            panel.tick_params(labelsize=7, labelbottom=bottom, labelleft=left)
            panel.xaxis.set_major_locator(MaxNLocator(3))
            panel.xaxis.set_major_formatter(_short)
            panel.yaxis.set_major_formatter(_short)
        handles = [Line2D([], [], color=colour, label=name) for name, colour in reversed(_BY_OUTCOME.items())]
        figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.98, 0.98), fontsize=9)
    return figure


def vintages(overall: pd.DataFrame, by_term: dict[int, pd.DataFrame]) -> Figure:
    """Draw the default rate of each vintage, for all loans and by term, above the number of loans.

    Lines are dotted where loans had not run to term; the shade covers what even the shortest had not. Columns of all loans, and of each
    term in months: start, end, n, default_rate, ci_low, ci_high, unripe.
    """
    with canvas(height=4.6, rows=2, sharex=True, height_ratios=[3, 1]) as (figure, top):
        bottom, edges = figure.axes[1], _edges(overall)
        if overall["unripe"].any():
            begin = edges[overall["unripe"].to_numpy().argmax()]
            for panel in figure.axes:
                panel.axvspan(begin, edges[-1], color=WARNING, alpha=0.08, linewidth=0)
            note(top, " may still be running", (begin, 1), color=WARNING, xycoords=TOP, va="top")
        series = {"all loans": overall} | {f"{term} months": rates for term, rates in by_term.items()}
        for (name, rates), colour in zip(series.items(), (NEUTRAL, ONE, OTHER), strict=False):
            _vintages(top, rates, colour)
            _name_line(top, name, rates, [other for label, other in series.items() if label != name], colour)
        top.set(ylim=(0, None), ylabel="Default rate")
        percent(top.yaxis)
        bottom.stairs(_per_month(overall, "n"), edges, fill=True, color=LIGHT)
        bottom.xaxis_date()
        bottom.set_ylabel("Loans a month")
        bottom.yaxis.set_major_formatter(_short)
    return figure


def timeline(months: pd.DataFrame) -> Figure:
    """Draw the loans funded per month, by how they ended; months has start, end, n and defaults."""
    with canvas(height=2.7) as (figure, axes):
        axes.stairs(_per_month(months, "n"), _edges(months), fill=True, color=REPAID, label="repaid")
        axes.stairs(_per_month(months, "defaults"), _edges(months), fill=True, color=DEFAULTED, label="defaulted")
        axes.xaxis_date()
        axes.set_ylabel("Loans funded a month")
        axes.yaxis.set_major_formatter(_short)
        axes.legend(loc="upper left", fontsize=8)
    return figure


def _edges(rates: pd.DataFrame) -> np.ndarray:
    return np.asarray(date2num([*rates["start"], rates["end"].iloc[-1] + pd.offsets.MonthBegin()]))


def _per_month(rates: pd.DataFrame, name: str) -> np.ndarray:
    # Periods merged for being small are longer than the others.
    months = np.rint(np.diff(_edges(rates)) / (365.25 / 12))
    return rates[name].to_numpy(dtype="float64") / months


def _middle(rates: pd.DataFrame) -> np.ndarray:
    return np.asarray((date2num(rates["start"]) + date2num(rates["end"])) / 2 + 15)


def _name_line(axes: Axes, name: str, rates: pd.DataFrame, others: list[pd.DataFrame], colour: str) -> None:
    """Write the name of a line beside it, where it lies furthest from the others."""
    at, rate = _middle(rates), rates["default_rate"].to_numpy()
    if not others:
        return note(axes, name, (at[-1], rate[-1]), (0, 6), color=colour, ha="right")
    apart = rate - np.array([np.interp(at, _middle(other), other["default_rate"]) for other in others])
    nearest = np.abs(apart).min(axis=0)
    nearest[[0, -1]] *= 0.5  # a name at the edge would be cut
    place = int(nearest.argmax())
    above = apart[np.abs(apart[:, place]).argmin(), place] > 0
    side, shift = ("bottom", 5) if above else ("top", -5)
    name_mark(axes, name, (at[place], rate[place]), (0, shift), colour, ha="center", va=side)
    return None


def _vintages(axes: Axes, rates: pd.DataFrame, colour: str) -> None:
    """Draw a line with its band: solid where the loans have run to term, dotted where not."""
    middle = _middle(rates)
    axes.fill_between(middle, rates["ci_low"], rates["ci_high"], color=colour, alpha=0.16, linewidth=0)
    axes.plot(middle, rates["default_rate"], color=colour, linestyle="", marker="o", markersize=2.5)
    # The first unripe vintage ends the solid line; the dotted one goes on from the last ripe vintage.
    split = int((~rates["unripe"]).sum())
    solid, dotted = slice(0, split), slice(max(split - 1, 0), None)
    axes.plot(middle[solid], rates["default_rate"][solid], color=colour, linewidth=1.3)
    axes.plot(middle[dotted], rates["default_rate"][dotted], color=colour, linewidth=1.3, linestyle=":")


def _short(value: float, _: float) -> str:
    return f"{value / 1000:,.4g}k" if abs(value) >= 1000 else f"{value:g}"
