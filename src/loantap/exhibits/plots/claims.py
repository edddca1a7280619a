"""The claims that are odds ratios: what the published counts and the run's own loans say, beside what matters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, REPAID, canvas

_COLOURS = {"supported": REPAID, "contradicted": DEFAULTED}
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)
_MARKERS = {"supported": "o", "contradicted": "X"}


def claims_forest(claims: pd.DataFrame, *, matters: tuple[float, float]) -> Figure:
    """Draw one row per claim: its odds ratio on the published counts, coloured by verdict, and on the run's loans.

    Args:
        claims: claim, verdict, and PREFIX, PREFIX_low, PREFIX_high for the prefixes published and own.
        matters: The odds ratios between which a difference is too small to matter, drawn as a band.
    """
    with canvas(height=1.6 + 0.32 * len(claims)) as (figure, axes):
        axes.axvspan(*matters, color="#EEF1F4", zorder=0)
        axes.axvline(1, color=NEUTRAL, linewidth=1)
        places = np.arange(len(claims))
        for prefix, shift in (("own", 0.2), ("published", -0.12)):
            for place, row in zip(places, claims.to_dict("records"), strict=True):
                if pd.isna(row[prefix]):
                    continue
                reach = [[row[prefix] - row[f"{prefix}_low"]], [row[f"{prefix}_high"] - row[prefix]]]
                colour = NEUTRAL if prefix == "own" else _COLOURS.get(row["verdict"], NEUTRAL)
                axes.errorbar(
                    row[prefix], place + shift, xerr=reach, color=LIGHT if prefix == "own" else colour,
                    fmt="o" if prefix == "own" else _MARKERS.get(row["verdict"], "s"), markersize=4 if prefix == "own" else 5.5,
                    markeredgecolor=colour, markerfacecolor="white" if prefix == "own" else colour, elinewidth=1.4,
                )  # fmt: skip
        axes.set_yticks(places, claims["claim"])
        axes.set_ylim(len(claims) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("Odds ratio of default (log scale)")
        handles: list[Line2D | Patch] = [
            Line2D([], [], color=_COLOURS.get(verdict, NEUTRAL), marker=_MARKERS.get(verdict, "s"), label=verdict)
            for verdict in dict.fromkeys(claims["verdict"])
        ]
        handles += [
            Line2D([], [], color=LIGHT, marker="o", markerfacecolor="white", markeredgecolor=NEUTRAL, label="this run"),
            Patch(color="#EEF1F4", label="too small to matter"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
