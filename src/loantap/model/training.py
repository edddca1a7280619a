"""What the training loans were like: ranges, medians and shares, and no loan of them."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.data.columns import BY_NAME
from loantap.model.inputs import CAPS, CATEGORIES, Inputs, feature_frame

_ENOUGH = 5  # times `min_cell`: of fewer loans the ends would lie where most of them are
_RECENT = 24  # months
Share = Annotated[float, Field(ge=0, le=1)]


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


def summarise_training(loans: pd.DataFrame, *, inputs: Inputs, min_cell: int = 10) -> TrainingSummary:
    """Return the summary of cleaned training loans."""
    X = feature_frame(loans, inputs=inputs)
    X = X.assign(**{name: loans[name].astype("float64") for name in CAPS if name in X and name in loans})
    numbers, categories = {}, {}
    recent = loans["issue_d"] > loans["issue_d"].max() - pd.DateOffset(months=_RECENT)
    if recent.sum() < _ENOUGH * min_cell:
        recent[:] = True
    for name in X.columns:
        if name in CATEGORIES or X[name].dtype == "object":
            counts = X[name].value_counts()
            shown = counts[counts >= min_cell].sort_index() / len(X)
            categories[str(name)] = {str(level): float(share) for level, share in shown.items()}
            continue
        known = np.sort(X[name].dropna().to_numpy())
        if len(known) < 2 * min_cell:
            continue
        numbers[str(name)] = NumberSummary(
            **_ends(known, min_cell), median=np.median(known), missing=X.loc[recent, name].isna().mean()
        )
    months = loans["issue_d"].dt.strftime("%Y-%m")
    return TrainingSummary(
        rows=len(loans),
        defaults=int(loans["default"].sum()),
        period=(str(months.min()), str(months.max())),
        min_cell=min_cell,
        numbers=numbers,
        categories=categories,
        rates=_rates(loans, min_cell) if {"int_rate", "sub_grade"} <= {*loans.columns} else {},
    )


def _rates(loans: pd.DataFrame, min_cell: int) -> dict[str, Range]:
    """Return the range of the rates of each sub-grade, taking in as many neighbours as it takes to have loans enough."""
    levels, place, rate = BY_NAME["sub_grade"].levels, loans["sub_grade"].cat.codes, loans["int_rate"].to_numpy()
    found = {}
    for own, level in enumerate(levels):
        for reach in range(len(levels)):
            some = np.sort(rate[(place - own).abs() <= reach])
            if len(some) >= _ENOUGH * min_cell:
                found[level] = Range(**_ends(some, min_cell))
                break
    return found


def _ends(ascending: np.ndarray, min_cell: int) -> dict[str, float]:
    return {"low": _rounded(ascending[min_cell - 1], np.floor), "high": _rounded(ascending[-min_cell], np.ceil)}


def _rounded(value: float, outward: Callable[[float], float]) -> float:
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(outward(value / unit) * unit)
