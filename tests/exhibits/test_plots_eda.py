from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from loantap.exhibits.plots import drivers, eda
from loantap.exhibits.plots.style import DEFAULTED, NEUTRAL, ONE, OTHER

RATES = pd.DataFrame(
    {
        "driver": ["term", "term", "dti", "dti", "dti"],
        "level": ["36", "60", "up to 10", "over 10", "missing"],
        "n": [300, 100, 200, 190, 10],
        "share": [0.75, 0.25, 0.5, 0.475, 0.025],
        "default_rate": [0.15, 0.3, 0.12, 0.25, 0.4],
        "ci_low": [0.1, 0.2, 0.08, 0.19, 0.17],
        "ci_high": [0.2, 0.4, 0.17, 0.32, 0.69],
    }
)
STRENGTH = pd.DataFrame(
    {"driver": ["term", "dti"], "known": "application", "auc": [0.6, 0.55], "ci_low": [0.5, 0.5], "ci_high": [0.7, 0.6]}
)
GROUPS = pd.DataFrame(
    {
        "label": ["emp_length", "title"], "n": [40, np.nan], "default_rate": [0.3, np.nan], "ci_low": [0.2, np.nan],
        "ci_high": [0.4, np.nan], "other_rate": [0.2, np.nan], "other_low": [0.18, np.nan], "other_high": [0.22, np.nan],
    }
)  # fmt: skip
STARTS = pd.to_datetime(["2012-01-01", "2012-04-01", "2012-07-01"])
VINTAGES = pd.DataFrame(
    {
        "start": STARTS, "end": STARTS + pd.DateOffset(months=2), "n": [30, 60, 90], "defaults": [3, 12, 9],
        "default_rate": [0.1, 0.2, 0.1], "ci_low": [0.05, 0.1, 0.05], "ci_high": [0.2, 0.3, 0.2], "unripe": [False, False, True],
    }
)  # fmt: skip
HISTOGRAMS = pd.DataFrame(
    {
        "column": "dti", "outcome": ["repaid", "repaid", "defaulted", "defaulted"], "left": [0, 10, 0, 10],
        "right": [10, 20, 10, 20], "density": [0.06, 0.04, 0.03, 0.07],
    }
)  # fmt: skip
MEDIANS = pd.DataFrame({"column": ["dti"], "defaulted": [12.0], "repaid": [9.0]})
PAIRS = pd.DataFrame({"first": ["a", "a", "b"], "second": ["b", "default", "default"], "rho": [0.5, -0.001, -0.2]})


def sample() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"dti": rng.normal(17, 8, 200), "int_rate": rng.normal(13, 4, 200), "default": [0, 1] * 100})


FIGURES: dict[str, Callable[[], Figure]] = {
    "rates": lambda: drivers.default_rates(RATES[2:], overall=0.2, label="dti"),
    "panels": lambda: drivers.driver_panels(RATES, overall=0.2),
    "ladder": lambda: drivers.driver_ladder(RATES, STRENGTH, overall=0.2),
    "groups": lambda: eda.group_rates(GROUPS, inside="value missing", others="value present"),
    "no groups": lambda: eda.group_rates(GROUPS[:0], inside="value missing", others="value present"),
    "distributions": lambda: eda.distributions(HISTOGRAMS, MEDIANS),
    "correlations": lambda: eda.correlations(PAIRS, ["a", "b", "default"]),
    "pairs": lambda: eda.pairs(sample(), ["dti", "int_rate"]),
    "vintages": lambda: eda.vintages(VINTAGES, {36: VINTAGES}),
    "timeline": lambda: eda.timeline(VINTAGES),
}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def bars(figure: Figure) -> np.ndarray:
    """Return the interval ends drawn as horizontal lines in the default colour, by row."""
    lines = [lines for lines in figure.axes[0].collections if to_hex(lines.get_edgecolor()[0]).upper() == DEFAULTED]
    return np.array([segment[:, 0] for segment in lines[0].get_segments()])


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_can_be_drawn(make, tmp_path):
    make().savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000


def test_every_rate_is_drawn_with_its_interval_and_n():
    figure = drivers.default_rates(RATES[:2], overall=0.2, label="Term")
    assert bars(figure).tolist() == [[0.1, 0.2], [0.2, 0.4]]
    assert texts(figure) == ["15.0%   n = 300", "30.0%   n = 100"]


def test_rates_start_at_zero():
    assert drivers.default_rates(RATES[:2], overall=0.2, label="Term").axes[0].get_xlim()[0] == 0


def test_a_suppressed_group_is_named_without_numbers():
    figure = eda.group_rates(GROUPS, inside="value missing", others="value present")
    assert texts(figure) == ["n = 40", "too few to show"]
    assert bars(figure).tolist() == [[0.2, 0.4]]


def test_a_correlation_that_rounds_to_zero_has_no_sign():
    assert sorted(texts(eda.correlations(PAIRS, ["a", "b", "default"]))) == ["0.00", "0.50", "−0.20"]


def test_the_pair_plot_shows_no_single_loan():
    for axes in eda.pairs(sample(), ["dti", "int_rate"]).axes:
        assert all(line.get_marker() == "None" for line in axes.lines)
        assert not any(len(collection.get_offsets()) > 1 for collection in axes.collections)


def test_unripe_vintages_are_dotted_and_shaded():
    figure = eda.vintages(VINTAGES, {36: VINTAGES})
    styles = [line.get_linestyle() for line in figure.axes[0].lines]
    assert styles.count("-") == styles.count(":") == 2
    assert "may still be running" in texts(figure)[0]


def test_vintages_are_named_at_their_lines_in_their_colours():
    other = VINTAGES.assign(default_rate=VINTAGES["default_rate"] + 0.1)
    figure = eda.vintages(VINTAGES, {36: VINTAGES, 60: other})
    named = {text.get_text(): text.get_color() for text in figure.axes[0].texts[1:]}
    assert named == {"all loans": NEUTRAL, "36 months": ONE, "60 months": OTHER}
    assert figure.axes[0].get_legend() is None
