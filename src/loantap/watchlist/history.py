"""The signals of all months of a panel, computed once, and the lights that rules and scores make of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.measures import NOT_JUDGED, Period
from loantap.watchlist.rule import floor_codes, light_codes, signal_points
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import signals, stand


@dataclass(frozen=True)
class History:
    """Every month's signals of the loans that an early warning can be about: live and not late already.

    Attributes:
        signals: As from `signals.signals`, one row per loan and month, r rows.
        row: The loan's row in the panel, shape (r,).
        month: The position of the month, shape (r,).
        default_month: Position of the month in which each loan defaults, m if none, shape (n,).
        months: m, the number of months of the panel.
    """

    signals: pd.DataFrame
    row: np.ndarray
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
        return self.lights(
            light_codes(
                signal_points(self.signals, settings=settings),
                floor_codes(self.signals, settings=settings),
                settings=settings,
            )
        )

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
) -> History:
    """Return the signals of all months that a whole window lies before.

    Args:
        panel: Snapshots of n loans in m months.
        settings: Window, caps, and the days past due from which a loan is late already.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation of each snapshot, shape (n, m).
    """
    defaults = panel.default_month()
    frames, months, where = [], range(settings.window - 1, len(panel.months)), stand(panel, settings=settings)
    for t in months:
        now = None if probability_now is None else probability_now[:, t]
        frame = signals(
            panel, t, settings=settings, where=where, probability_then=probability_then, probability_now=now
        )
        late = frame["days_past_due"] >= settings.backtest.early_days
        frames.append(frame[~late & (defaults[frame.index] > t)])  # of a loan's defaults the first one counts
    month = np.repeat(months, [len(frame) for frame in frames])
    stacked = pd.concat(frames)
    row = stacked.index.to_numpy()
    return History(stacked.reset_index(drop=True), row, month, defaults, len(panel.months))


def baseline_scores(history: History, *, settings: Settings) -> Mapping[str, np.ndarray]:
    """Return the scores of simpler ways to alert, one value per row of the signals, the larger the worse.

    `caps`: how far debt-to-income or utilisation, whichever is worse, lies above its cap, as a multiple of it: a threshold on it
    is both caps times one factor. `probability`: the model's, with the snapshot's values; absent where nobody passed it.
    """
    frame, caps = history.signals, settings.signals
    level = np.fmax(frame["dti"].to_numpy() / caps.dti.red, frame["revol_util"].to_numpy() / caps.revol_util.red)
    probability = frame["probability"].to_numpy()
    return {"caps": level} | ({} if np.isnan(probability).all() else {"probability": probability})
