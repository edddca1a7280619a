"""How many installments repay a loan, what they are worth where it may fail, and how much likelier repayment must become."""

from collections.abc import Callable
from typing import Any

import numpy as np

from loantap.data.annuity import balance_after, installments
from loantap.model.economics import Economics

YEAR = 12  # months that a probability of failing is told for
_REST = 0.1  # of an installment: what is left of a loan on schedule because its installment was rounded is far below
_STEPS = 6  # to a hundredth of a point
_NEAR = 1e-9  # to 1, below which a geometric sum is its number of terms


def remaining_months(balance: Any, yearly_rate_percent: Any, installment: Any) -> np.ndarray:
    """Return how many installments repay a balance; a rest below a tenth of an installment is paid with the last one.

    NaN where nothing is owed or the installment does not exceed the interest. The shape is that of the arguments.

    Args:
        balance: In currency.
        yearly_rate_percent: In percent a year.
        installment: In currency a month.
    """
    return np.maximum(np.ceil(periods(balance, yearly_rate_percent, installment) - _REST), 1.0)


def periods(balance: Any, yearly_rate_percent: Any, installment: Any) -> np.ndarray:
    """Return how many installments repay a balance, as a number with a fraction; otherwise as `remaining_months`."""
    numbers = (np.asarray(value, dtype=float) for value in (balance, yearly_rate_percent, installment))
    owed, yearly, paid = np.broadcast_arrays(*numbers)
    interest = owed * (yearly / 1200)
    asked = np.floor(interest * 100 + 0.5) / 100  # in whole cents
    return np.where((owed > 0) & (paid > np.maximum(interest, asked)), installments(owed, yearly, paid), np.nan)


def last_payment(owed: np.ndarray, int_rate: np.ndarray, installment: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Return the last of so many installments, which is whatever is then owed, in currency."""
    return np.maximum(balance_after(owed, int_rate, installment, months - 1), 0.0) * (1 + int_rate / 1200)


def expected_value(
    balance: np.ndarray,
    int_rate: np.ndarray,
    installment: np.ndarray,
    months: np.ndarray,
    *,
    probability: np.ndarray,
    economics: Economics,
    holiday: int = 0,
    owed: np.ndarray | None = None,
) -> np.ndarray:
    """Return the expected present value of a loan's payments at the cost of funding, in currency.

    A loan fails with the same probability h in each month, for as long as it runs: 1 - (1 - p)^(1 / m) with the
    probability p of failing within the next 12 months, where m is 12 or the months to come if they are fewer. Were the
    risk to end after 12 months, a longer term would look like a gain again. A loan that fails pays nothing from that
    month on, and 1 - loss_given_default of what is then owed comes back at once, as in `model.economics`. With the
    survival s = 1 - h, the discount v and the balance B_k after k payments P_k: the sum over k of
    s^k v^k P_k + s^(k-1) h (1 - loss given default) B_(k-1) v^k, in closed form.

    Args:
        balance: What is owed now, in currency; every array has the shape (n,).
        int_rate: In percent a year.
        installment: In currency a month.
        months: Number of installments, the last of them being whatever is then owed.
        probability: Of failing within the next 12 months; NaN where it is not known.
        economics: For its loss given default and cost of funding.
        holiday: Months without payment before the installments.
        owed: What is owed after them, in currency; `balance` where there are none.
    """
    months, owed = np.asarray(months, dtype=float), balance if owed is None else owed
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = 1 - (1 - probability) ** (1 / np.minimum(YEAR, months + holiday))
        kept = (1 - hazard) / (1 + economics.funding_cost / YEAR)  # both alive and discounted
        grown = kept * (1 + int_rate / 1200)
        back = (1 - economics.loss_given_default) * hazard / (1 + economics.funding_cost / YEAR)
        last = last_payment(owed, int_rate, installment, months)
        before_last = kept ** (months - 1)
        paid = installment * kept * _geometric(kept, before_last, months - 1) + last * kept * before_last
        still = _balances(owed, int_rate, installment, months, kept, grown)
        waiting = balance * _geometric(grown, grown**holiday, holiday) if holiday else 0.0
        return back * waiting + kept**holiday * (paid + back * still)


def break_even(
    value_as_it_is: np.ndarray, value_as_offered: Callable[[np.ndarray], np.ndarray], probability: np.ndarray
) -> np.ndarray:
    """Return by how much the probability of failing has to fall for an offer to pay for itself, a fraction.

    0 where the offer costs nothing as it is; infinity where it would cost even if the loan could not fail any more.

    Args:
        value_as_it_is: Expected value without the offer, in currency, shape (n,).
        value_as_offered: Returns the expected value by the probability of failing with the offer, shape (n,).
        probability: Of failing without the offer.
    """
    low, high = np.zeros_like(probability), np.array(probability, dtype=float)
    best, now = value_as_offered(low) - value_as_it_is, value_as_offered(high) - value_as_it_is
    above, below, before = best.copy(), now.copy(), np.zeros(len(probability), dtype=int)
    for _ in range(_STEPS):  # false position; the Illinois rule halves the weight of an end that stays where it is
        with np.errstate(invalid="ignore", divide="ignore"):
            between = (low * below - high * above) / (below - above)
        gain = value_as_offered(between) - value_as_it_is
        enough = gain >= 0
        side = np.where(enough, 1, -1)
        stays = np.where(side == before, 0.5, 1.0)
        below, above, before = np.where(enough, below * stays, gain), np.where(enough, gain, above * stays), side
        low, high = np.where(enough, between, low), np.where(enough, high, between)
    fall = np.select([now >= 0, best < 0], [0.0, np.inf], probability - between)
    return np.where(np.isnan(now), np.nan, fall)


def _geometric(ratio: np.ndarray, power: np.ndarray, terms: np.ndarray | int) -> np.ndarray:
    """Return 1 + q + ... + q^(n-1), given q^n."""
    return np.where(np.abs(ratio - 1) < _NEAR, terms, (power - 1) / (ratio - 1))


def _balances(
    owed: np.ndarray, int_rate: np.ndarray, installment: np.ndarray, months: np.ndarray, kept: np.ndarray, grown: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Return the sum over k = 0 ... n - 1 of w^k B_k, with the balance B_k after k installments."""
    rate, power = int_rate / 1200, kept**months
    rest = installment / rate  # B_k = (B_0 - P / r) (1 + r)^k + P / r
    alive = _geometric(kept, power, months)
    total = (owed - rest) * _geometric(grown, power * (1 + rate) ** months, months) + rest * alive
    if (free := rate == 0).any():  # B_k = B_0 - k P
        slow = (alive - 1 - (months - 1) * power) / (1 - kept)
        ramp = np.where(np.abs(kept - 1) < _NEAR, months * (months - 1) / 2, slow)
        total = np.where(free, owed * alive - installment * ramp, total)
    return total
