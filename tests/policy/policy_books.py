"""Small books of loans for the tests of the policy."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.model.economics import (
    Economics,
    expected_balance_years,
    expected_profit,
    loan_profit,
    realised_balance_years,
)
from loantap.policy.book import Book

# A default pays nothing and loses all; nobody settles early; money costs nothing.
PLAIN = Economics(loss_given_default=1.0, default_after=0.0, settled_after=1.0, funding_cost=0.0)


def small_book(
    *,
    expected: Any,
    realised: Any = None,
    amount: Any = 100.0,
    default: Any = 0,
    probability: Any = 0.2,
    balance: Any = None,
    expected_balance: Any = None,
    **columns: Any,
) -> Book:
    """A book with the profits and balances as given.

    Realised profit is as expected if not given, a balance is the amount over a year, columns not given are the same everywhere.
    """
    expected = np.asarray(expected, dtype=float)
    usual = {
        "loan_amnt": amount, "int_rate": 12.0, "term": 36, "installment": 3.32, "issue_d": pd.Timestamp("2014-05-01"), "grade": "B", "dti": 15.0,
        "revol_util": 50.0, "annual_inc": 60_000.0, "home_ownership": "RENT", "emp_title": "Nurse", "purpose": "car", "pincode": "00813",
        "default": default, "profession_group": "Nurses",
    }  # fmt: skip
    loans = pd.DataFrame({**usual, **columns}, index=range(len(expected)))
    full = np.full(len(expected), 1.0)
    return Book(
        loans,
        full * probability,
        expected,
        expected if realised is None else np.asarray(realised, dtype=float),
        full * amount if expected_balance is None else np.asarray(expected_balance, dtype=float),
        full * amount if balance is None else np.asarray(balance, dtype=float),
        Economics(),
    )


def random_book(n: int, *, seed: int = 0, **columns: Any) -> Book:
    """A book in which nothing depends on anything: about a fifth of the loans default."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 8, n)
    amount = rng.integers(4, 60, n) * 500.0
    default = (rng.random(n) < probability).astype(int)
    made = {
        "grade": rng.choice(list("ABC"), n), "dti": rng.uniform(0, 40, n).round(2), "revol_util": rng.uniform(0, 100, n).round(1),
        "term": rng.choice([36, 60], n), "home_ownership": rng.choice(["RENT", "OWN"], n),
    }  # fmt: skip
    return small_book(
        expected=amount * (0.1 - 0.5 * probability),
        realised=amount * (0.1 - 0.5 * default),
        amount=amount,
        default=default,
        probability=probability,
        **{**made, **columns},
    )


def priced_book(loans: pd.DataFrame, probability: Any, economics: Economics) -> Book:
    """The book of loans whose profit and balance follow from their terms; columns not given are those of `small_book`."""
    usual = small_book(expected=np.zeros(len(loans))).loans
    loans = usual.assign(**{name: loans[name].to_numpy() for name in loans})
    probability = np.ones(len(loans)) * probability
    return Book(
        loans,
        probability,
        expected_profit(loans, probability, economics),
        loan_profit(loans, economics),
        expected_balance_years(loans, probability, economics),
        realised_balance_years(loans, economics),
        economics,
    )


def whole_loans(n: int, *, per_100: float = 110.0, **columns: Any) -> pd.DataFrame:
    """Loans of 100 that bring `per_100` over their 36 months if repaid: under PLAIN they earn that less 100, or lose 100."""
    made = {"loan_amnt": 100.0, "int_rate": 0.0, "term": 36, "installment": per_100 / 36, "default": 0}
    return pd.DataFrame(made | columns, index=range(n))
