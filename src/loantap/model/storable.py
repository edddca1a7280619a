"""A fitted pipeline in types that skops reads by default: scikit-learn's, and arrays of numbers and texts."""

from copy import deepcopy

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from loantap.model.features import LevelEncoder

_TYPES = ("_fit_dtype", "_fill_dtype")  # of the columns an imputer saw, here always float64


def storable_pipeline(fitted: Pipeline, *, C: float, penalty: str) -> Pipeline:
    """Return a copy of a fitted pipeline of `Recipe.pipeline` to be stored; `usable_pipeline` makes it usable again.

    The logistic regression and the encoder of levels become scikit-learn's own. Splines keep their knots only, and imputers forget the type of
    the columns they saw: both are held in types of other libraries, and follow from what is kept.
    """
    own = fitted["model"]
    model = LogisticRegression(C=C, l1_ratio=float(penalty == "l1"))
    model.coef_, model.intercept_, model.classes_ = own.coef_, own.intercept_, own.classes_
    model.n_features_in_, model.n_iter_ = own.n_features_in_, np.zeros(1, dtype=np.int32)
    steps = [(name, deepcopy(step)) for name, step in fitted.steps if name in ("standard", "expand")]
    for step in _parts(Pipeline(steps)):
        if isinstance(step, ColumnTransformer):  # it also keeps what it was made of, unfitted
            step.transformers = [part for part in step.transformers_ if part[0] != "remainder"]
        elif isinstance(step, LevelEncoder):
            step.__class__ = OneHotEncoder  # what it learnt is all there
        elif isinstance(step, SplineTransformer):
            step.knots = np.column_stack([basis.t[basis.k : -basis.k] for basis in step.bsplines_])
            del step.bsplines_
        elif isinstance(step, SimpleImputer):
            step.strategy = (
                "median"  # the values that it fills in are found already, and a function of ours is not read back
            )
            for name in _TYPES:
                vars(step).pop(name, None)
    return Pipeline([*steps, ("model", model)])


def usable_pipeline(stored: Pipeline) -> Pipeline:
    """Give a stored pipeline back what `storable_pipeline` left out, in place, and return it."""
    for step in _parts(stored):
        if isinstance(step, SplineTransformer):
            # With given knots a fit reads nothing but the names of the columns.
            blank = pd.DataFrame(np.zeros((2, step.n_features_in_)), columns=step.feature_names_in_)
            step.bsplines_ = clone(step).fit(blank).bsplines_
        elif isinstance(step, SimpleImputer):
            vars(step).update(dict.fromkeys(_TYPES, np.dtype(np.float64)))
    return stored


def _parts(pipeline: Pipeline) -> list:
    """Return every transformer within a pipeline."""
    parts = []
    for _, step in pipeline.steps:
        parts.append(step)
        inner = [part for _, part, _ in step.transformers_] if isinstance(step, ColumnTransformer) else []
        for part in inner:
            parts += _parts(part) if isinstance(part, Pipeline) else [part]
    return parts
