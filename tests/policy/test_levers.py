"""Whom each lever refuses, and how it says so."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_books import random_book, small_book

from loantap.errors import InputError
from loantap.policy.groupings import Grouping, risk_tiers
from loantap.policy.levers import (
    AmountLimits,
    Cap,
    Exclusion,
    LongestTerm,
    OwnPrice,
    RequiredReturn,
    Threshold,
    Together,
    refused_by,
)

GRADE = Grouping("grade")
TIERS = Grouping("risk_tier", (0.1, 0.2, 0.4))
BOOK = small_book(
    expected=[5, -1, 0, -7],
    amount=[1_000.0, 2_000.0, 3_000.0, 4_000.0],
    probability=[0.05, 0.1, 0.4, 0.39],
    dti=[24.9, 25.0, 25.1, np.nan],
    grade=["A", "B", "B", "C"],
    term=[36, 60, 60, 60],
    home_ownership=["RENT", "OWN", "RENT", "MORTGAGE"],
    expected_balance=[200.0] * 4,
)


@pytest.mark.parametrize(
    ("lever", "refused", "rule"),
    [
        (Threshold("profit", 0.4), [2], "decline applications with a probability of default of 40.00% or more"),
        (Threshold("profit", float(np.nextafter(1.0, 2.0))), [], "decline nobody"),
        (OwnPrice(), [1, 3], "decline applications whose expected profit is negative"),
        # Expected profit over the balance: 5 / 200, -1 / 200, 0 / 200, -7 / 200. A loan that earns just what is asked for is granted.
        (
            RequiredReturn(0.025),
            [1, 2, 3],
            "decline applications expected to earn less than 2.5% of the balance a year above the cost of money",
        ),
        (
            RequiredReturn(0.0),
            [1, 3],
            "decline applications expected to earn less than 0% of the balance a year above the cost of money",
        ),
        (
            Together("two", "both", (Cap("dti", 25), OwnPrice())),
            [1, 2, 3],
            "decline applications with DTI above 25; decline applications whose expected profit is negative",
        ),
        (Together("none", "nothing"), [], "decline nobody"),
        (Cap("dti", 25), [2], "decline applications with DTI above 25"),
        (Cap("annual_inc", 59_999.5), [0, 1, 2, 3], "decline applications with income above 59,999.5"),
        (AmountLimits(GRADE, {"B": 2_000}), [2], "decline amounts above 2,000 in grade B"),
        (
            AmountLimits(GRADE, {"A": 1_500, "C": 0}),
            [3],
            "decline amounts above 1,500 in grade A, every amount in grade C",
        ),
        (LongestTerm(GRADE, ("A", "C"), 36), [3], "decline terms above 36 months in grade A, grade C"),
        (
            LongestTerm(TIERS, ("medium",), 36),
            [1],
            "decline terms above 36 months in risk tier medium (probability of default 10.00% to below 20.00%)",
        ),
        (
            Exclusion(Grouping("home_ownership"), ("OWN", "MORTGAGE")),
            [1, 3],
            "decline applications with home ownership OWN, MORTGAGE",
        ),
    ],
)
def test_a_lever_refuses_whom_its_rule_names(lever, refused, rule):
    assert np.flatnonzero(lever.refuses(BOOK)).tolist() == refused
    assert lever.rule == rule


def test_levers_have_a_name_for_files_and_one_for_readers():
    levers = [
        Threshold("f2", 0.1), OwnPrice(), Cap("revol_util", 90), AmountLimits(TIERS, {}), LongestTerm(GRADE, (), 36),
        Exclusion(Grouping("profession_group"), ()), RequiredReturn(0.02), Together("plain", "levers combined"),
    ]  # fmt: skip
    assert [lever.id for lever in levers] == [
        "threshold_f2", "own_price", "cap_revol_util", "amount_by_risk_tier", "term_by_grade", "exclude_profession_group",
        "required_return", "plain",
    ]  # fmt: skip
    titles = [lever.title for lever in levers]
    assert titles[0].startswith("F2 threshold")
    assert titles[2:6] == [
        "cap on revolving utilisation", "amount limits by risk tier", "longest term by grade", "excluded by profession group",
    ]  # fmt: skip
    assert len(set(titles)) == len(titles)


def test_a_loan_at_a_cut_belongs_to_the_tier_above():
    # 0.05 | 0.1 to 0.2: 0.1 | 0.2 to 0.4: 0.39 | 0.4 and above.
    assert TIERS.of(BOOK).tolist() == ["low", "medium", "very high", "high"]
    assert TIERS.levels(BOOK) == ["low", "medium", "high", "very high"]
    assert TIERS.words("low") == "risk tier low (probability of default below 10.00%)"
    assert TIERS.words("very high") == "risk tier very high (probability of default 40.00% and above)"


def test_tiers_hold_50_30_15_and_5_percent_of_the_training_book():
    training = small_book(expected=np.ones(1_000), probability=np.random.default_rng(0).random(1_000))
    tier = risk_tiers(training).of(training)
    held = [(tier == name).sum() for name in ("low", "medium", "high", "very high")]
    assert held == pytest.approx([500, 300, 150, 50], abs=1)  # rounding a cut may move a loan that lies next to it


def test_the_cuts_of_the_tiers_are_the_numbers_of_the_rule():
    cuts = risk_tiers(random_book(500)).cuts
    assert [float(f"{cut:.4f}") for cut in cuts] == list(cuts)


def test_a_missing_level_is_a_level():
    book = small_book(expected=[1, 1], home_ownership=[None, "OWN"])
    assert Grouping("home_ownership").of(book).tolist() == ["Missing", "OWN"]


def test_a_level_unknown_to_the_lever_is_not_refused():
    book = small_book(expected=[1], grade=["G"], term=60, amount=50_000.0)
    levers = [AmountLimits(GRADE, {"A": 0}), LongestTerm(GRADE, ("A",), 36), Exclusion(GRADE, ("A",))]
    assert not refused_by(levers, book).any()


@pytest.mark.parametrize("column", ["default", "int_rate", "grade", "pincode", "pub_rec", "no_such_column"])
def test_a_cap_needs_a_number_of_the_book_that_is_known_at_application_time(column):
    with pytest.raises(InputError, match=f"column '{column}': expected a number of the book that is known at applica"):
        Cap(column, 1).refuses(BOOK)


def test_without_levers_nobody_is_refused():
    assert refused_by([], BOOK).tolist() == [False] * 4


@given(st.floats(0, 45), st.floats(0, 45), st.integers(0, 5))
def test_a_looser_cap_never_refuses_more(first: float, second: float, seed: int):
    tight, loose = sorted((first, second))
    book = random_book(60, seed=seed)
    assert not (Cap("dti", loose).refuses(book) & ~Cap("dti", tight).refuses(book)).any()


@given(st.integers(0, 5), st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_a_further_lever_never_approves_more(seed: int, at: list[float]):
    book = random_book(60, seed=seed)
    levers = [Threshold("one", at[0]), Cap("dti", 40 * at[1]), OwnPrice()]
    refused = [refused_by(levers[:count], book) for count in range(4)]
    assert all((fewer <= more).all() for fewer, more in pairwise(refused))
