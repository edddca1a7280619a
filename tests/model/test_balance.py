"""What is outstanding over time, by hand and against the payments one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.annuity import annuity
from loantap.model.economics import (
    Economics,
    balance_years_if_default,
    balance_years_if_repaid,
    expected_balance_years,
    realised_balance_years,
    value_if_default,
    value_if_repaid,
)


def one_loan(amount: float = 1_000.0, rate: float = 12.0, term: int = 12, default: int = 0) -> pd.DataFrame:
    installment = annuity(amount, rate, term) if rate else amount / term
    return pd.DataFrame(
        {"loan_amnt": [amount], "int_rate": [rate], "term": [term], "installment": [installment], "default": [default]}
    )


def test_balance_years_of_a_loan_of_two_installments_by_hand():
    # 201 at 1% a month in two installments of 102.01: 201 is owed for a month, then 203.01 - 102.01 = 101. (201 + 101) / 12.
    loan = pd.DataFrame({"loan_amnt": [201.0], "int_rate": [12.0], "term": [2], "installment": [102.01]})
    free = Economics(settled_after=1.0, default_after=0.5, funding_cost=0.0)
    assert balance_years_if_repaid(loan, free)[0] == pytest.approx(302 / 12, abs=1e-9)
    assert balance_years_if_default(loan, free)[0] == pytest.approx(201 / 12, abs=1e-9)


def test_balance_years_are_discounted_as_the_payments_are():
    # At 2% a month: 201 / 1.02 + 101 / 1.02^2 = 294.137.
    loan = pd.DataFrame({"loan_amnt": [201.0], "int_rate": [12.0], "term": [2], "installment": [102.01]})
    dear = Economics(settled_after=1.0, funding_cost=0.24)
    assert balance_years_if_repaid(loan, dear)[0] == pytest.approx(294.137 / 12, abs=1e-4)


def test_a_loan_without_interest_is_outstanding_for_the_sum_of_its_installments():
    # 1,200 in twelve installments of 100: 1,200 + 1,100 + ... + 100 = 7,800, over twelve months of a year.
    free = Economics(settled_after=1.0, funding_cost=0.0)
    assert balance_years_if_repaid(one_loan(1_200, rate=0.0), free)[0] == pytest.approx(650)


@pytest.mark.parametrize("term", [12, 36, 60])
@pytest.mark.parametrize("settled", [0.1, 0.5, 0.7, 1.0])
def test_a_repaid_loan_at_12_percent_with_money_at_5_earns_7_per_100_and_year(term: int, settled: float):
    loan, economics = one_loan(term=term), Economics(settled_after=settled, funding_cost=0.05)
    per_year = 100 * value_if_repaid(loan, economics) / balance_years_if_repaid(loan, economics)
    assert per_year[0] == pytest.approx(7, abs=1e-8)


def test_a_defaulted_loan_earns_the_same_less_what_it_loses():
    loan, economics = one_loan(term=36), Economics(loss_given_default=0.6, default_after=0.5, funding_cost=0.05)
    balance = 1_000.0
    for _ in range(18):
        balance = balance * 1.01 - annuity(1_000.0, 12.0, 36)
    lost = 0.6 * balance * (1 + 0.05 / 12) ** -18
    earned = 0.07 * balance_years_if_default(loan, economics)[0]
    assert value_if_default(loan, economics)[0] == pytest.approx(earned - lost, abs=1e-8)


@given(
    amount=st.floats(500, 40_000),
    rate=st.sampled_from([0.0, 5.0, 13.6, 30.9]),
    term=st.sampled_from([36, 60]),
    settled=st.floats(0, 1),
    after=st.floats(0, 1),
    cost=st.sampled_from([0.0, 0.05, 0.1]),
    overpaid=st.sampled_from([1.0, 1.3]),
)
def test_balance_years_are_those_of_the_payments_one_by_one(
    amount: float, rate: float, term: int, settled: float, after: float, cost: float, overpaid: float
):
    loan = one_loan(amount, rate, term)
    loan["installment"] *= overpaid  # the balance is gone before the term is, and stays at 0
    economics = Economics(settled_after=settled, default_after=after, funding_cost=cost)
    for measure, share in ((balance_years_if_repaid, settled), (balance_years_if_default, after)):
        balance, total = amount, 0.0
        for month in range(1, round(share * term) + 1):
            total += balance / (1 + cost / 12) ** month / 12
            balance = max(balance * (1 + rate / 1200) - float(loan["installment"].iloc[0]), 0)
        # A thousandth of a cent in a thousand: rounding of sixty multiplications.
        assert measure(loan, economics)[0] == pytest.approx(total, abs=1e-8 * amount)


def test_expected_and_realised_balance_years_weigh_both_ends():
    loans = pd.concat([one_loan(default=0), one_loan(term=36, default=1)], ignore_index=True)
    repaid, default = balance_years_if_repaid(loans, Economics()), balance_years_if_default(loans, Economics())
    assert expected_balance_years(loans, np.array([0.0, 1.0]), Economics()) == pytest.approx([repaid[0], default[1]])
    assert expected_balance_years(loans, np.array([0.25, 0.25]), Economics()) == pytest.approx(
        0.75 * repaid + 0.25 * default
    )
    assert realised_balance_years(loans, Economics()) == pytest.approx([repaid[0], default[1]])


def test_no_loans_have_no_balance():
    assert balance_years_if_repaid(one_loan().iloc[:0], Economics()).shape == (0,)
