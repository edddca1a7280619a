import pandas as pd
import pytest

from loantap.exhibits.plots import marks
from loantap.exhibits.plots.association import _steps
from loantap.exhibits.plots.style import canvas

TABLE = pd.DataFrame({"rate": [0.2, 0.5], "rate_low": [0.1, 0.5000001], "rate_high": [0.4, 0.6]})


def test_an_interval_reaches_below_and_above_its_value_and_never_backwards():
    below, above = marks.reach(TABLE, "rate", "rate").tolist()
    assert below == [pytest.approx(0.1), 0]
    assert above == [pytest.approx(0.2), pytest.approx(0.1)]


def test_rows_are_named_from_the_top_or_from_the_bottom():
    with canvas(height=2, columns=2) as (figure, axes):
        marks.name_rows(axes, ["first", "second"])
        marks.dotted_rows(figure.axes[1], TABLE, "rate", ["first", "second"])
    heights = [[panel.transData.transform((0, row))[1] for row in (0, 1)] for panel in figure.axes]
    assert [first > second for first, second in heights] == [True, False]
    assert [[text.get_text() for text in panel.get_yticklabels()] for panel in figure.axes] == [["first", "second"]] * 2


def test_ratios_are_named_within_the_limits_only():
    with canvas(height=2) as (_, axes):
        axes.set(xscale="log", xlim=(0.3, 2_000))
        marks.ratio_ticks(axes, (0.1, 0.33, 1, 1.25, 1_000, 10_000))
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.33", "1", "1.25", "1,000"]


@pytest.mark.parametrize(("low", "high"), [(0.5, 2.5), (0.02, 15), (1e-4, 3), (1e-12, 1e12)])
def test_a_forest_names_a_handful_of_ratios_with_one_among_them(low, high):
    steps = _steps(low, high)
    assert 2 <= len(steps) <= 9
    assert all(low <= step <= high for step in steps)
    assert min(abs(step - 1) for step in steps) < 1e-9


def test_the_legend_below_is_that_of_the_first_panel():
    with canvas(height=2, columns=2) as (figure, axes):
        axes.plot([0, 1], [0, 1], label="here")
        figure.axes[1].plot([0, 1], [0, 1], label="there")
        marks.legend_below(figure, 2)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["here"]
