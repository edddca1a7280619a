"""Refusals among good customers, by group: counted by hand, corrected for picking, and nothing small shown."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book, small_book
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loantap.decisions.policy.book import Book
from loantap.decisions.policy.fairness import fairness, income_bands
from loantap.errors import InputError


def owners(n: int = 3_000, seed: int = 0) -> Book:
    rng = np.random.default_rng(seed)
    return random_book(
        n,
        seed=seed,
        home_ownership=rng.choice(["MORTGAGE", "OWN", "RENT"], n, p=[0.4, 0.2, 0.4]),
        annual_inc=rng.lognormal(11, 0.5, n),
        profession_group=rng.choice(["Nurses", "Drivers"], n),
    )


def of(table: pd.DataFrame, attribute: str) -> pd.DataFrame:
    return table[table["attribute"] == attribute].set_index("group" if "group" in table else "rule")


def test_rates_are_those_of_a_plain_count_among_the_loans_that_were_repaid():
    book = owners()
    refused = book.loans["dti"].to_numpy() > 30
    groups = of(fairness(book, {"cap": refused}, min_cell=10).groups, "home_ownership")
    good = ~book.default
    counted = pd.DataFrame({"refused": refused[good], "group": book.loans["home_ownership"][good]}).groupby("group")["refused"].agg(["size", "sum", "mean"])  # fmt: skip
    assert groups["n"].to_dict() == counted["size"].to_dict()
    assert groups["refused"].to_dict() == counted["sum"].to_dict()
    assert groups["rate"].to_dict() == pytest.approx(counted["mean"].to_dict())
    row = groups.loc["RENT"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        proportion_confint(row["refused"], row["n"], method="wilson")
    )
    approved = 1 - groups["rate"]
    assert groups["approval_ratio"].to_dict() == pytest.approx((approved / approved.max()).to_dict())


def test_a_planted_unfair_rule_is_found_and_named():
    book = owners()
    rng = np.random.default_rng(1)
    renting = (book.loans["home_ownership"] == "RENT").to_numpy()
    refused = rng.random(len(renting)) < np.where(renting, 0.4, 0.1)
    gap = of(fairness(book, {"unfair": refused}, min_cell=10).gaps, "home_ownership").iloc[0]
    assert gap["highest"] == "RENT"
    assert gap["gap_low"] > 0.2
    assert gap["gap"] == pytest.approx(0.3, abs=0.06)  # three standard errors of a difference of 1,000 loans each


def test_the_gap_s_interval_is_newcombe_s_for_all_pairs_of_groups():
    book = owners()
    refused = book.loans["dti"].to_numpy() > 30
    tables = fairness(book, {"cap": refused}, min_cell=10)
    groups, gap = of(tables.groups, "home_ownership"), of(tables.gaps, "home_ownership").iloc[0]
    high, low = groups.loc[gap["highest"]], groups.loc[gap["lowest"]]
    # Three groups make three pairs.
    ends = confint_proportions_2indep(high["refused"], high["n"], low["refused"], low["n"], method="newcomb", compare="diff", alpha=0.05 / 3)  # fmt: skip
    assert (gap["gap_low"], gap["gap_high"]) == pytest.approx(ends)
    assert gap["gap"] == pytest.approx(groups["rate"].max() - groups["rate"].min())


def test_a_rule_that_treats_all_alike_seldom_shows_a_gap():
    shown = 0
    for seed in range(40):
        book = owners(800, seed)
        refused = np.random.default_rng(1_000 + seed).random(800) < 0.3
        shown += int(of(fairness(book, {"noise": refused}, min_cell=10).gaps, "home_ownership")["gap_low"].iloc[0] > 0)
    assert shown <= 4  # of 40 where at most 5 % may; more than four has a chance below 5 %


def test_a_rule_that_refuses_nobody_leaves_no_gap():
    book = owners()
    tables = fairness(book, {"none": np.zeros(3_000, dtype=bool), "all": np.ones(3_000, dtype=bool)}, min_cell=10)
    by_rule = tables.groups.groupby("rule")["rate"].agg(["min", "max"])
    assert by_rule.loc["none"].tolist() == [0, 0]
    assert by_rule.loc["all"].tolist() == [1, 1]
    assert (tables.gaps["gap"] == 0).all()
    assert (tables.gaps["gap_low"] <= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.005, 0.9), st.integers(2, 20))
def test_no_small_cell_is_published(seed: int, share: float, min_cell: int):
    rng = np.random.default_rng(seed)
    book = random_book(
        400, seed=seed, home_ownership=rng.choice(list("ABCDEF"), 400, p=[0.5, 0.3, 0.1, 0.06, 0.03, 0.01])
    )
    refused = rng.random(400) < share
    table = fairness(book, {"rule": refused}, min_cell=min_cell).groups
    for count in (table["refused"], table["n"] - table["refused"]):
        assert ((count == 0) | (count >= min_cell)).all()


def test_income_is_cut_at_round_quartiles():
    bands = income_bands(pd.Series(np.arange(20_000, 120_000, 10.0)))
    assert list(bands.cat.categories) == [
        "up to 45,000",
        "over 45,000 to 70,000",
        "over 70,000 to 95,000",
        "over 95,000",
    ]
    assert bands.iloc[0] == "up to 45,000"


def test_a_rule_of_another_book_is_refused():
    with pytest.raises(InputError, match="one answer for each of 3 loans, got shape"):
        fairness(small_book(expected=[1, 2, 3]), {"cap": np.ones(4, dtype=bool)}, min_cell=10)
