"""How much of a loan is outstanding for how long: what profit is set against to be profit a year.

A balance-year is one unit of currency outstanding for one year. Each month's balance is discounted as its payment is, so that the
profit of a repaid loan per balance-year is its rate less the cost of money, whatever its term and whenever it is settled.
"""

import numpy as np
import pandas as pd

from loantap.model.economics import Economics, column, installments_paid


def balance_years_if_repaid(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the discounted balance over time of a loan that is repaid, in currency times years, shape (n,).

    The sum of B(t - 1) v^t / 12 over the months t = 1 to k: B(t) is owed after t installments, never below 0; v is the discount of
    a month at the cost of funding; and k = round(settled_after * term).

    Args:
        loans: As in `value_if_repaid`.
        economics: The assumptions.
    """
    return _balance_years(loans, installments_paid(loans, economics.settled_after), economics.funding_cost)


def balance_years_if_default(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the discounted balance over time of a loan that defaults, in currency times years, shape (n,).

    As in `balance_years_if_repaid`, until the default: k = round(default_after * term).

    Args:
        loans: As in `value_if_repaid`.
        economics: The assumptions.
    """
    return _balance_years(loans, installments_paid(loans, economics.default_after), economics.funding_cost)


def expected_balance_years(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> np.ndarray:
    """Return (1 - p) * balance-years if repaid + p * balance-years if default of each loan, shape (n,).

    Args:
        loans: As in `value_if_repaid`.
        probability: Calibrated probability of default p of each loan.
        economics: The assumptions.
    """
    repaid, default = balance_years_if_repaid(loans, economics), balance_years_if_default(loans, economics)
    return repaid + np.asarray(probability) * (default - repaid)


def realised_balance_years(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the balance-years of each loan given how it ended, shape (n,).

    Args:
        loans: As in `value_if_repaid`, with default (1 or 0).
        economics: The assumptions.
    """
    bad = loans["default"].to_numpy() == 1
    return np.where(bad, balance_years_if_default(loans, economics), balance_years_if_repaid(loans, economics))


def _balance_years(loans: pd.DataFrame, paid: np.ndarray, funding_cost: float) -> np.ndarray:
    balance, installment = column(loans, "loan_amnt"), column(loans, "installment")
    growth, total = 1 + column(loans, "int_rate") / 1200, np.zeros(len(loans))
    # Month by month and not in closed form: a balance of 0 stays there, and no rate needs a case of its own.
    for month in range(1, int(paid.max(initial=0)) + 1):
        total += np.where(month <= paid, balance, 0.0) * (1 + funding_cost / 12) ** -month
        balance = np.maximum(balance * growth - installment, 0.0)
    return total / 12
