"""What rules do to a book: by hand, against a plain loop, and what must always hold."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_books import random_book, small_book

from loantap.model.bootstrap import drawn_sums
from loantap.policy.levers import Cap
from loantap.policy.simulate import drawn_group_sums, patterns, simulate, trade_off_curve

MEASURES = (
    "approved", "defaults_avoided", "good_refused", "default_rate_approved", "profit", "profit_change", "profit_change_total", "profit_total",
    "profit_per_100", "per_year", "refused",
)  # fmt: skip
AT_ONCE = ["gain", "gain_low", "gain_high"]
# Money asked for 1,000; profit 20 + 30 - 60 + 10 - 25 = -25; balance over time 150 + 300 + 120 + 200 + 100 = 870.
FIVE = small_book(
    expected=[0] * 5,
    realised=[20.0, 30.0, -60.0, 10.0, -25.0],
    amount=[100.0, 200.0, 300.0, 150.0, 250.0],
    default=[0, 0, 1, 0, 1],
    balance=[150.0, 300.0, 120.0, 200.0, 100.0],
)
NOBODY, EVERYBODY = np.zeros(5, dtype=bool), np.ones(5, dtype=bool)


def effect(book, refused, **options):
    return simulate(book, {"rule": refused}, **{"repetitions": 40, "random_state": 0, **options}).iloc[0]


def test_the_effect_of_refusing_one_good_and_one_bad_loan_by_hand():
    # Refused: the second (repaid, earns 30) and the third (a default, loses 60).
    row = effect(FIVE, np.array([False, True, True, False, False]))
    counts = ["n", "n_approved", "n_refused", "n_defaults_avoided", "n_good_refused"]
    assert row[counts].tolist() == [5, 3, 2, 1, 1]
    assert row["approved"] == pytest.approx(3 / 5)
    assert row["defaults_avoided"] == pytest.approx(1 / 2)
    assert row["good_refused"] == pytest.approx(1 / 3)
    assert row["default_rate_approved"] == pytest.approx(1 / 3)
    assert row["profit"] == pytest.approx(100 * (20 + 10 - 25) / 1_000)
    assert row["profit_change"] == pytest.approx(100 * (60 - 30) / 1_000)
    assert row["profit_change_total"] == row["gain"] == pytest.approx(30)
    assert row["refused"] == pytest.approx(2 / 5)
    assert row["profit_total"] == pytest.approx(20 + 10 - 25)
    assert row["profit_per_100"] == pytest.approx(100 * 5 / (100 + 150 + 250))
    assert row["per_year"] == pytest.approx(100 * 5 / (150 + 200 + 100))


def test_a_rule_that_refuses_nobody_changes_nothing():
    row = effect(FIVE, NOBODY)
    none = [f"{name}{end}" for name in ("profit_change", "profit_change_total", "gain", "good_refused", "refused") for end in ("", "_low", "_high")]  # fmt: skip
    assert row[none].tolist() == [0] * 15
    assert row["profit_total"] == pytest.approx(-25)
    assert row["profit_per_100"] == pytest.approx(-2.5)
    assert row["per_year"] == pytest.approx(100 * -25 / 870)
    assert row["profit"] == pytest.approx(-2.5)
    assert (row["approved_low"], row["approved_high"]) == (1, 1)


def test_where_everybody_is_refused_the_default_rate_of_the_approved_is_not_known():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = effect(FIVE, EVERYBODY)
    assert row[["default_rate_approved", "default_rate_approved_low", "default_rate_approved_high"]].isna().all()
    assert row[["approved", "defaults_avoided", "good_refused"]].tolist() == [0, 1, 1]
    assert row["profit"] == pytest.approx(0, abs=1e-12)
    assert row["profit_change"] == pytest.approx(2.5)
    assert row["profit_total"] == pytest.approx(0, abs=1e-12)
    assert row[["profit_per_100", "per_year"]].isna().all()  # nothing is lent


def test_without_a_default_none_is_avoided_and_the_share_is_not_known():
    book = small_book(expected=[1, 1, 1], default=0)
    row = effect(book, np.array([True, False, False]))
    assert np.isnan(row["defaults_avoided"])
    assert (row["n_defaults_avoided"], row["default_rate_approved"]) == (0, 0)


def test_the_intervals_are_those_of_a_plain_loop_over_drawn_loans():
    book = random_book(150, seed=3)
    book = replace(book, balance=book.amount * np.where(book.default, 0.4, 1.3))
    refused = Cap("dti", 25).refuses(book)
    rng, drawn = np.random.default_rng(7), []
    for _ in range(60):
        rows = rng.integers(0, 150, 150)
        bad, out, amount, profit = book.default[rows], refused[rows], book.amount[rows], book.realised[rows]
        owed = book.balance[rows][~out].sum()
        drawn.append(
            [
                np.mean(~out),
                np.mean(out[bad]),
                np.mean(out[~bad]),
                np.mean(bad[~out]),
                100 * profit[~out].sum() / amount.sum(),
                100 * (profit[~out].sum() - profit.sum()) / amount.sum(),
                profit[~out].sum() - profit.sum(),
                profit[~out].sum(),
                100 * profit[~out].sum() / amount[~out].sum(),
                100 * profit[~out].sum() / owed,
                np.mean(out),
            ]
        )
    row = effect(book, refused, repetitions=60, random_state=7)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    # The same draws, so only rounding differs.
    assert row[[f"{name}_low" for name in MEASURES]].tolist() == pytest.approx(low.tolist(), rel=1e-9)
    assert row[[f"{name}_high" for name in MEASURES]].tolist() == pytest.approx(high.tolist(), rel=1e-9)


def test_a_rule_has_the_same_effect_alone_and_among_many():
    book = random_book(120)
    refusals = {f"cap {limit}": Cap("dti", limit).refuses(book) for limit in range(0, 45, 3)}
    together = simulate(book, refusals, repetitions=30, random_state=1)
    assert together["name"].tolist() == list(refusals)
    # All but the interval that holds for all rules at once.
    shared = ["name", "gain_low", "gain_high"]
    for place, refused in enumerate(refusals.values()):
        alone = effect(book, refused, repetitions=30, random_state=1).drop(shared).astype(float)
        assert together.iloc[place].drop(shared).astype(float).tolist() == pytest.approx(alone.tolist(), rel=1e-9, nan_ok=True)  # fmt: skip


@settings(max_examples=40)
@given(st.integers(0, 20), st.floats(0, 45), st.floats(0, 110))
def test_refusing_more_never_approves_more(seed: int, dti: float, utilisation: float):
    book = random_book(40, seed=seed)
    one = Cap("dti", dti).refuses(book)
    both = one | Cap("revol_util", utilisation).refuses(book)
    table = simulate(book, {"one": one, "both": both}, repetitions=20, random_state=0).set_index("name")
    assert table.loc["both", "n_approved"] <= table.loc["one", "n_approved"]
    for name in ("approved", "approved_low", "approved_high"):
        assert table.loc["both", name] <= table.loc["one", name]
    for name in ("defaults_avoided", "good_refused"):
        assert table.loc["both", name] >= table.loc["one", name]


@settings(max_examples=40)
@given(st.integers(0, 20), st.floats(40.1, 1_000))
def test_a_cap_that_refuses_nobody_changes_nothing(seed: int, limit: float):
    book = random_book(40, seed=seed)
    none = np.zeros(40, dtype=bool)
    told = simulate(book, {"cap": Cap("dti", limit).refuses(book), "none": none}, repetitions=20, random_state=0)
    capped, unlimited = told.drop(columns="name").to_numpy()
    assert capped.tolist() == unlimited.tolist()
    zero = ["n_refused", "profit_change", "profit_change_low", "profit_change_high", *AT_ONCE]
    assert told.loc[0, zero].tolist() == [0] * len(zero)


def correlated(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Eight rules that refuse a fifth to a half of the loans, each partly the same ones as the others."""
    shared = rng.random(n)
    return {f"rule {k}": 0.6 * shared + 0.4 * rng.random(n) < 0.25 + 0.03 * k for k in range(8)}


@pytest.mark.slow
def test_where_no_rule_gains_any_of_eight_intervals_excludes_that_no_oftener_than_its_error_rate():
    rng, missed, alone = np.random.default_rng(5), 0, 0
    times, confidence, n = 300, 0.9, 400
    for _ in range(times):
        default = (rng.random(n) < 0.2).astype(int)
        # Repaid earns 10 and a default loses 40, so that refusing any loan gains nothing on average.
        book = small_book(expected=np.zeros(n), realised=10.0 - 50.0 * default, default=default)
        told = simulate(book, correlated(rng, n), repetitions=200, random_state=0, confidence=confidence)
        excluded = (told["gain_low"] > 0) | (told["gain_high"] < 0)
        missed += excluded.any()
        alone += ((told["profit_change_total_low"] > 0) | (told["profit_change_total_high"] < 0)).any()
    # 10% of 300 are 30, with a standard error of (300 * 0.1 * 0.9)^0.5 = 5.2. The bootstrap adds its own error: from a half to
    # twice as often is allowed. Each rule by itself would miss in far more.
    assert times * 0.05 <= missed <= times * 0.17
    assert alone > 1.5 * missed


def test_an_interval_for_all_rules_at_once_is_as_many_standard_errors_as_the_largest_deviation_has():
    book, rng = random_book(200, seed=6), np.random.default_rng(11)
    refusals = {"nobody": np.zeros(200, dtype=bool)} | correlated(np.random.default_rng(0), 200)
    told = simulate(book, refusals, repetitions=80, random_state=11, confidence=0.8)
    drawn = []
    for _ in range(80):
        rows = rng.integers(0, 200, 200)
        drawn.append([-book.realised[rows][refused[rows]].sum() for refused in refusals.values()])
    gains = np.array([-book.realised[refused].sum() for refused in refusals.values()])
    error = np.std(drawn, axis=0, ddof=1)
    largest = [max(abs(draw - gains)[1:] / error[1:]) for draw in np.array(drawn)]
    half = np.quantile(largest, 0.8) * error
    assert told["gain"].tolist() == pytest.approx(gains.tolist())
    assert told["gain_low"].tolist() == pytest.approx((gains - half).tolist())
    assert told["gain_high"].tolist() == pytest.approx((gains + half).tolist())
    assert told.loc[0, AT_ONCE].tolist() == [0, 0, 0]


def test_the_interval_of_a_single_rule_is_the_usual_one():
    book = random_book(2_000, seed=8)
    row = effect(book, Cap("dti", 25).refuses(book), repetitions=2_000)
    usual = row["profit_change_total_high"] - row["profit_change_total_low"]
    assert row["gain_high"] - row["gain_low"] == pytest.approx(usual, rel=0.05)


def test_rules_that_refuse_nobody_make_no_interval_wider():
    book = random_book(300, seed=9)
    refused = Cap("dti", 25).refuses(book)
    alone = effect(book, refused)[AT_ONCE].tolist()
    nobody = {f"nobody {k}": np.zeros(300, dtype=bool) for k in range(14)}
    among = simulate(book, nobody | {"rule": refused}, repetitions=40, random_state=0).iloc[-1]
    assert among[AT_ONCE].tolist() == pytest.approx(alone, rel=1e-9)


def test_each_threshold_of_the_curve_does_what_it_does_alone():
    book = random_book(400)
    curve = trade_off_curve(book, repetitions=30, random_state=2)
    assert len(curve) == 96
    for place in (0, 40, 94, 95):
        refused = book.probability >= curve.loc[place, "threshold"]
        alone = effect(book, refused, repetitions=30, random_state=2).drop(["name", *AT_ONCE]).astype(float)
        assert curve.loc[place].drop("threshold").tolist() == pytest.approx(alone.tolist(), rel=1e-9, abs=1e-12)


def test_the_curve_goes_from_a_twentieth_to_everybody():
    book = random_book(400)
    curve = trade_off_curve(book, repetitions=20, random_state=0)
    assert curve["approved"].iloc[0] == pytest.approx(0.05)
    assert curve["n_approved"].iloc[-1] == 400
    assert curve["profit_change"].iloc[-1] == 0
    assert curve["approved"].is_monotonic_increasing
    assert np.diff(curve["approved"]).max() <= 0.0125


def test_equal_probabilities_make_one_step_of_the_curve():
    curve = trade_off_curve(small_book(expected=[1, 1, 1], probability=0.3), repetitions=20, random_state=0)
    assert curve["approved"].tolist() == [0, 1]


def test_sums_by_group_are_those_of_one_column_per_group():
    rng = np.random.default_rng(0)
    values, group = rng.normal(size=(90, 2)), rng.integers(0, 4, 90)
    sums, drawn = drawn_group_sums(values, group, repetitions=15, random_state=5)
    wide = np.column_stack([values[:, [column]] * (group == one)[:, np.newaxis] for one in range(4) for column in (0, 1)])  # fmt: skip
    assert sums.ravel() == pytest.approx(wide.sum(axis=0), rel=1e-9)
    assert drawn.reshape(15, 8) == pytest.approx(drawn_sums(wide, repetitions=15, random_state=5), rel=1e-9)


@given(st.integers(0, 20), st.integers(1, 12))
def test_every_loan_has_the_pattern_that_its_group_stands_for(seed: int, rules: int):
    refusals = np.random.default_rng(seed).random((50, rules)) < 0.3
    rows, group = patterns(refusals)
    assert (rows[group] == refusals).all()
    assert len(np.unique(rows, axis=0)) == len(rows)
