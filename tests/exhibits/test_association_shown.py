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
from loantap.analysis.professions import coverage
from loantap.analysis.stratified import analyse_within, mantel_haenszel
from loantap.exhibits import association as exhibits
from loantap.exhibits.association_words import headline, heterogeneity, level_in_words, survival, titles_note
from loantap.exhibits.leaks import leak_warning
from loantap.runs.results import RunFolder
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
    assert (
        "In 2 of 4 pincodes every loan ended the same way: all defaulted in 11650 and none defaulted in 00813"
        in warning
    )
    assert exhibits.strength(pincode).text.startswith(
        "**In 2 of 4 pincodes every loan ended the same way: data leakage.**"
    )
    assert "fair-lending" in warning
    assert all(part.notice == leak_warning(pincode) for part in exhibits.levels(pincode))
    assert all("Data leakage: for no policy and no model." in part.caption for part in exhibits.levels(pincode))


def test_without_a_pure_pincode_there_is_no_leak_but_still_fair_lending():
    counts = pd.DataFrame({"level": ["1", "2"], "n": [500, 600], "defaults": [90, 130]})
    warning = leak_warning(analyse(counts, factor="pincode")).text
    assert "In no pincode did every loan end the same way" in warning
    assert "fair-lending" in warning


def test_other_factors_carry_no_warning(grade: Association):
    assert leak_warning(grade) is None


def test_findings_are_made_of_the_result(loans: pd.DataFrame, grade: Association):
    adjusted = adjusted_odds(grade, loans)
    rates = grade.levels["default_rate"]
    assert f"{rates.min():.1%}".removesuffix("%") in headline(grade)
    assert f"{len(loans):,} loans" in exhibits.strength(grade).text
    assert re.fullmatch(
        r"\d+ of 7 grades differ significantly; \d+ still do(es)? after adjustment", survival(grade, adjusted)
    ) or ("all still do after adjustment" in survival(grade, adjusted))
    assert "adjusted for loan and borrower" in exhibits.odds(grade, adjusted, note="").caption
    assert "**A**: observed odds ratio" in exhibits.in_words(grade, adjusted).text
    assert "grades" in exhibits.residuals(grade).title
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
    assert (
        headline(analyse(clear, factor="purpose")) == "Default rates by purpose range from 10.0% (low) to 25.0% (high)"
    )
    # One more level has the highest rate, of too few loans to show a difference.
    told = headline(analyse(pd.DataFrame([*rows, ("few", 60, 16)], columns=clear.columns), factor="profession"))
    assert told.startswith(
        "4 of 5 professions differ significantly from the rest, with default rates from 10.0% (low) to"
    )
    assert "few" not in told


def test_the_caption_says_over_how_many_levels_p_values_are_corrected(grade: Association):
    assert f"Holm-adjusted over {len(grade.levels)} levels, not the intervals" in exhibits.power(grade).caption
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
    assert figure.title.startswith("Default is not significantly associated with sub-grade")


def test_professions_without_a_rule_are_told_in_whole_sentences(loans: pd.DataFrame):
    counts = FrameCounts(loans)
    groups = analyse(factor_counts(counts, "profession_group"), factor="profession_group")
    for least, told in (
        (1, "The most frequent titles without a rule."),
        (10**6, "No title without a rule is frequent enough to show."),
    ):
        assert exhibits.professions(coverage(counts, min_cell=least), groups)[0].line.endswith(f" {told}")


def test_the_page_of_drivers_shows_the_columns_that_a_caption_names(pincode: Association, loans: pd.DataFrame):
    page = (project_root() / "reports" / "drivers.qmd").read_text("utf-8")
    levels = re.findall(r'"association-\w+-levels",(.*?)\)', page, re.DOTALL)
    assert len(levels) == 2
    purpose = analyse(factor_counts(FrameCounts(loans), "purpose"), factor="purpose")
    within = mantel_haenszel(purpose, stratified_counts(FrameCounts(loans), "purpose"))
    adjusted = exhibits.agreement(purpose, adjusted_odds(purpose, loans), within)
    for names, exhibit in (
        *((names, exhibits.levels(pincode)[1]) for names in levels),
        (re.search(r"side_by_side = \[(.*?)\]", page)[1], adjusted),
    ):
        shown = set(re.findall(r'"(\w+)"', names))
        assert "p_adjusted" in shown
        assert shown <= {*exhibit.columns}  # of others the page could show nothing


def test_where_the_correction_alone_decides_against_a_levels_interval_it_is_said(
    grade: Association, loans: pd.DataFrame
):
    levels = grade.levels.assign(or_low=1.01, odds_ratio=1.2, or_high=1.4, p_adjusted=0.3)
    told = level_in_words(replace(grade, levels=levels), adjusted_odds(grade, loans), "A")
    assert "1.20 (1.01 to 1.40), no significant difference once corrected for all levels" in told


def test_numbers_of_separated_levels_are_not_shown_as_estimates(pincode: Association):
    shown = exhibits.levels(pincode)[1].table.set_index("level")
    assert shown.loc["11650", ["odds_ratio", "or_low", "or_high", "odds_ratio_reference"]].isna().all()
    assert shown.loc["70466", "odds_ratio"] == pytest.approx(pincode.level("70466")["odds_ratio"])
    assert shown.loc["11650", "default_rate"] == 1


def result(rows: list[tuple[str, int, int]], factor: str = "profession") -> Association:
    return analyse(pd.DataFrame(rows, columns=["level", "n", "defaults"]), factor=factor)


def test_what_names_no_profession_leads_no_table_and_is_counted_as_none():
    found = result(
        [
            ("Other", 5_000, 1_000),
            ("Employer Named", 2_000, 300),
            ("Nurse", 900, 180),
            ("Chef", 300, 60),
            ("Missing", 800, 300),
        ]
    )
    figure, table = exhibits.levels(found)
    assert table.table["level"].tolist() == ["Nurse", "Chef", "Other", "Employer Named", "Missing"]
    drawn = [label.get_text().split("   ")[0] for label in figure.figure.axes[0].get_yticklabels()]
    assert drawn == ["Nurse", "Chef", "Other job titles", "An employer, no job title", "Not stated"]
    assert "of 2 professions" in table.title


@pytest.mark.parametrize(
    ("raw", "own", "told"),
    [
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], "None of 3 professions differs significantly from the rest"),
        (
            [0.01, 0.5, 0.5],
            [0.01, 0.5, 0.5],
            "1 of 3 professions differs significantly; it still does after adjustment",
        ),
        (
            [0.01, 0.5, 0.5],
            [0.5, 0.5, 0.5],
            "1 of 3 professions differs significantly; it no longer does after adjustment",
        ),
        (
            [0.01, 0.01, 0.5],
            [0.01, 0.5, 0.01],
            "2 of 3 professions differ significantly; 1 still does after adjustment",
        ),
        (
            [0.01, 0.01, 0.5],
            [0.5, 0.5, 0.5],
            "2 of 3 professions differ significantly; none still does after adjustment",
        ),
        (
            [0.01, 0.01, 0.01],
            [0.01, 0.01, 0.01],
            "3 of 3 professions differ significantly; all still do after adjustment",
        ),
        ([0.01, 0.01, 0.01], [0.01, 0.01, 0.5], "3 of 3 professions differ significantly; 2 still do after adjustment"),
    ],
)
def test_how_many_differences_stay_is_one_sentence(
    raw: list[float], own: list[float], told: str, loans: pd.DataFrame, grade: Association
):
    found = result([("a", 900, 180), ("b", 900, 150), ("c", 900, 120)])
    found = replace(found, levels=found.levels.assign(p_adjusted=raw))
    adjusted = replace(adjusted_odds(grade, loans), levels=found.levels.assign(p_adjusted=own), n=found.n)
    assert survival(found, adjusted) == told


def test_words_of_an_association_hold_no_name_of_a_column(loans: pd.DataFrame):
    told = words(analyse(factor_counts(FrameCounts(loans), "home_ownership"), factor="home_ownership"), loans)
    assert not re.search(r"home_ownership|none_default|all_default|\b(MORTGAGE|RENT|OWN)\b", told)
    assert "kinds of home ownership" in told


def test_tables_show_an_interval_beside_its_value(grade: Association, pincode: Association):
    for found, alike in ((grade, False), (pincode, True)):
        shown = exhibits.levels(found)[1].columns
        assert shown["default_rate"] == "rate with interval of 95%"
        assert ("separation" in shown) == alike  # an empty column tells nothing


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
    assert ("The odds ratio differs between grades for x (from 1.00 in A to 2.00 in G)" in told) == changes
    assert ("No odds ratio differs significantly between grades" in told) != changes
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
