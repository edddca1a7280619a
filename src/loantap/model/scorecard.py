"""A points scorecard: a logistic regression on weights of evidence, written as points that a person can add up."""

import importlib.util
from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd

from loantap.model.fitted import FittedModel
from loantap.model.inputs import Inputs
from loantap.model.recipe import Recipe
from loantap.model.woe import steps_of

STRENGTH = 1.0  # inverse, of the penalty: the bins are few and monotone, so hardly any is needed


@dataclass(frozen=True)
class Scale:
    """What points mean.

    Attributes:
        base_points: The points at the base odds.
        base_odds: Repaid loans for each default there.
        points_to_double: The points that double the odds.
    """

    base_points: float = 600.0
    base_odds: float = 30.0
    points_to_double: float = 20.0

    @property
    def factor(self) -> float:
        """The points for one unit of log-odds."""
        return self.points_to_double / log(2)

    def points(self, log_odds: np.ndarray | float) -> np.ndarray | float:
        """Return the points at calibrated log-odds of default: the more, the safer."""
        return self.base_points - self.factor * (log_odds + log(self.base_odds))


def scorecard_recipe(inputs: Inputs, *, wanted: bool) -> Recipe | None:
    """Return the recipe of a scorecard; None where none is wanted, it would see the pincode, or optbinning is not installed."""
    possible = inputs == "without_pincode" and importlib.util.find_spec("optbinning") is not None
    return Recipe(inputs, "woe", "none") if wanted and possible else None


def information_values(card: FittedModel) -> pd.DataFrame:
    """Return feature, information_value, bins and coefficient (0 where an input is not on the card), the highest value first."""
    encoder, used = card.model["woe"], {name: coefficient for name, _, coefficient in steps_of(card.model)}
    rows = [
        {"feature": name, "information_value": value, "bins": len(encoder.all_[name].woe) if name in encoder.all_ else 1}
        | {"coefficient": used.get(name, 0.0)}
        for name, value in encoder.values_.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).sort_values("information_value", ascending=False, ignore_index=True)


def points_table(card: FittedModel, scale: Scale) -> tuple[float, pd.DataFrame]:
    """Return the base points of a scorecard, and the points of each bin that are added to them.

    The riskiest bin of each input has 0 points, as has whatever is not known.

    Returns:
        The base points; and one row per bin: feature, bin (its place), low and high (ends of a number, the lower one
        within; NaN where it is open), levels (of a category), missing (whether it is of missing values alone), unknown
        (whether those and levels that are not named count as this bin), n, defaults, default_rate, woe (as scorecards
        tell it: above 0 is safer than the portfolio), points.
    """
    rows, slope = [], card.calibration.slope
    least = 0.0
    for name, bins, coefficient in steps_of(card.model):
        unit = scale.factor * slope * coefficient
        least += unit * bins.missing
        for place, (n, defaults, woe) in enumerate(zip(bins.n, bins.defaults, bins.woe, strict=True)):
            missing = bins.own and place == len(bins.woe) - 1
            ends = [np.nan, *bins.splits, np.nan][place : place + 2] if bins.splits and not missing else [np.nan] * 2
            counts_as = bins.missing if missing else woe
            rows.append(
                {"feature": name, "bin": place, "low": ends[0], "high": ends[1]}
                | {"levels": [] if missing or bins.splits else bins.groups[place], "missing": missing}
                | {"unknown": not missing and not bins.own and place == bins.riskiest, "n": n, "defaults": defaults}
                | {"default_rate": defaults / n, "woe": -woe, "points": unit * (bins.missing - counts_as)}
            )  # fmt: skip
    log_odds = slope * float(card.model["model"].intercept_[0]) + card.calibration.intercept
    return float(scale.points(log_odds)) - least, pd.DataFrame(rows)
