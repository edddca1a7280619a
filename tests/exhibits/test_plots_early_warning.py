from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from loantap.exhibits.plots import early_warning
from loantap.exhibits.plots.style import WIDTH

CURVES = pd.DataFrame(
    {
        "method": ["rule", "rule", "caps alone", "model alone"], "alerts_per_1000": [80.0, 20.0, 50.0, 50.0],
        "recall": [0.6, 0.3, 0.25, 0.2], "by_chance": [0.16, 0.04, 0.1, 0.1], "precision": [0.2, 0.35, 0.15, 0.1],
    }
)  # fmt: skip
CHOSEN = {"alerts_per_1000": 50.0, "recall": 0.5, "precision": 0.28}
MONTHS = [f"2016-{month:02}" for month in range(1, 8)]
LIGHTS = pd.DataFrame({"month": MONTHS, "amber": 0.05, "red": np.linspace(0.01, 0.03, 7)})
DRIFT = pd.DataFrame(
    {"month": np.repeat(MONTHS, 2), "variable": ["dti", "revol_util"] * 7, "psi": np.linspace(0.01, 0.3, 14)}
)
OUTCOMES = pd.DataFrame({"month": MONTHS, "ratio": 1.2, "ci_low": 0.9, "ci_high": 1.6})


def drift(table: pd.DataFrame) -> Figure:
    return early_warning.plot_drift(table, amber=0.1, red=0.25)


def alerts(curves: pd.DataFrame, **changed: float) -> Figure:
    return early_warning.plot_alerts(curves, chosen=CHOSEN | changed)


FIGURES: dict[str, Callable[[], Figure]] = {
    "alerts": lambda: alerts(CURVES),
    "alerts of one method": lambda: alerts(CURVES[:2]),
    "alerts without a baseline": lambda: alerts(CURVES[:3]),
    "alerts without the rule": lambda: alerts(CURVES[2:]),
    "alerts that found nothing": lambda: alerts(CURVES.assign(recall=np.nan, precision=np.nan), recall=np.nan),
    "lights": lambda: early_warning.plot_lights(LIGHTS),
    "lights of one month": lambda: early_warning.plot_lights(LIGHTS[:1]),
    "lights of no loans": lambda: early_warning.plot_lights(LIGHTS.assign(amber=np.nan, red=np.nan)),
    "lights of no month": lambda: early_warning.plot_lights(LIGHTS[:0]),
    "drift": lambda: drift(DRIFT),
    "drift of one variable": lambda: drift(DRIFT[DRIFT["variable"] == "dti"]),
    "drift in one month": lambda: drift(DRIFT[:2]),
    "drift with gaps": lambda: drift(DRIFT.assign(psi=DRIFT["psi"].where(DRIFT["psi"] > 0.1))),
    "outcomes": lambda: early_warning.plot_outcomes(OUTCOMES),
    "outcomes of one month": lambda: early_warning.plot_outcomes(OUTCOMES[:1]),
    "outcomes without intervals": lambda: early_warning.plot_outcomes(OUTCOMES.assign(ci_low=np.nan, ci_high=np.nan)),
    "outcomes of nothing": lambda: early_warning.plot_outcomes(OUTCOMES[:0]),
}


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_can_be_drawn(make, tmp_path):
    figure = make()
    figure.savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    assert figure.get_size_inches()[0] == WIDTH


def labels(figure: Figure, panel: int = 0) -> list[str]:
    return [str(line.get_label()) for line in figure.axes[panel].lines]


def test_what_chance_finds_and_the_recommended_setting_are_beside_the_methods():
    figure = alerts(CURVES)
    assert labels(figure) == ["rule", "caps alone", "model alone", "by chance", "recommended"]
    assert labels(figure, 1) == ["rule", "caps alone", "model alone", "recommended"]
    assert labels(alerts(CURVES[:3])) == ["rule", "caps alone", "by chance", "recommended"]


def test_lines_run_from_few_alerts_to_many_and_axes_start_at_nothing():
    figure = alerts(CURVES)
    assert figure.axes[0].lines[0].get_xdata().tolist() == [20.0, 80.0]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.3, 0.6]
    assert all((axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0) for axes in figure.axes)


def test_methods_are_told_apart_without_colour():
    styles = [line.get_linestyle() for line in alerts(CURVES).axes[0].lines[:3]]
    assert len(set(styles)) == 3


def test_amber_stands_on_red():
    bars = early_warning.plot_lights(LIGHTS).axes[0].patches
    red, amber = bars[:7], bars[7:]
    assert [bar.get_height() for bar in red] == LIGHTS["red"].tolist()
    assert [bar.get_y() for bar in amber] == LIGHTS["red"].tolist()
    assert all(bar.get_hatch() for bar in amber)


def test_every_third_month_is_named():
    axes = early_warning.plot_lights(LIGHTS).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2016-01", "2016-04", "2016-07"]


def test_a_variable_that_starts_later_is_drawn_at_its_months():
    late = DRIFT[(DRIFT["variable"] == "dti") | (DRIFT["month"] >= "2016-04")]
    lines = {line.get_label(): list(line.get_xdata()) for line in drift(late).axes[0].lines}
    assert lines["revol_util"] == [3, 4, 5, 6]


def test_the_limits_of_drift_are_marked():
    figure = drift(DRIFT)
    assert [text.get_text() for text in figure.axes[0].texts][:2] == ["amber from here", "red from here"]
    assert [line.get_ydata()[0] for line in figure.axes[0].lines[2:4]] == [0.1, 0.25]


def test_the_ratio_of_defaults_has_its_interval_around_one():
    axes = early_warning.plot_outcomes(OUTCOMES[:1]).axes[0]
    assert axes.collections[0].get_segments()[0][:, 1].tolist() == pytest.approx([0.9, 1.6])
    assert list(axes.lines[0].get_ydata()) == [1, 1]
