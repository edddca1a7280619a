"""A worse year: weights by hand, years against their prediction, shifts, and how far each has to go."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_books import PLAIN, priced_book, whole_loans
from scipy.special import expit, logit

from loantap.policy.book import Book
from loantap.policy.scenarios import profit_under
from loantap.policy.stress import DOWNTURN, Shift, odds_to, shifts, stress, turns, vintages

# Four loans of 100 that earn 10 or lose 100. Odds of 1 / 4 times 2 are a probability of 1 / 3: a default counts 5 / 3 times, a repaid loan 5 / 6.
FOUR = priced_book(whole_loans(4, default=[0, 0, 0, 1]), 0.2, PLAIN)
REFUSALS = {
    "nobody": np.zeros(4, dtype=bool),
    "bad": np.array([False, False, False, True]),
    "all": np.ones(4, dtype=bool),
}


def riskier_by(step: float, book: Book = FOUR):
    """A model in whose eyes each point of debt-to-income adds `step` to the log odds."""
    return lambda points: expit(logit(book.probability) + step * points)


def test_doubled_odds_by_hand():
    table = stress(FOUR, REFUSALS, [Shift("default_odds", "times 2", 2.0, PLAIN, 2.0)]).set_index("name")
    good, bad = 10 * 5 / 6, -100 * 5 / 3
    assert table["profit"].to_dict() == pytest.approx({"nobody": 3 * good + bad, "bad": 3 * good, "all": 0})
    assert table["gain"].to_dict() == pytest.approx({"nobody": 0, "bad": -bad, "all": -3 * good - bad})
    assert table.loc["nobody", "profit_per_100"] == pytest.approx((3 * good + bad) / 4)
    assert table.loc["bad", "profit_per_100"] == pytest.approx(good)
    assert np.isnan(table.loc["all", "profit_per_100"])  # nothing is lent


def test_without_a_shift_it_is_what_was_earned():
    table = stress(FOUR, REFUSALS, [Shift("none", "as it is", 1.0, PLAIN)]).set_index("name")
    assert table["profit"].to_dict() == pytest.approx({"nobody": -70, "bad": 30, "all": 0})
    assert table["gain"].to_dict() == pytest.approx({"nobody": 0, "bad": 100, "all": 70})


def test_each_shift_is_its_rule_and_gains_add_up_to_profit():
    book = replace(FOUR, economics=replace(PLAIN, loss_given_default=0.6, funding_cost=0.04))
    found = {one.name: one for one in shifts(book, worst=None, riskier=riskier_by(0.1))}
    assert list(found) == ["default_odds", "dti", "rate", "recovery"]
    assert found["rate"].economics.funding_cost == pytest.approx(0.07)
    assert found["recovery"].economics == replace(book.economics, loss_given_default=1.0)
    # Ten points add 1 to the log odds, whatever they were.
    assert found["dti"].odds == pytest.approx(np.full(4, np.e))
    table = stress(book, REFUSALS, list(found.values()))
    for _, rows in table.groupby("shift"):
        profit, gain = (rows.set_index("name")[column] for column in ("profit", "gain"))
        assert (profit - gain).tolist() == pytest.approx([profit["nobody"]] * 3)


def test_money_that_cannot_get_dearer_stays_within_bounds():
    book = replace(FOUR, economics=replace(PLAIN, funding_cost=0.99))
    assert {one.name: one for one in shifts(book, worst=None, riskier=riskier_by(0.1))}["rate"].economics.funding_cost == 1.0  # fmt: skip


def test_a_downturn_has_the_odds_of_the_worst_year():
    worst = pd.Series({"year": 2009, "odds": 1.7})
    last = shifts(FOUR, worst=worst, riskier=riskier_by(0.1))[-1]
    assert (last.name, last.value, last.odds) == (DOWNTURN, 1.7, 1.7)
    assert "2009" in last.label


@given(st.lists(st.floats(0.02, 0.9), min_size=1, max_size=8), st.floats(0.05, 0.9))
def test_odds_are_multiplied_until_the_mean_is_the_rate(probability: list[float], rate: float):
    each = np.array(probability)
    factor = odds_to(each, rate)
    assert expit(logit(each) + np.log(factor)).mean() == pytest.approx(rate, abs=1e-5)


def test_years_against_their_prediction_by_hand():
    # 2012: 10 of 40 default where 20% were predicted: odds of 1 / 3 rather than 1 / 4. 2013: 8 of 40, as predicted. 2014: too few.
    bad = np.concatenate([np.arange(40) < 10, np.arange(40) < 8, np.arange(6) < 3]).astype(int)
    issued = pd.to_datetime([*["2012-03-01"] * 40, *["2013-07-01"] * 40, *["2014-01-01"] * 6])
    book = priced_book(whole_loans(86, default=bad, issue_d=issued), 0.2, PLAIN)
    table = vintages(book, min_cell=5)
    assert table["year"].tolist() == [2012, 2013]
    assert table[["n", "defaults"]].to_numpy().tolist() == [[40, 10], [40, 8]]
    assert table["default_rate"].tolist() == [0.25, 0.2]
    assert table["predicted"].tolist() == pytest.approx([0.2, 0.2])
    assert table["odds"].tolist() == pytest.approx([4 / 3, 1.0], abs=1e-4)


def test_a_year_without_a_default_has_no_odds_and_is_left_out():
    issued = pd.to_datetime([*["2012-03-01"] * 40, *["2013-07-01"] * 40])
    bad = (np.arange(80) < 10).astype(int)
    assert vintages(priced_book(whole_loans(80, default=bad, issue_d=issued), 0.2, PLAIN), min_cell=5)["year"].tolist() == [2012]  # fmt: skip


def test_without_loans_enough_no_year_is_told():
    assert vintages(FOUR, min_cell=10).empty


def test_how_far_the_odds_have_to_shift_by_hand():
    # All four: 30 * f - 100 * g with f = 1 / (0.8 + 0.2 k) and g = k f is nothing at k = 0.3, a mean probability of 0.3 / 4.3.
    table = turns(FOUR, REFUSALS, riskier=riskier_by(0.1)).set_index(["name", "shift"])
    everybody = table.loc[("nobody", "default_odds")]
    assert everybody[["value", "turns_at"]].tolist() == pytest.approx([1.0, 0.3], abs=1e-5)
    assert everybody["default_rate"] == pytest.approx(0.3 / 4.3, abs=1e-5)
    # Those refused by "all" are the same loans: the gain is gone where their profit is.
    assert table.loc[("all", "default_odds"), "turns_at"] == pytest.approx(0.3, abs=1e-5)
    # Refusing a loan that defaulted gains at any odds.
    assert np.isnan(table.loc[("bad", "default_odds"), "turns_at"])
    assert np.isnan(table.loc[("bad", "default_odds"), "default_rate"])


def test_how_far_debts_have_to_grow_by_hand():
    # One of five defaults and the others earn 40: 160 - 100 k is nothing at k = 1.6, which is ln(1.6) / 0.02 = 23.5 points.
    book = priced_book(whole_loans(5, per_100=140.0, default=[0, 0, 0, 0, 1]), 0.2, PLAIN)
    nobody = {"nobody": np.zeros(5, dtype=bool)}
    table = turns(book, nobody, riskier=riskier_by(0.02, book)).set_index("shift")
    assert table.loc["default_odds", "turns_at"] == pytest.approx(1.6, abs=1e-5)
    assert table.loc["dti", ["value", "turns_at"]].tolist() == pytest.approx([0.0, np.log(1.6) / 0.02], abs=1e-3)
    assert table.loc["dti", "default_rate"] == pytest.approx(1.6 / 5.6, abs=1e-5)
    # A model that does not look at debts turns nowhere.
    assert np.isnan(turns(book, nobody, riskier=riskier_by(0.0, book)).set_index("shift").loc["dti", "turns_at"])


def test_at_the_turn_the_refused_would_have_earned_nothing():
    rng = np.random.default_rng(0)
    probability = rng.beta(2, 8, 400)
    loans = whole_loans(400, per_100=125.0, default=(rng.random(400) < probability).astype(int))
    book = priced_book(loans, probability, PLAIN)
    refused = probability > 0.25
    found = turns(book, {"rule": refused}, riskier=riskier_by(0.02, book)).set_index("shift")
    factor = found.loc["default_odds", "turns_at"]
    assert profit_under(book, PLAIN, odds=factor)[refused].sum() == pytest.approx(0, abs=1)
    assert factor < 1  # they lose as things are, so things have to get better for the gain to be gone
