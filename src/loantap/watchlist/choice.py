"""Which setting of the rule to take: all of them tried on earlier months, the best within the budget of alerts chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.history import History
from loantap.watchlist.measures import NOT_JUDGED, Period, measure
from loantap.watchlist.settings import SIGNALS, Settings
from loantap.watchlist.watchlist import floor_codes, light_codes, signal_points

LATE = "days_past_due"
_KEPT = (
    "alerts_per_1000", "red_per_1000", "alerts", "precision", "red_precision", "defaults", "caught", "recall", "by_chance",
    "precision_low", "precision_high", "recall_low", "recall_high",
)  # fmt: skip

STRICTNESS = (0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)  # what all thresholds but days past due are multiplied by
POINTS = range(1, 13)
NEVER = 19  # more points than a loan can have


@dataclass(frozen=True)
class Choice:
    """A setting, and how it was chosen in words."""

    settings: Settings
    words: str


def sweep_rule(
    history: History, *, settings: Settings, periods: Mapping[str, Period], confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return what the rule does at every strictness and number of points: period, strictness, points, and the columns of `measures.measure`.

    An alert is a loan with `points` or more points (or days past due that are red), so a row is both the amber lights at
    amber_points = points and the red lights at red_points = points.

    Args:
        history: The signals of all months.
        settings: The thresholds that are made stricter or less strict.
        periods: The months to measure on, by name.
        confidence: Of the intervals.
    """
    rows: list[dict[str, object]] = []
    for strictness in STRICTNESS:
        scaled = settings.stricter(strictness)
        points, floors = signal_points(history.signals, settings=scaled), floor_codes(history.signals, settings=scaled)
        for limit in POINTS:
            lights = history.lights(light_codes(points, floors, settings=scaled.with_points(limit, NEVER)) > 0)
            for name, period in periods.items():
                numbers = measure(lights, history.default_month, period, confidence=confidence)
                rows.append({"period": name, "strictness": strictness, "points": limit, **numbers})
    return pd.DataFrame(rows)


def choose(tried: pd.DataFrame, *, settings: Settings) -> Choice:
    """Return the setting, of the rows of `sweep_rule` on the months to choose on, that finds most defaults beyond chance within the budget.

    Its red points are the fewest within the budget of red lights. Recall alone would favour lights that flicker; recall less what chance
    finds is Youden's index, of loans over a horizon. Of equal ones the setting with fewer alerts is taken. Where none finds more than
    chance within the budget, the settings stay as they are.
    """
    budget = settings.backtest
    gain = beyond_chance(tried)
    fitting = tried.assign(gain=gain)[(tried["alerts_per_1000"] <= budget.alerts_per_1000) & (gain > 0)]
    limits = f"{budget.alerts_per_1000:g} alerts and {budget.red_per_1000:g} red lights per 1,000 loans a month"
    if fitting.empty:
        words = f"The settings stay as they are: on the earlier months none finds more than chance within {limits}."
        return Choice(settings, words)
    best = fitting.sort_values(["gain", "alerts_per_1000"], ascending=[False, True], kind="stable").iloc[0]
    strictness, amber = float(best["strictness"]), int(best["points"])
    stricter = tried[(tried["strictness"] == strictness) & (tried["points"] > amber)]
    few = stricter.loc[stricter["alerts_per_1000"] <= budget.red_per_1000, "points"]
    red = NEVER if few.empty else int(few.min())
    words = (
        f"Chosen on the earlier months, within {limits}: thresholds times {strictness:g}, amber from {amber} and red from {red} "
        f"points. There it found {100 * best['recall']:.0f}% of {int(best['defaults']):,} defaults, {100 * best['by_chance']:.0f}% by chance, "
        f"with {best['alerts_per_1000']:.1f} alerts."
    )
    return Choice(settings.stricter(strictness).with_points(amber, red), words)


def mark_frontier(tried: pd.DataFrame) -> pd.Series:
    """Return which settings no other one beats: as many defaults found beyond chance with fewer alerts, or more with as many."""
    order = tried.assign(gain=beyond_chance(tried)).sort_values(
        ["alerts_per_1000", "gain"], ascending=[True, False], kind="stable"
    )
    best_before = order["gain"].cummax().shift().fillna(0).clip(lower=0)
    return (order["gain"] > best_before).reindex(tried.index)


def beyond_chance(measured: pd.DataFrame) -> pd.Series:
    """Return recall less what alerts that know nothing would have found."""
    return measured["recall"] - measured["by_chance"]


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
        of a floor the one that it is); flagged_per_1000 (above amber, of 1,000 loans a month), red_per_1000, alerts, precision,
        red_precision, defaults, caught, recall, by_chance, with the ends of their intervals, as from `measures.measure`; caught_alone:
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
        rows.append(row | {key: told[key] for key in _KEPT} | {"caught_alone": int(alone.sum())})
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
