"""What a loan is worth to the lender if it is repaid and if it defaults, under assumptions that are said aloud.

Each value is the present value of the payments at the cost of funding, less the amount: what is left after the lender's
own money has been paid for. To be profit a year it is set against balance-years: one unit of currency outstanding for
one year. Each month's balance is discounted as its payment is, so that the profit of a repaid loan per balance-year is
its rate less the cost of money, whatever its term and whenever it is settled. Ranges and sources of the assumptions
stand in `data/reference/assumptions.yml`.

Loans have the COLUMNS: loan_amnt (currency), int_rate (percent a year), term (months), installment (currency a month).
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from loantap.data.annuity import balance_after, present_value
from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "assumptions.yml"
NAMES = ("loss_given_default", "default_after", "settled_after", "funding_cost")
COLUMNS = ("loan_amnt", "int_rate", "term", "installment")


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, str_min_length=1)


class Passage(_Checked):
    """Something that was read."""

    title: str  # what it is called
    by: str  # who wrote or published it
    date: str  # when, or "undated"
    at: str = Field(pattern=r"^https?://\S+$")  # where it can be read
    says: str  # what it says, in a sentence or two


class Assumption(_Checked):
    """Something that profit depends on and the loans do not tell."""

    name: str  # the field of `Economics`
    label: str  # what it is called in a table or a sentence
    meaning: str  # what it says, with its unit
    default: float = Field(ge=0, le=1)  # what is taken where nothing else is given
    low: float = Field(ge=0, le=1)  # the lowest value that a lender would call plausible
    high: float = Field(ge=0, le=1)  # the highest
    checked: bool  # whether a passage says what default and range rest on; else they are a judgement
    source: str  # where default and range come from
    passages: tuple[Passage, ...] = ()  # what was read

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if not self.low <= self.default <= self.high or self.low == self.high:
            raise ValueError(f"expected a range around the default {self.default:g}, got {self.low:g} to {self.high:g}")
        if self.checked and not self.passages:
            raise ValueError("expected a passage that was read, since it is said to be checked")
        return self


def load_assumptions(path: Path | None = None) -> tuple[Assumption, ...]:
    """Read the assumptions; by default those of `data/reference/assumptions.yml`.

    Raises InputError for a file that is absent or no YAML, an assumption that breaks the schema, and a name that is
    absent or stands twice.
    """
    path = path or reference_dir() / FILE_NAME
    try:
        assumptions = TypeAdapter(tuple[Assumption, ...]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: expected the assumptions behind profit, found no file.") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: expected a list of assumptions, but: {error}") from error
    names = [one.name for one in assumptions]
    if sorted(names) != sorted(NAMES):
        raise InputError(f"{path}: expected {', '.join(NAMES)}, each once, got {', '.join(names)}. Mend the file.")
    return assumptions


ASSUMPTIONS = load_assumptions()
DEFAULTS = {one.name: one.default for one in ASSUMPTIONS}


@dataclass(frozen=True)
class Economics:
    """The assumptions behind every amount of profit; the defaults are those of ASSUMPTIONS."""

    # share of the balance outstanding at default that is lost, after all recoveries and their cost
    loss_given_default: float = DEFAULTS["loss_given_default"]
    default_after: float = DEFAULTS["default_after"]  # share of its installments that a loan pays before it defaults
    # share of its term after which a repaid loan is settled; 1 means that nobody repays early
    settled_after: float = DEFAULTS["settled_after"]
    # what money and servicing cost the lender, as a fraction a year; payments are discounted at it
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
    """
    return _value(loans, economics.settled_after, 1.0, economics.funding_cost)


def value_if_default(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the present value of a loan that defaults less its amount, in currency, shape (n,).

    The borrower pays k = round(default_after * term) installments; 1 - loss_given_default of the balance then
    outstanding comes back at once.
    """
    return _value(loans, economics.default_after, 1 - economics.loss_given_default, economics.funding_cost)


def expected_profit(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> np.ndarray:
    """Return (1 - p) * value if repaid + p * value if default of each loan, in currency, shape (n,).

    Args:
        loans: One row per loan.
        probability: Calibrated probability of default p of each loan.
        economics: The assumptions.
    """
    repaid, default = value_if_repaid(loans, economics), value_if_default(loans, economics)
    return repaid + np.asarray(probability) * (default - repaid)


def loan_profit(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the profit of each loan given how it ended, in currency, shape (n,)."""
    bad = loans["default"].to_numpy() == 1
    return np.where(bad, value_if_default(loans, economics), value_if_repaid(loans, economics))


def balance_years_if_repaid(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the discounted balance over time of a loan that is repaid, in currency times years, shape (n,).

    The sum of B(t - 1) v^t / 12 over the months t = 1 to k: B(t) is owed after t installments, never below 0; v is the
    discount of a month at the cost of funding; and k = round(settled_after * term).
    """
    return _balance_years(loans, economics.settled_after, economics.funding_cost)


def balance_years_if_default(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the same of a loan that defaults, until the default: k = round(default_after * term)."""
    return _balance_years(loans, economics.default_after, economics.funding_cost)


def expected_balance_years(loans: pd.DataFrame, probability: np.ndarray, economics: Economics) -> np.ndarray:
    """Return (1 - p) * balance-years if repaid + p * balance-years if default of each loan; see `expected_profit`."""
    repaid, default = balance_years_if_repaid(loans, economics), balance_years_if_default(loans, economics)
    return repaid + np.asarray(probability) * (default - repaid)


def realised_balance_years(loans: pd.DataFrame, economics: Economics) -> np.ndarray:
    """Return the balance-years of each loan given how it ended, shape (n,)."""
    bad = loans["default"].to_numpy() == 1
    return np.where(bad, balance_years_if_default(loans, economics), balance_years_if_repaid(loans, economics))


def _value(loans: pd.DataFrame, share_paid: float, share_of_balance: float, funding_cost: float) -> np.ndarray:
    amount, rate, installment, paid = loan_terms(loans, share_paid)
    payments = present_value(100 * funding_cost, installment, paid)
    balance = np.maximum(balance_after(amount, rate, installment, paid), 0.0)
    return payments + share_of_balance * balance * (1 + funding_cost / 12) ** -paid - amount


def _balance_years(loans: pd.DataFrame, share_paid: float, funding_cost: float) -> np.ndarray:
    balance, rate, installment, paid = loan_terms(loans, share_paid)
    growth, total = 1 + rate / 1200, np.zeros(len(loans))
    # Month by month and not in closed form: a balance of 0 stays there, and no rate needs a case of its own.
    for month in range(1, int(paid.max(initial=0)) + 1):
        total += np.where(month <= paid, balance, 0.0) * (1 + funding_cost / 12) ** -month
        balance = np.maximum(balance * growth - installment, 0.0)
    return total / 12


def loan_terms(loans: pd.DataFrame, share_paid: float) -> list[np.ndarray]:
    """Return amount, rate, installment, and how many installments a share of the term is, in whole months."""
    numbers = [loans[name].to_numpy(dtype=float) for name in ("loan_amnt", "int_rate", "installment", "term")]
    return [*numbers[:3], np.rint(share_paid * numbers[3])]
