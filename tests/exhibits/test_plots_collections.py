from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from loantap.exhibits.plots import collections as plots
from loantap.exhibits.plots.style import DEFAULTED, NEUTRAL, REPAID, WIDTH

ORDER = ("current", "1 to 29", "30 to 59")
SHARES = pd.DataFrame(
    [[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [np.nan, 0.6, 0.4], [1.0, 0.0, 0.0]], index=[*ORDER, "new"], columns=list(ORDER)
)
RATES = pd.DataFrame(
    {"name": ["a", "b"], "share": [0.3, np.nan], "share_low": [0.2, np.nan], "share_high": [0.4, np.nan]}
).assign(share_before=[0.2, 0.5], share_low_before=[0.1, 0.4], share_high_before=[0.3, 0.6])  # fmt: skip
CURVES = pd.DataFrame(
    {"event": ["late"] * 4 + ["default"] * 2, "vintage": ["2016", "2016", "2017", "2017"] * 1 + ["2016", "2016"], "age": [1, 2, 5, 6, 1, 2],
     "share": [0.1, 0.2, 0.05, 0.1, 0.0, 0.1], "since": [0, 0, 4, 4, 0, 0]}
)  # fmt: skip
FIGURES: dict[str, Callable[[], Figure]] = {
    "transitions": lambda: plots.plot_transitions(SHARES, order=ORDER),
    "transitions of nothing": lambda: plots.plot_transitions(SHARES[:0], order=ORDER),
    "transitions withheld": lambda: plots.plot_transitions(SHARES * np.nan, order=ORDER),
    "rates": lambda: plots.plot_rates(RATES),
    "rates of nothing": lambda: plots.plot_rates(RATES[:0]),
    "rates withheld": lambda: plots.plot_rates(RATES[1:]),
    "vintages": lambda: plots.plot_vintages(CURVES),
    "one vintage": lambda: plots.plot_vintages(CURVES[:1]),
    "no vintage": lambda: plots.plot_vintages(CURVES[:0]),
}


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_of_collections_can_be_drawn(make, tmp_path):
    figure = make()
    figure.savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    assert figure.get_size_inches()[0] == WIDTH


def test_worse_and_better_moves_have_colours_of_their_own():
    axes = plots.plot_transitions(SHARES, order=ORDER).axes[0]
    colours = {(round(box.get_x() + 0.48), round(box.get_y() + 0.46)): box.get_facecolor()[:3] for box in axes.patches}
    named = {name: tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)) for name, colour in (("worse", DEFAULTED), ("better", REPAID), ("same", NEUTRAL))}  # fmt: skip
    assert colours[1, 0] == pytest.approx(named["worse"])
    assert colours[0, 1] == pytest.approx(named["better"])
    assert colours[0, 0] == pytest.approx(named["same"])
    assert colours[0, 3] == pytest.approx(named["same"])  # what is new has become neither
    assert (2, 0) not in colours  # nobody moved there


def test_what_is_withheld_is_said_and_not_drawn():
    axes = plots.plot_transitions(SHARES, order=ORDER).axes[0]
    assert [text.get_text() for text in axes.texts].count("withheld") == 1


def test_a_curve_that_is_seen_late_is_dashed_and_begins_there():
    axes = plots.plot_vintages(CURVES).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["2016"].get_linestyle() == "-"
    assert lines["2017"].get_linestyle() == "--"
    assert (lines["2017"].get_xdata()[0], lines["2017"].get_ydata()[0]) == (4, 0)
