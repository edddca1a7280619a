from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from loantap.exhibits.plots import frontier, policy
from loantap.exhibits.plots.frontier import plot_frontier
from loantap.exhibits.plots.style import WARNING, WIDTH
from loantap.policy import verdicts

BINS = pd.DataFrame(
    {
        "middle": [5.0, 15.0, 25.0], "expected": [4.0, 2.0, -1.0], "realised": [4.2, 1.5, -1.2], "realised_low": [3.0, 0.5, -3.0],
        "realised_high": [5.0, 2.5, 0.5], "fitted": [4.0, 2.0, -1.0],
    }
)  # fmt: skip
UNKNOWN = BINS.assign(realised=np.nan, realised_low=np.nan, realised_high=np.nan)
CURVE = pd.DataFrame({"good_refused": [0.7, 0.3, 0.0], "defaults_avoided": [0.95, 0.6, 0.0]})
POINTS = pd.DataFrame(
    {
        "policy": ["nobody", "threshold", "the same loans", "capacity"], "good_refused": [0.0, 0.301, 0.3, 0.1],
        "defaults_avoided": [0.0, 0.6, 0.6, 0.2], "verdict": ["not shown", "depends", "depends", "shown"],
    }
)  # fmt: skip
GAINS = pd.DataFrame(
    {
        "policy": ["threshold", "cap"], "gain": [500.0, -20.0], "gain_low": [100.0, -90.0], "gain_high": [900.0, 50.0],
        "gain_least": [-200.0, -40.0], "gain_most": [800.0, 10.0], "verdict": ["depends", "not shown"],
    }
)  # fmt: skip
SWINGS = pd.DataFrame(
    {"label": ["cost of money", "default rate"], "low": [0.02, 0.1], "high": [0.1, 0.3], "profit_low": [8.0, 4.0], "profit_default": [3.5, 3.5], "profit_high": [-1.0, 3.0]}
)  # fmt: skip
RATIOS = pd.DataFrame(
    {
        "rule": ["recommended", "recommended", "F2 threshold"], "attribute": ["income", "home_ownership", "income"],
        "approval_ratio": [0.7, 0.9, 0.5], "approval_ratio_low": [0.6, 0.85, 0.4], "approval_ratio_high": [0.78, 0.95, 0.6],
    }
)  # fmt: skip


def ratios(table: pd.DataFrame) -> Figure:
    return policy.plot_ratios(table, mark=0.8)


FIGURES: dict[str, Callable[[], Figure]] = {
    "limits": lambda: policy.plot_limits({"dti": BINS, "revol_util": BINS}, limits={"dti": 22.5, "revol_util": None}),
    "limits of one column": lambda: policy.plot_limits({"dti": BINS}, limits={"dti": None}),
    "limits in one bin": lambda: policy.plot_limits({"dti": BINS[:1]}, limits={"dti": 22.5}),
    "limits without intervals": lambda: policy.plot_limits({"dti": UNKNOWN}, limits={"dti": 22.5}),
    "limits without bins": lambda: policy.plot_limits({"dti": BINS[:0]}, limits={"dti": None}),
    "frontier": lambda: plot_frontier(CURVE, points=POINTS),
    "frontier of one threshold": lambda: plot_frontier(CURVE[:1], points=POINTS[:1]),
    "frontier with nobody refused": lambda: plot_frontier(CURVE[2:], points=POINTS[:1]),
    "gains": lambda: policy.plot_gains(GAINS),
    "gains of one": lambda: policy.plot_gains(GAINS[:1]),
    "gains without width": lambda: policy.plot_gains(GAINS.assign(gain_least=GAINS["gain"], gain_most=GAINS["gain"])),
    "tornado": lambda: policy.plot_tornado(SWINGS),
    "tornado of one": lambda: policy.plot_tornado(SWINGS[:1]),
    "tornado of no swing": lambda: policy.plot_tornado(SWINGS.assign(profit_low=3.5, profit_high=3.5)),
    "ratios": lambda: ratios(RATIOS),
    "ratios of one attribute": lambda: ratios(RATIOS[:1]),
    "ratios unknown": lambda: ratios(RATIOS.assign(approval_ratio=np.nan)),
    "ratios of nobody": lambda: ratios(RATIOS[:0]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn(name: str, tmp_path):
    figure = FIGURES[name]()
    figure.savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    assert (figure.get_size_inches()[0] == WIDTH) != name.startswith("frontier")  # which is made for a first screen


def notes(axes) -> list[str]:
    return [text.get_text().strip() for text in axes.texts]


def test_a_cap_is_drawn_only_where_there_is_one():
    capped, free = FIGURES["limits"]().axes
    assert "cap at 22.5" in notes(capped)
    assert not any("cap" in label for label in notes(free))
    marks = [line.get_xdata() for line in capped.lines if to_hex(line.get_color()).upper() == WARNING]
    assert [list(mark) for mark in marks] == [[22.5, 22.5]]


def test_realised_profit_is_drawn_with_its_interval():
    axes = FIGURES["limits of one column"]().axes[0]
    bars = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    assert bars == [pytest.approx(ends) for ends in ([3.0, 5.0], [0.5, 2.5], [-3.0, 0.5])]


def test_a_gain_lies_over_its_range_the_first_policy_on_top():
    axes = policy.plot_gains(GAINS).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cap", "threshold"]
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(-40.0, 50.0), (-200.0, 1000.0)]
    drawn = [list(line.get_xdata()) for line in axes.lines]
    for ends in ([-90.0, 50.0], [100.0, 900.0], [-20.0], [500.0]):  # the intervals, and the dots
        assert ends in drawn


def test_the_widest_swing_lies_on_top_and_bars_start_at_the_default():
    axes = policy.plot_tornado(SWINGS).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Default rate", "Cost of money"]
    drawn = [(bar.get_x(), bar.get_width()) for bar in axes.patches if round(bar.get_y() + 0.3) == 1]
    assert drawn[:2] == [(3.5, 4.5), (3.5, -4.5)]  # 8.0 - 3.5, -1.0 - 3.5


def test_every_ratio_has_its_interval_and_a_ratio_that_is_not_known_none():
    income, home = ratios(RATIOS).axes
    assert [text.get_text() for text in income.get_yticklabels()] == ["F2 threshold", "recommended"]
    assert income.lines[-1].get_xdata().tolist() == [0.5, 0.7]
    assert np.isnan(home.lines[-1].get_xdata()).tolist() == [True, False]
    assert (income.get_title(loc="left"), home.get_title(loc="left")) == ("By income", "By home ownership")


def test_the_mark_that_ratios_are_read_against_is_the_one_given():
    for panel in policy.plot_ratios(RATIOS, mark=0.75).axes:
        assert [0.75, 0.75] in [list(line.get_xdata()) for line in panel.lines]


def test_without_groups_to_compare_the_figure_says_so():
    assert [text.get_text() for text in ratios(RATIOS[:0]).axes[0].texts] == [
        "Too few good customers to compare groups"
    ]


def test_the_verdicts_that_are_drawn_are_those_of_policies():
    assert list(frontier.VERDICTS) == [verdicts.SHOWN, verdicts.DEPENDS, verdicts.NOT_SHOWN]
