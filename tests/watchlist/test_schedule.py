from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.annuity import annuity
from loantap.errors import InputError
from loantap.watchlist.schedule import amortization_schedule, check_schedule, remaining_months

CENT = Decimal("0.01")


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_a_thousand_at_12_percent_over_12_months_costs_88_85_a_month():
    # 1,000 * 0.01 / (1 - 1.01^-12) = 88.8488.
    schedule = amortization_schedule(1_000, 12, 12)
    assert schedule["payment"].tolist() == amounts(*["88.85"] * 11, "88.84")
    # 10.00 of interest, 78.85 of principal, 921.15 left; then 9.21 (9.2115), 79.64, 841.51.
    assert schedule["interest"].tolist()[:2] == amounts("10.00", "9.21")
    assert schedule["principal"].tolist()[:2] == amounts("78.85", "79.64")
    assert schedule["balance"].tolist()[:2] == amounts("921.15", "841.51")
    assert schedule["month"].tolist() == list(range(1, 13))


def test_the_last_payment_takes_the_rounding():
    assert amortization_schedule(1_000, 0, 3)["payment"].tolist() == amounts("333.33", "333.33", "333.34")


def test_half_a_cent_of_interest_is_rounded_up():
    # 1% of 150.50 is 1.505; half-even, and binary fractions, would make it 1.50.
    assert amortization_schedule(150.50, 12, 2)["interest"].iloc[0] == Decimal("1.51")


def test_a_holiday_adds_its_interest_to_the_balance():
    # 1,000 grows by 10.00 and 10.10; 1,020.10 * 0.01 / (1 - 1.01^-3) = 346.857.
    schedule = amortization_schedule(1_000, 12, 3, holiday=2)
    assert schedule["payment"].tolist() == amounts("0.00", "0.00", "346.86", "346.86", "346.84")
    assert schedule["principal"].tolist()[:2] == amounts("-10.00", "-10.10")
    assert schedule["balance"].tolist()[:2] == amounts("1010.00", "1020.10")


def test_a_given_installment_repays_until_nothing_is_owed():
    assert amortization_schedule(1_000, 0, 12, installment=300)["payment"].tolist() == amounts(
        "300", "300", "300", "100"
    )
    assert amortization_schedule(599.5, 0, 12, installment=300)["payment"].tolist() == amounts("300", "299.50")
    assert amortization_schedule(600, 0, 12, installment=300)["payment"].tolist() == amounts("300", "300")


@given(
    balance=st.decimals(100, 40_000, places=2),
    rate=st.decimals(0, 36, places=2),
    months=st.integers(1, 84),
    holiday=st.integers(0, 6),
)
def test_a_schedule_adds_up_to_the_cent(balance: Decimal, rate: Decimal, months: int, holiday: int):
    schedule = amortization_schedule(balance, rate, months, holiday=holiday)
    assert schedule["principal"].sum() == balance
    assert (schedule["payment"] == schedule["interest"] + schedule["principal"]).all()
    assert schedule["balance"].iloc[-1] == 0
    assert (schedule["balance"].iloc[:-1] > 0).all()
    money = schedule.drop(columns="month").stack()
    assert all(amount == amount.quantize(CENT) for amount in money)
    owed_before = [balance, *schedule["balance"].iloc[:-1]]
    assert all(abs(i - b * rate / 1200) <= CENT / 2 for i, b in zip(schedule["interest"], owed_before, strict=True))
    assert (schedule["payment"].iloc[:holiday] == 0).all()
    assert schedule["payment"].iloc[holiday:-1].nunique() <= 1


@given(balance=st.decimals(500, 40_000, places=2), rate=st.decimals(5, 31, places=2), term=st.sampled_from([36, 60]))
def test_the_payment_is_the_annuity_to_half_a_cent(balance: Decimal, rate: Decimal, term: int):
    schedule = amortization_schedule(balance, rate, term)
    # A millionth beside half a cent: the reference is computed in binary fractions.
    assert float(schedule["payment"].iloc[0]) == pytest.approx(annuity(float(balance), float(rate), term), abs=0.005001)
    assert len(schedule) == term


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"balance": 0}, "balance: expected more than 0, got 0"),
        ({"balance": float("nan")}, "balance: expected a number, got nan"),
        ({"balance": "much"}, "balance: expected a number, got much"),
        ({"yearly_rate_percent": -1}, "yearly_rate_percent: expected 0 or more, got -1"),
        ({"months": 0}, "months: expected a whole number, 1 or more, got 0"),
        ({"months": 2.5}, "months: expected a whole number, 1 or more, got 2.5"),
        ({"holiday": -1}, "holiday: expected a whole number, 0 or more, got -1"),
        ({"installment": 10}, "installment: expected more than the first month's interest of 10.00, got 10.00"),
        ({"installment": 60}, "installment: 60.00 repays 1000.00 in 19 months, expected at most 12"),
    ],
)
def test_what_cannot_be_repaid_is_refused(arguments: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        amortization_schedule(**{"balance": 1_000, "yearly_rate_percent": 12, "months": 12} | arguments)


@pytest.mark.parametrize("column", ["payment", "interest", "principal", "balance"])
def test_a_schedule_with_a_cent_too_much_is_refused(column: str):
    schedule = amortization_schedule(1_000, 12, 12)
    schedule.loc[4, column] += CENT
    with pytest.raises(InputError, match="month 5: expected"):
        check_schedule(schedule, 1_000)


def test_a_schedule_that_leaves_something_owed_is_refused():
    with pytest.raises(InputError, match=r"and 87\.96 is left"):
        check_schedule(amortization_schedule(1_000, 12, 12).iloc[:-1], 1_000)


def test_remaining_months_by_hand():
    # Three installments of 300 and a rest of 100; at 1% a month 100 off 1,000 is repaid in 10.6 months, 88.85 in 12;
    # nothing owed, an installment that only pays the interest, and one of 0 have no number of months.
    balance = [1_000, 1_000, 1_000, 0, 1_000, 1_000]
    rate, installment = [0, 12, 12, 12, 12, 0], [300, 100, 88.85, 50, 10, 0]
    np.testing.assert_array_equal(remaining_months(balance, rate, installment), [4, 11, 12, np.nan, np.nan, np.nan])


def test_a_rest_below_a_tenth_of_an_installment_is_paid_with_the_last_one():
    np.testing.assert_array_equal(remaining_months([929, 931, 5], 0, 300), [3, 4, 1])
    assert amortization_schedule(929, 0, 3, installment=300)["payment"].tolist() == amounts("300", "300", "329")


@given(
    amount=st.decimals(500, 40_000, places=2),
    rate=st.decimals(5, 31, places=2),
    term=st.sampled_from([36, 60]),
    paid=st.integers(1, 35),
)
def test_a_loan_on_schedule_has_its_term_less_its_age_to_go(amount: Decimal, rate: Decimal, term: int, paid: int):
    schedule = amortization_schedule(amount, rate, term)
    balance, installment = schedule["balance"].iloc[paid - 1], schedule["payment"].iloc[0]
    months = remaining_months(float(balance), float(rate), float(installment))
    assert months == term - paid
    rest = amortization_schedule(balance, rate, int(months), installment=installment)
    pd.testing.assert_series_equal(rest["payment"], schedule["payment"].iloc[paid:], check_index=False)
