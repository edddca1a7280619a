import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.model.decision import best_profit_threshold, capacity_threshold, profit_table


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
