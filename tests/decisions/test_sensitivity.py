"""What profit becomes when an assumption moves, and where it is gone."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from loantap.decisions.policy.book import Book, make_book
from loantap.decisions.policy.sensitivity import DEFAULT_RATE, break_even, tornado
from loantap.errors import InputError
from loantap.model.economics import ASSUMPTIONS, Economics, expected_profit
from loantap.model.finalist import Finalist
from loantap.model.inputs import feature_frame


@pytest.fixture(scope="module")
def books(finalist: Finalist, loans: pd.DataFrame) -> tuple[Book, Book]:
    probability = finalist.probability(feature_frame(loans, inputs="without_pincode"))
    half = len(loans) // 2
    first, second = (
        make_book(loans.iloc[part], probability[part], Economics()) for part in (slice(half), slice(half, None))
    )
    return first, second


@pytest.fixture(scope="module")
def table(books: tuple[Book, Book]) -> pd.DataFrame:
    return tornado(*books).set_index("assumption")


def per_100(book: Book, economics: Economics, probability: np.ndarray) -> float:
    return float(100 * expected_profit(book.loans, probability, economics).sum() / book.amount.sum())


def test_every_assumption_and_the_calibration_are_moved_the_widest_first(table: pd.DataFrame):
    assert set(table.index) == {one.name for one in ASSUMPTIONS} | {DEFAULT_RATE}
    assert table["swing"].is_monotonic_decreasing
    ends = table[["profit_low", "profit_default", "profit_high"]]
    assert table["swing"].to_numpy() == pytest.approx((ends.max(axis=1) - ends.min(axis=1)).to_numpy())


def test_ends_are_the_profit_with_that_one_value_changed(table: pd.DataFrame, books: tuple[Book, Book]):
    test = books[1]
    for one in ASSUMPTIONS:
        for end, value in (("low", one.low), ("high", one.high)):
            expected = per_100(test, Economics().with_(one.name, value), test.probability)
            assert table.loc[one.name, f"profit_{end}"] == pytest.approx(expected), (one.name, end)
    assert table["profit_default"].to_numpy() == pytest.approx(per_100(test, Economics(), test.probability))


def test_more_loss_and_dearer_money_earn_less(table: pd.DataFrame):
    for name in ("loss_given_default", "funding_cost", DEFAULT_RATE):
        row = table.loc[name]
        assert row["profit_low"] > row["profit_default"] > row["profit_high"], name
    worse = table.loc["loss_given_default"]
    assert worse["threshold_low"] >= worse["threshold_high"]  # where a default costs more, refusing pays earlier


def test_the_default_rate_goes_to_the_ends_of_its_interval(table: pd.DataFrame, books: tuple[Book, Book]):
    test, row = books[1], table.loc[DEFAULT_RATE]
    ends = proportion_confint(test.default.sum(), len(test.default), method="wilson")
    assert (row["low"], row["high"]) == pytest.approx(ends)
    # The odds of all loans are scaled alike: found here by trying, not by the solver.
    shifts = np.linspace(-1, 1, 4_001)
    means = np.array([expit(logit(test.probability) + shift).mean() for shift in shifts])
    shift = shifts[int(np.abs(means - ends[1]).argmin())]
    near = per_100(test, Economics(), expit(logit(test.probability) + shift))
    assert row["profit_high"] == pytest.approx(near, abs=0.02)  # steps of a two-thousandth in log-odds


def test_profit_is_nothing_at_break_even(books: tuple[Book, Book]):
    test = books[1]
    found = break_even(test).set_index("assumption")
    loss = found.loc["loss_given_default"]
    if np.isnan(loss["break_even"]):
        assert per_100(test, Economics().with_("loss_given_default", 1.0), test.probability) > 0
    else:
        there = Economics().with_("loss_given_default", float(loss["break_even"]))
        assert per_100(test, there, test.probability) == pytest.approx(0, abs=1e-6)
    rate = found.loc[DEFAULT_RATE]
    assert rate["break_even"] > rate["value"]
    assert rate["profit"] == pytest.approx(0, abs=1e-6)


def test_one_outcome_alone_is_refused(books: tuple[Book, Book]):
    training, test = books
    good = ~test.default
    alone = Book(test.loans[good], test.probability[good], test.expected[good], test.realised[good], test.economics)
    with pytest.raises(InputError, match="a test book of defaults and repaid loans"):
        tornado(training, alone)
