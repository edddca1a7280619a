"""Tiers of pincodes: they follow from intervals, the pure ones are the extremes, and nothing is gained without them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from policy_books import priced_book
from statsmodels.stats.proportion import proportion_confint

from loantap.model.economics import Economics
from loantap.policy.book import Book, make_book
from loantap.policy.pincode import HIGH, HIGH_REFUSED, LIKE, LOW, WITHOUT_PURE, PincodeTiers, pincode_tiers

PURE = {"00813": 0, "05113": 0, "29597": 0, "11650": 1, "86630": 1, "93700": 1}
MIXED = {"22690", "30723", "48052", "70466"}


def book(counts: dict[str | None, tuple[int, int]]) -> Book:
    """Loans of 100 by pincode, how many there are and how many default; a repaid loan earns 10, a default loses 50."""
    pincode = [code for code, (n, _) in counts.items() for _ in range(n)]
    default = np.concatenate([np.arange(n) < bad for n, bad in counts.values()]).astype(int)
    loans = pd.DataFrame({"pincode": pd.Series(pincode, dtype="str"), "default": default, "loan_amnt": 100.0})
    realised = np.where(default == 1, -50.0, 10.0)
    return replace(priced_book(loans, 0.2, Economics()), expected=realised, realised=realised)


def tiers_of(training: Book, test: Book | None = None, *, min_cell: int = 10) -> PincodeTiers:
    return pincode_tiers(training, training if test is None else test, min_cell=min_cell, repetitions=100, random_state=0)  # fmt: skip


def test_the_six_pure_pincodes_are_the_extremes(loans: pd.DataFrame):
    books = [make_book(loans.iloc[start::2], np.full(len(loans) // 2, 0.2), Economics()) for start in (0, 1)]
    found = tiers_of(*books)
    tier = found.table.set_index("pincode")["tier"].to_dict()
    assert tier == {code: HIGH if end else LOW for code, end in PURE.items()} | dict.fromkeys(MIXED, LIKE)
    assert set(found.pure) == set(PURE)
    assert all(isinstance(code, str) and len(code) == 5 for code in found.table["pincode"])
    gains = found.effects.set_index("name")
    assert gains.loc[HIGH_REFUSED, "profit_change_low"] > 0
    # All defaults of the three pincodes avoided, no good customer lost: too good to be true.
    assert gains.loc[HIGH_REFUSED, "n_good_refused"] == 0
    assert gains.loc[WITHOUT_PURE, ["n_refused", "profit_change", "profit_change_low", "profit_change_high"]].tolist() == [0, 0, 0, 0]  # fmt: skip


def test_a_tier_follows_from_the_interval_for_all_pincodes_at_once():
    counts = {
        "10000": (1_000, 200),
        "20000": (1_000, 260),
        "30000": (1_000, 140),
        "40000": (60, 19),
        "50000": (940, 181),
    }
    table = tiers_of(book(counts)).table.set_index("pincode")
    for code, (n, bad) in counts.items():
        low, high = proportion_confint(bad, n, alpha=0.05 / 5, method="wilson")
        assert table.loc[code, ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], abs=1e-12)
    # The portfolio defaults at 800 / 4000 = 0.2. Nineteen of 60 is the highest rate, but alone: its interval at 95%
    # begins above 0.2, and the one that holds for five pincodes below.
    assert table["tier"].to_dict() == {"10000": LIKE, "20000": HIGH, "30000": LOW, "40000": LIKE, "50000": LIKE}
    assert table.index[0] == "40000"


def test_the_gain_is_what_the_refused_loans_would_have_lost():
    training = book({"10000": (1_000, 100), "20000": (500, 200)})
    test = book({"10000": (80, 8), "20000": (20, 9)})
    effect = tiers_of(training, test).effects.set_index("name").loc[HIGH_REFUSED]
    # Of 20 loans refused 9 default: 9 * 50 - 11 * 10 = 340 saved on 10,000 asked for.
    assert (effect["n_refused"], effect["n_defaults_avoided"]) == (20, 9)
    assert effect["profit_change"] == pytest.approx(3.4, abs=1e-9)
    assert effect["profit_change_low"] < 3.4 < effect["profit_change_high"]


def test_without_the_pure_pincodes_the_tiers_are_made_anew():
    # 2,000 loans that never default hold the portfolio at (300 + 100 + 160 + 0) / 4,000 = 0.14; without them it is 0.28.
    counts = {"10000": (1_000, 300), "20000": (400, 100), "30000": (600, 160), "00001": (2_000, 0)}
    found = tiers_of(book(counts))
    tier = found.table.set_index("pincode")["tier"].to_dict()
    assert tier == {"10000": HIGH, "20000": HIGH, "30000": HIGH, "00001": LOW}
    effects = found.effects.set_index("name")
    assert effects["n_refused"].to_dict() == {HIGH_REFUSED: 2_000, WITHOUT_PURE: 0}
    assert effects["n"].to_dict() == {HIGH_REFUSED: 4_000, WITHOUT_PURE: 2_000}


def test_a_mixed_pincode_of_high_risk_stays_when_the_pure_ones_go():
    counts = {"10000": (1_000, 100), "20000": (500, 200), "00001": (300, 300)}
    effects = tiers_of(book(counts)).effects.set_index("name")
    # With the 300 the portfolio is at 600 / 1,800 = 0.33, and 200 of 500 lies above that as well.
    assert effects["n_refused"].to_dict() == {HIGH_REFUSED: 800, WITHOUT_PURE: 500}


def test_few_loans_that_happen_to_end_alike_are_not_called_pure():
    found = tiers_of(book({"10000": (500, 100), "20000": (500, 100), "30000": (12, 0)}))
    assert found.table.set_index("pincode").loc["30000", ["separation", "tier"]].tolist() == ["none_default", LIKE]
    assert found.pure == ()
    assert "No pincode gives the outcome away" in found.warning
    assert "made up" not in found.warning


def test_the_warning_says_why_the_tiers_must_not_be_used():
    warning = tiers_of(book({"10000": (500, 100), "20000": (500, 100), "30000": (100, 100)})).warning
    for words in (
        "Do not use these tiers",
        "1 of 3 pincodes",
        "made up after the outcome",
        "worthless",
        "fair-lending",
    ):
        assert words in warning


def test_small_pincodes_are_pooled_and_refused_together():
    training = book({"10000": (2_000, 200), "20000": (15, 8), "30000": (15, 9)})
    test = book({"10000": (10, 1), "20000": (1, 1), "30000": (1, 0), "40000": (1, 1)})
    found = tiers_of(training, test)
    pool = "20000, 30000 (pooled)"
    assert found.table.set_index("pincode").loc[pool, ["n", "defaults", "tier"]].tolist() == [30, 17, HIGH]
    # The pincode that was never seen is not refused.
    assert found.effects.set_index("name").loc[HIGH_REFUSED, "n_refused"] == 2


def test_a_missing_pincode_is_a_level():
    assert "Missing" in set(tiers_of(book({"10000": (100, 20), None: (100, 20)})).table["pincode"])


def test_too_few_loans_make_no_tiers():
    found = tiers_of(book({"10000": (20, 4)}))
    assert found.table.empty
    assert found.effects.empty


def test_where_all_pincodes_are_pure_nothing_is_left_without_them():
    found = tiers_of(book({"10000": (100, 100), "20000": (300, 0)}))
    assert found.effects["name"].tolist() == [HIGH_REFUSED]
