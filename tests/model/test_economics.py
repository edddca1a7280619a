"""What a loan is worth, by hand and against its payments one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.annuity import annuity
from loantap.model.economics import (
    Economics,
    balance_after,
    expected_profit,
    loan_profit,
    value_if_default,
    value_if_repaid,
)
from loantap.runs.parameters import parameters
from loantap.settings import notebooks_dir

FREE = Economics(loss_given_default=0.6, default_after=0.5, settled_after=1.0, funding_cost=0.0)


def one_loan(amount: float = 1_000.0, rate: float = 12.0, term: int = 12, default: int = 0) -> pd.DataFrame:
    installment = annuity(amount, rate, term) if rate else amount / term
    return pd.DataFrame(
        {"loan_amnt": [amount], "int_rate": [rate], "term": [term], "installment": [installment], "default": [default]}
    )


def test_a_repaid_loan_earns_its_interest_where_money_is_free():
    # 1,000 over 12 months at 1% a month: the installment is 88.8488, twelve of them are 1,066.185.
    assert value_if_repaid(one_loan(), FREE)[0] == pytest.approx(66.185, abs=0.001)


def test_a_default_loses_a_share_of_the_balance_and_keeps_what_was_paid():
    # After six installments the balance is 88.8488 (1 - 1.01^-6) / 0.01 = 514.921; 40% of it comes back:
    # 6 * 88.8488 + 0.4 * 514.921 - 1,000 = -260.939.
    assert value_if_default(one_loan(), FREE)[0] == pytest.approx(-260.939, abs=0.001)


def test_money_that_costs_what_the_loan_earns_leaves_nothing():
    assert value_if_repaid(one_loan(), Economics(settled_after=1.0, funding_cost=0.12))[0] == pytest.approx(0, abs=1e-9)


def test_settling_early_forgoes_the_interest_to_come():
    # After six months the balance of 514.921 is paid at once: 6 * 88.8488 + 514.921 - 1,000 = 48.014.
    early = Economics(settled_after=0.5, funding_cost=0.0)
    assert value_if_repaid(one_loan(), early)[0] == pytest.approx(48.014, abs=0.001)


def test_expected_profit_weighs_both_ends_by_the_probability():
    # 0.8 * 66.185 - 0.2 * 260.939 = 0.760.
    assert expected_profit(one_loan(), np.array([0.2]), FREE)[0] == pytest.approx(0.760, abs=0.001)


def test_profit_given_the_outcome_is_one_of_the_two():
    both = pd.concat([one_loan(default=0), one_loan(default=1)], ignore_index=True)
    assert loan_profit(both, FREE) == pytest.approx([66.185, -260.939], abs=0.001)


@given(
    amount=st.floats(500, 40_000),
    rate=st.sampled_from([0.0, 5.3, 13.6, 30.9]),
    term=st.sampled_from([36, 60]),
    loss=st.floats(0, 1),
    after=st.floats(0, 1),
    cost=st.sampled_from([0.0, 0.03, 0.1]),
)
def test_values_are_those_of_the_payments_one_by_one(
    amount: float, rate: float, term: int, loss: float, after: float, cost: float
):
    loan = one_loan(amount, rate, term)
    installment, balance, worth, paid = float(loan["installment"].iloc[0]), amount, -amount, round(after * term)
    for month in range(1, paid + 1):
        worth += installment / (1 + cost / 12) ** month
        balance = balance * (1 + rate / 1200) - installment
    worth += (1 - loss) * max(balance, 0) / (1 + cost / 12) ** paid
    economics = Economics(loss_given_default=loss, default_after=after, funding_cost=cost)
    # A thousandth of a cent in a thousand: rounding of sixty multiplications.
    assert value_if_default(loan, economics)[0] == pytest.approx(worth, abs=1e-8 * amount)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_loss_never_earns_more(first: float, second: float):
    low, high = sorted((first, second))
    worth = [value_if_default(one_loan(), FREE.with_("loss_given_default", loss))[0] for loss in (low, high)]
    assert worth[1] <= worth[0]


def test_no_balance_is_left_after_the_last_installment():
    assert balance_after(np.array([1_000.0]), np.array([12.0]), np.array([88.8488]), np.array([12])) == pytest.approx(0, abs=1e-3)  # fmt: skip


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ValueError, match="funding_cost: expected a share within 0 to 1, got 4"):
        Economics(funding_cost=4)


def test_the_notebooks_start_from_the_same_assumptions():
    for name in ("04_tuning", "05_policy"):
        declared = parameters(notebooks_dir() / f"{name}.ipynb")
        assert {one: float(declared[one].default) for one in vars(Economics())} == vars(Economics()), name
