"""Marks that figures share: how far an interval reaches, rows of dots, ticks of ratios, small texts."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from loantap.exhibits.plots.style import NEUTRAL

TOP = ("data", "axes fraction")  # a place along the axis, a height of the panel
ASIDE: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
RING: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 11, "markerfacecolor": "none", "color": NEUTRAL}


def reach(table: pd.DataFrame, value: str, ends: str = "ci") -> np.ndarray:
    """Return how far the intervals from ENDS_low to ENDS_high reach below and above their values, as `errorbar` takes it."""
    below, above = table[value] - table[f"{ends}_low"], table[f"{ends}_high"] - table[value]
    return np.clip([below, above], 0, None)  # rounding can leave an end a hair inside


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows 0, 1, ... from the top."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def intervals(
    axes: Axes, rates: pd.DataFrame, rows: Any, colour: str, *, value: str = "default_rate", ends: str = "ci", label: str = "",
) -> None:  # fmt: skip
    """Draw the value of each row as a dot on its interval, ENDS_low to ENDS_high."""
    axes.hlines(rows, rates[f"{ends}_low"], rates[f"{ends}_high"], color=colour, linewidth=2.2, alpha=0.45)
    axes.plot(rates[value], rows, color=colour, linestyle="", marker="o", label=label)
    axes.grid(visible=False, axis="y")


def texted_rows(axes: Axes, names: Iterable[str], texts: Sequence[str]) -> None:
    """Name the rows from the top, on the left, and write a text beside each, on the right."""
    axes.set_yticks(range(len(texts)), names)
    axes.set_ylim(len(texts) - 0.4, -0.6)
    for row, text in enumerate(texts):
        note(axes, text, (1.01, row), **ASIDE)


def ratio_ticks(axes: Axes, ladder: Sequence[float]) -> None:
    """Put ticks on a logarithmic x at the steps of the ladder that lie within its limits."""
    low, high = axes.get_xlim()
    steps = [step for step in ladder if low <= step <= high]
    axes.set_xticks(steps, [f"{step:,.0f}" if step >= 10 else f"{step:.9f}".rstrip("0").rstrip(".") for step in steps])
    axes.minorticks_off()


def note(axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float] = (0, 0), **style: Any) -> None:
    """Write a small text beside a point, shifted by so many points of the page."""
    look: dict[str, Any] = {"fontsize": 8, "color": NEUTRAL} | style
    axes.annotate(text, at, xytext=shift, textcoords="offset points", **look)


def name_mark(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float], colour: str, **style: Any
) -> None:
    """Write the name of a line or a mark beside it, in its colour."""
    note(axes, text, at, shift, **({"color": colour, "fontweight": "bold", "va": "center"} | style))
