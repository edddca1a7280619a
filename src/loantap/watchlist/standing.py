"""Where each loan stands in each month: its days past due as far as they are known, and whether it is in default.

A value that is not known is carried: the last known one stands in its place, with its age, for a stated number of months. Nothing
becomes better by not being known: a loan in default leaves it only by months that are known to be good.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from loantap.data.panel import CHARGED_OFF, CLOSED, DEFAULT_DAYS, OPEN, Panel
from loantap.watchlist.settings import Settings

BUCKETS = ("current", "1 to 29", "30 to 59", "60 to 89", "90 and more", "charged off", "closed", "unknown", "gone")
CURRENT, TO_29, TO_59, TO_89, FROM_90, OFF, ENDED, UNKNOWN, GONE = range(len(BUCKETS))
NOT_YET = -1  # before a loan's first snapshot
NEVER = 127  # the age of a value that never was known
EDGES = (1, 30, 60, DEFAULT_DAYS)


class ByLoan:
    """Arrays whose rows are loans."""

    def only(self, rows: np.ndarray) -> Self:
        """Return those of some loans, by position or mask."""
        return type(self)(*(getattr(self, one.name)[rows] for one in fields(self)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Standing(ByLoan):
    """Where n loans stand in m months; all of shape (n, m)."""

    days: np.ndarray  # past due, carried where not known; NaN where they never were known, or not for too long
    age: (
        np.ndarray
    )  # months since days past due were last known, 0 where they are known now; NEVER where they never were
    in_default: np.ndarray  # its probation included
    good: np.ndarray  # months in a row that are known to be good, of a loan in default: how far its probation is
    bucket: np.ndarray  # position in BUCKETS; NOT_YET before the first snapshot, GONE where no longer delivered

    def until(self, t: int) -> "Standing":
        """Return the same without what comes after a month."""
        return Standing(*(getattr(self, one.name)[:, : t + 1] for one in fields(self)))

    def known_in(self, panel: Panel, t: int) -> np.ndarray:
        """Return the month that the days past due at month t are of, as text, "" for t and where not known, shape (n,)."""
        is_carried = (self.age[:, t] > 0) & ~np.isnan(self.days[:, t])
        return np.where(is_carried, np.datetime_as_string(panel.months)[np.maximum(t - self.age[:, t], 0)], "")

    def ended(self, t: int) -> np.ndarray:
        """Return which loans are charged off or closed at a month, shape (n,)."""
        return np.isin(self.bucket[:, t], (OFF, ENDED))


def standing(panel: Panel, *, settings: Settings) -> Standing:
    """Return where each loan of a panel stands; a month depends on nothing after it, and is good below the red floor."""
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
        known, here = ~np.isnan(now), panel.delivered[:, t]
        last, since = np.where(known, now, last), np.where(known, 0, np.minimum(since + 1, NEVER))
        enters = (now >= DEFAULT_DAYS) | (status == CHARGED_OFF)
        in_a_row = np.where(now < settings.floors.red, months_good + 1, 0)
        months_good = np.where(inside & ~enters, np.where(known, in_a_row, months_good), 0)
        inside = enters | (inside & (months_good <= settings.probation))
        written_off = (status == CHARGED_OFF) | (written_off & (status != OPEN))  # until it is said to be open again
        # A loan of which nothing is owed has ended, unless it defaulted: what is charged off stands at a balance of 0 too.
        # Nor has one that was late when somebody last looked: nothing is over because it is not known.
        paid = ~inside & ~(last > 0)
        ended = ((status == CLOSED) & paid) | (ended & ~here) | (here & (panel.balance[:, t] <= 0) & paid)
        days[:, t] = np.where(since <= settings.carry, last, np.nan)
        age[:, t], in_default[:, t], good[:, t] = since, inside, np.where(inside, months_good, 0)
        by_days = np.where(np.isnan(days[:, t]), UNKNOWN, np.searchsorted(EDGES, days[:, t], side="right"))
        seen |= here
        bucket[:, t] = np.select([~seen, written_off, ended, ~here], [NOT_YET, OFF, ENDED, GONE], by_days)
    return Standing(days, age, in_default, good, bucket)


def last_known(values: np.ndarray) -> np.ndarray:
    """Return how many months ago the last value of each row was known, 0 where none ever was, shape (n,)."""
    return (~np.isnan(values))[:, ::-1].argmax(axis=1)


def carried(values: np.ndarray, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the last known value of each row, NaN where older than `months`, and whether one is known and too old, (n,)."""
    age, ever = last_known(values), ~np.isnan(values).all(axis=1)
    last = values[np.arange(len(values)), values.shape[1] - 1 - age]
    return np.where(age <= months, last, np.nan), ever & (age > months)
