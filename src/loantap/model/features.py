"""How the inputs become columns of a matrix. Everything that learns from data is a scikit-learn transformer.

Two steps: `standard` keeps one column per input (logarithms, missing values filled and indicated, numbers standardised,
categories as text); `expand` makes the columns of the linear model from it. SMOTENC, which needs categories, stands
between the two; SMOTE, which needs numbers, stands after both.
"""

from collections.abc import Collection
from math import ceil
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.model.inputs import CATEGORIES, LEAK, PLAIN, RATIOS, SKEWED, Inputs, chosen

# Each holds the former one: straight lines; cubic splines of the numbers that are declared curved; a spline of the
# amount to income besides. These compete; a scorecard has the weights of evidence of bins, see `loantap.model.woe`.
Encoding = Literal["plain", "splines", "ratios", "woe"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)[:-1]

# What a missing value counts as: a risky one, or a typical one with whatever effect its training loans show.
Unknown = Literal["risky", "learned"]

# The share of training loans below which levels share one column; where even together they are fewer, they have none,
# as a level that no loan had, and count as the riskiest. Nine loans in 5,791 would otherwise have an odds ratio of
# their own.
SUPPORT = 0.01
KNOTS, DEGREE = 5, 3
# A risky value is one that at most this share of the known ones exceeds, so that leaving it out buys nothing.
RISKIER_THAN_UNKNOWN = 0.01
INDICATOR = "missingindicator_"


def _high(known: np.ndarray) -> float:
    return float(np.quantile(known, 1 - RISKIER_THAN_UNKNOWN)) if len(known) else 0.0


def _low(known: np.ndarray) -> float:
    return float(np.quantile(known, RISKIER_THAN_UNKNOWN)) if len(known) else 0.0


_RISKY: dict[str, Any] = {"riskier": _high, "safer": _low, "open": "median"}


class LevelEncoder(OneHotEncoder):
    """scikit-learn's encoder, fitted to a few loans with the same levels, of which the same are rare.

    It counts the texts of a column one by one, pandas ten times as fast. `min_frequency` is a share, and no level is missing.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn the levels of each column, and which are rarer than `min_frequency`."""
        share, rows, levels = self.min_frequency, 0.0, {}
        for name in X:
            counts = X[name].value_counts(sort=False)
            is_rare = (counts < share * len(X)).to_numpy()
            rare, common = levels[name] = counts.index[is_rare], counts.index[~is_rare]
            # So many rows that a level with one of them is rare, and that there is room for the share of each common one.
            room = max(1 - share * len(common), 1e-9) if len(common) else share - 1 / max(len(rare), 1)
            rows = max(rows, 2 / share, (len(rare) + len(common)) / room if len(common) else 2 / room)
        if rows >= len(X):
            return super().fit(X)
        few = {
            name: np.append(rare, np.resize(common if len(common) else rare, ceil(rows) - len(rare)))
            for name, (rare, common) in levels.items()
        }
        return super().fit(pd.DataFrame(few, dtype=object))


def numbers_of(*, inputs: Inputs, encoding: Encoding, without: Collection[str] = ()) -> list[str]:
    """Return the numbers that a model sees, in the order of its columns."""
    names = (*SKEWED, *PLAIN, *(RATIOS if encoding in ("ratios", "woe") else ()))
    return [name for name in chosen(names, inputs=inputs) if name not in without]


def categories_of(*, inputs: Inputs) -> list[str]:
    """Return the categories that a model sees."""
    return [*chosen(CATEGORIES, inputs=inputs), *([LEAK] if inputs == "with_pincode" else [])]


def standard_step(
    *, inputs: Inputs, encoding: Encoding = "plain", without: Collection[str] = (), unknown: Unknown = "risky"
) -> ColumnTransformer:
    """Return the transformer to one standardised column per input; its output is a DataFrame."""
    numbers = numbers_of(inputs=inputs, encoding=encoding, without=without)
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    steps: list[tuple] = []
    for higher, risky in _RISKY.items():
        own = [name for name in numbers if FEATURE_BY_NAME[name].higher == higher]
        fill = SimpleImputer(strategy=risky if unknown == "risky" else "median", keep_empty_features=True)
        skewed, unchanged = [name for name in own if name not in PLAIN], [name for name in own if name in PLAIN]
        steps.append((f"skewed_{higher}", make_pipeline(logarithm, fill, StandardScaler()), skewed))
        steps.append((f"plain_{higher}", make_pipeline(fill, StandardScaler()), unchanged))
    indicate = make_pipeline(
        MissingIndicator(features="all"), StandardScaler(with_mean=False, with_std=False)
    )  # 0 or 1
    steps += [
        ("missing", indicate, _may_be_missing(numbers)),
        ("category", "passthrough", categories_of(inputs=inputs)),
    ]
    steps = [step for step in steps if step[2]]  # one without columns would stay unfitted
    return ColumnTransformer(steps, verbose_feature_names_out=False).set_output(transform="pandas")


def expand_step(*, inputs: Inputs, encoding: Encoding = "plain", without: Collection[str] = ()) -> ColumnTransformer:
    """Return the transformer from standardised columns to the columns of the linear model, a dense array."""
    straight, curved, missing = _columns(inputs, encoding, without)
    levels = LevelEncoder(handle_unknown="ignore", min_frequency=SUPPORT, sparse_output=False)
    supported = VarianceThreshold(SUPPORT * (1 - SUPPORT))  # the variance of a column of ones for this share
    one_hot = Pipeline([("onehotencoder", levels), ("variancethreshold", supported)])
    splines = SplineTransformer(KNOTS, DEGREE, knots="quantile", extrapolation="constant", include_bias=False)
    return ColumnTransformer(
        [
            ("straight", "passthrough", straight),
            *([("spline", splines, curved)] if curved else []),
            ("missing", "passthrough", [f"{INDICATOR}{name}" for name in missing]),
            ("category", one_hot, categories_of(inputs=inputs)),
        ],
        verbose_feature_names_out=False,
    )


def column_groups(
    *, inputs: Inputs, encoding: Encoding = "plain", without: Collection[str] = ()
) -> list[tuple[str, int, int]]:
    """Return what the columns of `expand_step` are, in their order, as far as they are no levels of categories.

    Each is the input, how many columns it has, and 1 where the risk is declared to rise with it, -1 where it falls, 0
    where nothing is declared. An unknown value counts as a risky one already, so its indicator may only add to the
    risk.
    """
    straight, curved, missing = _columns(inputs, encoding, without)
    sign = {name: FEATURE_BY_NAME[name].direction for name in (*straight, *curved)}
    ends = KNOTS + DEGREE - 2  # columns of a spline: the last one is left out, since the intercept stands for it
    return [
        *((name, 1, sign[name]) for name in straight),
        *((name, ends, sign[name]) for name in curved),
        *((f"{INDICATOR}{name}", 1, 1) for name in missing),
    ]


def _columns(inputs: Inputs, encoding: Encoding, without: Collection[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the numbers that enter straight, those that enter curved, and those that may be missing."""
    numbers = numbers_of(inputs=inputs, encoding=encoding, without=without)
    curved = [name for name in numbers if encoding != "plain" and FEATURE_BY_NAME[name].curved]
    return [name for name in numbers if name not in curved], curved, _may_be_missing(numbers)


def _may_be_missing(numbers: Collection[str]) -> list[str]:
    return [name for name in numbers if any(BY_NAME[source].missing for source in FEATURE_BY_NAME[name].sources)]
