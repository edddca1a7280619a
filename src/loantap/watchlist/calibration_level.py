"""How many defaults came in all months together against those expected, and whether that has changed since the first months."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.drift import poisson_interval, ratio_lights

_NOT_KNOWN = (float("nan"),) * 3


@dataclass(frozen=True)
class CalibrationLevel:
    """Observed against expected defaults.

    Attributes:
        defaults: Defaults of all months with loans at risk.
        expected: Defaults that the model lets expect in them.
        ratio: The first over the second, with the ends of its exact Poisson interval; NaN where nothing is expected.
        light: Of the ratio, as in `drift.calibration_drift`; "" where there is none.
        change: The ratio of the later months over that of the first ones, with the ends of its exact interval given the defaults of
            both; NaN without later months, or without defaults in the first ones.
        change_light: Its light.
    """

    defaults: int
    expected: float
    ratio: tuple[float, float, float]
    light: str
    change: tuple[float, float, float]
    change_light: str


def calibration_level(outcomes: pd.DataFrame, *, confidence: float = CONFIDENCE) -> CalibrationLevel:
    """Return how the defaults of all months together meet those expected.

    Args:
        outcomes: As from `drift.calibration_drift`; its months without a change are the first ones.
        confidence: Of the intervals.
    """
    at_risk = outcomes[outcomes["expected"] > 0]
    later = at_risk["change_high"].notna()
    sums = [part[["defaults", "expected"]].sum() for part in (at_risk, at_risk[~later], at_risk[later])]
    (defaults, expected), (first, expected_first), (last, expected_last) = ((int(d), float(e)) for d, e in sums)
    ratio = change = _NOT_KNOWN
    if expected > 0:
        ends = poisson_interval(np.array(defaults), confidence=confidence)
        ratio = (defaults / expected, float(ends[0]) / expected, float(ends[1]) / expected)
    if first and later.any():
        # Given the defaults of both, those of the later months are binomial: odds of their share are the ratio of the two rates.
        odds, tail = expected_first / expected_last, (1 - confidence) / 2
        low = float(beta.ppf(tail, last, first + 1)) if last else 0.0
        high = float(beta.ppf(1 - tail, last + 1, first))
        change = (odds * last / first, odds * low / (1 - low), odds * high / (1 - high))
    lights = [str(ratio_lights(*(np.array([value]) for value in values))[0]) for values in (ratio, change)]
    return CalibrationLevel(defaults, expected, ratio, lights[0], change, lights[1])
