"""Loans with what a model and a set of assumptions say of them: all that a policy is made from and judged on."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.model.economics import (
    COLUMNS,
    Economics,
    expected_balance_years,
    expected_profit,
    loan_profit,
    realised_balance_years,
)

# The profession group is made from emp_title; the pincode is here to show what it is worth (nothing).
LOAN_COLUMNS = (*COLUMNS, "issue_d", "grade", "dti", "revol_util", "annual_inc", "home_ownership", "emp_title", "purpose", "pincode", "default")  # fmt: skip


@dataclass(frozen=True)
class Book:
    """Loans that were granted, as if they were applied for again.

    Attributes:
        loans: The LOAN_COLUMNS, and profession_group; one row per loan, n rows.
        probability: Calibrated probability of default, shape (n,).
        expected: Expected profit if granted, in currency, shape (n,): what is known when deciding.
        realised: Profit given how the loan ended, in currency, shape (n,): what judges a decision.
        expected_balance: Expected balance outstanding over time, in currency times years, shape (n,).
        balance: The same given how the loan ended, shape (n,).
        economics: The assumptions behind all of it.
    """

    loans: pd.DataFrame
    probability: np.ndarray
    expected: np.ndarray
    realised: np.ndarray
    expected_balance: np.ndarray
    balance: np.ndarray
    economics: Economics

    @property
    def amount(self) -> np.ndarray:
        """The amount of each loan."""
        return self.loans["loan_amnt"].to_numpy(dtype=float)

    @property
    def default(self) -> np.ndarray:
        """Whether each loan defaulted."""
        return self.loans["default"].to_numpy() == 1

    def part(self, rows: np.ndarray) -> "Book":
        """Return the book of some of the loans; `rows` says which, shape (n,)."""
        kept = {name: values[rows] for name, values in vars(self).items() if isinstance(values, np.ndarray)}
        return replace(self, loans=self.loans[rows].reset_index(drop=True), **kept)


def make_book(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> Book:
    """Return the book of cleaned loans; `probability` is the model's, calibrated, shape (n,)."""
    kept = loans[list(LOAN_COLUMNS)].reset_index(drop=True)
    kept = kept.assign(profession_group=factor_values(kept, "profession_group").astype("str"))
    probability = np.asarray(probability, dtype=float)
    return Book(
        kept,
        probability,
        expected_profit(kept, probability, economics),
        loan_profit(kept, economics),
        expected_balance_years(kept, probability, economics),
        realised_balance_years(kept, economics),
        economics,
    )
