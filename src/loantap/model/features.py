"""How the inputs become columns of a matrix. Everything that learns from data is a scikit-learn transformer.

Two steps: `standard` keeps one column per input (logarithms, missing values filled and indicated, numbers standardised,
categories as text); `expand` makes the columns of the linear model from it. SMOTENC, which needs categories, stands
between the two; SMOTE, which needs numbers, stands after both.
"""

from typing import Literal, get_args

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.inputs import CATEGORIES, LEAK, PLAIN, RATIOS, SKEWED, Inputs, chosen

# Each holds the former ones: straight lines; cubic splines of the numbers that are declared curved; splines of two ratios
# to income; products of every two numbers.
Encoding = Literal["plain", "splines", "ratios", "products"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

RARE = 20  # levels with fewer training loans share one column
KNOTS = 5


def standard_step(*, inputs: Inputs, encoding: Encoding = "plain") -> ColumnTransformer:
    """Return the transformer to one standardised column per input; its output is a DataFrame."""
    skewed = (*SKEWED, *(RATIOS if encoding in ("ratios", "products") else ()))
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return ColumnTransformer(
        [
            ("skewed", make_pipeline(logarithm, fill, StandardScaler()), chosen(skewed, inputs=inputs)),
            ("plain", make_pipeline(fill, StandardScaler()), chosen(PLAIN, inputs=inputs)),
            ("category", "passthrough", _categories(inputs)),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")


def expand_step(*, inputs: Inputs, encoding: Encoding = "plain") -> ColumnTransformer:
    """Return the transformer from standardised columns to the columns of the linear model, a dense array."""
    numbers = chosen((*SKEWED, *PLAIN, *(RATIOS if encoding in ("ratios", "products") else ())), inputs=inputs)
    curved = [] if encoding == "plain" else [name for name in numbers if FEATURE_BY_NAME[name].curved]
    steps: list[tuple] = [
        ("linear", "passthrough", [name for name in numbers if name not in curved]),
        (
            "category",
            OneHotEncoder(handle_unknown="ignore", min_frequency=RARE, sparse_output=False),
            _categories(inputs),
        ),
    ]
    if curved:
        splines = SplineTransformer(n_knots=KNOTS, knots="quantile", extrapolation="constant", include_bias=False)
        steps.append(("spline", splines, curved))
    if encoding == "products":
        products = PolynomialFeatures((2, 2), interaction_only=True, include_bias=False)
        steps.append(("product", make_pipeline(products, StandardScaler()), numbers))
    # What is left over are the indicators of missing values.
    return ColumnTransformer(steps, remainder="passthrough", verbose_feature_names_out=False)


def _categories(inputs: Inputs) -> list[str]:
    return [*chosen(CATEGORIES, inputs=inputs), *([LEAK] if inputs == "with_pincode" else [])]
