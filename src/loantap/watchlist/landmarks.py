"""Live loans as they stood at a month, and what came of them: what hazards are fitted to and probabilities told for.

A month of a loan from which it is followed is a landmark (van Houwelingen, Scandinavian Journal of Statistics 34 (2007), 70-85). A
loan enters with the first month it is seen in, at whatever age (delayed entry), and is followed until it defaults, is repaid early or is
last seen (right censoring): when the panel ends, when it is gone and nobody tells why, and when its last installment is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import logit

from loantap.data.columns import KEY
from loantap.data.panel import Panel
from loantap.watchlist.payments import remaining_months
from loantap.watchlist.standing import CURRENT, ENDED, TO_29, TO_59, TO_89, UNKNOWN, ByLoan, Standing, carried

FOLLOWED = (CURRENT, TO_29, TO_59, TO_89, UNKNOWN)  # buckets of loans that are live and not in default
COVARIATES = (
    "log-odds of default by the application", "no probability by the application", "no snapshot a quarter ago",
    *(
        f"change {since} of {measure}" for measure in ("debt-to-income", "utilisation")
        for since in ("since the application", "within a quarter")
    ),
    "both since the application, beyond the usual", "both within a quarter, beyond the usual", "both within a quarter, far beyond",
)  # fmt: skip
_NEVER = 1 << 14  # a position after every month
QUARTER = 3  # months that a level is the mean of, so that one odd month moves it little
# Points of change up to which it is usual, since the application and within a quarter, and points beyond which it no longer counts:
# slopes change there, for small changes are mostly noise and large ones tend to go on.
_CHANGES = {"dti": ((5.0, 2.0), 30.0), "revol_util": ((15.0, 6.0), 100.0)}
_LATEST = 3  # months from a missed installment to 90 days past due: those in arrears are followed as long at least
_SMALLEST = 1e-4  # probabilities are taken within this of 0 and 1


@dataclass(frozen=True)
class Borrowers(ByLoan):
    """What is known of the n loans of a panel since they were granted, each of shape (n,); NaN and NaT where it is not."""

    probability: np.ndarray  # of default by the application
    dti: np.ndarray  # debt-to-income at the application, percent; else that of the first snapshot
    revol_util: np.ndarray  # utilisation at the application, percent; else that of the first snapshot
    int_rate: np.ndarray  # percent a year
    installment: np.ndarray  # currency a month
    issued: np.ndarray  # month of the loan, datetime64[M]; else that of the first snapshot


def borrowers(
    panel: Panel, applications: pd.DataFrame, *, probability: np.ndarray | None, issued: np.ndarray | None = None
) -> Borrowers:
    """Return what is known of the panel's loans since they were granted.

    Args:
        panel: Snapshots of n loans.
        applications: With loan_id, and as far as known dti, revol_util, int_rate, installment and issue_d.
        probability: Of default by the application, shape (n,).
        issued: Month of each loan where it does not follow from issue_d, datetime64[M], shape (n,): synthetic snapshots.
    """
    rows = applications.set_index(KEY).reindex(panel.loan_id)
    unknown, first = np.full(len(rows), np.nan), panel.delivered.argmax(axis=1)
    names = ("dti", "revol_util", "int_rate", "installment")
    known = {name: rows[name].to_numpy(dtype=float) if name in rows else unknown for name in names}
    for name in _CHANGES:
        values = getattr(panel, name)
        earliest = values[np.arange(len(rows)), (~np.isnan(values)).argmax(axis=1)]
        known[name] = np.where(np.isnan(known[name]), earliest, known[name])
    if issued is None:
        issued = pd.to_datetime(rows["issue_d"]).to_numpy() if "issue_d" in rows else np.full(len(rows), "NaT")
    month, seen = issued.astype("datetime64[M]"), panel.months[first]
    month = np.where(np.isnat(month) | (month > seen), seen, month)
    return Borrowers(unknown if probability is None else np.asarray(probability, dtype=float), **known, issued=month)


@dataclass(frozen=True)
class Landmarks(ByLoan):
    """Live loans at months from which they are followed, k of them; each of shape (k,) but x."""

    row: np.ndarray  # of the loan in the panel
    month: np.ndarray  # position of the month
    bucket: np.ndarray  # position in `standing.BUCKETS`, one of FOLLOWED
    age: np.ndarray  # months on book
    end: np.ndarray  # months until the last installment is due, after which nobody follows; arrears prolong it
    balance: np.ndarray  # currency, the last one known within a quarter
    defaulted_before: np.ndarray  # whether it was in default before and performs again
    x: np.ndarray  # COVARIATES, shape (k, p)
    followed: np.ndarray  # months for which it is known what became of the loan
    outcome: np.ndarray  # at the last of them: 0 nothing yet, 1 default, 2 early repayment

    def within(self, months: int) -> "Landmarks":
        """Return them as if nobody had looked further than some months ahead."""
        longer = self.followed > months
        followed, outcome = np.where(longer, months, self.followed), np.where(longer, 0, self.outcome)
        return replace(self, followed=followed, outcome=outcome)

    def as_granted(self) -> "Landmarks":
        """Return them as they would stand if all were as on the day of the application, but for their age.

        Paid up, without change of debt-to-income or utilisation: what the application let expect of a loan of this age.
        """
        x = np.where(np.arange(self.x.shape[1]) < 2, self.x, 0.0)
        return replace(self, bucket=np.full_like(self.bucket, CURRENT), x=x)


def months_left(marks: Landmarks) -> np.ndarray:
    """Return the months until the last installment is due, NaN where the terms are not known, shape (k,)."""
    return np.where(marks.end < _NEVER, marks.end, np.nan)


def balance_known(panel: Panel, t: int) -> np.ndarray:
    """Return the balance at a month, or the last known one within a quarter, shape (n,); NaN where there is none."""
    return carried(panel.balance[:, max(t + 1 - QUARTER, 0) : t + 1], QUARTER)[0]


def can_be_followed(panel: Panel, stands: Standing) -> np.ndarray:
    """Return in which months each loan is live and not in default, shape (n, m)."""
    return panel.delivered & ~stands.in_default & np.isin(stands.bucket, FOLLOWED) & ~(panel.balance <= 0)


def _defaults_here(stands: Standing) -> np.ndarray:
    """Return in which months each loan enters default, shape (n, m)."""
    entered = stands.in_default.copy()
    entered[:, 1:] &= ~stands.in_default[:, :-1]
    return entered


def seen_defaults(panel: Panel, stands: Standing) -> int:
    """Return how many loans were seen to enter default after a month from which they were followed."""
    live, entered = can_be_followed(panel, stands), _defaults_here(stands)
    live[:, :QUARTER] = False
    before = np.logical_or.accumulate(live, axis=1)
    return int((entered[:, 1:] & before[:, :-1]).any(axis=1).sum())


def draw_loans(
    marks: np.ndarray, bad: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the loans to fit to, and how many each stands for.

    Args:
        marks: Landmarks of each loan, shape (n,).
        bad: Whether it defaults, shape (n,).
        most: Landmarks to fit to.
        rng: What is drawn with.
    """
    followed, left = marks > 0, float(most)
    share = np.ones(len(marks))
    for group, wanted in ((bad, most / 2), (~bad, float(most))):
        held = float(marks[group & followed].sum())
        part = min(1.0, min(wanted, left) / held) if held else 1.0
        left -= part * held
        share[group] = part
    rows = np.flatnonzero(followed & (rng.random(len(marks)) < share))
    return rows, 1 / share[rows]


def landmarks(panel: Panel, stands: Standing, known: Borrowers, months: Iterable[int]) -> Landmarks:
    """Return the live loans of some months, month by month in the order of their rows; what came later is in the outcome only.

    Args:
        panel: Snapshots of n loans in m months.
        stands: Where each loan stands, of the same panel.
        known: What is known of each loan since it was granted.
        months: Positions of the months.
    """
    live, entered = can_be_followed(panel, stands), _defaults_here(stands)
    when, what = _next_event(np.where(entered, 1, np.where(stands.bucket == ENDED, 2, 0)).astype(np.int8))
    seen = np.where(live, np.arange(live.shape[1], dtype=np.int16), -1).max(axis=1)
    before = np.logical_or.accumulate(stands.in_default, axis=1)
    parts = [_at(panel, stands, known, t, np.flatnonzero(live[:, t]), before[:, t]) for t in months]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    row, end = columns["row"], columns["end"]
    place = row, columns["month"]
    until = np.where(what[place] > 0, when[place], seen[row]) - columns["month"]
    outcome = np.where(until > end, 0, what[place])
    return Landmarks(**columns, followed=np.minimum(until, end), outcome=outcome)


def _next_event(happens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each loan and month the position and kind of the next event after it."""
    when, what = np.full(happens.shape, _NEVER, dtype=np.int16), np.zeros(happens.shape, dtype=np.int8)
    for t in range(happens.shape[1] - 2, -1, -1):
        now = happens[:, t + 1] > 0
        when[:, t] = np.where(now, t + 1, when[:, t + 1])
        what[:, t] = np.where(now, happens[:, t + 1], what[:, t + 1])
    return when, what


def _at(
    panel: Panel, stands: Standing, known: Borrowers, t: int, rows: np.ndarray, before: np.ndarray
) -> dict[str, np.ndarray]:
    """Return all of landmarks but the outcome, from snapshots up to their month."""
    balance, bucket = balance_known(panel, t)[rows], stands.bucket[rows, t]
    log_odds = logit(np.clip(known.probability[rows], _SMALLEST, 1 - _SMALLEST))
    x, both = np.zeros((len(rows), len(COVARIATES))), np.zeros((len(rows), 2))
    x[:, 0], x[:, 1] = np.nan_to_num(log_odds), np.isnan(log_odds)
    # Too few loans perform again to learn from: each is taken as one that is 30 days late, which is what nobody would call hopeful.
    bucket = np.where(before[rows] & np.isin(bucket, (CURRENT, TO_29)), TO_59, bucket)
    for column, (name, (usual, most)) in zip((3, 5), _CHANGES.items(), strict=True):
        values, then = getattr(panel, name), getattr(known, name)[rows]
        recent = _mean(values[rows, max(t + 1 - QUARTER, 0) : t + 1])
        quarter_ago = _mean(values[rows, max(t + 1 - 2 * QUARTER, 0) : max(t + 1 - QUARTER, 0)])
        x[:, 2] = np.maximum(x[:, 2], np.isnan(quarter_ago) & ~np.isnan(recent))
        for place, earlier, knot in zip((0, 1), (then, quarter_ago), usual, strict=True):
            change = np.clip(np.nan_to_num(recent - earlier), -most, most)  # one that is not known is none
            x[:, column + place] = change / knot
            both[:, place] += change / knot
    x[:, 7] = np.maximum(both[:, 0] - 1, 0)
    x[:, 8:10] = np.maximum(both[:, 1:] - [1, 3], 0)
    left = remaining_months(balance, known.int_rate[rows], known.installment[rows])
    end = np.where(np.isnan(left), _NEVER, left - 1)
    end = np.where(np.isin(bucket, (TO_59, TO_89)), np.maximum(end, _LATEST), end).astype(np.int64)
    age = (panel.months[t] - known.issued[rows]).astype(np.int64)
    return {
        "row": rows.astype(np.int64), "month": np.full(len(rows), t), "bucket": bucket, "age": age, "end": end,
        "balance": balance, "defaulted_before": before[rows], "x": x,
    }  # fmt: skip


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the known values of each row, NaN where there is none."""
    known = (~np.isnan(values)).sum(axis=1)
    return np.where(known > 0, np.nansum(values, axis=1), np.nan) / np.maximum(known, 1)
