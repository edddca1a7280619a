"""Payments, balances and numbers of installments, against month-by-month loops."""

import numpy as np
import pytest

from loantap.data.annuity import annuity, balance_after, installments, present_value

AMOUNT, RATE, MONTHS = np.array([10_000.0, 5_000.0, 1_200.0]), np.array([11.44, 24.0, 0.0]), np.array([36, 60, 12])
PAID = np.array([329.48, 143.84, 100.0])


def owed_after(amount: float, rate: float, paid: float, months: int) -> float:
    for _ in range(months):
        amount += amount * rate / 1200 - paid
    return amount


def test_the_balance_is_that_of_paying_month_by_month():
    expected = [owed_after(*loan, 7) for loan in zip(AMOUNT, RATE, PAID, strict=True)]
    np.testing.assert_allclose(balance_after(AMOUNT, RATE, PAID, 7), expected, rtol=1e-12)  # rounding of 7 months


def test_the_present_value_is_the_sum_of_discounted_payments():
    for rate in (0.0, 5.0):
        expected = [paid * sum((1 + rate / 1200) ** -month for month in range(1, 11)) for paid in PAID]
        np.testing.assert_allclose(present_value(rate, PAID, 10), expected, rtol=1e-12)


def test_the_annuity_leaves_nothing_after_its_term():
    paid = annuity(AMOUNT[:2], RATE[:2], MONTHS[:2])
    np.testing.assert_allclose(balance_after(AMOUNT[:2], RATE[:2], paid, MONTHS[:2]), 0, atol=1e-8)


def test_as_many_installments_repay_a_loan_as_its_term_has():
    paid = np.append(annuity(AMOUNT[:2], RATE[:2], MONTHS[:2]), 100.0)
    np.testing.assert_allclose(installments(AMOUNT, RATE, paid), MONTHS, rtol=1e-12)


def test_an_installment_below_the_interest_never_repays():
    assert not np.isfinite(installments(10_000.0, 24.0, np.array([199.0, 200.0]))).any()


@pytest.mark.parametrize("column", [(3, 1), (3,)])
def test_one_loan_gives_one_number(column: tuple[int, ...]):
    # numpy-financial 1.1 made a table of all amounts by all rates of it.
    shaped = [values.reshape(column) for values in (AMOUNT, RATE, PAID)]
    assert installments(*shaped).shape == column
    assert balance_after(*shaped, 7).shape == column
