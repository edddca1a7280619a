"""What can be offered to a borrower on the watchlist, and what each offer changes for borrower and lender.

Every amount holds if all is paid from now on. How much an offer changes the risk of default is not known from loans
that got no offer, and is not counted: a cost is what the lender gives up, to be set against defaults that may be
avoided. Fees and interest on what is overdue are not counted either; the balance is taken as it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity, balance_after, present_value
from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.schedule import amortization_schedule, periods, remaining_months
from loantap.watchlist.who_gains import who_gains

COLUMNS = ("balance", "int_rate", "installment", "annual_inc", "dti", "revol_bal")
AS_IT_IS = "as it is"
_ACTIONS = {
    "red": "restructuring offer", "amber": "financial counselling", "unknown": "find out what is not known", "green": "none",
    "in default": "recovery", "charged off": "none", "closed": "none",
}  # fmt: skip
_NOTHING = "it would change nothing"  # the rate is not above the floor, or there is no revolving balance
_TERMS = ("int_rate", "installment", "months", "interest", "interest_change", "dti_before", "dti_after", "cost")


@dataclass(frozen=True)
class Offer:
    """New terms for a loan; each default leaves its part of the terms as it is.

    Attributes:
        extra_months: Installments more than those to come.
        rate_cut: Percentage points off the yearly rate ...
        rate_floor: ... but not below this rate, in percent a year. A lower rate stays. By default a point above what
            `Economics` takes for the cost of funding.
        holiday: Months without payment, before the installments; their interest is added to the balance.
        consolidated: Share of the borrower's revolving balance that the loan takes over, at the loan's rate.
        minimum_payment: What the borrower pays a month on revolving debt, as a share of it: an assumption, since the
            loans hold no such payments. By this much of the balance taken over the debt payments in dti fall.
    """

    extra_months: int = 0
    rate_cut: float = 0.0
    rate_floor: float = 6.0
    holiday: int = 0
    consolidated: float = 0.0
    minimum_payment: float = 0.03

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}: expected 0 or more, got {value}")
        for name in ("consolidated", "minimum_payment"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name}: expected a share within 0 to 1, got {getattr(self, name)}")

    @property
    def name(self) -> str:
        """The new terms in words."""
        parts = {
            f"{self.extra_months} months longer": self.extra_months,
            f"rate {self.rate_cut:g} points lower": self.rate_cut,
            f"no payment for {self.holiday} months": self.holiday,
            f"{self.consolidated:.0%} of the revolving balance taken over": self.consolidated,
        }
        return ", ".join(words for words, value in parts.items() if value) or AS_IT_IS

    def new_rate(self, int_rate: Any) -> Any:
        """Return the offered rate of loans, in percent a year."""
        return np.minimum(int_rate, np.maximum(np.subtract(int_rate, self.rate_cut), self.rate_floor))

    def taken_over(self, revol_bal: Any) -> Any:
        """Return how much of a revolving balance the loan takes over, in whole cents; if none, an unknown one is 0."""
        if not self.consolidated:
            return np.zeros_like(revol_bal, dtype=float)
        return _cents(np.multiply(self.consolidated, revol_bal))


# The terms are the lender's to choose; these are common ones.
OFFERS = (
    Offer(extra_months=12),
    Offer(extra_months=24),
    Offer(rate_cut=3.0),
    Offer(holiday=3),
    Offer(consolidated=0.5),
)


def action(light: str) -> str:
    """Return what is done about a loan with a red, amber or green light."""
    if light not in _ACTIONS:
        raise InputError(f"light: expected one of {', '.join(_ACTIONS)}, got {light!r}.")
    return _ACTIONS[light]


def options(loans: pd.DataFrame, *, offers: Sequence[Offer] = OFFERS, economics: Economics) -> pd.DataFrame:
    """Return what each offer changes for each loan.

    Installments are in whole cents; totals leave out that a schedule rounds each month's interest, which moves them by
    a few cents.

    Args:
        loans: loan_id, balance (outstanding, currency), int_rate (percent a year), installment (currency a month),
            annual_inc (currency a year), dti (percent of monthly income, without mortgage and this loan) and revol_bal
            (currency), n rows.
        offers: The k offers, one or more.
        economics: For its cost of funding.

    Returns:
        n * k rows, the offers of a loan together, in the order given, with the columns
        loan_id and offer (its name);
        int_rate, installment and months (until the loan is repaid, those without payment among them): the new terms;
        interest (to come) and interest_change (against going on as is; what the borrower saves on revolving debt that
        is taken over is not counted, its rate is unknown);
        dti_before and dti_after: debt payments without mortgage but with this loan's installment, in percent of monthly
        income; after a holiday where there is one;
        cost (to the lender, in currency): present value at the cost of funding of the payments as they are, less that
        of the offered ones after what is newly lent; below 0 where the lender gains;
        who_gains: what interest_change and cost mean for borrower and lender, in words;
        reason: why something could not be computed and is NaN, or "".

    Raises InputError if a column is absent.
    """
    if absent := [name for name in ("loan_id", *COLUMNS) if name not in loans]:
        raise InputError(f"loans: expected the columns loan_id, {', '.join(COLUMNS)}; {', '.join(absent)} is absent.")
    known = {name: loans[name].to_numpy(dtype=float, na_value=np.nan) for name in COLUMNS}
    known["balance"] = _cents(known["balance"])
    months = remaining_months(known["balance"], known["int_rate"], known["installment"])
    as_is = _Payments(known["balance"], known["int_rate"], known["installment"], months)
    parts = [_one_offer(known, months, as_is, offer, economics.funding_cost) for offer in offers]
    table = pd.concat([part.assign(loan_id=loans["loan_id"].array) for part in parts])
    table = table.sort_index(kind="stable").reset_index(drop=True)
    table["who_gains"] = who_gains(table)
    return table[["loan_id", "offer", *_TERMS, "who_gains", "reason"]]


def schedules(loan: Mapping[str, Any], *, offers: Sequence[Offer] = OFFERS) -> dict[str, pd.DataFrame]:
    """Return every payment to come of one loan: as it is, and by the name of each offer.

    What cannot be computed is left out; `options` says why.

    Args:
        loan: What `options` wants to know of a loan, by name.
        offers: The offers.

    Returns:
        Schedules as from `amortization_schedule`.
    """
    balance, int_rate, installment = (np.asarray(loan[name], dtype=float) for name in COLUMNS[:3])
    balance = _cents(balance)
    months = remaining_months(balance, int_rate, installment)
    if np.isnan(months):
        return {}
    found = {AS_IT_IS: amortization_schedule(balance, int_rate, int(months), installment=installment)}
    table = options(pd.DataFrame([dict(loan)]), offers=offers, economics=Economics())
    for offer, computed in zip(offers, table["installment"].notna(), strict=True):
        if computed:
            owed, rate = balance + offer.taken_over(loan["revol_bal"]), offer.new_rate(int_rate)
            count = int(months) + offer.extra_months
            found[offer.name] = amortization_schedule(owed, rate, count, holiday=offer.holiday)
    return found


@dataclass(frozen=True)
class _Payments:
    """Installments until a balance is repaid, the last one being what is then owed; arrays of shape (n,)."""

    balance: np.ndarray
    int_rate: np.ndarray
    installment: np.ndarray
    months: np.ndarray

    @property
    def last(self) -> np.ndarray:
        """The last payment."""
        before = np.maximum(balance_after(self.balance, self.int_rate, self.installment, self.months - 1), 0.0)
        return before * (1 + self.int_rate / 1200)

    @property
    def total(self) -> np.ndarray:
        """All payments together."""
        return (self.months - 1) * self.installment + self.last

    def present_value(self, funding_cost: float) -> np.ndarray:
        """Return the present value of all payments at a cost of funding, a fraction a year."""
        regular = present_value(100 * funding_cost, self.installment, self.months - 1)
        return regular + self.last * (1 + funding_cost / 12) ** -self.months


def _one_offer(
    known: dict[str, np.ndarray], months: np.ndarray, as_is: _Payments, offer: Offer, funding_cost: float
) -> pd.DataFrame:
    balance, income = known["balance"], known["annual_inc"] / 12
    rate, added = offer.new_rate(known["int_rate"]), offer.taken_over(known["revol_bal"])
    owed = _cents((balance + added) * (1 + rate / 1200) ** offer.holiday)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = months + offer.extra_months
        installment = _cents(np.where(rate == 0, owed / spread, annuity(owed, rate, spread)))
    # Rounding up may repay a small balance sooner, as it does in the schedule.
    count = np.minimum(months + offer.extra_months, np.ceil(periods(owed, rate, installment) - 1e-9))
    reason = _reasons(known, months, count, offer)
    count = np.where(reason == _NOTHING, np.nan, count)
    new = _Payments(owed, rate, np.where(np.isnan(count), np.nan, installment), count)
    interest = new.total - balance - added
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(income > 0, 100 / income, np.nan)
    others = np.maximum(known["dti"] - offer.minimum_payment * added * share, 0.0)
    discount = (1 + funding_cost / 12) ** -offer.holiday
    values = (
        rate,
        new.installment,
        count + offer.holiday,
        interest,
        interest - (as_is.total - balance),
        known["dti"] + known["installment"] * share,
        others + new.installment * share,
        as_is.present_value(funding_cost) - (new.present_value(funding_cost) * discount - added),
    )
    table = pd.DataFrame(dict(zip(_TERMS, values, strict=True)))
    return table.assign(offer=offer.name, reason=reason)


def _reasons(known: dict[str, np.ndarray], months: np.ndarray, count: np.ndarray, offer: Offer) -> np.ndarray:
    """Return why something could not be computed, the first reason that holds."""
    needed = [name for name in COLUMNS if name != "revol_bal" or offer.consolidated]
    cases = {f"{name} is missing": np.isnan(known[name]) for name in needed}
    cases["nothing is owed"] = known["balance"] <= 0
    cases["the installment does not exceed the interest"] = np.isnan(months)
    if not (offer.extra_months or offer.holiday):
        same_rate = offer.new_rate(known["int_rate"]) == known["int_rate"]
        cases[_NOTHING] = same_rate & (offer.taken_over(known["revol_bal"]) == 0)
    cases["too little is owed to be spread so far"] = np.isnan(count)
    cases["no income is stated"] = known["annual_inc"] <= 0
    place = np.select(list(cases.values()), range(1, len(cases) + 1), 0)
    return np.array(["", *cases], dtype=object)[place]


def _cents(amount: Any) -> Any:
    return np.floor(np.multiply(amount, 100) + 0.5) / 100
