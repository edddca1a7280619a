"""Who is refused: by hand, and adding up whatever the rule."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book, small_book

from loantap.policy.composition import composition
from loantap.policy.levers import Cap, OwnPrice, Threshold

ATTRIBUTES = ("grade", "term", "risk_decile", "income_band", "home_ownership")
SIX = small_book(
    expected=[0] * 6,
    grade=["A", "A", "B", "B", "B", "G"],
    term=[36, 36, 36, 60, 60, 60],
    probability=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    annual_inc=[10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0, 60_000.0],
    home_ownership=["RENT", "OWN", "RENT", None, "OWN", "RENT"],
)
REFUSED = np.array([True, False, False, True, False, True])


def of(table: pd.DataFrame, attribute: str, rule: str = "rule") -> pd.DataFrame:
    return table[(table["attribute"] == attribute) & (table["name"] == rule)].set_index("level")


def test_levels_of_the_refused_by_hand():
    table = composition(SIX, {"rule": REFUSED}, min_cell=1)
    assert tuple(table["attribute"].unique()) == ATTRIBUTES
    grade = of(table, "grade")
    assert grade[["n", "n_refused"]].to_dict("index") == {
        "A": {"n": 2, "n_refused": 1}, "B": {"n": 3, "n_refused": 1}, "G": {"n": 1, "n_refused": 1},
    }  # fmt: skip
    assert grade["refused"].tolist() == pytest.approx([1 / 2, 1 / 3, 1])
    assert grade["of_refused"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert of(table, "term")["refused"].to_dict() == pytest.approx({"36": 1 / 3, "60": 2 / 3})
    # Who does not tell is a level here: shares of all applications have to add up.
    assert of(table, "home_ownership")["n_refused"].to_dict() == {"OWN": 0, "RENT": 2, "Missing": 1}
    # Quartiles of the incomes: 22,500, 35,000 and 47,500, in two digits 22,000, 35,000 and 48,000.
    assert of(table, "income_band")["n"].tolist() == [2, 1, 1, 2]
    assert of(table, "income_band")["n_refused"].tolist() == [1, 0, 1, 1]


def test_the_first_decile_holds_the_safest_tenth():
    book = small_book(expected=np.zeros(40), probability=np.linspace(0.4, 0.01, 40))
    table = of(composition(book, {"rule": book.probability > 0.25}, min_cell=1), "risk_decile")
    assert table.index.tolist() == [str(k) for k in range(1, 11)]
    assert table["n"].tolist() == [4] * 10
    # Steps of 0.01: the 15 riskiest lie above 0.25, so three deciles and three loans of another.
    assert table["n_refused"].tolist() == [0, 0, 0, 0, 0, 0, 3, 4, 4, 4]


def test_equal_probabilities_still_make_tenths():
    table = of(composition(small_book(expected=np.zeros(30)), {"rule": np.ones(30, dtype=bool)}, min_cell=1), "risk_decile")  # fmt: skip
    assert table["n"].tolist() == [3] * 10


def test_a_rule_that_refuses_nobody_has_no_shares_of_its_refused():
    table = composition(SIX, {"rule": np.zeros(6, dtype=bool)}, min_cell=1)
    assert (table["n_refused"] == 0).all()
    assert (table["refused"] == 0).all()
    assert table["of_refused"].isna().all()


def test_small_levels_are_joined_and_a_single_one_takes_the_smallest_other_with_it():
    grade = ["A"] * 30 + ["B"] * 20 + ["F"] * 3 + ["G"] * 2
    book = small_book(expected=np.zeros(55), grade=grade)
    refused = np.array(grade) >= "F"
    joined = of(composition(book, {"rule": refused}, min_cell=5), "grade")
    assert joined["n"].to_dict() == {"A": 30, "B": 20, "F or G": 5}
    assert joined["n_refused"].to_dict() == {"A": 0, "B": 0, "F or G": 5}
    # With G alone its count would follow from the total: B, the smallest other, joins it.
    alone = of(composition(book.part(np.array(grade) != "F"), {"rule": refused[np.array(grade) != "F"]}, min_cell=5), "grade")  # fmt: skip
    assert {frozenset(name.split(" or ")): n for name, n in alone["n"].items()} == {frozenset("A"): 30, frozenset("BG"): 22}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 50), st.integers(1, 120), st.integers(1, 40), st.floats(0, 45), st.floats(0, 0.6))
def test_the_levels_add_up_for_every_policy_and_attribute(seed: int, n: int, min_cell: int, dti: float, at: float):
    rng = np.random.default_rng(seed)
    book = random_book(
        n,
        seed=seed,
        grade=rng.choice(list("ABCDEFG"), n, p=[0.3, 0.3, 0.2, 0.1, 0.06, 0.03, 0.01]),
        annual_inc=rng.gamma(4, 15_000, n).round(),
        home_ownership=rng.choice(["RENT", "OWN", "MORTGAGE", "ANY", None], n, p=[0.4, 0.1, 0.4, 0.02, 0.08]),
    )
    levers = {"cap": Cap("dti", dti), "threshold": Threshold("profit", at), "price": OwnPrice()}
    refusals = {name: lever.refuses(book) for name, lever in levers.items()}
    table = composition(book, refusals, min_cell=min_cell)
    sums = table.groupby(["name", "attribute"])[["n", "n_refused", "of_refused"]].sum()
    assert len(sums) == len(levers) * len(ATTRIBUTES)
    for (name, _), row in sums.iterrows():
        assert row["n"] == n
        assert row["n_refused"] == refusals[name].sum()
        assert row["of_refused"] == pytest.approx(float(refusals[name].any()))
    assert (table["n_refused"] <= table["n"]).all()
    assert table["refused"].tolist() == pytest.approx((table["n_refused"] / table["n"]).tolist())
    # Every policy is told by the same levels, and a small one is all loans there are.
    assert table.groupby("name")["level"].apply(tuple).nunique() == 1
    assert ((table["n"] >= min_cell) | (table["n"] == n)).all()
    joined = table["level"].str.contains(" or ")
    alone = table[~joined].groupby(["name", "attribute"])["n"].min()
    assert ((alone >= min_cell) | (alone == n)).all()


@pytest.mark.parametrize("n", [2, 4])
def test_a_level_that_is_small_and_alone_is_all_loans_there_are(n: int):
    table = composition(small_book(expected=np.zeros(n)), {"rule": np.arange(n) < 1}, min_cell=5)
    assert table["n"].tolist() == [n] * len(ATTRIBUTES)
    assert table["n_refused"].tolist() == [1] * len(ATTRIBUTES)


def test_levels_that_are_small_together_take_the_smallest_other_with_them():
    grade = ["A"] * 30 + ["B"] * 20 + ["F", "G"]
    table = of(composition(small_book(expected=np.zeros(52), grade=grade), {"rule": np.ones(52, dtype=bool)}, min_cell=5), "grade")  # fmt: skip
    assert {frozenset(name.split(" or ")): n for name, n in table["n"].items()} == {frozenset("A"): 30, frozenset("BFG"): 22}  # fmt: skip
