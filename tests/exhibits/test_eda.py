"""Sentences of the exploratory analysis have an effect, its interval and n, and claim no more than the numbers carry."""

import pandas as pd

from loantap.analysis.comparisons import Contrast
from loantap.exhibits.drivers import DRIVERS, contrast_finding, driver, strength_finding
from loantap.exhibits.eda import group_finding

TERMS = Contrast("60", "36", 0.32, 0.16, 0.16, 0.14, 0.18, 2000)
GROUP = {"n": 40, "default_rate": 0.3, "other_rate": 0.2, "difference": 0.1, "diff_low": 0.02, "diff_high": 0.2}


def told(found: Contrast | None):
    return contrast_finding("term", found, phrase="loans over {} months", other="those over {}", confidence=0.95)


def test_a_contrast_says_how_often_with_interval_and_n():
    finding = told(TERMS)
    assert finding.title == "Loans over 60 months default 2.0 times as often as those over 36: 32.0 % against 16.0 %"
    assert finding.text == f"{finding.title} (difference 16.0 points, 95 % interval 14.0 to 18.0; n = 2,000)."
    assert (finding.estimate, finding.ci_low, finding.ci_high, finding.n) == (0.16, 0.14, 0.18, 2000)


def test_levels_that_cannot_be_told_apart_are_not_ranked():
    finding = told(Contrast("60", "36", 0.2, 0.19, 0.01, -0.02, 0.04, 2000))
    assert "cannot be told apart" in finding.title
    assert "interval −2.0 to 4.0" in finding.text
    assert "times" not in finding.title


def test_a_rate_of_zero_gives_no_ratio():
    assert told(Contrast("60", "36", 0.2, 0.0, 0.2, 0.1, 0.3, 200)).title.startswith(
        "Loans over 60 months default more often than those over 36"
    )


def test_without_two_levels_nothing_is_claimed():
    finding = told(None)
    assert finding.estimate is None
    assert "no two levels" in finding.text


def test_a_group_is_set_against_the_others():
    finding = group_finding("missing", GROUP, loans="loans without emp_length", total=500, confidence=0.95)
    assert finding.title == "Loans without emp_length default at 30.0 % against 20.0 % of the others"
    assert finding.text.endswith("(difference 10.0 points, 95 % interval 2.0 to 20.0; 40 of 500 loans).")


def test_a_suppressed_group_shows_no_number():
    finding = group_finding("missing", dict.fromkeys(GROUP), loans="loans without title", total=500, confidence=0.95)
    assert finding.text == "There are too few loans without title to show their default rate."
    assert finding.n is None


def test_columns_whose_intervals_overlap_share_the_lead():
    strength = pd.DataFrame(
        {"driver": ["term", "dti"], "auc": [0.593, 0.592], "ci_low": 0.59, "ci_high": 0.595, "n": 100}
    )
    shared = strength_finding("s", strength, lead="Of all", confidence=0.95)
    assert "term and dti alone tell most about default, hardly apart" in shared.title
    apart = strength_finding(
        "s", strength.assign(ci_low=[0.59, 0.5], ci_high=[0.595, 0.55]), lead="Of all", confidence=0.95
    )
    assert "term alone tells most about default, before dti" in apart.title


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
    assert shown.alt.endswith("default rate by term. 36 15.8 %; 60 31.9 %.")
