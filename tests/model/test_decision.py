"""What thresholds cost and earn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.model.decision import best_profit_threshold, capacity_threshold, price_of_refusal, profit_table

AMOUNT = np.array([1_000.0, 2_000.0, 3_000.0, 4_000.0])
OUTCOME = np.array([1, 0, 1, 0])


def price(refused: list[bool]) -> dict[str, float]:
    found = price_of_refusal(AMOUNT, OUTCOME, np.array(refused), repetitions=20, random_state=0)
    return {name: share.estimate for name, share in found.items()}


def test_shares_by_hand():
    assert price([True, True, False, False]) == pytest.approx(
        {
            "refused": 2 / 4,
            "defaults_avoided": 1 / 2,
            "good_refused": 1 / 2,
            "default_rate_approved": 1 / 2,
            "amount_defaults_avoided": 1_000 / 10_000,
            "amount_good_refused": 2_000 / 10_000,
        }
    )


def test_refusing_nobody_changes_nothing():
    found = price([False] * 4)
    assert found["default_rate_approved"] == 0.5
    assert found["refused"] == found["defaults_avoided"] == found["amount_good_refused"] == 0


def test_the_interval_of_a_share_is_the_binomial_one():
    rng = np.random.default_rng(0)
    n = 5_000
    outcome = (rng.random(n) < 0.2).astype(int)
    refused = rng.random(n) < 0.3
    share = price_of_refusal(np.ones(n), outcome, refused, repetitions=400, random_state=0)["refused"]
    # 400 repetitions scatter a percentile interval's width by about 5%.
    width = 2 * 1.96 * np.sqrt(refused.mean() * (1 - refused.mean()) / n)
    assert share.ci_high - share.ci_low == pytest.approx(width, rel=0.2)
    assert share.ci_low < refused.mean() < share.ci_high


def earned(probability: np.ndarray, profit: np.ndarray, threshold: float) -> float:
    return float(profit[probability < threshold].sum())


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.integers(-5, 5)), min_size=1, max_size=12))
def test_no_other_threshold_earns_more(loans: list[tuple[float, int]]):
    probability, profit = (np.array(part, dtype=float) for part in zip(*loans, strict=True))
    found = earned(probability, profit, best_profit_threshold(probability, profit))
    every = [earned(probability, profit, threshold) for threshold in (*probability, 0.0, 2.0)]
    assert found == max(every)


def test_where_every_loan_earns_nobody_is_refused():
    assert best_profit_threshold(np.array([0.2, 0.9]), np.array([1.0, 1.0])) > 1


PREDICTED = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.4, 1.0]), min_size=1, max_size=40).map(np.array)


@given(PREDICTED, st.floats(0, 1))
def test_capacity_refers_at_most_its_share_and_no_lower_threshold_would_do(probability: np.ndarray, capacity: float):
    threshold = capacity_threshold(probability, capacity)
    assert (probability >= threshold).mean() <= capacity
    assert all((probability >= lower).mean() > capacity for lower in probability[probability < threshold])


@given(PREDICTED, st.floats(0, 1), st.floats(0, 1))
def test_more_capacity_never_refers_fewer(probability: np.ndarray, one: float, other: float):
    assert capacity_threshold(probability, max(one, other)) <= capacity_threshold(probability, min(one, other))


def test_without_capacity_nobody_is_referred_and_with_all_of_it_everybody():
    probability = np.array([0.2, 0.2, 1.0])
    assert capacity_threshold(probability, 0.0) > 1
    assert capacity_threshold(probability, 1.0) == 0.2


def test_a_share_that_is_just_reached_counts():
    assert capacity_threshold(np.arange(100) / 100, 0.29) == 0.71  # 0.29 * 100 is less than 29 to a computer


def test_the_table_counts_refusals_and_profit():
    probability, profit = np.array([0.1, 0.2, 0.3, 0.4]), np.array([10.0, 10.0, 10.0, -50.0])
    table = profit_table(
        probability, profit, np.full(4, 100.0), {"none": 2.0, "some": 0.4}, repetitions=50, random_state=0
    ).set_index("name")
    assert table["refused"].tolist() == [0, 0.25]
    assert table["profit"].tolist() == pytest.approx([-0.05, 0.075])
    assert table["difference"].tolist() == pytest.approx([0, 0.125])
    assert table.loc["none", ["difference_low", "difference_high"]].tolist() == [0, 0]
    assert (table["ci_low"] <= table["profit"]).all()
    assert (table["profit"] <= table["ci_high"]).all()
