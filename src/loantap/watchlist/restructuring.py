"""What can be offered to a borrower on the watchlist, and what each offer changes for borrower and lender.

A cost is an expected one: the loan may fail, as it is and with new terms alike. How far an offer lowers the risk is not
known from loans that got no offer, so it is assumed not to lower it at all; by how much it would have to is told
instead. No offer that raises the borrower's burden is made. Fees and interest on what is overdue are not counted; the
balance is taken as it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity, balance_after
from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.expected_value import break_even, expected_value
from loantap.watchlist.offer import AS_IT_IS, OFFERS, Offer, in_cents
from loantap.watchlist.schedule import amortization_schedule, periods, remaining_months
from loantap.watchlist.who_gains import pays_for_itself, who_gains

COLUMNS = ("balance", "int_rate", "installment", "annual_inc", "dti", "revol_bal")
PROBABILITY = "probability"  # of failing within the next 12 months
DTI_AT_MOST = (
    40.0  # percent of income, with this loan's installment: what an offer should bring a borrower to, an assumption
)
RELIEF = 0.05  # share of the debt payments by which an offer has to lower them to be a relief, an assumption
_LONGEST = 2  # times the months that are left: nobody stretches one last installment over two years
FALL = 0.5  # share of the probability of failing that an offer may be hoped to take away, an assumption
_NOTHING = "it would change nothing"  # the rate is not above the floor, or there is no revolving balance
BURDEN = "it would raise the borrower's burden"
_UNKNOWN = "the probability of failing is not known, so neither is the cost"
_TERMS = (
    "int_rate", "installment_before", "installment", "months_before", "months", "interest", "interest_change", "dti_before", "dti_after",
    "expected_cost", "break_even",
)  # fmt: skip


def options(loans: pd.DataFrame, *, offers: Sequence[Offer] = OFFERS, economics: Economics) -> pd.DataFrame:
    """Return what each offer changes for each loan, amounts and rates with two decimals.

    Installments are in whole cents; totals leave out that a schedule rounds each month's interest, which moves them by
    a few cents.

    Args:
        loans: loan_id, balance (outstanding, currency), int_rate (percent a year), installment (currency a month),
            annual_inc (currency a year), dti (percent of monthly income, without mortgage and this loan), revol_bal
            (currency) and probability (of failing within the next 12 months; a column that is absent is not known), n
            rows.
        offers: The k offers, one or more.
        economics: For its loss given default and cost of funding.

    Returns:
        n * k rows, the offers of a loan together, in the order given, with the columns
        loan_id, offer (its name) and probability (as given);
        int_rate, installment (after installment_before) and months (after months_before; until the loan is repaid, those
        without payment among them): the new terms;
        interest (to come) and interest_change (against going on as is), if all is paid; what the borrower saves on
        revolving debt that is taken over is not counted, its rate is unknown;
        dti_before and dti_after: debt payments without mortgage but with this loan's installment, in percent of monthly
        income; after a holiday where there is one;
        expected_cost (to the lender, in currency): `expected_value` of the loan as it is, less that of the offered one
        after what is newly lent, both with the same probability of failing; below 0 where the lender gains;
        break_even: points by which the probability of failing has to fall for the offer to pay for itself, NaN where it
        never would; pays_for_itself: the same in words;
        who_gains: what interest_change and expected_cost mean for borrower and lender, in words;
        reason: why an offer is not made or something could not be computed and is NaN, or "".

    Raises InputError if a column is absent.
    """
    if absent := [name for name in ("loan_id", *COLUMNS) if name not in loans]:
        raise InputError(f"loans: expected the columns loan_id, {', '.join(COLUMNS)}; {', '.join(absent)} is absent.")
    given = loans if PROBABILITY in loans else loans.assign(**{PROBABILITY: np.nan})
    known = {name: given[name].to_numpy(dtype=float, na_value=np.nan) for name in (*COLUMNS, PROBABILITY)}
    if ((known[PROBABILITY] < 0) | (known[PROBABILITY] > 1)).any():
        raise InputError("loans: expected a probability within 0 to 1, got others. Give fractions, not percentages.")
    known["balance"] = in_cents(known["balance"])
    months = remaining_months(known["balance"], known["int_rate"], known["installment"])
    as_is = _Payments(known["balance"], known["int_rate"], known["installment"], months)
    parts = [_one_offer(known, as_is, offer, economics) for offer in offers]
    table = pd.concat([part.assign(loan_id=loans["loan_id"].array) for part in parts])
    table = table.sort_index(kind="stable").reset_index(drop=True)
    table = table.assign(who_gains=who_gains(table), pays_for_itself=pays_for_itself(table), months=table["months"].astype("Int64"), months_before=table["months_before"].astype("Int64"))  # fmt: skip
    table["break_even"] = table["break_even"].where(np.isfinite(table["break_even"]))
    return table[["loan_id", "offer", PROBABILITY, *_TERMS, "pays_for_itself", "who_gains", "reason"]]


def best_offer(
    offered: pd.DataFrame, *, dti_at_most: float = DTI_AT_MOST, relief: float = RELIEF, fall: float = FALL
) -> pd.DataFrame:
    """Return the one offer that fits each loan.

    An offer has to be a relief, to no more than double the months that are left, and to pay for itself without having to take away too
    much of the risk. Of those that also bring the debt payments to a stated share of income the cheapest fits, else the one that
    lowers them most. A gain of the lender counts as no cost, or the offer that the borrower pays most for would be chosen. Debt
    payments that are not known count by the installment alone. Where the cost is not known, no offer fits.

    Args:
        offered: As from `options`.
        dti_at_most: Percent of monthly income, with this loan's installment.
        relief: Share of the debt payments by which an offer has to lower them; else the cheapest one would be one that hardly
            changes anything wherever the debt payments are small already.
        fall: Share of the probability of failing; an offer that only pays for itself if it takes away more does not fit.

    Returns:
        One row per loan, in order: loan_id, offer ("" where none fits), and installment, months, dti_after and
        expected_cost of it.
    """
    told = ["offer", "installment", "months", "dti_after", "expected_cost"]
    with_dti = offered["dti_after"].notna()
    after = offered["dti_after"].where(with_dti, offered["installment"])
    before = offered["dti_before"].where(with_dti, offered["installment_before"])
    relieved = (after <= (1 - relief) * before) & (offered["months"] <= _LONGEST * offered["months_before"]).fillna(
        False
    )
    pays = offered["expected_cost"].notna() & (
        offered["break_even"] <= 100 * fall * offered[PROBABILITY]
    )  # never is NaN
    enough, cost = with_dti & (after <= dti_at_most), offered["expected_cost"].clip(lower=0)
    keys = {"enough": ~enough, "first": cost.where(enough, after), "then": after, "last": cost}
    fits = offered.assign(**keys)[(relieved & pays).to_numpy(dtype=bool)].sort_values(list(keys), kind="stable")
    chosen = fits.drop_duplicates("loan_id").set_index("loan_id")[told]
    found = chosen.reindex(pd.Index(offered["loan_id"].drop_duplicates(), name="loan_id")).reset_index()
    return found.assign(offer=found["offer"].fillna(""))


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
    balance = in_cents(balance)
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


def _one_offer(known: dict[str, np.ndarray], as_is: _Payments, offer: Offer, economics: Economics) -> pd.DataFrame:
    balance, income, months = known["balance"], known["annual_inc"] / 12, as_is.months
    rate, added = offer.new_rate(known["int_rate"]), offer.taken_over(known["revol_bal"])
    owed = in_cents((balance + added) * (1 + rate / 1200) ** offer.holiday)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = months + offer.extra_months
        installment = in_cents(np.where(rate == 0, owed / spread, annuity(owed, rate, spread)))
        share = np.where(income > 0, 100 / income, np.nan)
    # Rounding up may repay a small balance sooner, as it does in the schedule.
    count = np.minimum(months + offer.extra_months, np.ceil(periods(owed, rate, installment) - 1e-9))
    dti_before = known["dti"] + known["installment"] * share
    dti_after = np.maximum(known["dti"] - offer.minimum_payment * added * share, 0.0) + installment * share
    # What is taken over is paid for by a larger installment, so there the debt payments alone tell.
    heavier = dti_after >= dti_before if offer.consolidated else installment > known["installment"]
    reason = _reasons(known, months, count, offer, heavier)
    not_made = np.isin(reason, (_NOTHING, BURDEN)) | (np.isnan(dti_after) & (offer.consolidated > 0))
    count = np.where(not_made, np.nan, count)
    terms = np.array([rate, installment, dti_after])
    rate, installment, dti_after = np.where(np.isnan(count), np.nan, terms)
    new = _Payments(owed, rate, installment, count)
    interest = new.total - balance - added

    def worth(probability: np.ndarray) -> np.ndarray:
        known_terms = {"economics": economics, "holiday": offer.holiday, "owed": owed}
        paid = expected_value(balance + added, rate, installment, count, probability=probability, **known_terms)
        return paid - added

    p = known[PROBABILITY]
    before = expected_value(
        balance, known["int_rate"], known["installment"], months, probability=p, economics=economics
    )
    values = (
        rate, known["installment"], installment, months, count + offer.holiday, interest, interest - (as_is.total - balance), dti_before,
        dti_after, before - worth(p), 100 * break_even(before, worth, p),
    )  # fmt: skip
    table = pd.DataFrame(dict(zip(_TERMS, values, strict=True))).round(2)
    return table.assign(offer=offer.name, reason=reason, probability=known[PROBABILITY])


def _reasons(
    known: dict[str, np.ndarray], months: np.ndarray, count: np.ndarray, offer: Offer, heavier: np.ndarray
) -> np.ndarray:
    """Return why an offer is not made or something could not be computed, the first reason that holds."""
    missing = {
        f"{name} is missing": np.isnan(known[name]) for name in COLUMNS if name != "revol_bal" or offer.consolidated
    }
    cases = {words: where for words, where in missing.items() if not words.startswith(("annual_inc", "dti"))}
    cases["nothing is owed"] = known["balance"] <= 0
    cases["the installment does not exceed the interest"] = np.isnan(months)
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
