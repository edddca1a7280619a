"""Sentences of the exploratory analysis have an effect, its interval and n, and claim no more than the numbers carry."""

from dataclasses import replace

import pandas as pd
import pytest

from loantap.analysis.comparisons import Contrast
from loantap.exhibits.drivers import DRIVERS, contrast_finding, driver, strength_finding
from loantap.exhibits.eda import group_finding, missing, outliers

TERMS = Contrast("60", "36", 0.32, 0.16, 0.16, 0.14, 0.18, 2000)
GROUP = {"n": 40, "default_rate": 0.3, "other_rate": 0.2, "difference": 0.1, "diff_low": 0.02, "diff_high": 0.2}


def told(found: Contrast | None, name: str = "term"):
    return contrast_finding(next(row for row in DRIVERS if row.name == name), found)


def test_a_contrast_says_how_often_with_interval_and_n():
    finding = told(TERMS)
    assert finding.title == "60-month loans default twice as often as 36-month loans: 32.0% against 16.0%"
    assert finding.text == f"{finding.title} (difference 16.0 points, 95% CI 14.0 to 18.0; n = 2,000)."
    assert (finding.estimate, finding.ci_low, finding.ci_high, finding.n) == (0.16, 0.14, 0.18, 2000)


def test_levels_that_cannot_be_told_apart_are_not_ranked():
    finding = told(Contrast("60", "36", 0.2, 0.19, 0.01, -0.02, 0.04, 2000))
    assert finding.title == (
        "60-month loans and 36-month loans do not differ significantly in default rate: 20.0% against 19.0%"
    )
    assert "95% CI −2.0 to 4.0" in finding.text
    assert "times" not in finding.title


def test_a_rate_of_zero_gives_no_ratio():
    assert told(Contrast("60", "36", 0.2, 0.0, 0.2, 0.1, 0.3, 200)).title.startswith(
        "60-month loans default more often than 36-month loans"
    )


@pytest.mark.parametrize(
    ("low", "words"),
    [(0.16, "twice as often as"), (0.11, "2.9 times as often as"), (0.107, "three times"), (0.31, "more often than")],
)
def test_a_ratio_of_rates_is_said_in_words(low: float, words: str):
    assert words in told(replace(TERMS, low_rate=low)).title


@pytest.mark.parametrize(
    ("name", "high", "low", "words"),
    [
        (
            "amount",
            "30,000 or more",
            "under 5,000",
            "Loans of 30,000 or more default twice as often as loans under 5,000",
        ),
        ("dti", "25 to under 30", "under 5", "ratio of 25 to under 30% default twice as often as those under 5%"),
        ("home-ownership", "RENT", "MORTGAGE", "Borrowers who rent default twice as often as those with a mortgage"),
        ("home-ownership", "RENT", "OTHER, ANY", "as often as those with other housing or with any kind of housing"),
        ("purpose", "small_business", "car", "Loans for a small business default twice as often as loans for a car"),
        (
            "verification",
            "Verified",
            "Not Verified",
            "income was verified default twice as often as those whose income was not",
        ),
    ],
)
def test_levels_are_said_as_a_person_says_them(name: str, high: str, low: str, words: str):
    assert words in told(replace(TERMS, high=high, low=low), name).title


def test_without_two_levels_nothing_is_claimed():
    finding = told(None)
    assert finding.estimate is None
    assert "no two terms" in finding.text


def test_a_group_is_set_against_the_others():
    finding = group_finding("missing", GROUP, loans="loans without a value for job title", total=500, confidence=0.95)
    assert finding.title == "Loans without a value for job title default at 30.0%, against 20.0% of the others"
    assert finding.text.endswith("(difference 10.0 points, 95% CI 2.0 to 20.0; 40 of 500 loans).")


def test_a_suppressed_group_shows_no_number():
    finding = group_finding("missing", dict.fromkeys(GROUP), loans="loans without title", total=500, confidence=0.95)
    assert finding.text == "There are too few loans without title to show a default rate."
    assert finding.n is None


def groups(*ends: tuple[float, float, float]) -> pd.DataFrame:
    columns = dict.fromkeys(
        ("n", "default_rate", "ci_low", "ci_high", "other_rate", "other_low", "other_high", "share"), 0.2
    )
    rows = [
        {"column": f"c{at}", **columns, "difference": mid, "diff_low": low, "diff_high": high}
        for at, (mid, low, high) in enumerate(ends)
    ]
    return pd.DataFrame(rows)


def test_the_largest_group_difference_that_is_named_is_one_beyond_chance():
    table = groups((0.3, -0.1, 0.7), (-0.1, -0.15, -0.05), (0.05, 0.01, 0.09))
    shown = missing(table, n=500, of=27, confidence=0.95)
    assert shown.title.startswith("Loans without a value for c1 default at")
    assert shown.caption.startswith("24 of 27 columns are complete.")
    assert "for differences for all 3 rows at once" in shown.caption
    assert "for 3 comparisons at once; 0 of 500 loans)." in shown.findings[1].text
    assert [finding.id for finding in shown.findings] == ["missing-c0", "missing-c1", "missing-c2"]


def test_where_no_group_differs_beyond_chance_none_is_named():
    table = groups((0.3, -0.1, 0.7))
    assert (
        missing(table, n=500, of=27, confidence=0.95).title
        == "Missing values do not differ significantly in default rate"
    )
    assert missing(table[:0], n=500, of=27, confidence=0.95).title == "No value is missing"
    shown = outliers(table, {"c0": 500}, confidence=0.95)
    assert shown.findings[0].text == f"{shown.title}." == "Outliers do not differ significantly in default rate."


def strongest(**columns: list) -> str:
    table = pd.DataFrame(
        {"driver": ["term", "dti"], "auc": [0.593, 0.592], "ci_low": 0.58, "ci_high": 0.6, "n": 100, "direction": "up"}
        | columns
    )
    return strength_finding("s", table, lead="the strongest predictor", confidence=0.9, of=22).text


def test_a_column_that_others_come_close_to_is_not_put_clearly_before_them():
    assert strongest() == (
        "Term is the strongest predictor (AUC 0.593), though debt-to-income ratio is not clearly weaker "
        "(90% CI 0.580 to 0.600 for 22 columns at once; n = 100)."
    )
    assert strongest(ci_low=[0.593, 0.5], ci_high=[0.6, 0.59]).startswith(
        "Term is the strongest predictor (AUC 0.593) ("
    )


def test_a_column_that_may_tell_nothing_is_not_said_to_tell_most():
    assert "No single column is shown to be the strongest predictor; term comes closest" in strongest(ci_low=[0.5, 0.5])


def test_a_picked_pair_says_so():
    picked = replace(TERMS, pairs=3, confidence=0.9)
    assert "90% CI 14.0 to 18.0, corrected for 3 pairs;" in told(picked).text
    alike = told(replace(picked, ci_low=-0.01))
    assert alike.title == "No two terms differ significantly in default rate"
    assert "closest to it: 60-month loans and 36-month loans, 32.0% against 16.0%" in alike.text


def test_alt_text_names_every_level_with_its_rate():
    rates = pd.DataFrame(
        {
            "level": ["36", "60"],
            "n": 1000,
            "default_rate": [0.158, 0.319],
            "ci_low": [0.14, 0.3],
            "ci_high": [0.18, 0.34],
        }
    )
    term = next(row for row in DRIVERS if row.name == "term")
    shown = driver(term, rates, TERMS, overall=0.2, confidence=0.95)
    assert shown.alt.endswith("default rate by term. 36 15.8%; 60 31.9%.")
