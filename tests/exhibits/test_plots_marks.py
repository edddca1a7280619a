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


def test_rows_are_named_from_the_top():
    with canvas(height=2) as (_, axes):
        marks.name_rows(axes, ["first", "second"])
    first, second = (axes.transData.transform((0, row))[1] for row in (0, 1))
    assert first > second
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "second"]


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
