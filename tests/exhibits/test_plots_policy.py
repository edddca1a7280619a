from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from loantap.exhibits.plots import policy
from loantap.exhibits.plots.style import WARNING, WIDTH

BINS = pd.DataFrame(
    {
        "middle": [5.0, 15.0, 25.0], "expected": [4.0, 2.0, -1.0], "realised": [4.2, 1.5, -1.2], "realised_low": [3.0, 0.5, -3.0],
        "realised_high": [5.0, 2.5, 0.5], "fitted": [4.0, 2.0, -1.0],
    }
)  # fmt: skip
UNKNOWN = BINS.assign(realised=np.nan, realised_low=np.nan, realised_high=np.nan)
CURVE = pd.DataFrame(
    {
        "approved": [0.2, 0.6, 1.0], "default_rate_approved": [0.05, 0.1, 0.2], "default_rate_approved_low": [0.04, 0.09, 0.19],
        "default_rate_approved_high": [0.06, 0.11, 0.21], "profit": [1.0, 3.0, 2.5], "profit_low": [0.5, 2.5, 2.0],
        "profit_high": [1.5, 3.5, 3.0],
    }
)  # fmt: skip
NOBODY = CURVE.assign(default_rate_approved=np.nan, default_rate_approved_low=np.nan, default_rate_approved_high=np.nan)
POINTS = pd.DataFrame(
    {"name": ["approve all", "recommended"], "approved": [1.0, 0.6], "default_rate_approved": [0.2, 0.1], "profit": [2.5, 3.0]}
)  # fmt: skip
SWINGS = pd.DataFrame(
    {"label": ["cost of money", "default rate"], "profit_low": [8.0, 4.0], "profit_default": [3.5, 3.5], "profit_high": [-1.0, 3.0]}
)  # fmt: skip
GAPS = pd.DataFrame(
    {
        "rule": ["recommended", "recommended", "F2 threshold"], "attribute": ["income", "home_ownership", "income"],
        "gap": [0.3, 0.1, 0.2], "gap_low": [0.25, -0.05, 0.1], "gap_high": [0.35, 0.25, 0.3],
    }
)  # fmt: skip

FIGURES: dict[str, Callable[[], Figure]] = {
    "limits": lambda: policy.plot_limits({"dti": BINS, "revol_util": BINS}, limits={"dti": 22.5, "revol_util": None}),
    "limits of one column": lambda: policy.plot_limits({"dti": BINS}, limits={"dti": None}),
    "limits in one bin": lambda: policy.plot_limits({"dti": BINS[:1]}, limits={"dti": 22.5}),
    "limits without intervals": lambda: policy.plot_limits({"dti": UNKNOWN}, limits={"dti": 22.5}),
    "limits without bins": lambda: policy.plot_limits({"dti": BINS[:0]}, limits={"dti": None}),
    "trade-off": lambda: policy.plot_trade_off(CURVE, points=POINTS),
    "trade-off of one threshold": lambda: policy.plot_trade_off(CURVE[:1], points=POINTS[:1]),
    "trade-off without points": lambda: policy.plot_trade_off(CURVE, points=POINTS[:0]),
    "trade-off with nobody approved": lambda: policy.plot_trade_off(NOBODY, points=POINTS),
    "tornado": lambda: policy.plot_tornado(SWINGS),
    "tornado of one": lambda: policy.plot_tornado(SWINGS[:1]),
    "tornado of no swing": lambda: policy.plot_tornado(SWINGS.assign(profit_low=3.5, profit_high=3.5)),
    "gaps": lambda: policy.plot_gaps(GAPS),
    "gaps of one attribute": lambda: policy.plot_gaps(GAPS[:1]),
    "gaps unknown": lambda: policy.plot_gaps(GAPS.assign(gap=np.nan, gap_low=np.nan, gap_high=np.nan)),
    "gaps of nobody": lambda: policy.plot_gaps(GAPS[:0]),
}


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_can_be_drawn(make, tmp_path):
    figure = make()
    figure.savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    assert figure.get_size_inches()[0] == WIDTH


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_cap_is_drawn_only_where_there_is_one():
    capped, free = FIGURES["limits"]().axes
    assert "cap at 22.5" in legend(capped)
    assert not any("cap" in label for label in legend(free))
    marks = [line.get_xdata() for line in capped.lines if to_hex(line.get_color()).upper() == WARNING]
    assert [list(mark) for mark in marks] == [[22.5, 22.5]]


def test_realised_profit_is_drawn_with_its_interval():
    axes = FIGURES["limits of one column"]().axes[0]
    bars = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    assert bars == [pytest.approx(ends) for ends in ([3.0, 5.0], [0.5, 2.5], [-3.0, 0.5])]


def test_every_policy_is_a_mark_at_its_approvals():
    for axes, column in zip(FIGURES["trade-off"]().axes, ["default_rate_approved", "profit"], strict=True):
        marks = {line.get_label(): (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines[1:]}
        assert marks == {row["name"]: (row["approved"], row[column]) for row in POINTS.to_dict("records")}


def test_the_widest_swing_lies_on_top_and_bars_start_at_the_default():
    axes = policy.plot_tornado(SWINGS).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["default rate", "cost of money"]
    drawn = [(bar.get_x(), bar.get_width()) for bar in axes.patches if round(bar.get_y() + 0.3) == 1]
    assert drawn[:2] == [(3.5, 4.5), (3.5, -4.5)]  # 8.0 - 3.5, -1.0 - 3.5


def test_every_gap_has_its_interval_and_a_gap_that_is_not_known_none():
    income, home = policy.plot_gaps(GAPS).axes
    assert [text.get_text() for text in income.get_yticklabels()] == ["F2 threshold", "recommended"]
    assert income.lines[-1].get_xdata().tolist() == [0.2, 0.3]
    assert [list(line.get_xdata()) for line in income.lines[1:-1]] == [[0.1, 0.3], [0.25, 0.35]]
    assert np.isnan(home.lines[-1].get_xdata()).tolist() == [True, False]
    assert (income.get_title(loc="left"), home.get_title(loc="left")) == ("income", "home ownership")
    assert income.get_xlim()[0] <= 0


def test_an_interval_that_holds_nothing_is_seen_to_do_so():
    home = policy.plot_gaps(GAPS).axes[1]
    assert home.get_xlim()[0] <= -0.05


def test_without_groups_to_compare_the_figure_says_so():
    assert [text.get_text() for text in policy.plot_gaps(GAPS[:0]).axes[0].texts] == [
        "too few good customers to compare groups"
    ]
