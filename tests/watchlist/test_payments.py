from decimal import Decimal

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from schedules import amortization_schedule

from loantap.watchlist.payments import remaining_months


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_the_reference_by_hand():
    # 1,000 * 0.01 / (1 - 1.01^-12) = 88.8488.
    schedule = amortization_schedule(1_000, 12, 12)
    assert schedule["payment"].tolist() == amounts(*["88.85"] * 11, "88.84")
    # 10.00 of interest, 78.85 of principal, 921.15 left; then 9.21 (9.2115), 79.64, 841.51.
    assert schedule["interest"].tolist()[:2] == amounts("10.00", "9.21")
    assert schedule["balance"].tolist()[:2] == amounts("921.15", "841.51")
    # 1,000 grows by 10.00 and 10.10; 1,020.10 * 0.01 / (1 - 1.01^-3) = 346.857.
    schedule = amortization_schedule(1_000, 12, 3, holiday=2)
    assert schedule["payment"].tolist() == amounts("0.00", "0.00", "346.86", "346.86", "346.84")


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
