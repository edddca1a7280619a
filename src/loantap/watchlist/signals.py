"""What a month's snapshots tell of each live loan: levels, trends, breaches, and what they do to its probability of default."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.data.panel import FORBEARANCE, Panel
from loantap.watchlist.settings import Settings
from loantap.watchlist.standing import ENDED, NEVER, OFF, Standing, standing

MIN_KNOWN = 4  # known months below which a trend is not told
MIN_KNOWN_HALF = 3  # the same of half a window
_MEASURES = {"dti": "dti", "revol_util": "util"}  # column of the panel, and what its trends are called
_NAMES = {
    "balance": "balance", "dti": "debt-to-income", "revol_util": "utilisation", "days_past_due": "days past due", "payment": "payments",
    "inquiries": "inquiries", "status": "status",
}  # fmt: skip
_CHUNK = 8192  # loans at a time: the slopes of their pairs of months fit into a processor's cache


def theil_sen(values: np.ndarray, *, min_known: int = MIN_KNOWN) -> np.ndarray:
    """Return the median slope of all pairs of known months in each row, per month, shape (n,).

    Sen, Journal of the American Statistical Association 63 (1968), 1379-1389. One odd month in six moves it little, which a
    least-squares slope cannot say.

    Args:
        values: One row per loan, one column per month, shape (n, k), k <= 62; NaN where not known.
        min_known: Rows with fewer known months get NaN.
    """
    slopes = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    # Loans with the same months known share their pairs, so that no slope is NaN and one median does for all.
    patterns = known @ (1 << np.arange(values.shape[1], dtype=np.int64))
    for pattern in np.unique(patterns):
        rows = np.flatnonzero(patterns == pattern)
        months = np.flatnonzero(known[rows[0]])
        if len(months) < max(min_known, 2):
            continue
        earlier, later = (months[side] for side in np.triu_indices(len(months), 1))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            inside = values[part]
            pairs = (inside[:, later] - inside[:, earlier]) / (later - earlier)
            slopes[part] = np.median(pairs, axis=1, overwrite_input=True)
    return slopes


def acceleration(values: np.ndarray) -> np.ndarray:
    """Return the Theil-Sen slope of the later half of the months less that of the earlier half, per month, shape (n,).

    The halves of an odd number of months share the middle one; each needs MIN_KNOWN_HALF known months.
    """
    half = (values.shape[1] + 1) // 2
    earlier, later = (theil_sen(part, min_known=MIN_KNOWN_HALF) for part in (values[:, :half], values[:, -half:]))
    return later - earlier


def _filled(values: np.ndarray) -> np.ndarray:
    """Return rows with months between known ones on the line between them: a month that is not known takes no sign away."""
    gaps = np.flatnonzero(np.isnan(values).any(axis=1) & ~np.isnan(values).all(axis=1))
    if len(gaps) == 0:
        return values
    rows, months = values[gaps], np.arange(values.shape[1])
    known = ~np.isnan(rows)
    before = np.maximum.accumulate(np.where(known, months, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, months, len(months))[:, ::-1], axis=1)[:, ::-1]
    inside = ~known & (before >= 0) & (after < len(months))
    row, month = np.nonzero(inside)
    start, end = before[inside], after[inside]
    low, high = rows[row, start], rows[row, end]
    filled = values.copy()
    filled[gaps[row], month] = low + (high - low) * (month - start) / (end - start)
    return filled


def signals(
    panel: Panel,
    t: int,
    *,
    settings: Settings,
    where: Standing,
    probability_then: np.ndarray | None = None,
    probability_now: np.ndarray | None = None,
    installment: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the signals of each loan that is live at a month, from snapshots up to that month only.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month in the panel.
        settings: Window, and for how long the last known value stands for an unknown one.
        where: Where the loans stand, as from `stand`.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation as in the month's snapshot, shape (n,).
        installment: What each loan pays a month, in currency, shape (n,).

    Returns:
        One row per live loan, indexed by its row in the panel: loan_id, balance (currency); dti and revol_util (percent); their
        trends and accelerations (points a month); probability and probability_change (fractions); payment_shortfall (share of the
        installment not paid); inquiries; days_past_due; known_in (the month that days past due are of, "" if this one);
        arrears_told (whether they ever were known); forbearance; lost (which values were known and are not for too long, in words).
        NaN where not known.
    """
    rows = np.flatnonzero(live(panel, t, where=where))
    balance, lost = carried(panel.balance[rows, : t + 1], settings.carry)
    columns: dict[str, Any] = {"loan_id": panel.loan_id[rows], "balance": balance}
    missing, unknown = {"balance": lost}, np.full(len(rows), np.nan)
    for measure, name in _MEASURES.items():
        known = getattr(panel, measure)[rows, : t + 1]
        columns[measure], missing[measure] = carried(known, settings.carry)
        values = _filled(_until_known(known, settings))
        columns[f"{name}_trend"] = theil_sen(values)
        columns[f"{name}_acceleration"] = acceleration(values)

    now = unknown if probability_now is None else np.asarray(probability_now, dtype=float)[rows]
    then = unknown if probability_then is None else np.asarray(probability_then, dtype=float)[rows]
    columns |= {"probability": now, "probability_change": now - then}
    columns["payment_shortfall"] = _shortfall(panel, t, rows, installment, balance, settings.carry)
    for name, told in (("payment", panel.payment), ("inquiries", panel.inquiries), ("status", panel.status)):
        known = unknown[:, np.newaxis] if told is None else told[rows, : t + 1]
        columns[name], missing[name] = carried(known, settings.carry)
    columns["forbearance"], missing["status"] = columns.pop("status") == FORBEARANCE, np.zeros(len(rows), dtype=bool)
    age = where.age[rows, t]
    columns["days_past_due"], missing["days_past_due"] = where.days[rows, t], (age > settings.carry) & (age < NEVER)
    columns["known_in"] = where.known_in(panel, t)[rows]
    words = np.full(len(rows), "", dtype=object)
    for name, gone in missing.items():
        words[gone] += _NAMES[name] + ", "
    columns["arrears_told"] = age < NEVER
    columns["lost"] = np.array([word.removesuffix(", ") for word in words], dtype=object)
    return pd.DataFrame(columns, index=rows)


def stand(panel: Panel, *, settings: Settings) -> Standing:
    """Return where the loans of a panel stand by the settings; a month is good below the red floor."""
    return standing(panel, carry=settings.carry, probation=settings.probation, good_below=settings.floors.red)


def live(panel: Panel, t: int, *, where: Standing) -> np.ndarray:
    """Return which loans are delivered at month t, owe something and are not in default, shape (n,)."""
    return panel.delivered[:, t] & ~where.in_default[:, t] & ~np.isin(where.bucket[:, t], (OFF, ENDED))


def carried(values: np.ndarray, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the last known value of each row, NaN where older than `months`, and whether one was known and is too old; shape (n,)."""
    age, ever = last_known(values), ~np.isnan(values).all(axis=1)
    last = values[np.arange(len(values)), values.shape[1] - 1 - age]
    return np.where(age <= months, last, np.nan), ever & (age > months)


def last_known(values: np.ndarray) -> np.ndarray:
    """Return how many months ago the last value of each row was known, 0 where none ever was, shape (n,)."""
    return (~np.isnan(values))[:, ::-1].argmax(axis=1)


def _shortfall(
    panel: Panel, t: int, rows: np.ndarray, installment: np.ndarray | None, balance: np.ndarray, carry: int
) -> np.ndarray:
    """Return the share of the installment that was not paid in the last month known; NaN where none was due or nobody tells."""
    if panel.payment is None or installment is None or t == 0:
        return np.full(len(rows), np.nan)
    age = last_known(panel.payment[rows, : t + 1])
    month, due = t - np.minimum(age, carry), installment[rows]
    paid = panel.payment[rows, month]
    # A loan's last payment is smaller, and a new loan has none yet.
    was_due = (month > 0) & panel.delivered[rows, np.maximum(month - 1, 0)] & (balance > due)
    return np.where(was_due, np.clip(1 - paid / np.where(due > 0, due, np.nan), 0, 1), np.nan)


def _until_known(values: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the window of months that ends with the last one known of each row, shape (n, window).

    A trend that was rising is not over because a month is not known: within `carry` months it is told as it was.
    """
    age = np.minimum(last_known(values), settings.carry)
    before = np.full((len(values), settings.window + settings.carry), np.nan)
    padded = np.concatenate([before, values], axis=1)  # halves stay halves where the panel is shorter
    ends = padded.shape[1] - age[:, np.newaxis]
    if not age.any():
        return padded[:, -settings.window :]
    return np.take_along_axis(padded, ends - np.arange(settings.window, 0, -1), axis=1)
