"""Which setting of the rule to take: all of them tried on earlier months, the best within the budget of alerts chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.lights import floor_codes, light_codes, signal_points
from loantap.watchlist.measures import NOT_EVALUATED, Period, find_defaults, measure
from loantap.watchlist.settings import SIGNALS, Settings
from loantap.watchlist.signals import signals
from loantap.watchlist.standing import standing

LATE = "days_past_due"
_KEPT = (
    "alerts_per_1000", "red_per_1000", "alerts", "precision", "red_precision", "defaults", "caught", "recall", "by_chance",
    "precision_low", "precision_high", "recall_low", "recall_high",
)  # fmt: skip
STRICTNESS = (0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)  # what all thresholds but days past due are multiplied by
POINTS = range(1, 13)
NEVER = 19  # more points than a loan can have


@dataclass(frozen=True)
class History:
    """Every month's signals of the loans that an early warning can be about: live and not late already; r rows."""

    signals: pd.DataFrame  # as from `signals.signals`, one row per loan and month
    row: np.ndarray  # the loan's row in the panel, shape (r,)
    worst_days: np.ndarray  # most days past due within the window up to the month, 0 where none are known, shape (r,)
    month: np.ndarray  # the position of the month, shape (r,)
    default_month: np.ndarray  # position of the month in which each loan of the panel defaults, m if none, shape (n,)
    months: int  # m, of the panel

    def lights(self, codes: np.ndarray) -> np.ndarray:
        """Return codes, one for each row, as a matrix of loans by months, NOT_EVALUATED where there is none."""
        matrix = np.full((len(self.default_month), self.months), NOT_EVALUATED, dtype=np.int8)
        matrix[self.row, self.month] = codes
        return matrix

    def rule_lights(self, settings: Settings) -> np.ndarray:
        """Return the lights of the points rule, shape (n, m)."""
        points, floors = signal_points(self.signals, settings=settings), floor_codes(self.signals, settings=settings)
        return self.lights(light_codes(points, floors, settings=settings))

    def matched_lights(self, score: np.ndarray, alerts: int, period: Period) -> np.ndarray:
        """Return lights, amber from that threshold of a score on which comes nearest to a number of alerts, shape (n, m).

        Args:
            score: One value per row of the signals; NaN never alerts.
            alerts: Alerts wanted in the months of the period whose alerts count.
            period: The months.
        """
        inside = (self.month >= period.alerts.start) & (self.month < period.alerts.stop) & ~np.isnan(score)
        values, counts = np.unique(score[inside], return_counts=True)
        flagged = np.append(0, np.cumsum(counts[::-1]))  # alerts from the largest, the two largest, ... values on
        wanted = int(np.abs(flagged - alerts).argmin())
        threshold = values[-wanted] if wanted else np.inf
        return self.lights((score >= threshold).astype(np.int8))

    def without_days_past_due(self) -> "History":
        """Return the same with days past due not known, for what the rule says without them."""
        return replace(self, signals=self.signals.assign(days_past_due=np.nan))


def make_history(
    panel: Panel, *, settings: Settings, probability_now: np.ndarray | None = None, **known: np.ndarray | None
) -> History:
    """Return the signals of all months that a whole window lies before.

    Args:
        panel: Snapshots of n loans in m months.
        settings: Window, caps, and the days past due from which a loan is late already.
        probability_now: Probability of default with debt-to-income and utilisation of each snapshot, shape (n, m).
        known: probability_then and installment, as in `signals.signals`.
    """
    defaults, stands = panel.default_month(), standing(panel, settings=settings)
    frames, worst, months = [], [], range(settings.window - 1, len(panel.months))
    for t in months:
        now = None if probability_now is None else probability_now[:, t]
        frame = signals(panel, t, settings=settings, stands=stands, probability_now=now, **known)
        late = frame["days_past_due"] >= settings.backtest.early_days
        frames.append(frame[~late & (defaults[frame.index] > t)])  # of a loan's defaults the first one counts
        worst.append(_worst(panel, t, settings.window)[frames[-1].index])
    month = np.repeat(months, [len(frame) for frame in frames])
    stacked = pd.concat(frames)
    row = stacked.index.to_numpy()
    return History(stacked.reset_index(drop=True), row, np.concatenate(worst), month, defaults, len(panel.months))


def _worst(panel: Panel, t: int, window: int) -> np.ndarray:
    if panel.days_past_due is None:
        return np.zeros(len(panel.loan_id))
    return np.nan_to_num(panel.days_past_due[:, max(t + 1 - window, 0) : t + 1]).max(axis=1)


@dataclass(frozen=True)
class Choice:
    """A setting, and how it was chosen in words."""

    settings: Settings
    words: str


def sweep_rule(
    history: History, *, settings: Settings, periods: Mapping[str, Period], confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return what the rule does at every strictness and number of points: period, strictness, points, and what `measure` returns.

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
    chance, the settings stay as they are.
    """
    budget, gain = settings.backtest, _beyond_chance(tried)
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
    keys, ascending = ["alerts_per_1000", "gain"], [True, False]
    order = tried.assign(gain=_beyond_chance(tried)).sort_values(keys, ascending=ascending, kind="stable")
    best_before = order["gain"].cummax().shift().fillna(0).clip(lower=0)
    return (order["gain"] > best_before).reindex(tried.index)


def _beyond_chance(measured: pd.DataFrame) -> pd.Series:
    """Return recall less what alerts that know nothing would have found."""
    return measured["recall"] - measured["by_chance"]


def settings_cost(
    panel: Panel, history: History, *, settings: Settings, period: Period, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return what each signal and each floor would have flagged and found if it were the only one.

    Signals are evaluated on loans that are live and not late already, as in the back-test; floors on all live loans, since they flag who is
    late: what they find, they find late.

    Args:
        panel: Snapshots of n loans.
        history: Their signals.
        settings: The thresholds of signals and floors.
        period: The months to count.
        confidence: Of the intervals.

    Returns:
        One row per signal that is known, then per floor: signal, floor ("amber" or "red"; "" for a signal), amber and red (thresholds; of a
        floor the one that it is); flagged_per_1000 (above amber, of 1,000 loans a month) and what `measures.measure` tells of it;
        caught_alone: defaults of which neither another signal nor, for a signal, days past due gave a sign.
    """
    points = dict(zip(SIGNALS, signal_points(history.signals, settings=settings), strict=True))
    known = [name for name in SIGNALS if not history.signals[name].isna().all()]
    lights = {(name, ""): history.lights(points[name]) for name in known}
    if panel.days_past_due is not None:
        alive = panel.delivered & (history.default_month[:, np.newaxis] > np.arange(history.months))
        days = np.where(alive, panel.days_past_due, np.nan)
        for code, light in enumerate(("amber", "red"), start=1):
            late = code * (days >= getattr(settings.floors, light))
            lights[LATE, light] = np.where(np.isnan(days), NOT_EVALUATED, late).astype(np.int8)
    late_early = history.lights(floor_codes(history.signals, settings=settings) > 0)  # less late than early_days
    defaults = {
        key: find_defaults(matrix, history.default_month, period)
        for key, matrix in (lights | {(LATE, "early"): late_early}).items()
    }
    caught = {key: set(one.row[one.caught]) for key, one in defaults.items()}
    rows = []
    for (name, floor), matrix in lights.items():
        found = defaults[name, floor]
        told = measure(matrix, history.default_month, period, defaults=found, confidence=confidence)
        others = [(other, "") for other in known if other != name] + [(LATE, "early")] * (not floor)
        alone = caught[name, floor].difference(*(caught[key] for key in others))
        limits = settings.floors if floor else settings.signals.of(name)
        row: dict[str, object] = {"signal": name, "floor": floor}
        row |= {light: np.nan if floor not in ("", light) else getattr(limits, light) for light in ("amber", "red")}
        rows.append(row | {key: told[key] for key in _KEPT} | {"caught_alone": len(alone)})
    return pd.DataFrame(rows).rename(columns={"alerts_per_1000": "flagged_per_1000"})
