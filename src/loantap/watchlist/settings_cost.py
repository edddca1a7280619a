"""What each threshold of the settings costs in alerts and finds in defaults, by itself, on the lender's own history."""

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.history import History
from loantap.watchlist.measures import NOT_JUDGED, Period, measure
from loantap.watchlist.rule import floor_codes, signal_points
from loantap.watchlist.settings import SIGNALS, Settings

LATE = "days_past_due"
_KEPT = (
    "alerts_per_1000",
    "red_per_1000",
    "alerts",
    "precision",
    "red_precision",
    "defaults",
    "caught",
    "recall",
    "by_chance",
)
_ENDS = ("precision_low", "precision_high", "recall_low", "recall_high")


def settings_cost(
    panel: Panel,
    history: History,
    *,
    settings: Settings,
    period: Period,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return what each signal and each floor would have flagged and found if it were the only one.

    Signals are judged on loans that are live and not late already, as in the back-test. Floors are judged on all live loans, since they
    flag who is late: what they find, they find late.

    Args:
        panel: Snapshots of n loans.
        history: Their signals.
        settings: The thresholds of signals and floors.
        period: The months to count.
        confidence: Of the intervals.

    Returns:
        One row per signal that is known, and then per floor: signal, floor ("amber" or "red"; "" for a signal), amber and red (thresholds;
        of a floor the one that it is), flagged_per_1000 (above amber, of 1,000 loans a month), red_per_1000, alerts, precision, red_precision,
        defaults, caught, recall, by_chance, with the ends of their intervals, all as from `measures.measure`; and caught_alone:
        defaults of which neither another signal nor, for a signal, days past due gave a sign.
    """
    points = dict(zip(SIGNALS, signal_points(history.signals, settings=settings), strict=True))
    known = [name for name in SIGNALS if not history.signals[name].isna().all()]
    lights = {(name, ""): history.lights(points[name]) for name in known}
    if (days := _days(panel)) is not None:
        for code, light in enumerate(("amber", "red"), start=1):
            late = code * (days >= getattr(settings.floors, light))
            lights[LATE, light] = np.where(np.isnan(days), NOT_JUDGED, late).astype(np.int8)
    caught = {key: _caught(matrix, history.default_month, period) for key, matrix in lights.items()}
    late_early = history.lights(floor_codes(history.signals, settings=settings) > 0)  # less late than early_days
    slightly_late = _caught(late_early, history.default_month, period)
    rows = []
    for (name, floor), matrix in lights.items():
        told = measure(matrix, history.default_month, period, confidence=confidence)
        others = [flags for (other, kind), flags in caught.items() if not kind and other != name]
        others += [] if floor else [slightly_late]
        alone = caught[name, floor] & ~np.logical_or.reduce([np.zeros(len(panel.loan_id), dtype=bool), *others])
        limits = settings.floors if floor else settings.signals.of(name)
        row: dict[str, object] = {"signal": name, "floor": floor} | {
            light: np.nan if floor and light != floor else getattr(limits, light) for light in ("amber", "red")
        }
        rows.append(row | {key: told[key] for key in (*_KEPT, *_ENDS)} | {"caught_alone": int(alone.sum())})
    return pd.DataFrame(rows).rename(columns={"alerts_per_1000": "flagged_per_1000"})


def _days(panel: Panel) -> np.ndarray | None:
    """Return days past due of loans that owe something and have not defaulted, NaN elsewhere, shape (n, m); None where nobody tells."""
    if panel.days_past_due is None:
        return None
    alive = panel.delivered & (panel.default_month()[:, np.newaxis] > np.arange(len(panel.months)))
    return np.where(alive, panel.days_past_due, np.nan)


def _caught(lights: np.ndarray, default_month: np.ndarray, period: Period) -> np.ndarray:
    """Return which loans defaulted in a period and had an alert in the horizon before, shape (n,)."""
    flags = np.zeros(len(default_month), dtype=bool)
    rows = np.flatnonzero((default_month >= period.first + period.horizon) & (default_month <= period.last))
    lags = np.arange(1, period.horizon + 1)
    flags[rows] = (lights[rows[:, np.newaxis], default_month[rows][:, np.newaxis] - lags] > 0).any(axis=1)
    return flags
