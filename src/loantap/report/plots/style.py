"""One look for all figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Told apart by the colour-blind, and in print by lightness.
DEFAULTED = "#B5482F"
REPAID = "#2F6F8F"
WARNING = "#8A5A00"
NEUTRAL = "#5F6B7A"
LIGHT = "#C9D1DA"
WIDTH = 7.2  # inches: the text width of a page

RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT,
    "axes.grid": True,
    "axes.labelcolor": NEUTRAL,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "font.size": 9,
    "grid.color": "#E9EDF1",
    "legend.frameon": False,
    "lines.markersize": 5,
    # Fixed ids and outlined letters: the file is the same on every machine and needs no font.
    "svg.fonttype": "path",
    "svg.hashsalt": "loantap",
    "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL,
}


@contextmanager
def canvas(
    *, height: float, rows: int = 1, columns: int = 1, **options: object
) -> Iterator[tuple[Figure, Axes]]:  # with more than one panel the second is an array of Axes, as in plt.subplots
    """Yield a figure and its axes in the house style; the figure is closed for pyplot but stays usable.

    Args:
        height: In inches; the width is that of the page.
        rows: Rows of panels.
        columns: Columns of panels.
        options: Passed to `plt.subplots`.
    """
    with mpl.rc_context(RC):
        figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height), layout="constrained", **options)  # type: ignore[call-overload]
        try:
            yield figure, axes
        finally:
            plt.close(figure)


def percent(axis: mpl.axis.Axis, decimals: int = 0) -> None:
    """Show an axis of fractions as percentages."""
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=decimals))
