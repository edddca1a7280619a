"""Where each loan stands in each month: its days past due as far as they are known, and whether it is in default.

A value that is not known is carried: the last known one stands in its place, with its age, for a stated number of months. Nothing
becomes better by not being known: a loan in default leaves it only by months that are known to be good.
"""

from dataclasses import dataclass, fields

import numpy as np

from loantap.data.panel import CHARGED_OFF, CLOSED, DEFAULT_DAYS, OPEN, Panel

BUCKETS = ("current", "1 to 29", "30 to 59", "60 to 89", "90 and more", "charged off", "closed", "unknown", "gone")
CURRENT, TO_29, TO_59, TO_89, FROM_90, OFF, ENDED, UNKNOWN, GONE = range(len(BUCKETS))
NOT_YET = -1  # before a loan's first snapshot
NEVER = 127  # the age of a value that never was known
_EDGES = (1, 30, 60, DEFAULT_DAYS)


@dataclass(frozen=True)
class Standing:
    """Where n loans stand in m months.

    Attributes:
        days: Days past due, carried where not known, shape (n, m); NaN where they never were known, or not for too long.
        age: Months since days past due were last known, 0 where they are known now, shape (n, m); NEVER where they never were.
        in_default: Whether a loan is in default, its probation included, shape (n, m).
        good: Months in a row that are known to be good, of a loan in default: how far its probation is, shape (n, m).
        bucket: Position in BUCKETS, shape (n, m); NOT_YET before the first snapshot, GONE where a loan was delivered before and is not
            now.
    """

    days: np.ndarray
    age: np.ndarray
    in_default: np.ndarray
    good: np.ndarray
    bucket: np.ndarray

    def only(self, rows: np.ndarray) -> "Standing":
        """Return where some of the loans stand, by position or mask."""
        return Standing(*(getattr(self, one.name)[rows] for one in fields(self)))

    def known_in(self, panel: Panel, t: int) -> np.ndarray:
        """Return the month that the days past due at month t are of, as text, "" for t and where not known, shape (n,)."""
        carried = (self.age[:, t] > 0) & ~np.isnan(self.days[:, t])
        return np.where(carried, np.datetime_as_string(panel.months)[np.maximum(t - self.age[:, t], 0)], "")


def standing(panel: Panel, *, carry: int, probation: int, good_below: float) -> Standing:
    """Return where each loan stands in each month; a month depends on nothing after it.

    Args:
        panel: Snapshots of n loans in m months.
        carry: Months for which the last known days past due stand in the place of unknown ones.
        probation: Good months that a loan in default has to show before it leaves default with the next one.
        good_below: Days past due below which a month is good.
    """
    shape = panel.delivered.shape
    days, age, good = np.full(shape, np.nan), np.full(shape, NEVER, dtype=np.int8), np.zeros(shape, dtype=np.int8)
    in_default, bucket = np.zeros(shape, dtype=bool), np.full(shape, NOT_YET, dtype=np.int8)
    unknown = np.full(shape[0], np.nan)
    last, since = unknown.copy(), np.full(shape[0], NEVER, dtype=np.int16)
    inside, written_off, ended, seen = np.zeros((4, shape[0]), dtype=bool)
    months_good = np.zeros(shape[0], dtype=np.int8)
    for t in range(shape[1]):
        now = unknown if panel.days_past_due is None else panel.days_past_due[:, t]
        status = unknown if panel.status is None else panel.status[:, t]
        known = ~np.isnan(now)
        last, since = np.where(known, now, last), np.where(known, 0, np.minimum(since + 1, NEVER))
        enters = (now >= DEFAULT_DAYS) | (status == CHARGED_OFF)
        months_good = np.where(enters, 0, np.where(known, np.where(now < good_below, months_good + 1, 0), months_good))
        months_good = np.where(inside, months_good, 0)
        inside = enters | (inside & (months_good <= probation))
        written_off = (status == CHARGED_OFF) | (written_off & (status != OPEN))  # until it is said to be open again
        here = panel.delivered[:, t]
        # A loan of which nothing is owed has ended, unless it defaulted: what is charged off stands at a balance of 0 too.
        # Nor has one that was late when somebody last looked: nothing is over because it is not known.
        paid = ~inside & ~(last > 0)
        ended = ((status == CLOSED) & paid) | (ended & ~here) | (here & (panel.balance[:, t] <= 0) & paid)
        days[:, t] = np.where(since <= carry, last, np.nan)
        age[:, t], in_default[:, t], good[:, t] = since, inside, np.where(inside, months_good, 0)
        found = np.where(np.isnan(days[:, t]), UNKNOWN, np.searchsorted(_EDGES, days[:, t], side="right"))
        seen |= here
        bucket[:, t] = np.select([~seen, written_off, ended, ~here], [NOT_YET, OFF, ENDED, GONE], found)
    return Standing(days, age, in_default, good, bucket)
