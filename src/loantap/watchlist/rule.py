"""How a light comes about: days past due set a floor, points of signals may raise it, and it comes with its reasons.

A floor is amber or red by days past due, amber in forbearance. A signal has no point, one or two by its two thresholds; a light is red
with `red_points` or more, amber with `amber_points` or more. The light is the worse of both: no points undercut a floor.
"""

import numpy as np
import pandas as pd

from loantap.watchlist.settings import SIGNALS, Settings

GREEN, AMBER, RED = 0, 1, 2
LIGHTS = ("green", "amber", "red")
_WORDS = {
    "dti": "debt-to-income {value:.1f}%, above {threshold:g}%",
    "revol_util": "utilisation {value:.1f}%, above {threshold:g}%",
    "dti_trend": "debt-to-income rising by {value:.1f} points a month",
    "util_trend": "utilisation rising by {value:.1f} points a month",
    "dti_acceleration": "debt-to-income rising faster, by {value:.1f} points a month more",
    "util_acceleration": "utilisation rising faster, by {value:.1f} points a month more",
    "probability_change": "probability of default up by {value:.1f} points since the application",
    "payment_shortfall": "{value:.0f}% of the installment not paid",
    "inquiries": "{value:.0f} credit inquiries in six months",
}
_IN_WORDS = {"probability_change": 100.0, "payment_shortfall": 100.0}  # fractions are told in points


def signal_points(signals: pd.DataFrame, *, settings: Settings) -> np.ndarray:
    """Return the points of each signal, 0 to 2; rows are SIGNALS, columns the loans, shape (k, n)."""
    points = np.zeros((len(SIGNALS), len(signals)), dtype=np.int8)
    for row, name in zip(points, SIGNALS, strict=True):
        value, limits = signals[name].to_numpy(), settings.signals.of(name)
        row += (value > limits.amber).astype(np.int8) + (value > limits.red)
    return points


def floor_codes(signals: pd.DataFrame, *, settings: Settings) -> np.ndarray:
    """Return the light that each loan has at least, shape (n,): by days past due, and amber in forbearance."""
    days, limits = signals["days_past_due"].to_numpy(), settings.floors
    late = (days >= limits.amber).astype(np.int8) + (days >= limits.red)
    return np.maximum(late, signals["forbearance"].to_numpy(dtype=np.int8))


def light_codes(points: np.ndarray, floors: np.ndarray, *, settings: Settings) -> np.ndarray:
    """Return GREEN, AMBER or RED for each loan, shape (n,).

    Args:
        points: As from `signal_points`.
        floors: As from `floor_codes`.
        settings: The points of a light.
    """
    total = points.sum(axis=0)
    raised = (total >= settings.amber_points).astype(np.int8) + (total >= settings.red_points)
    return np.maximum(raised, floors)


def judge(signals: pd.DataFrame, *, settings: Settings, with_reasons: bool = True) -> pd.DataFrame:
    """Return the signals with `points`, `light` (green, amber or red) and `reasons` (empty for green, or where nobody asks).

    Args:
        signals: As from `signals.signals`.
        settings: Thresholds and points.
        with_reasons: Whether they are wanted; they take longer than the lights.
    """
    points, floors = signal_points(signals, settings=settings), floor_codes(signals, settings=settings)
    codes = light_codes(points, floors, settings=settings)
    flagged, words = (codes > GREEN) & with_reasons, np.full(len(signals), "", dtype=object)
    words[flagged] = _reasons(signals[flagged], points[:, flagged], settings=settings)
    return signals.assign(points=points.sum(axis=0), light=np.array(LIGHTS, dtype=object)[codes], reasons=words)


def _reasons(signals: pd.DataFrame, points: np.ndarray, *, settings: Settings) -> list[str]:
    """Return for each loan why it has its light, in words: what sets its floor, then signals, the strongest first.

    Red signals come before amber ones, then what lies furthest above its red threshold in proportion.
    """
    texts: list[list[tuple[bool, float, str]]] = [[] for _ in range(len(signals))]
    for place, name in enumerate(SIGNALS):
        rows = np.flatnonzero(points[place])
        values, limits = signals[name].to_numpy()[rows], settings.signals.of(name)
        shown = values * _IN_WORDS.get(name, 1.0)
        for row, value, told in zip(rows.tolist(), values, shown, strict=True):
            red = points[place, row] == RED
            words = _WORDS[name].format(value=told, threshold=limits.red if red else limits.amber)
            texts[row].append((red, value / limits.red, words))
    days, forborne = signals["days_past_due"].to_numpy(), signals["forbearance"].to_numpy(dtype=bool)
    as_of = signals["known_in"].to_numpy()
    found = []
    for row in range(len(texts)):
        floor = []
        if days[row] >= settings.floors.amber:
            known = f" (known in {as_of[row]})" if as_of[row] else ""
            floor.append(f"{days[row]:.0f} day{'' if days[row] == 1 else 's'} past due{known}")
        if forborne[row]:
            floor.append("in forbearance")
        ordered = sorted(texts[row], key=lambda sign: (not sign[0], -sign[1]))
        found.append("; ".join([*floor, *(words for _, _, words in ordered)]))
    return found
