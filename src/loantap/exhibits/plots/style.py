"""One look for all figures, whatever a reader's own settings of Matplotlib are."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loantap.exhibits.plots.values import titled, told

# One colour for one thing, in every chart: defaults and default rates, what was repaid, leaks and missing values, all loans. They are told
# apart by the colour-blind, and in print by lightness.
DEFAULTED = "#B5482F"
REPAID = "#2F6F8F"
WARNING = "#8A5A00"
NEUTRAL = "#5F6B7A"
LIGHT = "#C9D1DA"
# Two of a kind that are no outcomes: terms, what is known when, as observed and adjusted.
ONE, OTHER = "#3A7D6E", "#7B5AA6"
WIDTH = 7.2  # inches: the text width of a page

RC: dict[Any, Any] = {
    "axes.axisbelow": True, "axes.edgecolor": LIGHT, "axes.grid": True, "axes.labelcolor": NEUTRAL, "axes.labelsize": 9,
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlelocation": "left", "axes.titlesize": 10.5, "axes.titleweight": "bold",
    "axes.unicode_minus": False,  # as in texts and tables
    "figure.dpi": 110, "figure.facecolor": "white", "font.size": 9, "grid.color": "#E9EDF1", "legend.frameon": False, "lines.markersize": 5,
    # Fixed ids and outlined letters: the file is the same on every machine and needs no font.
    "svg.fonttype": "path", "svg.hashsalt": "loantap", "xtick.color": NEUTRAL, "ytick.color": NEUTRAL,
}  # fmt: skip


def house_style() -> AbstractContextManager[None]:
    """Return a context with Matplotlib's defaults and the house style, for drawing and for saving: ticks and ids are made late."""
    return mpl.rc_context({name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"} | RC)


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG with the values of its points and bars as titles, without dates, random ids or a reader's settings."""
    drawn = StringIO()
    with house_style(), told(figure) as texts:
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata={"Date": None})
    path.write_text(titled(drawn.getvalue(), texts), "utf-8", newline="\n")


class _HouseFigure(Figure):
    """A figure that a notebook shows in the house style."""

    def _repr_png_(self) -> bytes:
        shown = BytesIO()
        with house_style():
            self.savefig(shown, format="png", bbox_inches="tight")
        return shown.getvalue()


@contextmanager
def canvas(
    *, height: float, width: float = WIDTH, rows: int = 1, columns: int = 1, **options: Any
) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure and its first axes in the house style; pyplot, whose backend is the reader's, knows nothing of it.

    Sizes are in inches. `figure.axes` has all panels, row by row; options are passed to `Figure.subplots`.
    """
    with house_style():
        figure = _HouseFigure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)  # seaborn measures its labels on it
        figure.subplots(rows, columns, **options)
        yield figure, figure.axes[0]


def percent(*axes: mpl.axis.Axis) -> None:
    """Show axes of fractions as percentages, each tick as it stands: 7.5% is not 8%."""
    for axis in axes:
        axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda share, _: f"{round(100 * share, 6) + 0.0:g}%"))
