"""What can be offered to a borrower on the watchlist, and what each offer changes for borrower and lender.

A cost is an expected one: the loan may fail, as it is and with new terms alike. How far an offer lowers the risk is not
known from loans that got no offer, so it is assumed not to lower it at all; by how much it would have to is told
instead. No offer that raises the borrower's burden is made. Fees and interest on what is overdue are not counted; the
balance is taken as it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.model.economics import Economics
from loantap.watchlist.payments import break_even, expected_value, last_payment, periods, remaining_months

COLUMNS = ("balance", "int_rate", "installment", "annual_inc", "dti", "revol_bal")
PROBABILITY = "probability"  # of failing within the next 12 months
AT_ONCE, NEVER = "as it stands", "would never"  # an offer pays for itself
# Percent a year below which no rate is cut; a lower rate stays. A point above what `Economics` takes for the cost of funding.
RATE_FLOOR = 6.0
# What a borrower pays a month on revolving debt, as a share of it: an assumption, since the loans hold no such payments.
MINIMUM_PAYMENT = 0.03
# Assumptions: percent of income, with this loan's installment, that an offer should bring a borrower to; share of the debt
# payments by which it has to lower them to be a relief, or the cheapest would be one that hardly changes anything wherever they
# are small already; share of the probability of failing that it may be hoped to take away.
DTI_AT_MOST, RELIEF, FALL = 40.0, 0.05, 0.5
_LONGEST = 2  # times the months that are left: nobody stretches one last installment over two years
_NOTHING = "it would change nothing"  # the rate is not above the floor, or there is no revolving balance
BURDEN = "it would raise the borrower's burden"
_UNKNOWN = "the probability of failing is not known, so neither is the cost"
_TERMS = (
    "int_rate", "installment_before", "installment", "months_before", "months", "interest", "interest_change", "dti_before", "dti_after",
    "expected_cost", "break_even",
)  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """New terms for a loan; each default leaves its part of the terms as it is."""

    extra_months: int = 0  # installments more than those to come
    rate_cut: float = 0.0  # percentage points off the yearly rate, but not below RATE_FLOOR
    holiday: int = 0  # months without payment, before the installments; their interest is added to the balance
    consolidated: float = 0.0  # share of the borrower's revolving balance that the loan takes over, at the loan's rate

    @property
    def name(self) -> str:
        """The new terms in words."""
        parts = {
            f"{self.extra_months} months longer": self.extra_months,
            f"rate {self.rate_cut:g} points lower": self.rate_cut,
            f"no payment for {self.holiday} months": self.holiday,
            f"{self.consolidated:.0%} of the revolving balance taken over": self.consolidated,
        }
        return ", ".join(words for words, value in parts.items() if value)

    def new_rate(self, int_rate: Any) -> Any:
        """Return the offered rate of loans, in percent a year."""
        return np.minimum(int_rate, np.maximum(np.subtract(int_rate, self.rate_cut), RATE_FLOOR))

    def taken_over(self, revol_bal: Any) -> Any:
        """Return how much of a revolving balance the loan takes over, in whole cents; if none, an unknown one is 0."""
        return in_cents(np.multiply(self.consolidated, revol_bal)) if self.consolidated else np.zeros_like(revol_bal)


# The terms are the lender's to choose; these are common ones. A holiday goes with a longer term: over the same number of
# installments the interest of the months without payment would make each of them larger than before.
OFFERS = (
    Offer(extra_months=12),
    Offer(extra_months=24),
    Offer(rate_cut=3.0),
    Offer(extra_months=12, holiday=3),
    Offer(consolidated=0.5),
)


def in_cents(amount: Any) -> Any:
    """Return amounts rounded half up to whole cents."""
    return np.floor(np.multiply(amount, 100) + 0.5) / 100


def options(loans: pd.DataFrame, *, offers: Sequence[Offer] = OFFERS, economics: Economics) -> pd.DataFrame:
    """Return what each offer changes for each loan, amounts and rates with two decimals.

    Installments are in whole cents; totals leave out that a schedule rounds each month's interest, which moves them by a few cents.

    Args:
        loans: loan_id, balance (outstanding, currency), int_rate (percent a year), installment (currency a month), annual_inc (currency a
            year), dti (percent of monthly income, without mortgage and this loan), revol_bal (currency) and probability (of failing within
            the next 12 months), n rows.
        offers: The k offers, one or more.
        economics: For its loss given default and cost of funding.

    Returns:
        n * k rows, the offers of a loan together, in the order given: loan_id, offer (its name), probability; int_rate, installment and
        months (until the loan is repaid, those without payment among them) with what they were before; interest (to come) and
        interest_change (against going on as is), if all is paid; dti_before and dti_after (percent, with this loan's installment, after a
        holiday); expected_cost (currency; below 0 where the lender gains) and break_even (points by which the probability has to fall, NaN
        for never), both in words in pays_for_itself and who_gains; and reason: why an offer is not made or something is NaN, or "". What the
        borrower saves on revolving debt that is taken over is not counted, its rate is unknown.
    """
    known = {name: loans[name].to_numpy(dtype=float, na_value=np.nan) for name in (*COLUMNS, PROBABILITY)}
    known["balance"] = in_cents(known["balance"])
    known["months"] = remaining_months(known["balance"], known["int_rate"], known["installment"])
    table = pd.concat([_one_offer(known, offer, economics).assign(loan_id=loans["loan_id"].array) for offer in offers])
    table = table.sort_index(kind="stable").reset_index(drop=True)
    change, cost = (
        np.rint(table[name].to_numpy(dtype=float)).tolist() for name in ("interest_change", "expected_cost")
    )
    table = table.assign(
        who_gains=[_who_gains(*pair) for pair in zip(change, cost, strict=True)],
        pays_for_itself=[_pays_for_itself(points) for points in table["break_even"]],
        break_even=table["break_even"].where(np.isfinite(table["break_even"])),
    ).astype({"months": "Int64", "months_before": "Int64"})
    return table[["loan_id", "offer", PROBABILITY, *_TERMS, "pays_for_itself", "who_gains", "reason"]]


def best_offer(offered: pd.DataFrame) -> pd.DataFrame:
    """Return the one offer that fits each loan, of `options`: loan_id, offer ("" for none), installment, months, dti_after, expected_cost.

    An offer has to be a relief, to no more than double the months that are left, and to pay for itself without having to take away too
    much of the risk. Of those that also bring the debt payments to a stated share of income the cheapest fits, else the one that
    lowers them most. A gain of the lender counts as no cost, or the offer that the borrower pays most for would be chosen. Debt
    payments that are not known count by the installment alone. Where the cost is not known, no offer fits.
    """
    with_dti = offered["dti_after"].notna()
    after = offered["dti_after"].where(with_dti, offered["installment"])
    before = offered["dti_before"].where(with_dti, offered["installment_before"])
    short_enough = (offered["months"] <= _LONGEST * offered["months_before"]).fillna(False)
    pays = offered["expected_cost"].notna() & (offered["break_even"] <= 100 * FALL * offered[PROBABILITY])
    enough, cost = with_dti & (after <= DTI_AT_MOST), offered["expected_cost"].clip(lower=0)
    keys = {"enough": ~enough, "first": cost.where(enough, after), "then": after, "last": cost}
    fits = ((after <= (1 - RELIEF) * before) & short_enough & pays).to_numpy(dtype=bool)
    chosen = offered.assign(**keys)[fits].sort_values(list(keys), kind="stable").drop_duplicates("loan_id")
    chosen = chosen.set_index("loan_id")[["offer", "installment", "months", "dti_after", "expected_cost"]]
    loans = pd.Index(offered["loan_id"].drop_duplicates(), name="loan_id")
    return chosen.reindex(loans).reset_index().fillna({"offer": ""})


def _one_offer(known: dict[str, np.ndarray], offer: Offer, economics: Economics) -> pd.DataFrame:
    balance, income, months, p = known["balance"], known["annual_inc"] / 12, known["months"], known[PROBABILITY]
    as_is = (balance, known["int_rate"], known["installment"], months)
    rate, added = offer.new_rate(known["int_rate"]), offer.taken_over(known["revol_bal"])
    owed = in_cents((balance + added) * (1 + rate / 1200) ** offer.holiday)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = months + offer.extra_months
        installment = in_cents(np.where(rate == 0, owed / spread, annuity(owed, rate, spread)))
        share = np.where(income > 0, 100 / income, np.nan)
    # Rounding up may repay a small balance sooner, as it does in a schedule.
    count = np.minimum(months + offer.extra_months, np.ceil(periods(owed, rate, installment) - 1e-9))
    dti_before = known["dti"] + known["installment"] * share
    dti_after = np.maximum(known["dti"] - MINIMUM_PAYMENT * added * share, 0.0) + installment * share
    # What is taken over is paid for by a larger installment, so there the debt payments alone tell.
    heavier = dti_after >= dti_before if offer.consolidated else installment > known["installment"]
    reason = _reasons(known, count, offer, heavier)
    not_made = np.isin(reason, (_NOTHING, BURDEN)) | (np.isnan(dti_after) & (offer.consolidated > 0))
    count = np.where(not_made, np.nan, count)
    rate, installment, dti_after = np.where(np.isnan(count), np.nan, np.array([rate, installment, dti_after]))
    interest = _interest(owed, rate, installment, count, balance) - added

    def worth(probability: np.ndarray) -> np.ndarray:
        terms = {"economics": economics, "holiday": offer.holiday, "owed": owed}
        return expected_value(balance + added, rate, installment, count, probability=probability, **terms) - added

    before = expected_value(*as_is, probability=p, economics=economics)
    values = (
        rate, known["installment"], installment, months, count + offer.holiday, interest, interest - _interest(*as_is, balance),
        dti_before, dti_after, before - worth(p), 100 * break_even(before, worth, p),
    )  # fmt: skip
    table = pd.DataFrame(dict(zip(_TERMS, values, strict=True))).round(2)
    return table.assign(offer=offer.name, reason=reason, probability=p)


def _interest(
    balance: np.ndarray, rate: np.ndarray, installment: np.ndarray, months: np.ndarray, lent: np.ndarray
) -> np.ndarray:
    """Return the payments of a loan together, the last one being what is then owed, less what is lent."""
    return (months - 1) * installment + last_payment(balance, rate, installment, months) - lent


def _reasons(known: dict[str, np.ndarray], count: np.ndarray, offer: Offer, heavier: np.ndarray) -> np.ndarray:
    """Return why an offer is not made or something could not be computed, the first reason that holds."""
    wanted = COLUMNS if offer.consolidated else COLUMNS[:-1]
    missing = {f"{name} is missing": np.isnan(known[name]) for name in wanted}
    cases = {words: where for words, where in missing.items() if not words.startswith(("annual_inc", "dti"))}
    cases["nothing is owed"] = known["balance"] <= 0
    cases["the installment does not exceed the interest"] = np.isnan(known["months"])
    if not (offer.extra_months or offer.holiday):
        same_rate = offer.new_rate(known["int_rate"]) == known["int_rate"]
        cases[_NOTHING] = same_rate & (offer.taken_over(known["revol_bal"]) == 0)
    cases["too little is owed to be spread so far"] = np.isnan(count)
    cases[BURDEN] = heavier
    cases |= missing
    cases["no income is stated"] = known["annual_inc"] <= 0
    cases[_UNKNOWN] = np.isnan(known[PROBABILITY])
    place = np.select(list(cases.values()), range(1, len(cases) + 1), 0)
    return np.array(["", *cases], dtype=object)[place]


def _pays_for_itself(break_even: float) -> str:
    """Return when an offer pays for itself by the points by which the probability has to fall; "" where they are not known."""
    if not isfinite(break_even):
        return NEVER if break_even > 0 else ""
    return f"if the probability falls by {max(break_even, 0.01):.2f} points" if break_even else AT_ONCE


def _who_gains(change: float, cost: float) -> str:
    """Return what the change of interest and the cost of an offer mean for borrower and lender; "" where there are no terms."""
    if isnan(change):
        return ""
    borrower, lender = "the borrower pays as much interest as before", "the lender expects neither a gain nor a loss"
    if change:
        less, more = f"saves {-change:,.0f} of interest", f"pays {change:,.0f} more interest"
        borrower = f"the borrower {more if change > 0 else less}"
    if isnan(cost):
        lender = "what the lender gives up is not known"
    elif cost:
        lender = f"the lender expects to {'give up' if cost > 0 else 'gain'} {abs(cost):,.0f}"
    return f"{borrower}, {lender}"
