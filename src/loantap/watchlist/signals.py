"""What a month's snapshots tell of each live loan: levels, trends, breaches, and what they do to its probability of default."""

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.settings import Settings

MIN_KNOWN = 4  # known months below which a trend is not told
MIN_KNOWN_HALF = 3  # the same of half a window
_MEASURES = {"dti": "dti", "revol_util": "util"}  # column of the panel, and what its trends are called
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
    """Return the Theil-Sen slope of the later half of the months less that of the earlier half, shape (n,).

    How much the trend has risen within the window, per month. The halves of an odd number of months share the middle one; each
    needs MIN_KNOWN_HALF known months.

    Args:
        values: As in `theil_sen`.
    """
    half = (values.shape[1] + 1) // 2
    earlier, later = (theil_sen(part, min_known=MIN_KNOWN_HALF) for part in (values[:, :half], values[:, -half:]))
    return later - earlier


def signals(
    panel: Panel,
    t: int,
    *,
    settings: Settings,
    probability_then: np.ndarray | None = None,
    probability_now: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the signals of each loan that is live at a month, from snapshots up to that month only.

    A loan is live if it has a snapshot there and has not defaulted by then.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month in the panel.
        settings: Window and caps.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation as in the month's snapshot, shape (n,).

    Returns:
        One row per live loan, indexed by its row in the panel: loan_id, balance (currency); dti and revol_util (percent);
        dti_trend, util_trend, dti_acceleration and util_acceleration (points a month); dti_breach and util_breach (above the
        cap); probability and probability_change (fractions); days_past_due. NaN where not known.
    """
    rows = np.flatnonzero(live(panel, t))
    columns: dict[str, np.ndarray] = {"loan_id": panel.loan_id[rows], "balance": panel.balance[rows, t]}
    for measure, name in _MEASURES.items():
        values = _window(getattr(panel, measure)[rows, max(t + 1 - settings.window, 0) : t + 1], settings.window)
        columns[measure] = values[:, -1]
        columns[f"{name}_trend"] = theil_sen(values)
        columns[f"{name}_acceleration"] = acceleration(values)
        columns[f"{name}_breach"] = values[:, -1] > settings.signals.of(measure).red
    unknown = np.full(len(rows), np.nan)
    now = unknown if probability_now is None else np.asarray(probability_now, dtype=float)[rows]
    then = unknown if probability_then is None else np.asarray(probability_then, dtype=float)[rows]
    columns |= {"probability": now, "probability_change": now - then}
    columns["days_past_due"] = unknown if panel.days_past_due is None else panel.days_past_due[rows, t]
    return pd.DataFrame(columns, index=rows)


def live(panel: Panel, t: int) -> np.ndarray:
    """Return which loans have a snapshot at month t and have not defaulted by then, shape (n,)."""
    measures = [panel.dti, panel.revol_util, panel.balance, panel.days_past_due]
    seen = np.logical_or.reduce([~np.isnan(values[:, t]) for values in measures if values is not None])
    return seen & (panel.default_month() > t)


def _window(values: np.ndarray, months: int) -> np.ndarray:
    """Return the values with months before the panel's first as not known, so that halves stay halves."""
    before = np.full((len(values), months - values.shape[1]), np.nan)
    return np.concatenate([before, values], axis=1)
