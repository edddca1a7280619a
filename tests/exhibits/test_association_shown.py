"""What an association says comes from its result, and stands beside what must not be overlooked."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts, stratified_counts
from loantap.analysis.nested import analyse_within
from loantap.analysis.professions import coverage
from loantap.analysis.stratified import mantel_haenszel
from loantap.exhibits import association as exhibits
from loantap.exhibits.association_words import headline, heterogeneity, level_in_words, titles_note
from loantap.exhibits.leaks import leak_warning
from loantap.report.results import RunFolder
from loantap.settings import project_root


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
    steps = analyse_within(FrameCounts(loans), "sub_grade", parent=grade)
    figure, table = RunFolder(tmp_path).publish(exhibits.ladder(grade, steps))
    assert len(figure.figure.axes[0].get_xticklabels()) == len(steps.levels) == len(table.table)
    assert all(f"Holm-adjusted over {len(steps.levels)} levels" in part.caption for part in (figure, table))
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
    assert f"{rates.min():.1%}".removesuffix("%") in headline(grade)
    assert f"{len(loans):,} loans" in exhibits.strength(grade).text
    assert "also at equal loan and borrower" in exhibits.odds(grade, adjusted, note="").title
    assert "**A**: odds ratio against the rest as observed" in exhibits.in_words(grade, adjusted).text
    assert "levels" in exhibits.residuals(grade).title
    assert exhibits.power(grade).title


def test_what_is_particular_to_another_factor_is_left_out(grade: Association):
    assert exhibits.geography(grade, None, None).text == ""
    assert [*exhibits.professions(None, None).parts, *exhibits.ladder(grade, None).parts] == []


def words(association: Association, loans: pd.DataFrame) -> str:
    """Return every word that is said of a factor."""
    adjusted = adjusted_odds(association, loans)
    within = mantel_haenszel(association, stratified_counts(FrameCounts(loans), association.factor))
    shown = [
        exhibits.strength(association), exhibits.levels(association), exhibits.odds(association, adjusted), exhibits.power(association),
        exhibits.agreement(association, adjusted, within), exhibits.residuals(association), exhibits.in_words(association, adjusted),
    ]  # fmt: skip
    return " ".join(f"{part.title} {part.caption} {part.alt} {part.text}" for one in shown for part in one.parts)


def test_what_is_said_follows_the_parameters(loans: pd.DataFrame):
    counts = factor_counts(FrameCounts(loans), "purpose")
    usual = words(analyse(counts, factor="purpose"), loans)
    assert "95% interval" in usual
    assert "Holm-adjusted" in usual
    assert "counts under 10" in usual
    other = words(analyse(counts, factor="purpose", alpha=0.5, correction="bh", min_cell=25), loans)
    assert "50% interval" in other
    assert "Benjamini–Hochberg-adjusted" in other
    assert "counts under 25" in other
    assert not [word for word in ("95%", "Holm", "under 10 ") if word in other]


def test_where_default_runs_from_and_to_is_true_of_the_table():
    rates = {"low": 0.1, "fair": 0.15, "middle": 0.2, "high": 0.25}
    rows = [(name, 4_000, round(4_000 * rate)) for name, rate in rates.items()]
    clear = pd.DataFrame(rows, columns=["level", "n", "defaults"])
    assert headline(analyse(clear, factor="purpose")) == "Default by purpose runs from 10.0% (low) to 25.0% (high)"
    # One more level has the highest rate, of too few loans to show a difference.
    told = headline(analyse(pd.DataFrame([*rows, ("few", 60, 16)], columns=clear.columns), factor="profession"))
    assert told.startswith("Among the 4 of 5 professions that differ from the rest, default runs from 10.0% (low) to")
    assert "few" not in told


def test_the_caption_says_over_how_many_levels_p_values_are_corrected(grade: Association):
    assert f"Holm-adjusted over {len(grade.levels)} levels, and not by an interval" in exhibits.power(grade).caption
    assert "Holm" not in exhibits.residuals(grade).caption  # its band decides


def test_adjusted_p_values_are_corrected_over_the_levels_that_have_one(pincode: Association, loans: pd.DataFrame):
    own = pincode.levels.assign(p_adjusted=pincode.levels["p_adjusted"].where(pincode.levels["separation"].isna()))
    adjusted = replace(
        adjusted_odds(analyse(factor_counts(FrameCounts(loans), "pincode"), factor="pincode"), loans), levels=own
    )
    shown = [exhibits.odds(pincode, adjusted), exhibits.agreement(pincode, adjusted, None)]
    assert all("Holm-adjusted over 2 levels" in exhibit.caption for exhibit in shown)


def test_a_method_is_named_only_where_its_column_is(loans: pd.DataFrame, grade: Association):
    shown = exhibits.agreement(grade, adjusted_odds(grade, loans), None)
    assert "within_grade" not in shown.columns
    assert "Robins" not in shown.caption


def test_outcomes_dealt_at_random_make_no_climb(loans: pd.DataFrame, grade: Association):
    dealt = loans.assign(default=np.random.default_rng(2).permutation(loans["default"].to_numpy()))
    counts = FrameCounts(dealt)
    found = analyse(factor_counts(counts, "grade"), factor="grade")
    figure, _ = exhibits.ladder(found, analyse_within(counts, "sub_grade", parent=found))
    assert figure.title.startswith("No association of sub grade with default is shown")


def test_professions_without_a_rule_are_told_in_whole_sentences(loans: pd.DataFrame):
    counts = FrameCounts(loans)
    groups = analyse(factor_counts(counts, "profession_group"), factor="profession_group")
    for least, told in (
        (1, "The most frequent titles without a rule."),
        (10**6, "No title without a rule has 10 loans or more."),
    ):
        assert exhibits.professions(coverage(counts, min_cell=least), groups)[0].line.endswith(f" {told}")


def test_the_first_page_shows_the_columns_that_a_caption_names():
    page = (project_root() / "reports" / "index.qmd").read_text("utf-8")
    shown = re.findall(r'"association-\w+-levels",(.*?)\)', page, re.DOTALL)
    assert len(shown) == 2
    assert [names for names in shown for name in ("ci_low", "or_low", "p_adjusted") if f'"{name}"' not in names] == []
    assert '"p_adjusted"' in re.search(r"side_by_side = \[(.*?)\]", page)[1]


def test_where_the_correction_alone_decides_against_a_levels_interval_it_is_said(
    grade: Association, loans: pd.DataFrame
):
    levels = grade.levels.assign(or_low=1.01, odds_ratio=1.2, or_high=1.4, p_adjusted=0.3)
    told = level_in_words(replace(grade, levels=levels), adjusted_odds(grade, loans), "A")
    assert "1.20 (1.01 to 1.40), no difference shown once corrected for all levels, as the interval is not" in told


def test_numbers_of_separated_levels_are_not_shown_as_estimates(pincode: Association):
    shown = exhibits.levels(pincode)[0].table.set_index("level")
    assert shown.loc["11650", ["odds_ratio", "or_low", "or_high", "odds_ratio_reference"]].isna().all()
    assert shown.loc["70466", "odds_ratio"] == pytest.approx(pincode.level("70466")["odds_ratio"])
    assert shown.loc["11650", "default_rate"] == 1


def strata(ratios: dict[str, float]) -> pd.DataFrame:
    """Counts of two levels in grades with these odds ratios of the first one."""
    rows = []
    for grade, ratio in ratios.items():
        odds = 0.25 * ratio
        rows += [(grade, "x", 2_000, round(2_000 * odds / (1 + odds))), (grade, "y", 2_000, 400)]
    return pd.DataFrame(rows, columns=["stratum", "level", "n", "defaults"])


@pytest.mark.parametrize(("last", "changes"), [(1.0, False), (2.0, True)])
def test_one_odds_ratio_is_not_said_to_stand_for_grades_that_differ(last: float, changes: bool):
    counts = strata({"A": 1.0, "B": 1.0, "G": last})
    found = analyse(counts.groupby("level")[["n", "defaults"]].sum().reset_index(), factor="home_ownership")
    told = heterogeneity(found, mantel_haenszel(found, counts))
    assert ("does not stand for every grade at x (from 1.00 in A to 2.00 in G)" in told) == changes
    assert ("No odds ratio is shown to change with the grade" in told) != changes
    assert heterogeneity(found, None) == ""


def test_synthetic_titles_are_said_to_be_synthetic():
    assert "13 job titles have published counts; all others are synthetic" in titles_note(
        "profession", printed=13, synthetic=True
    )
    assert (
        titles_note("profession_group", printed=13, synthetic=False)
        == " A profession group gathers all spellings of its titles."
    )
    assert titles_note("grade", printed=13, synthetic=True) == ""
