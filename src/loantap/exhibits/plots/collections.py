"""Figures of what the field reads: how loans move between buckets, roll and cure rates, and vintage curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loantap.exhibits.plots.marks import name_mark, name_rows
from loantap.exhibits.plots.style import DEFAULTED, NEUTRAL, ONE, OTHER, REPAID, WARNING, canvas, percent

_VINTAGES = (DEFAULTED, REPAID, WARNING, ONE, OTHER, NEUTRAL)
_LEAST = 0.10  # how strongly the smallest share is coloured: it has to be seen


def plot_transitions(shares: pd.DataFrame, *, order: Sequence[str]) -> Figure:
    """Draw a matrix of shares (NaN is withheld) from states before to states now, of which each in `order` is worse than the one before."""
    with canvas(height=1.2 + 0.34 * len(shares)) as (figure, axes):
        for row, (before, line) in enumerate(shares.iterrows()):
            for column, (now, share) in enumerate(line.items()):
                known = before in order and now in order
                step = order.index(now) - order.index(before) if known else 0
                colour = NEUTRAL if step == 0 else DEFAULTED if step > 0 else REPAID
                if np.isnan(share):
                    axes.annotate("withheld", (column, row), ha="center", va="center", fontsize=6.5, color=NEUTRAL)
                elif share > 0:
                    strength = _LEAST + (0.75 - _LEAST) * np.sqrt(share)
                    look: dict[str, Any] = {"color": colour, "alpha": strength, "linewidth": 0}
                    axes.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, **look))
                    text = f"{100 * share:.1f}%" if share >= 0.0005 else "< 0.1%"
                    ink = "white" if strength > 0.6 else "#222222"
                    axes.annotate(text, (column, row), ha="center", va="center", fontsize=8, color=ink)
        name_rows(axes, [str(name) for name in shares.index])
        axes.set_xticks(range(shares.shape[1]), shares.columns, rotation=25, ha="left")
        axes.xaxis.tick_top()
        axes.set_xlim(-0.6, shares.shape[1] - 0.4)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_ylabel("Month before")
        axes.set_xlabel("Month (days past due)")
        axes.xaxis.set_label_position("top")
    return figure


def plot_rates(rates: pd.DataFrame) -> Figure:
    """Draw each rate (name, share, share_low, share_high) and below it the same with _before; NaN where withheld."""
    with canvas(height=0.9 + 0.38 * max(len(rates), 1)) as (figure, axes):
        looks = (("", -0.14, DEFAULTED, "o", "this month"), ("_before", 0.14, NEUTRAL, "s", "before"))
        for ending, shift, colour, marker, text in looks:
            places, low, high = np.arange(len(rates)) + shift, rates[f"share_low{ending}"], rates[f"share_high{ending}"]
            axes.hlines(places, low, high, color=colour, linewidth=1.8, alpha=0.5)
            axes.plot(rates[f"share{ending}"], places, marker, color=colour, markersize=4.5)
            if len(rates) and not np.isnan(high.iloc[0]):
                name_mark(axes, text, (high.iloc[0], shift), (5, 0), colour)
        name_rows(axes, [str(name) for name in rates["name"]])
        axes.set(xlabel="Share of loans", xlim=(0, None))
        percent(axes.xaxis)
    return figure


def plot_vintages(curves: pd.DataFrame) -> Figure:
    """Draw the cumulative share by months on book: one panel per event, one line per vintage with its name at its end.

    Columns event, vintage, age, share, since; a curve that is seen from a later age on is dashed, and begins at 0 there.
    """
    events = list(dict.fromkeys(curves["event"]))
    with canvas(height=3.2, columns=max(len(events), 1)) as (figure, _):
        names = list(dict.fromkeys(curves["vintage"]))
        for axes, event in zip(figure.axes, events, strict=False):
            ends = []
            for name, colour in zip(names, _VINTAGES, strict=False):
                rows = curves[(curves["event"] == event) & (curves["vintage"] == name)]
                if rows.empty:
                    continue
                since = rows["since"].iloc[0]
                style: dict[str, Any] = {"linestyle": "-" if since <= 0 else "--", "drawstyle": "steps-post"}
                axes.plot([since, *rows["age"]], [0, *rows["share"]], color=colour, label=str(name), **style)
                ends.append((float(rows["share"].iloc[-1]), float(rows["age"].iloc[-1]), str(name), colour))
            _name_ends(axes, ends)
            axes.set_title(event.capitalize())
            axes.set(xlabel="Months on book", ylim=(0, None))
            percent(axes.yaxis)
    return figure


def _name_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write the name of each line at its end, higher than that of the one below it."""
    last = max((end[1] for end in ends), default=0.0)
    step, height = 0.055 * max((end[0] for end in ends), default=0.0), -1.0
    for share, age, name, colour in sorted(ends):
        height = max(share, height + step)
        name_mark(axes, name, (age, height), (4, 0), colour, annotation_clip=False)
    axes.set_xlim(0 if last < 24 else None, 1.22 * last if last else None)
