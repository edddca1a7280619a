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
    assert "no loan defaulted" in words
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith("70466   n = 900")


def side_by_side(levels: pd.DataFrame) -> pd.DataFrame:
    return levels[["level", "n", "separation"]].assign(
        **{f"{name}{end}": levels[column] for name in ("observed", "adjusted")
           for end, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high"))}
    )  # fmt: skip


def test_odds_are_drawn_on_a_logarithmic_axis_with_both_series(pincode):
    figure = plots.odds_forest(side_by_side(pincode.levels))
    assert figure.axes[0].get_xscale() == "log"
    named = [text.get_text() for text in figure.axes[0].texts]
    assert named == ["as observed", "adjusted"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "every loan ended the same way (0.5 added to each count)"
    ]


def test_a_missing_odds_ratio_is_left_out(pincode):
    table = side_by_side(pincode.levels)
    missing = table[["adjusted", "adjusted_low", "adjusted_high"]].where(table["level"] == "22690")
    figure = plots.odds_forest(table.assign(**missing))
    drawn = [len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() in ("o", "X")]
    assert sum(drawn) == len(table) + 1


def test_residuals_have_one_bar_for_each_level(pincode):
    figure = plots.residual_bars(pincode.levels, critical=pincode.critical_residual())
    assert len([patch for patch in figure.axes[0].patches if patch.get_height() == pytest.approx(0.62)]) == 4
