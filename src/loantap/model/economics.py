"""What a loan is worth to the lender if it is repaid and if it defaults, under assumptions that are said aloud.

Each value is the present value of the payments at the cost of funding, less the amount: what is left after the lender's own
money has been paid for.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from loantap.data.annuity import balance_after, present_value
from loantap.model.assumptions import ASSUMPTIONS as ASSUMPTIONS
from loantap.model.assumptions import DEFAULTS

COLUMNS = ("loan_amnt", "int_rate", "term", "installment")


@dataclass(frozen=True)
class Economics:
    """The assumptions behind every amount of profit; the defaults are those of ASSUMPTIONS.

    Attributes:
        loss_given_default: Share of the balance outstanding at default that is lost, after all recoveries and their cost.
        default_after: Share of its installments that a loan pays before it defaults.
        settled_after: Share of its term after which a repaid loan is settled; 1 means that nobody repays early.
        funding_cost: What money and servicing cost the lender, as a fraction a year; payments are discounted at it.
    """

    loss_given_default: float = DEFAULTS["loss_given_default"]
    default_after: float = DEFAULTS["default_after"]
    settled_after: float = DEFAULTS["settled_after"]
    funding_cost: float = DEFAULTS["funding_cost"]

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 <= value <= 1:
                raise ValueError(f"{one.name}: expected a share within 0 to 1, got {value}")

    def with_(self, name: str, value: float) -> "Economics":
        """Return the same with one assumption changed."""
        return replace(self, **{name: value})


def value_if_repaid(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the present value of a loan that is repaid less its amount, in currency, shape (n,).

    The borrower pays k = round(settled_after * term) installments and then the balance.

    Args:
        loans: Columns loan_amnt (currency), int_rate (percent a year), term (months), installment (currency a month).
        economics: The assumptions.
    """
    paid = installments_paid(loans, economics.settled_after)
    return _value(loans, paid, 1.0, economics.funding_cost)


def value_if_default(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the present value of a loan that defaults less its amount, in currency, shape (n,).

    The borrower pays k = round(default_after * term) installments; 1 - loss_given_default of the balance then outstanding
    comes back at once.

    Args:
        loans: As in `value_if_repaid`.
        economics: The assumptions.
    """
    paid = installments_paid(loans, economics.default_after)
    return _value(loans, paid, 1 - economics.loss_given_default, economics.funding_cost)


def expected_profit(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> np.ndarray:
    """Return (1 - p) * value if repaid + p * value if default of each loan, in currency, shape (n,).

    Args:
        loans: As in `value_if_repaid`.
        probability: Calibrated probability of default p of each loan.
        economics: The assumptions.
    """
    repaid, default = value_if_repaid(loans, economics), value_if_default(loans, economics)
    return repaid + np.asarray(probability) * (default - repaid)


def loan_profit(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the profit of each loan given how it ended, in currency, shape (n,).

    Args:
        loans: As in `value_if_repaid`, with default (1 or 0).
        economics: The assumptions.
    """
    bad = loans["default"].to_numpy() == 1
    return np.where(bad, value_if_default(loans, economics), value_if_repaid(loans, economics))


def _value(loans: pd.DataFrame, paid: np.ndarray, share_of_balance: float, funding_cost: float) -> np.ndarray:
    amount, installment = column(loans, "loan_amnt"), column(loans, "installment")
    payments = present_value(100 * funding_cost, installment, paid)
    balance = np.maximum(balance_after(amount, column(loans, "int_rate"), installment, paid), 0.0)
    return payments + share_of_balance * balance * (1 + funding_cost / 12) ** -paid - amount


def installments_paid(loans: pd.DataFrame, share: float) -> np.ndarray:
    """Return how many installments a share of the term is, in whole months, shape (n,)."""
    return np.rint(share * column(loans, "term"))


def column(loans: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of loans as numbers, shape (n,)."""
    return loans[name].to_numpy(dtype=float)
