"""A fitted pipeline as plain numbers: encoder and logistic regression, or the bins of a scorecard, as a `Scorer`."""

from collections.abc import Iterator
from sys import float_info
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline, PPoly
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from loantap.model.features import INDICATOR
from loantap.model.scorer import UNSEEN, Curve, Number, Scorer
from loantap.model.woe import is_scorecard, steps_of

FURTHEST = float_info.max  # the ends of a straight line: JSON knows no infinity


def compile_pipeline(pipeline: Pipeline) -> Scorer:
    """Return a fitted pipeline of `Recipe.pipeline`, without its sampler, as a Scorer."""
    if is_scorecard(pipeline):
        return _compile_scorecard(pipeline)
    standard, expand, model = (pipeline[name] for name in ("standard", "expand", "model"))
    names = list(expand.get_feature_names_out())
    weights = dict(zip(names, model.coef_[0], strict=True))
    curves = _curves(expand, model.coef_[0])
    numbers = []
    for name, logarithm, fill, mean, scale in _standards(standard):
        curve = curves.get(name) or (-FURTHEST, FURTHEST, (0.0,), ((0.0, 0.0, float(weights[name]), 0.0),))
        missing, added = (fill - mean) / scale, float(weights.get(INDICATOR + name, 0.0))
        numbers.append(Number(name, logarithm, mean, scale, missing, *curve, added))
    return Scorer(numbers, _levels(expand, model.coef_[0]), float(model.intercept_[0]), pooled_levels(pipeline))


def _compile_scorecard(pipeline: Pipeline) -> Scorer:
    """Return weights of evidence times their coefficients: bins of numbers as pieces that are constant."""
    numbers, categories = [], {}
    for name, bins, coefficient in steps_of(pipeline):
        points, missing = (
            [coefficient * woe for woe in bins.woe[: len(bins.woe) - bins.own]],
            coefficient * bins.missing,
        )
        if bins.splits:
            knots = (bins.splits[0] - 1, *bins.splits)
            pieces = tuple((0.0, 0.0, 0.0, point) for point in points)
            ends = knots[bins.riskiest], knots[0], knots[-1]
            numbers.append(Number(name, False, 0.0, 1.0, *ends, knots, pieces, missing - points[bins.riskiest]))
        else:
            levels = zip(bins.groups, points, strict=True)
            categories[name] = {level: point for group, point in levels for level in group} | {UNSEEN: missing}
    return Scorer(numbers, categories, float(pipeline["model"].intercept_[0]), {})


def pooled_levels(pipeline: Pipeline) -> dict[str, dict[str, bool]]:
    """Return of each category the levels that share a column for want of loans, with whether they have one at all."""
    steps = pipeline["expand"].named_transformers_["category"]
    encoder = steps["onehotencoder"]
    columns = zip(encoder.get_feature_names_out(), steps["variancethreshold"].get_support(), strict=True)
    supported = {str(column): bool(kept) for column, kept in columns}
    rare_levels: dict[str, dict[str, bool]] = {}
    for name, levels, rare in zip(
        encoder.feature_names_in_, encoder.categories_, encoder.infrequent_categories_, strict=True
    ):
        pooled = {str(level): supported[f"{name}_infrequent_sklearn"] for level in (rare if rare is not None else ())}
        kept = {str(level): supported[f"{name}_{level}"] for level in levels if str(level) not in pooled}
        # Where none has a column, one level is that of nearly all loans, and needs none.
        alone = {level: False for level, own in kept.items() if not own and any(kept.values())}
        rare_levels[str(name)] = pooled | alone
    return rare_levels


def _standards(standard: ColumnTransformer) -> Iterator[tuple[str, bool, float, float, float]]:
    """Yield how each number is standardised: name, whether by its logarithm, value where it is missing, mean, scale."""
    for steps in standard.named_transformers_.values():
        if not isinstance(steps, Pipeline) or "simpleimputer" not in steps.named_steps:
            continue
        fill, scaler = steps["simpleimputer"], steps["standardscaler"]
        logarithm = "functiontransformer" in steps.named_steps
        numbers = zip(scaler.feature_names_in_, fill.statistics_, scaler.mean_, scaler.scale_, strict=True)
        yield from (
            (str(name), logarithm, float(value), float(mean), float(scale)) for name, value, mean, scale in numbers
        )


def _curves(expand: ColumnTransformer, coefficients: np.ndarray) -> dict[str, Curve]:
    if "spline" not in expand.named_transformers_:
        return {}
    splines, own = expand.named_transformers_["spline"], coefficients[expand.output_indices_["spline"]]
    curves: dict[str, Any] = {}
    for name, basis, weights in zip(
        splines.feature_names_in_, splines.bsplines_, own.reshape(len(splines.bsplines_), -1), strict=True
    ):
        # The last basis function is left out of the matrix, since the intercept stands for it.
        spline = PPoly.from_spline(BSpline(basis.t, np.append(weights, 0.0), basis.k))
        inner = slice(basis.k, len(basis.t) - basis.k - 1)
        knots, pieces = map(float, spline.x[inner]), (tuple(map(float, piece)) for piece in spline.c[:, inner].T)
        ends = float(basis.t[basis.k]), float(basis.t[-basis.k - 1])
        curves[str(name)] = (*ends, tuple(knots), tuple(pieces))
    return curves


def _levels(expand: ColumnTransformer, coefficients: np.ndarray) -> dict[str, dict[str, float]]:
    steps, own = expand.named_transformers_["category"], coefficients[expand.output_indices_["category"]]
    encoder = steps["onehotencoder"]
    contributions: dict[str, dict[str, float]] = {}
    for name, levels in zip(encoder.feature_names_in_, encoder.categories_, strict=True):
        # Asked one by one, with every other column unseen: rare levels share a column, and unseen ones have none.
        asked = pd.DataFrame({other: [UNSEEN] * (len(levels) + 1) for other in encoder.feature_names_in_})
        asked[name] = [*levels, UNSEEN]
        values = steps.transform(asked) @ own
        contributions[str(name)] = dict(zip([*map(str, levels), UNSEEN], map(float, values), strict=True))
    return contributions
