"""The claims that are odds ratios: what the published counts and the run's own loans say, beside what matters."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loantap.exhibits.plots.marks import name_rows, note, ratio_ticks, reach
from loantap.exhibits.plots.style import LIGHT, NEUTRAL, WARNING, canvas

_BAND = "#EEF1F4"
_HOLDS, _FAILS, _OPEN = (NEUTRAL, "o"), (WARNING, "X"), (NEUTRAL, "s")
_LOOKS = {"supported": _HOLDS, "contradicted": _FAILS}
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def claims_forest(claims: pd.DataFrame, *, matters: tuple[float, float]) -> Figure:
    """Draw one row per claim: its odds ratio on the published counts, with the verdict beside it, and on the run's loans.

    Args:
        claims: claim, verdict, words (the verdict as people read it), and PREFIX, PREFIX_low, PREFIX_high for the prefixes published and own.
        matters: The odds ratios between which a difference is too small to matter, drawn as a band.
    """
    own: dict[str, Any] = {"fmt": "o", "color": LIGHT, "markersize": 4, "markeredgecolor": NEUTRAL, "markerfacecolor": "white"}  # fmt: skip
    with canvas(height=1.5 + 0.32 * len(claims)) as (figure, axes):
        axes.axvspan(*matters, color=_BAND, zorder=0)
        axes.axvline(1, color=NEUTRAL, linewidth=1)
        for prefix, shift in (("own", 0.2), ("published", -0.12)):
            for place, verdict in enumerate(claims["verdict"]):
                row = claims.iloc[[place]].dropna(subset=prefix)
                colour, marker = _LOOKS.get(verdict, _OPEN)
                style: dict[str, Any] = own if prefix == "own" else {"fmt": marker, "color": colour, "markersize": 5.5}
                if len(row):
                    axes.errorbar(row[prefix], place + shift, xerr=reach(row, prefix, prefix), elinewidth=1.4, **style)
        name_rows(axes, claims["claim"].tolist())
        axes.set(
            xscale="log",
            xlabel="Odds ratio of default (log scale): to the left safer, to the right riskier than all other loans",
        )
        ratio_ticks(axes, _TICKS)
        for place, (verdict, words) in enumerate(zip(claims["verdict"], claims["words"], strict=True)):
            colour, _ = _LOOKS.get(verdict, _OPEN)
            beside: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
            note(axes, words, (1.01, place), color=colour, **beside)
        note(axes, "too small to matter", (1, -0.6), (0, 3), ha="center", annotation_clip=False)
        handles = [
            Line2D([], [], color=NEUTRAL, marker="o", label="published counts (the verdict)"),
            Line2D(
                [],
                [],
                color=LIGHT,
                marker="o",
                markerfacecolor="white",
                markeredgecolor=NEUTRAL,
                label="loans of this run",
            ),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
