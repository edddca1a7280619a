"""Default rates of two runs side by side."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from loantap.exhibits.plots.marks import legend_below, name_rows
from loantap.exhibits.plots.style import DEFAULTED, NEUTRAL, canvas, percent

_SIDES = (("earlier", "earlier run", NEUTRAL, -0.15), ("later", "this run", DEFAULTED, 0.15))


def then_and_now(levels: pd.DataFrame) -> Figure:
    """Draw the rate of each level in both runs, as dots with intervals.

    Args:
        levels: name, and of earlier and later SIDE, SIDE_low, SIDE_high.
    """
    places = np.arange(len(levels))
    with canvas(height=1.4 + 0.32 * len(levels)) as (figure, axes):
        for side, label, colour, shift in _SIDES:
            ends = levels[f"{side}_low"].astype(float), levels[f"{side}_high"].astype(float)
            axes.hlines(places + shift, *ends, color=colour, linewidth=2.2, alpha=0.45)
            axes.plot(levels[side].astype(float), places + shift, color=colour, linestyle="", marker="o", label=label)
        name_rows(axes, levels["name"].tolist())
        axes.set_xlim(left=0)
        percent(axes.xaxis)
        axes.set_xlabel("Default rate")
        legend_below(figure, len(_SIDES))
    return figure
