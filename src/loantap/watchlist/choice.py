"""Which setting of the rule to take: all of them tried on earlier months, the best within the budget of alerts chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.history import History
from loantap.watchlist.measures import Period, measure
from loantap.watchlist.rule import floor_codes, light_codes, signal_points
from loantap.watchlist.settings import Settings

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
    """Return what the rule does at every strictness and number of points.

    An alert is a loan with `points` or more points (or days past due that are red), so a row is both the amber lights at
    amber_points = points and the red lights at red_points = points.

    Args:
        history: The signals of all months.
        settings: The thresholds that are made stricter or less strict.
        periods: The months to measure on, by name.
        confidence: Of the intervals.

    Returns:
        One row per period and setting: period, strictness, points, and the columns of `measures.measure`.
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
    """Return the setting that finds most defaults beyond chance within the budget of alerts.

    Its red points are the fewest within the budget of red lights. Recall alone would favour lights that flicker (see `measures.reach`); recall less what chance finds is Youden's index, of
    loans over a horizon. Of equal ones the setting with fewer alerts is taken. Where none finds more than chance within the
    budget, the settings stay as they are.

    Args:
        tried: As from `sweep_rule`, the rows of the months to choose on.
        settings: The thresholds that were swept, and the budgets.
    """
    budget = settings.backtest
    gain = beyond_chance(tried)
    fitting = tried.assign(gain=gain)[(tried["alerts_per_1000"] <= budget.alerts_per_1000) & (gain > 0)]
    limits = f"{budget.alerts_per_1000:g} alerts and {budget.red_per_1000:g} red lights per 1,000 loans a month"
    if fitting.empty:
        return Choice(
            settings,
            f"The settings stay as they are: on the earlier months none finds more than chance within {limits}.",
        )
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
    """Return which settings no other one beats: as many defaults found beyond chance with fewer alerts, or more with as many.

    Args:
        tried: As in `choose`.
    """
    order = tried.assign(gain=beyond_chance(tried)).sort_values(
        ["alerts_per_1000", "gain"], ascending=[True, False], kind="stable"
    )
    best_before = order["gain"].cummax().shift().fillna(0).clip(lower=0)
    return (order["gain"] > best_before).reindex(tried.index)


def beyond_chance(measured: pd.DataFrame) -> pd.Series:
    """Return recall less what alerts that know nothing would have found."""
    return measured["recall"] - measured["by_chance"]
