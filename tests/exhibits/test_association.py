"""What an association says comes from its result, and stands beside what must not be overlooked."""

import pandas as pd
import pytest

from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts
from loantap.analysis.nested import analyse_within
from loantap.exhibits import association as exhibits
from loantap.exhibits.leaks import leak_warning
from loantap.report.results import RunFolder


@pytest.fixture(scope="module")
def pincode() -> Association:
    counts = pd.DataFrame(
        {"level": ["70466", "22690", "11650", "00813"], "n": [900, 800, 200, 700], "defaults": [180, 150, 200, 0]}
    )
    return analyse(counts, factor="pincode")


@pytest.fixture(scope="module")
def grade(loans: pd.DataFrame) -> Association:
    return analyse(factor_counts(FrameCounts(loans), "grade"), factor="grade")


def test_the_ladder_has_a_step_for_each_grade(loans: pd.DataFrame, grade: Association, tmp_path):
    steps = analyse_within(FrameCounts(loans), "sub_grade", parent=grade).levels
    figure, table = RunFolder(tmp_path).publish(exhibits.ladder(grade, steps))
    assert len(figure.figure.axes[0].get_xticklabels()) == len(steps) == len(table.table)
    assert (tmp_path / "results" / "figures" / "association-grade-ladder.svg").stat().st_size > 10_000


def test_a_figure_shows_the_largest_levels_whatever_their_outcome():
    counts = pd.DataFrame({"level": [f"l{place}" for place in range(50)], "n": range(1_000, 1_050), "defaults": 200})
    found = analyse(counts, factor="profession")
    shown = exhibits.shown_levels(found.levels)
    assert len(shown) == exhibits.SHOWN
    assert shown["n"].min() == 1_020
    assert "of 50" in exhibits.residuals(found).caption


def test_the_warning_names_the_pure_pincodes_and_fair_lending(pincode: Association):
    warning = leak_warning(pincode).text
    assert "2 of 4 pincodes are pure: every loan defaulted in 11650 and no loan defaulted in 00813" in warning
    assert "fair-lending" in warning
    assert all(part.notice == leak_warning(pincode) for part in exhibits.levels(pincode))
    assert all("Leak: " in part.caption for part in exhibits.levels(pincode))


def test_without_a_pure_pincode_there_is_no_leak_but_still_fair_lending():
    counts = pd.DataFrame({"level": ["1", "2"], "n": [500, 600], "defaults": [90, 130]})
    warning = leak_warning(analyse(counts, factor="pincode")).text
    assert "No pincode is pure" in warning
    assert "fair-lending" in warning


def test_other_factors_carry_no_warning(grade: Association):
    assert leak_warning(grade) is None


def test_findings_are_made_of_the_result(loans: pd.DataFrame, grade: Association):
    adjusted = adjusted_odds(grade, loans)
    rates = grade.levels["default_rate"]
    assert f"{rates.min():.1%}".removesuffix("%") in exhibits.headline(grade)
    assert f"{len(loans):,} loans" in exhibits.strength(grade).text
    assert "also at equal loan and borrower" in exhibits.odds(grade, adjusted, note="").title
    assert "**A**: odds ratio against the rest as observed" in exhibits.in_words(grade, adjusted).text
    assert "levels" in exhibits.residuals(grade).title
    assert exhibits.power(grade).title


def test_what_is_particular_to_another_factor_is_left_out(grade: Association):
    assert exhibits.geography(grade, None, None).text == ""
    assert [*exhibits.professions(None, None).parts, *exhibits.ladder(grade, None).parts] == []
