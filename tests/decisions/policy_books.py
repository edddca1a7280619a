"""Small books of loans for the tests of the policy."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.decisions.policy.book import Book
from loantap.model.economics import Economics


def small_book(*, expected: Any, realised: Any = None, amount: Any = 100.0, default: Any = 0, probability: Any = 0.2, **columns: Any) -> Book:  # fmt: skip
    """A book with the profits as given; realised profit is as expected if not given, columns not given are the same everywhere."""
    expected = np.asarray(expected, dtype=float)
    usual = {
        "loan_amnt": amount, "int_rate": 12.0, "term": 36, "installment": 3.32, "grade": "B", "dti": 15.0, "revol_util": 50.0,
        "annual_inc": 60_000.0, "home_ownership": "RENT", "emp_title": "Nurse", "purpose": "car", "pincode": "00813",
        "default": default, "profession_group": "Nurses",
    }  # fmt: skip
    loans = pd.DataFrame({**usual, **columns}, index=range(len(expected)))
    full = np.full(len(expected), 1.0)
    return Book(
        loans,
        full * probability,
        expected,
        expected if realised is None else np.asarray(realised, dtype=float),
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
