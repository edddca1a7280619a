import numpy as np
import pandas as pd
import pytest

from loantap.analysis.association import Association, analyse
from loantap.exhibits.plots import association as plots


@pytest.fixture(scope="module")
def pincode() -> Association:
    counts = pd.DataFrame(
        {"level": ["70466", "22690", "11650", "00813"], "n": [900, 800, 200, 700], "defaults": [180, 150, 200, 0]}
    )
    return analyse(counts, factor="pincode")


def test_rates_mark_the_levels_that_give_the_outcome_away(pincode):
    figure = plots.level_rates(pincode.levels, base_rate=pincode.default_rate)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "all defaulted" in words
    assert "none defaulted" in words
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith("70466   n = 900")


def test_odds_are_drawn_on_a_logarithmic_axis_with_both_series(pincode):
    table = pincode.levels[["level", "n", "separation"]].assign(
        **{f"{name}{end}": pincode.levels[column] for name in ("observed", "adjusted")
           for end, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high"))}
    )  # fmt: skip
    figure = plots.odds_forest(table, series={"observed": "as observed", "adjusted": "adjusted"})
    assert figure.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["as observed", "adjusted"]


def test_a_missing_odds_ratio_is_left_out(pincode):
    table = pincode.levels.rename(columns={"odds_ratio": "own", "or_low": "own_low", "or_high": "own_high"})
    table.loc[:, ["own", "own_low", "own_high"]] = np.nan
    table.loc[0, ["own", "own_low", "own_high"]] = [1.1, 0.9, 1.3]
    figure = plots.odds_forest(table, series={"own": "own"})
    drawn = [len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sum(drawn) == 1


def test_residuals_have_one_bar_for_each_level(pincode):
    figure = plots.residual_bars(pincode.levels, critical=pincode.critical_residual())
    assert len([patch for patch in figure.axes[0].patches if patch.get_height() == pytest.approx(0.62)]) == 4
