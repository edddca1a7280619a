"""The settings of a reader, in a matplotlibrc or by seaborn, change no published figure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import seaborn as sns
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from test_plots_eda import PAIRS, VINTAGES

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.plots import eda
from loantap.exhibits.plots.style import canvas, percent
from loantap.runs.results import RunFolder

pytestmark = pytest.mark.slow


def lines() -> Figure:
    with canvas(height=2) as (figure, axes):
        axes.plot([0, 1], [0, 1], label="colour of the cycle")
        axes.legend()
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "correlations": lambda: eda.correlations(PAIRS, ["a", "b", "default"]),
    "vintages": lambda: eda.vintages(VINTAGES, {36: VINTAGES}),
    "lines": lines,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "a dark style": dict(mpl.style.library["dark_background"]),
    "LaTeX": {"text.usetex": True},
    "another cycle of colours": {"axes.prop_cycle": mpl.cycler(color=["red", "lime"])},
    "another way to save": {"savefig.transparent": True, "savefig.pad_inches": 3, "savefig.facecolor": "black", "svg.fonttype": "none"},
    "another layout": {"figure.constrained_layout.use": True, "figure.constrained_layout.h_pad": 0.5},
    "another font": {"font.family": "monospace", "axes.unicode_minus": False},
    "another time zone": {"timezone": "Asia/Kolkata", "date.converter": "concise"},
    "a theme of seaborn": dict(sns.axes_style("darkgrid")) | dict(sns.plotting_context("poster")),
}  # fmt: skip


def drawn(folder: Path) -> dict[str, bytes]:
    """Return each figure as it is written and as a notebook shows it."""
    pictures = {}
    for name, make in FIGURES.items():
        figure = make()
        RunFolder(folder).publish(Exhibit(name, "T", "C", "A", figure=figure))
        pictures[f"{name}.svg"] = (folder / "results" / "figures" / f"{name}.svg").read_bytes()
        pictures[f"{name}.png"] = DisplayFormatter().format(figure)[0]["image/png"]
    return pictures


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return drawn(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_settings_of_a_reader_change_no_figure(settings, usual, tmp_path):
    with mpl.rc_context(settings):
        assert [name for name, picture in drawn(tmp_path).items() if picture != usual[name]] == []


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.075, "7.5%"), (0.1, "10%"), (0.125, "12.5%"), (0, "0%"), (0.0005, "0.05%"), (1, "100%"), (-0.0, "0%")],
)
def test_a_tick_says_where_it_stands(share: float, text: str):
    with canvas(height=2) as (_, axes):
        percent(axes.xaxis)
    assert axes.xaxis.get_major_formatter()(share) == text
