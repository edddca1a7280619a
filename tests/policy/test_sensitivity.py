"""What profit depends on: the ends of every assumption, the calibration, and where nothing is earned."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import PLAIN, priced_book, whole_loans

from loantap.data.annuity import annuity
from loantap.model.decision import best_profit_threshold
from loantap.model.economics import ASSUMPTIONS, Economics, loan_profit
from loantap.policy.book import Book
from loantap.policy.scenarios import break_even, profit_under, tornado
from loantap.policy.stress import odds_to

# Under PLAIN a loan that is repaid earns 10 per 100, one that defaults pays nothing and loses all.
YEARS = pd.DataFrame({"year": [2012, 2013, 2014], "odds": [0.8, 1.5, 1.1]})


def plain(probability: np.ndarray, economics: Economics = PLAIN) -> Book:
    """Loans of 100 that bring 110; the first half of them default."""
    n = len(probability)
    return priced_book(whole_loans(n, default=(np.arange(n) < n // 2).astype(int)), probability, economics)


def portfolio(n: int, seed: int, economics: Economics | None = None) -> Book:
    """Loans like those of the codebook, whose probabilities are true."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 8, n)
    loans = pd.DataFrame({"loan_amnt": rng.uniform(1_000, 35_000, n).round(), "term": rng.choice([36, 60], n)})
    loans["int_rate"] = (11 + 15 * probability).round(2)
    loans["installment"] = annuity(loans["loan_amnt"], loans["int_rate"], loans["term"])
    loans["default"] = (rng.random(n) < probability).astype(int)
    return priced_book(loans, probability, economics or Economics())


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return tornado(portfolio(3_000, 0), portfolio(2_000, 1), YEARS)


def test_every_assumption_and_the_default_rate_have_a_row_the_widest_swing_first(table: pd.DataFrame):
    assert set(table["assumption"]) == {one.name for one in ASSUMPTIONS} | {"default_rate"}
    assert table["swing"].is_monotonic_decreasing
    assert table["label"].is_unique


def test_the_values_are_the_ranges_of_the_assumptions(table: pd.DataFrame):
    rows = table.set_index("assumption")
    for one in ASSUMPTIONS:
        expected = [one.low, getattr(Economics(), one.name), one.high]
        assert rows.loc[one.name, ["low", "default", "high"]].tolist() == expected


def test_all_rows_start_from_the_same_default(table: pd.DataFrame):
    training, test = portfolio(3_000, 0), portfolio(2_000, 1)
    threshold = best_profit_threshold(training.probability, training.realised)
    granted = test.probability < threshold
    lent = test.amount.sum()
    for row in table.to_dict("records"):
        assert row["profit_default"] == pytest.approx(100 * test.realised.sum() / lent, rel=1e-9)
        assert row["threshold_default"] == pytest.approx(threshold, rel=1e-9)
        assert row["refused_default"] == pytest.approx(1 - granted.mean(), abs=1e-12)
        assert row["profit_at_threshold_default"] == pytest.approx(100 * test.realised[granted].sum() / lent, rel=1e-9)
        assert row["own_price_refused_default"] == pytest.approx((test.expected < 0).mean(), abs=1e-12)


def test_ends_are_the_profit_with_that_one_value_changed(table: pd.DataFrame):
    test, rows = portfolio(2_000, 1), table.set_index("assumption")
    for one in ASSUMPTIONS:
        for end, value in (("low", one.low), ("high", one.high)):
            earned = loan_profit(test.loans, Economics().with_(one.name, value)).sum()
            assert rows.loc[one.name, f"profit_{end}"] == pytest.approx(100 * earned / test.amount.sum(), rel=1e-9), one.name  # fmt: skip


@pytest.mark.parametrize("name", ["loss_given_default", "funding_cost", "default_rate"])
def test_more_loss_dearer_money_and_more_defaults_earn_less(table: pd.DataFrame, name: str):
    row = table.set_index("assumption").loc[name]
    assert row["profit_low"] > row["profit_default"] > row["profit_high"]


def test_an_end_is_the_whole_reckoning_under_the_changed_assumption(table: pd.DataFrame):
    economics = Economics(loss_given_default=next(one.high for one in ASSUMPTIONS if one.name == "loss_given_default"))
    training, test = portfolio(3_000, 0, economics), portfolio(2_000, 1, economics)
    row = table.set_index("assumption").loc["loss_given_default"]
    threshold = best_profit_threshold(training.probability, training.realised)
    granted = test.probability < threshold
    assert row["profit_high"] == pytest.approx(100 * test.realised.sum() / test.amount.sum(), rel=1e-9)
    assert row["threshold_high"] == pytest.approx(threshold, rel=1e-9)
    assert row["refused_high"] == pytest.approx(1 - granted.mean(), abs=1e-12)
    assert row["profit_at_threshold_high"] == pytest.approx(100 * test.realised[granted].sum() / test.amount.sum(), rel=1e-9)  # fmt: skip
    assert row["own_price_refused_high"] == pytest.approx((test.expected < 0).mean(), abs=1e-12)


def test_a_larger_loss_refuses_more(table: pd.DataFrame):
    row = table.set_index("assumption").loc["loss_given_default"]
    assert row["refused_low"] <= row["refused_default"] <= row["refused_high"]
    assert row["threshold_low"] >= row["threshold_default"] >= row["threshold_high"]
    assert row["swing"] == pytest.approx(row["profit_low"] - row["profit_high"], abs=1e-12)


def test_the_default_rate_goes_to_that_of_the_best_and_of_the_worst_year(table: pd.DataFrame):
    odds = portfolio(2_000, 1).probability / (1 - portfolio(2_000, 1).probability)
    row = table.set_index("assumption").loc["default_rate"]
    for end, factor in (("low", 0.8), ("default", 1.0), ("high", 1.5)):
        assert row[end] == pytest.approx((factor * odds / (1 + factor * odds)).mean(), abs=1e-12)


def test_multiplied_odds_by_hand():
    # Two loans with a probability of 0.2 each, of which one defaults: odds of 1 / 4 become 1 / 2 when doubled, and 1 / 8 when halved, so
    # the probability becomes 1 / 3 and 1 / 9. The default counts 5 / 3 or 5 / 9 times, the repaid loan 5 / 6 or 10 / 9 times.
    book = priced_book(whole_loans(2, default=[1, 0]), 0.2, PLAIN)
    row = tornado(book, book, pd.DataFrame({"odds": [0.5, 2.0]})).set_index("assumption").loc["default_rate"]
    assert row[["low", "default", "high"]].tolist() == pytest.approx([1 / 9, 1 / 5, 1 / 3])
    earned = [(10 * good - 100 * bad) / 2 for good, bad in ((10 / 9, 5 / 9), (1, 1), (5 / 6, 5 / 3))]
    assert row[["profit_low", "profit_default", "profit_high"]].tolist() == pytest.approx(earned)
    # All odds move alike, so a threshold that separates two kinds of loans moves with them.
    half = plain(np.repeat([0.5, 0.2], 500))
    row = tornado(half, half, pd.DataFrame({"odds": [1.0, 3.0]})).set_index("assumption").loc["default_rate"]
    assert row["threshold_default"] == pytest.approx(0.5)
    assert row["threshold_high"] == pytest.approx(3 / 4)  # odds of 1 become 3
    assert row[["refused_low", "refused_default", "refused_high"]].tolist() == [0.5, 0.5, 0.5]


def test_without_years_to_go_by_the_default_rate_is_not_varied():
    book = portfolio(300, 5)
    assert set(tornado(book, book, YEARS[:0])["assumption"]) == {one.name for one in ASSUMPTIONS}


def even(n: int, bad: int, probability: float) -> Book:
    """Loans of 100 that bring 110, of which some default."""
    return priced_book(whole_loans(n, default=(np.arange(n) < bad).astype(int)), probability, PLAIN)


def test_break_even_by_hand():
    found = break_even(even(40, 2, 0.05)).set_index("assumption")
    # 38 * 10 = 380 is earned, 2 * 100 lost: even a loss of all leaves something, at any time of default.
    assert np.isnan(found.loc["loss_given_default", "break_even"])
    assert np.isnan(found.loc["default_after", "break_even"])
    # 10 (1 - p) = 100 p at p = 1 / 11, and the probabilities are right.
    assert found.loc["default_rate", ["value", "break_even"]].tolist() == pytest.approx([0.05, 1 / 11], abs=1e-6)
    found = break_even(even(40, 8, 0.2)).set_index("assumption")
    # 32 * 10 = 320 is earned, 800 times the share that is lost: 0.4.
    assert found.loc["loss_given_default", "break_even"] == pytest.approx(0.4, abs=1e-5)


def earned(book: Book, name: str, value: float) -> float:
    """Realised profit per 100 lent with one assumption at another value."""
    return float(100 * loan_profit(book.loans, book.economics.with_(name, value)).sum() / book.amount.sum())


@settings(max_examples=25)
@given(st.floats(0.3, 0.9), st.floats(0.05, 0.6), st.floats(0.3, 1.0), st.floats(0.02, 0.1))
def test_nothing_is_earned_at_the_break_even(loss: float, after: float, settled: float, cost: float):
    book = portfolio(200, 2, Economics(loss, after, settled, cost))
    for row in break_even(book).dropna(subset=["break_even"]).itertuples():
        if row.assumption in ("loss_given_default", "funding_cost"):
            assert earned(book, row.assumption, row.break_even) == pytest.approx(0, abs=1e-3)
        elif row.assumption != "default_rate":
            # In steps of a month: the sign changes there.
            near = [earned(book, row.assumption, min(max(row.break_even + step, 0), 1)) for step in (-1e-5, 1e-5)]
            assert min(near) <= 0 <= max(near)


def test_at_the_default_rate_that_breaks_even_the_multiplied_odds_earn_nothing():
    book = portfolio(500, 3)
    rate = break_even(book).set_index("assumption").loc["default_rate", "break_even"]
    odds = odds_to(book.probability, rate)
    assert 100 * profit_under(book, book.economics, odds=odds).sum() / book.amount.sum() == pytest.approx(0, abs=1e-3)
    assert rate > book.probability.mean()  # this portfolio earns something


def test_with_two_break_evens_the_nearer_one_is_told(monkeypatch: pytest.MonkeyPatch):
    # Profit along the cost of money as a parabola that is 0 at 0.1 and 0.8.
    monkeypatch.setattr(
        "loantap.policy.scenarios.profit_under",
        lambda book, economics, odds=1.0: np.full(20, -(economics.funding_cost - 0.1) * (economics.funding_cost - 0.8)),
    )  # fmt: skip
    book = portfolio(20, 4, Economics(funding_cost=0.7))
    assert break_even(book).set_index("assumption").loc["funding_cost", "break_even"] == pytest.approx(0.8, abs=1e-5)
