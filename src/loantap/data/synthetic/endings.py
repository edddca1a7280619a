"""How synthetic loans end: repaid on schedule or early, or in default and then charged off or re-performing; and what is paid."""

from dataclasses import dataclass

import numpy as np

from loantap.data.annuity import balance_after
from loantap.data.panel import CHARGED_OFF, CLOSED, DEFAULT_DAYS, OPEN
from loantap.data.synthetic.mechanism import Mechanism

_MONTH = 30  # days past due for each installment that is missed


@dataclass(frozen=True)
class Lives:
    """What was drawn of n loans in k months before it is known how they end.

    Attributes:
        at: Position of each month on the panel, below 0 before it, shape (k,).
        funded: Position of the month of funding, shape (n, 1).
        term: Months, shape (n, 1).
        amount: Currency, shape (n, 1).
        rate: Percent a year, shape (n, 1).
        installment: Currency a month, shape (n, 1).
        default: Position of the month of default, `never` without one, shape (n, 1).
        never: A position after all others.
        distressed: Months in distress, shape (n, k).
        days: Days past due up to the default, shape (n, k).
        plain: Days past due that have nothing to do with a default, shape (n, k).
        shown: Months with a snapshot, if the loan lives to its default or its last installment, shape (n, k).
    """

    at: np.ndarray
    funded: np.ndarray
    term: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    installment: np.ndarray
    default: np.ndarray
    never: int
    distressed: np.ndarray
    days: np.ndarray
    plain: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True)
class Endings:
    """How n loans end in k months.

    Attributes:
        repaid: Position of the month of early repayment, shape (n, 1); `never` without one.
        default: Position of the month of default, `never` where the loan is repaid before.
        reperforms: Position of the month in which payments begin again after a default, `never` without one.
        alive: Months in which a loan can default for the first time or be repaid early, those of both included, shape (n, k).
        shown: Months with a snapshot, shape (n, k).
        prepayment: Probability of early repayment in a month, of a loan that is live and does not default in it, shape (n, k).
        matrices: balance, days_past_due, status, payment and inquiries, shape (n, k).
    """

    repaid: np.ndarray
    default: np.ndarray
    reperforms: np.ndarray
    alive: np.ndarray
    shown: np.ndarray
    prepayment: np.ndarray
    matrices: dict[str, np.ndarray]


def endings(lives: Lives, how: Mechanism, rng: np.random.Generator) -> Endings:
    """Draw how loans end.

    Nothing is drawn in the panel's first month, nor before a first installment was due. A loan that is repaid has one more
    snapshot, closed and without balance; so has one whose last installment was paid.
    """
    at, never, shape = lives.at, lives.never, lives.days.shape
    age, last = at - lives.funded, lives.funded + lives.term - 1
    prepayment = np.where(lives.distressed, how.prepays_in_distress, how.prepays) * ((age >= 1) & (at > 0))
    hits = (at < lives.default) & (at <= last) & (rng.random(shape) < prepayment)
    repaid = np.where(hits.any(axis=1), at[hits.argmax(axis=1)], never)[:, np.newaxis]
    default = np.where(repaid < lives.default, never, lives.default)
    written_off = np.where(default < never, default + how.charged_off_after, never)
    begins_again = default + rng.integers(1, max(how.charged_off_after, 2), default.shape)
    reperforms = np.where((default < never) & (rng.random(default.shape) < how.reperforms), begins_again, never)
    written_off = np.where(reperforms < never, never, written_off)

    since = at - default  # far below 0 without a default
    missed = np.where(since > 0, DEFAULT_DAYS // _MONTH + np.minimum(since, reperforms - 1 - default), 0)
    days = np.select([since <= 0, at < reperforms, at == reperforms], [lives.days, _MONTH * missed, 0], lives.plain)
    missed = np.where((since > 0) & (at < reperforms), missed, missed + days // _MONTH)
    last = last + np.where(reperforms < never, DEFAULT_DAYS // _MONTH + reperforms - 1 - default, 0)
    closes = np.where(default < never, np.where(reperforms < never, last + 1, never), np.minimum(repaid, last + 1))

    paid = np.maximum(age, 0) - missed
    owed = np.maximum(balance_after(lives.amount, lives.rate, lives.installment, paid), 0)
    before = np.concatenate([owed[:, :1], owed[:, :-1]], axis=1) * (1 + lives.rate / 1200)
    payment = np.minimum(np.diff(paid, axis=1, prepend=paid[:, :1]).clip(0) * lives.installment, before)
    payment = np.where(at == closes, before, payment)
    ended = np.minimum(np.minimum(default, repaid), last)
    kept = (rng.random(shape) >= how.missing) | (at == written_off)
    after = (since > 0) & (at <= np.where(reperforms < never, last, written_off)) & kept
    inquiries = rng.poisson(np.where(lives.distressed, how.inquiries_in_distress, how.inquiries))
    return Endings(
        repaid,
        default,
        reperforms,
        alive=(at >= lives.funded) & (at <= ended),
        shown=(lives.shown & (at < repaid)) | after | (at == closes),
        prepayment=prepayment,
        matrices={
            "balance": np.where(at == closes, 0.0, owed.round(2)),
            "days_past_due": np.where(at == closes, 0, days).astype(float),
            "status": np.select([at == closes, at == written_off], [CLOSED, CHARGED_OFF], OPEN),
            "payment": payment.round(2),
            "inquiries": inquiries.astype(float),
        },
    )
