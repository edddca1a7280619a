"""Tiers of pincodes come from bounds, the pure ones are the extremes, and the gain is said to be worth nothing."""

import numpy as np
import pandas as pd
import pytest
from policy_books import random_book
from statsmodels.stats.proportion import proportion_confint

from loantap.decisions.policy.book import Book, make_book
from loantap.decisions.policy.pincode import HIGH, HIGH_REFUSED, LIKE, LOW, WITHOUT_PURE, pincode_tiers
from loantap.model.economics import Economics
from loantap.model.finalist import Finalist
from loantap.model.inputs import feature_frame

DRAWN = {"repetitions": 50, "random_state": 0}
PURE_BAD, PURE_GOOD = {"11650", "86630", "93700"}, {"00813", "05113", "29597"}


@pytest.fixture(scope="module")
def books(finalist: Finalist, loans: pd.DataFrame) -> tuple[Book, Book]:
    probability = finalist.probability(feature_frame(loans, inputs="without_pincode"))
    half = len(loans) // 2
    first, second = (
        make_book(loans.iloc[part], probability[part], Economics()) for part in (slice(half), slice(half, None))
    )
    return first, second


def test_the_pure_pincodes_are_the_extremes_and_named(books: tuple[Book, Book]):
    found = pincode_tiers(*books, min_cell=10, **DRAWN)
    tiers = found.table.set_index("pincode")["tier"]
    assert set(tiers.index[tiers == HIGH]) >= PURE_BAD
    assert set(tiers.index[tiers == LOW]) >= PURE_GOOD
    assert set(found.pure) == PURE_BAD | PURE_GOOD
    assert "must not be used" in found.warning
    assert "worth nothing" in found.warning
    assert "fair-lending" in found.warning
    assert all(isinstance(code, str) and len(code) == 5 for code in found.table["pincode"])


def test_the_feigned_gain_is_gone_without_the_pure_ones(books: tuple[Book, Book]):
    effects = pincode_tiers(*books, min_cell=10, **DRAWN).effects.set_index("name")
    assert effects.loc[HIGH_REFUSED, "profit_change_low"] > 1
    assert effects.loc[HIGH_REFUSED, "good_refused"] == 0
    assert abs(effects.loc[WITHOUT_PURE, "profit_change"]) < 1


def test_intervals_hold_for_all_pincodes_at_once(books: tuple[Book, Book]):
    table = pincode_tiers(*books, min_cell=10, **DRAWN).table
    for row in table.itertuples():
        ends = proportion_confint(row.defaults, row.n, alpha=0.05 / len(table), method="wilson")
        assert (row.ci_low, row.ci_high) == pytest.approx(ends, abs=1e-12)


def test_a_rate_above_the_portfolio_s_is_no_tier_while_its_interval_holds_it():
    rng = np.random.default_rng(0)
    book = random_book(2_000, pincode=rng.choice(["11111", "22222", "33333"], 2_000))
    found = pincode_tiers(book, book, min_cell=10, **DRAWN)
    assert set(found.table["tier"]) == {LIKE}
    assert found.pure == ()
    assert found.warning.startswith("These tiers must not be used. No pincode is pure")
    assert found.effects.set_index("name").loc[HIGH_REFUSED, "profit_change"] == 0


def test_small_pincodes_are_pooled():
    codes = np.array(["11111"] * 900 + ["22222"] * 900 + [f"3{place:04d}" for place in range(200)])
    book = random_book(2_000, pincode=codes)
    table = pincode_tiers(book, book, min_cell=10, **DRAWN).table
    assert len(table) == 3
    assert table["n"].sum() == 2_000
    assert (table["n"] >= 10).all()
