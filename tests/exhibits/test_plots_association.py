import numpy as np
import pandas as pd
import pytest

from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts
from loantap.analysis.nested import analyse_within
from loantap.exhibits import association as findings
from loantap.exhibits.leaks import leak_warning
from loantap.exhibits.plots import association as plots
from loantap.report.results import RunFolder


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


def test_the_ladder_has_a_step_for_each_grade(loans, tmp_path):
    grades = analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade")
    ladder = analyse_within(FrameCounts(loans), "sub_grade", parent=grades).levels
    figure = plots.grade_ladder(grades.levels, ladder, base_rate=grades.default_rate)
    assert len(figure.axes[0].get_xticklabels()) == len(ladder)
    run = RunFolder(tmp_path)
    run.write_figure(figure, "association-grade-ladder", title="t", caption="c", alt="a")
    assert (tmp_path / "results" / "figures" / "association-grade-ladder.svg").stat().st_size > 10_000


def test_a_figure_shows_the_largest_levels_whatever_their_outcome():
    counts = pd.DataFrame({"level": [f"l{place}" for place in range(50)], "n": range(1_000, 1_050), "defaults": 200})
    found = analyse(counts, factor="profession")
    shown = findings.shown_levels(found.levels)
    assert len(shown) == findings.SHOWN
    assert shown["n"].min() == 1_020
    assert "of 50" in findings.selection(found)


def test_the_warning_names_the_pure_pincodes_and_fair_lending(pincode):
    warning = leak_warning(pincode)
    assert "2 of 4 pincodes are pure: every loan defaulted in 11650 and no loan defaulted in 00813" in warning
    assert "fair-lending" in warning
    assert "Leak: " in findings.caption(pincode, "Finding", "Wilson")


def test_without_a_pure_pincode_there_is_no_leak_but_still_fair_lending():
    counts = pd.DataFrame({"level": ["1", "2"], "n": [500, 600], "defaults": [90, 130]})
    warning = leak_warning(analyse(counts, factor="pincode"))
    assert "No pincode is pure" in warning
    assert "fair-lending" in warning


def test_other_factors_carry_no_warning(loans):
    assert leak_warning(analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade")) == ""


def test_findings_are_made_of_the_result(loans):
    grade = analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade")
    adjusted = adjusted_odds(grade, loans)
    rates = grade.levels["default_rate"]
    assert f"{rates.min():.1%}".removesuffix("%") in findings.headline(grade)
    assert f"{len(loans):,} loans" in findings.strength(grade)
    assert "also at equal loan and borrower" in findings.survival(grade, adjusted)
    assert "odds ratio against the rest as observed" in findings.level_finding(grade, adjusted, "A")
    assert "levels" in findings.residual_finding(grade)
    assert findings.power_finding(grade)


def test_numbers_of_separated_levels_are_not_shown_as_estimates(pincode):
    shown = findings.readable(pincode.levels).set_index("level")["odds_ratio"]
    assert np.isnan(shown["11650"])
    assert shown["70466"] == pytest.approx(pincode.level("70466")["odds_ratio"])
