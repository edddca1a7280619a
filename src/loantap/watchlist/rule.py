"""The points rule: signals become points, points become a light, and a light comes with its reasons.

A signal is quiet (0 points), amber (1) or red (2) by its two thresholds. A light is red with `red_points` or more points or where
days past due are red, amber with `amber_points` or more, else green. Nothing else enters.
"""

import numpy as np
import pandas as pd

from loantap.watchlist.settings import SIGNALS, Settings

GREEN, AMBER, RED = 0, 1, 2
LIGHTS = ("green", "amber", "red")
_AT_THRESHOLD = ("days_past_due",)  # counts at its threshold; the others above theirs
_WORDS = {
    "dti": "debt-to-income {value:.1f}%, above {threshold:g}%",
    "revol_util": "utilisation {value:.1f}%, above {threshold:g}%",
    "dti_trend": "debt-to-income rising by {value:.1f} points a month",
    "util_trend": "utilisation rising by {value:.1f} points a month",
    "dti_acceleration": "trend of debt-to-income up by {value:.1f} points a month",
    "util_acceleration": "trend of utilisation up by {value:.1f} points a month",
    "probability_change": "probability of default up by {value:.1f} points since the application",
    "days_past_due": "days past due: {value:.0f}",
}
_IN_WORDS = {"probability_change": 100.0}  # fractions are told in points


def signal_points(signals: pd.DataFrame, *, settings: Settings) -> np.ndarray:
    """Return the points of each signal, 0 to 2; rows are SIGNALS, columns the loans, shape (8, n)."""
    points = np.zeros((len(SIGNALS), len(signals)), dtype=np.int8)
    for row, name in zip(points, SIGNALS, strict=True):
        value, limits = signals[name].to_numpy(), settings.signals.of(name)
        for limit in (limits.amber, limits.red):
            row += value >= limit if name in _AT_THRESHOLD else value > limit
    return points


def light_codes(points: np.ndarray, *, settings: Settings) -> np.ndarray:
    """Return GREEN, AMBER or RED for each loan, shape (n,).

    Args:
        points: As from `signal_points`.
        settings: The points of a light.
    """
    total = points.sum(axis=0)
    late = points[SIGNALS.index("days_past_due")] == RED
    codes = (total >= settings.amber_points).astype(np.int8) + (total >= settings.red_points)
    return np.where(late, np.int8(RED), codes)


def judge(signals: pd.DataFrame, *, settings: Settings) -> pd.DataFrame:
    """Return the signals with `points`, `light` (green, amber or red) and `reasons` (empty for green).

    Args:
        signals: As from `signals.signals`.
        settings: Thresholds and points.
    """
    points = signal_points(signals, settings=settings)
    codes = light_codes(points, settings=settings)
    flagged, words = codes > GREEN, np.full(len(signals), "", dtype=object)
    words[flagged] = reasons(signals[flagged], points[:, flagged], settings=settings)
    return signals.assign(points=points.sum(axis=0), light=np.array(LIGHTS)[codes], reasons=words)


def reasons(signals: pd.DataFrame, points: np.ndarray, *, settings: Settings) -> list[str]:
    """Return for each loan the signals that gave it points, in words, the strongest first.

    Red comes before amber, then what lies furthest above its red threshold in proportion; days past due that are red come
    first of all, for they alone make a light red.

    Args:
        signals: As from `signals.signals`, n rows.
        points: As from `signal_points`, shape (8, n).
        settings: Thresholds.
    """
    places, loans, strengths, texts = [], [], [], []
    for place, name in enumerate(SIGNALS):
        rows = np.flatnonzero(points[place])
        values, limits = signals[name].to_numpy()[rows], settings.signals.of(name)
        red = points[place, rows] == RED
        first = red if name == "days_past_due" else np.zeros(len(rows), dtype=bool)
        places.append(np.full(len(rows), place))
        loans.append(rows)
        strengths.append(np.column_stack([first, red, values / limits.red]))
        words, threshold = _WORDS[name], np.where(red, limits.red, limits.amber)
        shown = values * _IN_WORDS.get(name, 1.0)
        texts += [words.format(value=v, threshold=at) for v, at in zip(shown, threshold, strict=True)]
    loan, strength = np.concatenate(loans), np.concatenate(strengths)
    order = np.lexsort((np.concatenate(places), *-strength.T[::-1], loan))
    counts = np.bincount(loan, minlength=len(signals))
    ends = np.cumsum(counts)
    ordered = [texts[i] for i in order]
    return ["; ".join(ordered[start:end]) for start, end in zip(ends - counts, ends, strict=True)]
