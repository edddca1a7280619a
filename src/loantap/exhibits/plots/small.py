"""Small charts for the first screen: a few bars with their values on them, columns, or a line; one message each."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loantap.exhibits.plots.style import DEFAULTED, LIGHT, NEUTRAL, canvas

_WIDTH, _HEIGHT, _ROW = 2.4, 1.75, 0.25
_INK, _MOST_LETTERS = "#1d2733", 28
_OVERALL: dict[str, Any] = {"color": NEUTRAL, "linewidth": 0.9, "linestyle": (0, (2, 2)), "zorder": 0}
_LABEL: dict[str, Any] = {
    "fontsize": 10,
    "color": _INK,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.8},
}


def small_bars(names: Sequence[str], rates: Sequence[float], *, overall: float) -> Figure:
    """Draw one bar a level with its default rate beside it, and the rate of all loans as a dashed line."""
    with canvas(height=_ROW * len(names), width=_WIDTH) as (figure, axes):
        axes.barh(range(len(names)), rates, color=DEFAULTED, height=0.7)
        axes.axvline(overall, **_OVERALL)
        for row, rate in enumerate(rates):
            axes.annotate(_short(rate), (rate, row), (3, 0), textcoords="offset points", va="center", **_LABEL)
        axes.set_yticks(range(len(names)), names, fontsize=10, color=_INK)
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.set_xlim(0, max(*rates, overall) * 1.4 or 1)
        _bare(axes)
    return figure


def small_columns(rates: Sequence[float], *, first: str, last: str, overall: float) -> Figure:
    """Draw one column a range in its order, the first and the last with name and rate, and the rate of all loans as a dashed line."""
    with canvas(height=_HEIGHT, width=_WIDTH) as (figure, axes):
        axes.bar(range(len(rates)), rates, color=DEFAULTED, width=0.8)
        axes.axhline(overall, **_OVERALL)
        for place in (0, len(rates) - 1):
            at: Any = (place, rates[place])
            axes.annotate(_short(rates[place]), at, (0, 2), textcoords="offset points", ha="center", **_LABEL)
        axes.set_ylim(0, max(*rates, overall) * 1.25 or 1)
        _ends(axes, len(rates) - 1, first, last)
    return figure


def small_line(rates: Sequence[float], *, first: str, last: str, settled: int) -> Figure:
    """Draw how a rate went from the first to the last period; dotted after the first `settled` periods, whose loans have not all ended."""
    with canvas(height=0.62, width=_WIDTH) as (figure, axes):
        axes.plot(range(settled), rates[:settled], color=DEFAULTED, linewidth=2)
        start = max(settled - 1, 0)
        axes.plot(range(start, len(rates)), rates[start:], color=DEFAULTED, linewidth=2, linestyle=(0, (1, 1.2)))
        axes.set_ylim(0, max(rates) * 1.2 or 1)
        _ends(axes, len(rates) - 1, first, last)
    return figure


def _ends(axes: Axes, last_place: int, first: str, last: str) -> None:
    """Name the two ends of the x-axis and nothing else."""
    _bare(axes)
    axes.set_yticks([])
    axes.set_xticks([])
    below = "\n" if len(first) + len(last) > _MOST_LETTERS else ""  # both in one line would run into each other
    for place, name, side in ((0, first, "left"), (last_place, below + last, "right")):
        edge = place + (0.4 if side == "right" else -0.4)
        axes.text(edge, -0.04, name, ha=side, va="top", fontsize=10, color=_INK, transform=axes.get_xaxis_transform())
    axes.spines["bottom"].set(visible=True, color=LIGHT)


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=0, labelbottom=False)


def _short(rate: float) -> str:
    return f"{rate:.1%}".replace(".0%", "%")
