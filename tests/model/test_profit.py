import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.model.profit import best_profit_threshold, profit_table


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
