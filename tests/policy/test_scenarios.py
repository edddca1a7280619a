"""What the same refusals gain when an assumption is varied: by hand, by brute force, and where the gain turns."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from policy_books import PLAIN, priced_book, whole_loans

from loantap.data.annuity import annuity
from loantap.model.economics import ASSUMPTIONS, Economics, value_if_default, value_if_repaid
from loantap.policy.book import Book
from loantap.policy.scenarios import gains_under, profit_under, scenarios, turning, worst_corners

RANGES = {one.name: (one.low, one.high) for one in ASSUMPTIONS}
# Four loans of 100 that earn 10 or lose what is lost of 100; the rule refuses one of each, and the second refuses the good one alone.
FOUR = priced_book(whole_loans(4, default=[0, 0, 1, 1]), 0.5, replace(PLAIN, loss_given_default=0.75))
REFUSALS = {
    "nobody": np.zeros(4, dtype=bool),
    "one of each": np.array([True, False, True, False]),
    "good": np.array([True, False, False, False]),
}


def portfolio(n: int, seed: int) -> Book:
    rng = np.random.default_rng(seed)
    loans = pd.DataFrame({"loan_amnt": rng.uniform(1_000, 35_000, n).round(), "term": rng.choice([36, 60], n)})
    loans["int_rate"] = rng.uniform(6, 25, n).round(2)
    loans["installment"] = annuity(loans["loan_amnt"], loans["int_rate"], loans["term"])
    probability = np.clip(loans["int_rate"].to_numpy() / 60, 0.02, 0.9)
    loans["default"] = (rng.random(n) < probability).astype(int)
    return priced_book(loans, probability, Economics())


def row(table: pd.DataFrame, name: str, assumption: str) -> pd.Series:
    return table.set_index(["name", "assumption"]).loc[(name, assumption)]


def test_the_gain_along_the_loss_given_default_by_hand():
    found = row(scenarios(FOUR, REFUSALS), "one of each", "loss_given_default")
    low, high = RANGES["loss_given_default"]
    # The refused would have earned 10 and lost 100 times the share that is lost.
    assert found[["low", "default", "high"]].tolist() == [low, 0.75, high]
    assert found[["gain_low", "gain_default", "gain_high"]].tolist() == pytest.approx([100 * low - 10, 65, 100 * high - 10])  # fmt: skip
    assert found[["gain_least", "gain_most"]].tolist() == pytest.approx([100 * low - 10, 100 * high - 10])
    # It turns at a loss of a tenth, which lies outside of the range and is told all the same.
    assert low > 0.1
    assert found["turns_at"] == pytest.approx(0.1, abs=1e-5)


def test_a_gain_that_nothing_turns_has_no_turn():
    table = scenarios(FOUR, REFUSALS)
    # The good loan earns 10 whatever is lost of others: refusing it loses 10 everywhere.
    found = row(table, "good", "loss_given_default")
    assert found[["gain_low", "gain_default", "gain_high", "gain_least", "gain_most"]].tolist() == pytest.approx(
        [-10] * 5
    )
    assert np.isnan(found["turns_at"])


def test_who_refuses_nobody_gains_nothing_under_any_assumption():
    table = scenarios(FOUR, REFUSALS).set_index("name").loc["nobody"]
    assert (table[["gain_low", "gain_default", "gain_high", "gain_least", "gain_most"]] == 0).all(axis=None)
    assert table["turns_at"].isna().all()
    assert worst_corners(FOUR, REFUSALS).set_index("name").loc["nobody", "gain"] == 0


def test_a_linear_gain_turns_where_its_line_crosses_zero():
    book = portfolio(400, 0)
    refused = book.expected < 0
    found = row(scenarios(book, {"rule": refused}), "rule", "loss_given_default")
    low, high = found["low"], found["high"]
    slope = (found["gain_high"] - found["gain_low"]) / (high - low)
    assert found["turns_at"] == pytest.approx(low - found["gain_low"] / slope, abs=1e-4)
    assert found["gain_default"] == pytest.approx(-book.realised[refused].sum())


def test_the_ends_are_the_profit_of_the_refused_with_that_one_value_changed():
    book = portfolio(300, 1)
    refused = book.probability > 0.3
    table = scenarios(book, {"rule": refused})
    assert table["assumption"].tolist() == list(RANGES)
    for one in ASSUMPTIONS:
        found = row(table, "rule", one.name)
        for end, value in (("low", one.low), ("default", one.default), ("high", one.high)):
            changed = book.economics.with_(one.name, value)
            bad, good = value_if_default(book.loans, changed), value_if_repaid(book.loans, changed)
            gain = -np.where(book.default, bad, good)[refused].sum()
            assert found[end] == value
            assert found[f"gain_{end}"] == pytest.approx(gain), (one.name, end)
            assert found["gain_least"] - 1e-6 <= gain <= found["gain_most"] + 1e-6


def test_at_the_turn_the_gain_changes_its_sign():
    book = portfolio(500, 2)
    refusals = {"price": book.expected < 0, "risk": book.probability > 0.25}
    table = scenarios(book, refusals).dropna(subset=["turns_at"])
    assert len(table) >= 4
    for found in table.itertuples():
        refused = refusals[found.name][:, np.newaxis].astype(float)
        near = [
            gains_under(book, refused, book.economics.with_(found.assumption, min(max(found.turns_at + step, 0), 1)))[0]
            for step in (-1e-5, 1e-5)
        ]
        assert min(near) <= 0 <= max(near)
        # The gain keeps its sign from the default to the turn.
        between = np.linspace(found.default, found.turns_at, 12)[:-1]
        signs = {np.sign(gains_under(book, refused, book.economics.with_(found.assumption, at))[0]) for at in between}
        assert len(signs) == 1, found


def test_a_range_takes_in_a_value_that_lies_outside_of_it():
    book = replace(FOUR, economics=replace(FOUR.economics, loss_given_default=0.05))
    found = row(scenarios(book, REFUSALS), "one of each", "loss_given_default")
    assert found[["low", "default", "high"]].tolist() == [0.05, 0.05, RANGES["loss_given_default"][1]]
    # 100 * 0.05 - 10, and the turn at a tenth is in the range now.
    assert found[["gain_default", "gain_least"]].tolist() == pytest.approx([-5, -5])
    assert found["turns_at"] == pytest.approx(0.1, abs=1e-5)


def test_the_worst_corner_is_that_of_brute_force():
    book = portfolio(200, 3)
    refusals = {"price": book.expected < 0, "risk": book.probability > 0.25, "safe": book.probability < 0.15}
    found = worst_corners(book, refusals).set_index("name")
    for name, refused in refusals.items():
        gains = {}
        for ends in product(*RANGES.values()):
            economics = Economics(**dict(zip(RANGES, ends, strict=True)))
            bad, good = value_if_default(book.loans, economics), value_if_repaid(book.loans, economics)
            gains[ends] = -np.where(book.default, bad, good)[refused].sum()
        worst = min(gains, key=lambda ends: gains[ends])
        assert found.loc[name, "gain"] == pytest.approx(gains[worst])
        assert tuple(found.loc[name, list(RANGES)]) == worst


def test_the_worst_corner_is_no_better_than_any_one_assumption_by_itself():
    book = portfolio(200, 4)
    refusals = {"price": book.expected < 0, "risk": book.probability > 0.25}
    ends = scenarios(book, refusals).groupby("name")[["gain_low", "gain_default", "gain_high"]].min().min(axis=1)
    corner = worst_corners(book, refusals).set_index("name")["gain"]
    assert (corner <= ends[corner.index] + 1e-9).all()
    # Where a value below its range is assumed, the corner goes there too: 100 * 0.05 - 10.
    low = replace(FOUR, economics=replace(FOUR.economics, loss_given_default=0.05, default_after=0.0))
    found = worst_corners(low, REFUSALS).set_index("name").loc["one of each"]
    assert found["loss_given_default"] == 0.05
    assert found["gain"] <= -5


def test_multiplied_odds_weigh_defaults_more_and_repaid_loans_less():
    # Odds of 1 / 4 times 2 are a probability of 1 / 3: a default counts (1 / 3) / (1 / 5), a repaid loan (2 / 3) / (4 / 5).
    book = priced_book(whole_loans(2, default=[1, 0]), 0.2, PLAIN)
    assert profit_under(book, PLAIN, odds=2.0).tolist() == pytest.approx([-100 * 5 / 3, 10 * 5 / 6])
    assert profit_under(book, PLAIN).tolist() == book.realised.tolist() == pytest.approx([-100, 10])
    each = profit_under(book, PLAIN, odds=np.array([2.0, 1.0]))
    assert each.tolist() == pytest.approx([-100 * 5 / 3, 10])


def test_multiplied_odds_earn_what_is_expected_at_the_shifted_probability():
    # 1,000 loans of which just as many default as their probability says: in sum the weights give the shifted portfolio.
    book = priced_book(whole_loans(1_000, default=(np.arange(1_000) < 200).astype(int)), 0.2, PLAIN)
    for odds in (0.5, 1.0, 3.0):
        shifted = odds * 0.25 / (1 + odds * 0.25)
        assert profit_under(book, PLAIN, odds=odds).sum() == pytest.approx(1_000 * (10 - 110 * shifted))


@pytest.mark.parametrize(
    ("values", "start", "expected"),
    [
        ([-1, 1, 2], 0.0, 0.5),  # between the first two, by the line
        ([1, 2, 3], 0.0, np.nan),
        ([0, 0, 0], 0.0, np.nan),
        ([-1, 0, 1], 0.0, 1.0),  # a point hits it
        ([0, 1, 2], 0.0, np.nan),  # it only touches
        ([1, -1, 1], 0.0, 0.5),
        ([1, -1, 1], 2.0, 1.5),  # the nearer of two
    ],
)
def test_a_function_turns_where_its_sign_changes_nearest_to_the_start(values: list[float], start: float, expected: float):  # fmt: skip
    points = np.array([0.0, 1.0, 2.0])
    found = turning(lambda at: float(np.interp(at, points, values)), points, np.array(values, dtype=float), start)
    assert found == pytest.approx(expected, abs=1e-5, nan_ok=True)
