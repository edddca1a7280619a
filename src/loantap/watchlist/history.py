"""The signals of all months of a panel, computed once, and the lights that rules and scores make of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.measures import NOT_JUDGED, Period
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import signals, stand
from loantap.watchlist.watchlist import floor_codes, light_codes, signal_points

_ENOUGH_DAYS = 1000  # more than anybody is late who has not defaulted: past lateness orders loans that are as late now


@dataclass(frozen=True)
class History:
    """Every month's signals of the loans that an early warning can be about: live and not late already.

    Attributes:
        signals: As from `signals.signals`, one row per loan and month, r rows.
        row: The loan's row in the panel, shape (r,).
        worst_days: Most days past due within the window up to the month, 0 where none are known, shape (r,).
        month: The position of the month, shape (r,).
        default_month: Position of the month in which each loan defaults, m if none, shape (n,).
        months: m, the number of months of the panel.
    """

    signals: pd.DataFrame
    row: np.ndarray
    worst_days: np.ndarray
    month: np.ndarray
    default_month: np.ndarray
    months: int

    def lights(self, codes: np.ndarray) -> np.ndarray:
        """Return codes, one for each row of the signals, as a matrix of loans by months, NOT_JUDGED where there is none."""
        matrix = np.full((len(self.default_month), self.months), NOT_JUDGED, dtype=np.int8)
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
    panel: Panel,
    *,
    settings: Settings,
    probability_then: np.ndarray | None,
    probability_now: np.ndarray | None,
    installment: np.ndarray | None = None,
) -> History:
    """Return the signals of all months that a whole window lies before.

    Args:
        panel: Snapshots of n loans in m months.
        settings: Window, caps, and the days past due from which a loan is late already.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation of each snapshot, shape (n, m).
        installment: What each loan pays a month, in currency, shape (n,).
    """
    defaults, where = panel.default_month(), stand(panel, settings=settings)
    frames, worst, months = [], [], range(settings.window - 1, len(panel.months))
    for t in months:
        now = None if probability_now is None else probability_now[:, t]
        known = {"probability_then": probability_then, "probability_now": now, "installment": installment}
        frame = signals(panel, t, settings=settings, where=where, **known)
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


def baseline_scores(history: History, *, settings: Settings) -> Mapping[str, np.ndarray]:
    """Return the scores of simpler ways to alert, one value per row of the signals, the larger the worse.

    `caps`: how far debt-to-income or utilisation, whichever is worse, lies above its cap, as a multiple of it: a threshold on it
    is both caps times one factor. `days_past_due`: days past due, and of loans that are as late, first those that were later within the
    window; NaN, which never alerts, for loans that were not late in it. `probability`: the model's, with the snapshot's values. The last
    two are absent where nobody knows them.
    """
    frame, caps = history.signals, settings.signals
    level = np.fmax(frame["dti"].to_numpy() / caps.dti.red, frame["revol_util"].to_numpy() / caps.revol_util.red)
    late = frame["days_past_due"].to_numpy() + history.worst_days / _ENOUGH_DAYS
    scores = {"caps": level, "days_past_due": np.where(late > 0, late, np.nan), "probability": frame["probability"].to_numpy()}  # fmt: skip
    return {name: score for name, score in scores.items() if name == "caps" or not frame[name].isna().all()}
