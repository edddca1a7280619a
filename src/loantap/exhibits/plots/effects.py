"""The figure of the model's curves: one panel for each number, and how many loans lie beneath."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from loantap.exhibits.plots.marks import note
from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, canvas

_ACROSS, _FEW = 3, 4  # panels in a row; values that each have a tick
_LADDER = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def plot_effects(curves: Mapping[str, pd.DataFrame], *, ticks: Mapping[str, Mapping[float, str]]) -> Figure:
    """Draw the odds ratio of each number against its median, with its band, and the share of loans beneath.

    Columns value (ascending; NaN where it is missing), share, odds_ratio, ci_low and ci_high. `ticks` name values that are no numbers to
    a reader.
    """
    down = ceil(len(curves) / _ACROSS)
    ends = [table[["ci_low", "ci_high"]].to_numpy() for table in curves.values()]
    low, high = (float(end(rows)) for end, rows in ((np.min, np.vstack(ends)), (np.max, np.vstack(ends))))
    shape: Any = {"rows": 2 * down, "columns": _ACROSS, "gridspec_kw": {"height_ratios": [4, 1] * down}}
    with canvas(height=0.3 + 1.95 * down, **shape) as (figure, _):
        grid = np.array(figure.axes).reshape(2 * down, _ACROSS)
        panels = [(grid[2 * (k // _ACROSS), k % _ACROSS], grid[2 * (k // _ACROSS) + 1, k % _ACROSS]) for k in range(down * _ACROSS)]  # fmt: skip
        for (curve, strip), name in zip(panels, curves, strict=False):
            table = curves[name]
            known, gone = table.dropna(subset="value"), table[table["value"].isna()]
            curve.axhline(1, color=NEUTRAL, linewidth=0.8)
            x, band = known["value"], (known["ci_low"], known["ci_high"])
            curve.fill_between(x, *band, color=DEFAULTED, alpha=0.2, linewidth=0)
            curve.plot(x, known["odds_ratio"], color=DEFAULTED, linewidth=1.6)
            strip.bar(x, known["share"], width=0.9 * (float(np.diff(x).min()) if len(x) > 1 else 1.0), color=LIGHT)
            for one in gone.to_dict("records"):
                aside = float(x.max() + 0.09 * (np.ptp(x) or 1))
                curve.plot([aside, aside], [one["ci_low"], one["ci_high"]], color=NEUTRAL, linewidth=1.4)
                curve.plot(aside, one["odds_ratio"], "D", color=NEUTRAL, markersize=4)
                strip.bar(aside, one["share"], width=0.05 * np.ptp(x), color=NEUTRAL)
                note(strip, "?", (aside, one["share"]), (0, 1), ha="center")
            curve.set(title=name, yscale="log", ylim=(low / 1.05, high * 1.05), xlim=strip.get_xlim())
            curve.yaxis.set_major_locator(FixedLocator([at for at in _LADDER if low / 1.05 <= at <= high * 1.05]))
            curve.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
            curve.yaxis.set_minor_locator(NullLocator())
            curve.xaxis.set_major_formatter(NullFormatter())
            if curve in grid[:, 0]:
                curve.set_ylabel("Odds ratio")
            strip.set_yticks([])
            strip.grid(visible=False)
            strip.spines["left"].set_visible(False)
            if name in ticks or len(known) <= _FEW:
                named = ticks.get(name, {value: f"{value:g}" for value in known["value"]})
                strip.set_xticks(list(named), list(named.values()))
            else:
                strip.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
                strip.xaxis.set_major_formatter(
                    FuncFormatter(lambda value, _: f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}")
                )
            curve.set_xticks(strip.get_xticks())
            curve.set_xlim(strip.get_xlim())
        for curve, strip in panels[len(curves) :]:
            curve.set_axis_off()
            strip.set_axis_off()
    return figure
