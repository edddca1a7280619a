"""What profit depends on: the ends of every assumption, the calibration, and where nothing is earned."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from statsmodels.stats.proportion import proportion_confint

from loantap.data.annuity import annuity
from loantap.decisions.policy.book import Book
from loantap.decisions.policy.sensitivity import break_even, tornado
from loantap.errors import InputError
from loantap.model.economics import ASSUMPTIONS, Economics, expected_profit, loan_profit
from loantap.model.profit import best_profit_threshold

# A loan that is repaid earns 10 per 100, one that defaults pays nothing and loses all.
PLAIN = Economics(loss_given_default=1.0, default_after=0.0, settled_after=1.0, funding_cost=0.0)


def book_of(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> Book:
    return Book(loans, probability, expected_profit(loans, probability, economics), loan_profit(loans, economics), economics)  # fmt: skip


def plain(probability: np.ndarray, economics: Economics = PLAIN) -> Book:
    """Loans of 100 that bring 110; the first half of them default."""
    n = len(probability)
    loans = pd.DataFrame({"loan_amnt": 100.0, "int_rate": 0.0, "term": 36, "installment": 110 / 36, "default": (np.arange(n) < n // 2).astype(int)})  # fmt: skip
    return book_of(loans, probability, economics)


def portfolio(n: int, seed: int, economics: Economics | None = None) -> Book:
    """Loans like those of the codebook, whose probabilities are true."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 8, n)
    loans = pd.DataFrame({"loan_amnt": rng.uniform(1_000, 35_000, n).round(), "term": rng.choice([36, 60], n)})
    loans["int_rate"] = (11 + 15 * probability).round(2)
    loans["installment"] = annuity(loans["loan_amnt"], loans["int_rate"], loans["term"])
    loans["default"] = (rng.random(n) < probability).astype(int)
    return book_of(loans, probability, economics or Economics())


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return tornado(portfolio(3_000, 0), portfolio(2_000, 1))


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
        assert row["profit_default"] == pytest.approx(100 * test.expected.sum() / lent, rel=1e-9)
        assert row["threshold_default"] == pytest.approx(threshold, rel=1e-9)
        assert row["refused_default"] == pytest.approx(1 - granted.mean(), abs=1e-12)
        assert row["profit_at_threshold_default"] == pytest.approx(100 * test.expected[granted].sum() / lent, rel=1e-9)


def test_ends_are_the_profit_with_that_one_value_changed(table: pd.DataFrame):
    test, rows = portfolio(2_000, 1), table.set_index("assumption")
    for one in ASSUMPTIONS:
        for end, value in (("low", one.low), ("high", one.high)):
            expected = expected_profit(test.loans, test.probability, Economics().with_(one.name, value)).sum()
            assert rows.loc[one.name, f"profit_{end}"] == pytest.approx(100 * expected / test.amount.sum(), rel=1e-9), one.name  # fmt: skip


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
    assert row["profit_high"] == pytest.approx(100 * test.expected.sum() / test.amount.sum(), rel=1e-9)
    assert row["threshold_high"] == pytest.approx(threshold, rel=1e-9)
    assert row["refused_high"] == pytest.approx(1 - granted.mean(), abs=1e-12)
    assert row["profit_at_threshold_high"] == pytest.approx(100 * test.expected[granted].sum() / test.amount.sum(), rel=1e-9)  # fmt: skip


def test_a_larger_loss_refuses_more(table: pd.DataFrame):
    row = table.set_index("assumption").loc["loss_given_default"]
    assert row["refused_low"] <= row["refused_default"] <= row["refused_high"]
    assert row["threshold_low"] >= row["threshold_default"] >= row["threshold_high"]
    assert row["swing"] == pytest.approx(row["profit_low"] - row["profit_high"], abs=1e-12)


def test_the_calibration_goes_to_the_ends_of_the_interval_of_the_test_rate(table: pd.DataFrame):
    test = portfolio(2_000, 1)
    row = table.set_index("assumption").loc["default_rate"]
    assert [row["low"], row["high"]] == pytest.approx(proportion_confint(test.default.sum(), 2_000, method="wilson"), abs=1e-12)  # fmt: skip
    assert row["default"] == pytest.approx(test.probability.mean(), abs=1e-12)


def test_scaled_odds_by_hand():
    # Probabilities of 0.2 and 0.5 have odds of 1 / 4 and 1. Half of 1,000 loans default, which Wilson's interval puts at 0.469 to
    # 0.531; the factor f with (f / (4 + f) + f / (1 + f)) / 2 = 0.531 earns 10 - 110 * 0.531 on average.
    test = plain(np.tile([0.2, 0.5], 500))
    row = tornado(test, test).set_index("assumption").loc["default_rate"]
    low, high = proportion_confint(500, 1_000, method="wilson")
    assert [row["profit_low"], row["profit_high"]] == pytest.approx([10 - 110 * low, 10 - 110 * high], abs=1e-9)
    # All odds move alike, so a threshold that separates the two kinds moves with them.
    half = plain(np.repeat([0.5, 0.2], 500))
    row = tornado(half, half).set_index("assumption").loc["default_rate"]
    factor = np.exp(logit(row["threshold_high"]) - logit(0.5))
    assert (factor / (4 + factor) + factor / (1 + factor)) / 2 == pytest.approx(high, abs=1e-9)
    assert row[["refused_low", "refused_default", "refused_high"]].tolist() == [0.5, 0.5, 0.5]


def test_a_test_book_of_one_outcome_says_nothing_of_calibration():
    book = plain(np.full(40, 0.2))
    good = replace(book, loans=book.loans.assign(default=0))
    with pytest.raises(
        InputError, match="expected a test book of defaults and repaid loans, got 0 defaults of 40 loans"
    ):
        tornado(book, good)


def test_break_even_by_hand():
    found = break_even(plain(np.full(40, 0.05))).set_index("assumption")
    # 0.95 * 10 = 9.5 is earned, 0.05 * 100 lost: even a loss of all leaves something, at any time of default.
    assert np.isnan(found.loc["loss_given_default", "break_even"])
    assert np.isnan(found.loc["default_after", "break_even"])
    # 10 (1 - p) = 100 p at p = 1 / 11.
    assert found.loc["default_rate", ["value", "break_even"]].tolist() == pytest.approx([0.05, 1 / 11], abs=1e-9)
    found = break_even(plain(np.full(40, 0.2))).set_index("assumption")
    # 0.8 * 10 = 8 is earned, 20 times the share that is lost: 0.4.
    assert found.loc["loss_given_default", "break_even"] == pytest.approx(0.4, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 0.9), st.floats(0.05, 0.6), st.floats(0.3, 1.0), st.floats(0.02, 0.1))
def test_nothing_is_earned_at_the_break_even(loss: float, after: float, settled: float, cost: float):
    economics = Economics(loss, after, settled, cost)
    book = portfolio(200, 2, economics)
    for row in break_even(book).set_index("assumption").dropna(subset=["break_even"]).itertuples():
        if row.Index == "default_rate":
            assert row.profit == pytest.approx(0, abs=1e-6)
            continue
        changed = economics.with_(row.Index, row.break_even)
        profit = 100 * expected_profit(book.loans, book.probability, changed).sum() / book.amount.sum()
        assert row.profit == pytest.approx(profit, abs=1e-9)
        # Smooth in the loss and the cost of money; in steps of a month in the others.
        assert abs(profit) < (1e-6 if row.Index in ("loss_given_default", "funding_cost") else 1.5)


def test_a_break_even_in_steps_is_where_the_sign_changes():
    book = portfolio(500, 3)
    row = break_even(book).set_index("assumption").loc["settled_after"]
    signs = [
        np.sign(expected_profit(book.loans, book.probability, book.economics.with_("settled_after", value)).sum())
        for value in (row["break_even"] - 1e-6, row["break_even"] + 1e-6)
    ]
    assert signs == [-1, 1]


def test_with_two_break_evens_the_nearer_one_is_told(monkeypatch: pytest.MonkeyPatch):
    # Profit along the cost of money as a parabola that is 0 at 0.1 and 0.8.
    monkeypatch.setattr(
        "loantap.decisions.policy.sensitivity.expected_profit",
        lambda loans, probability, economics: np.full(len(loans), -(economics.funding_cost - 0.1) * (economics.funding_cost - 0.8)),
    )  # fmt: skip
    book = portfolio(20, 4, Economics(funding_cost=0.7))
    assert break_even(book).set_index("assumption").loc["funding_cost", "break_even"] == pytest.approx(0.8, abs=1e-9)
