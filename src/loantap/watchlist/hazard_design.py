"""What the hazards of a loan depend on: its bucket, its months on book, the months ahead, and its covariates."""

import numpy as np

from loantap.watchlist.landmarks import FOLLOWED, Landmarks
from loantap.watchlist.standing import CURRENT, TO_59, TO_89

_AHEAD = (0, 1, 2, 3, 6, 12)  # groups of months ahead, of which the last goes on
_AGES = (0, 4, 7, 13, 25)  # first months of groups of months on book; no loan is 90 days late before the fourth


def stratum(marks: Landmarks) -> np.ndarray:
    """Return a number for bucket and months on book; of loans older than the last group of ages begins these do not matter."""
    bucket = np.searchsorted(FOLLOWED, marks.bucket)
    return bucket * (_AGES[-1] + 1) + np.clip(marks.age, 0, _AGES[-1])


def slopes(marks: Landmarks) -> np.ndarray:
    """Return the covariates, apart for loans in arrears of 30 days or more: what they say of the others they need not say of these."""
    late = np.isin(marks.bucket, (TO_59, TO_89))[:, np.newaxis]
    return np.hstack([marks.x * ~late, marks.x * late])


def cells(codes: np.ndarray, months: int) -> np.ndarray:
    """Return what the log-odds of strata depend on, by month ahead: shape (strata, months, q).

    The intercept; the group of months ahead, its last one apart; the same by bucket, but for loans that are not late; the group of
    months on book then, that from 13 to 24 apart; and whether a loan was new at the landmark, when nothing can have changed.
    """
    bucket, age = np.divmod(codes, _AGES[-1] + 1)
    h = np.arange(1, months + 1)
    groups = np.minimum(np.searchsorted(_AHEAD, h), len(_AHEAD) - 1)[:, np.newaxis] == np.arange(1, len(_AHEAD))
    ahead = np.broadcast_to(groups[np.newaxis].astype(float), (len(codes), *groups.shape))
    late = [ahead * (bucket == place)[:, np.newaxis, np.newaxis] for place, one in enumerate(FOLLOWED) if one != CURRENT]  # fmt: skip
    on_book = np.searchsorted(_AGES, age[:, np.newaxis] + h, side="right") - 1
    ages = on_book[:, :, np.newaxis] == np.array([0, 1, 2, len(_AGES) - 1])
    young = np.repeat(np.stack([age == 0, (age == 1) | (age == 2)], axis=1)[:, np.newaxis], months, axis=1)
    return np.concatenate([np.ones((len(codes), months, 1)), ahead[:, :, :-1], *late, ages, young], axis=2)
