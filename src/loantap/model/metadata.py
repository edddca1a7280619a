"""What is told of a saved model beside its pipeline: how it was made, and what its training loans were like."""

from collections.abc import Callable
from importlib.metadata import version
from platform import python_version
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.data.columns import BY_NAME
from loantap.model.inputs import CAPS, CATEGORIES, Inputs, feature_frame

# A pipeline read by another version of scikit-learn may say something else, or nothing.
BINDING = ("scikit-learn",)
_PACKAGES = ("loantap", "numpy", "pandas", "scikit-learn", "scipy", "skops")
MIN_CELL = 10  # the fewest loans that a number stands for
_ENOUGH = 5  # times as many: of fewer loans the ends would lie where most of them are
_RECENT = 24  # months
Share = Annotated[float, Field(ge=0, le=1)]
Threshold = Annotated[float, Field(ge=0, le=float(np.nextafter(1.0, 2.0)))]  # just above 1: nobody is referred


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a saved model depends on."""
    return {"python": python_version()} | {name: version(name) for name in _PACKAGES}


class ModelMetadata(BaseModel):
    """What `model.json` holds: how the model was made, and how its log-odds become decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    inputs: Inputs  # which set of inputs it takes
    encoding: str  # how they were encoded
    sampler: str  # what was done about the rarity of defaults
    obeys: bool  # whether it was bound to the declared directions of risk
    unknown: str  # what a missing value counts as
    without: list[str]  # inputs that it was not shown
    penalty: str  # of the coefficients
    C: FiniteFloat  # its inverse strength
    features: list[str]  # the inputs, in the order of contributions
    slope: Annotated[FiniteFloat, Field(ge=0)]  # of the calibration
    intercept: FiniteFloat  # of the calibration
    threshold: Threshold  # calibrated probability at and above which a loan is flagged, for F2
    profit_threshold: Threshold  # the same for profit
    capacity: Share  # the share of the applications that people can look at
    capacity_threshold: Threshold  # the same for that capacity
    versions: dict[str, str]  # of the libraries that made it


class NumberSummary(BaseModel):
    """A number among the training loans."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    # the value that `min_cell` loans are at or below, rounded down to two digits, so that it is nobody's own
    low: FiniteFloat
    median: FiniteFloat  # half of the known values lie at or below it
    high: FiniteFloat  # the value that `min_cell` loans are at or above, rounded up to two digits
    # share of the recent loans without a value, those of the last 24 months of the period (of all, where these are
    # few): what nobody asked for in former years says nothing about an application of today
    missing: Share


class Range(BaseModel):
    """The ends of what nearly all of some training loans had, each nobody's own, as in `NumberSummary`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: FiniteFloat
    high: FiniteFloat


class TrainingSummary(BaseModel):
    """The training loans in numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rows: int  # how many
    defaults: int  # how many were charged off
    period: tuple[str, str]  # first and last month of funding, such as ("2007-06", "2016-12")
    min_cell: int  # the fewest loans that anything here stands for
    numbers: dict[str, NumberSummary]  # by feature, in the units of `feature_frame`, before caps
    # share of the loans by feature and level; levels of fewer than `min_cell` loans are left out
    categories: dict[str, dict[str, Share]]
    # the interest rates by sub-grade, in percent a year; one of few loans has those of its neighbours too
    rates: dict[str, Range]


def summarise_training(loans: pd.DataFrame, *, inputs: Inputs) -> TrainingSummary:
    """Return the summary of cleaned training loans."""
    X = feature_frame(loans, inputs=inputs)
    X = X.assign(**{name: loans[name].astype("float64") for name in CAPS if name in X and name in loans})
    numbers, categories = {}, {}
    recent = loans["issue_d"] > loans["issue_d"].max() - pd.DateOffset(months=_RECENT)
    if recent.sum() < _ENOUGH * MIN_CELL:
        recent[:] = True
    for name in map(str, X.columns):
        if name in CATEGORIES or X[name].dtype == "object":
            counts = X[name].value_counts()
            shown = counts[counts >= MIN_CELL].sort_index() / len(X)
            categories[name] = {str(level): float(share) for level, share in shown.items()}
            continue
        known = np.sort(X[name].dropna().to_numpy())
        if len(known) >= 2 * MIN_CELL:
            missing = X.loc[recent, name].isna().mean()
            numbers[name] = NumberSummary(**_ends(known), median=np.median(known), missing=missing)
    months = loans["issue_d"].dt.strftime("%Y-%m")
    return TrainingSummary(
        rows=len(loans),
        defaults=int(loans["default"].sum()),
        period=(str(months.min()), str(months.max())),
        min_cell=MIN_CELL,
        numbers=numbers,
        categories=categories,
        rates=_rates(loans) if {"int_rate", "sub_grade"} <= {*loans.columns} else {},
    )


def _rates(loans: pd.DataFrame) -> dict[str, Range]:
    """Return the range of the rates of each sub-grade, taking in neighbours until there are loans enough."""
    levels, place, rate = BY_NAME["sub_grade"].levels, loans["sub_grade"].cat.codes, loans["int_rate"].to_numpy()
    ranges = {}
    for own, level in enumerate(levels):
        for reach in range(len(levels)):
            some = np.sort(rate[(place - own).abs() <= reach])
            if len(some) >= _ENOUGH * MIN_CELL:
                ranges[level] = Range(**_ends(some))
                break
    return ranges


def _ends(ascending: np.ndarray) -> dict[str, float]:
    return {"low": _rounded(ascending[MIN_CELL - 1], np.floor), "high": _rounded(ascending[-MIN_CELL], np.ceil)}


def _rounded(value: float, outward: Callable[[float], float]) -> float:
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(outward(value / unit) * unit)
