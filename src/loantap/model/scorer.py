"""A fitted pipeline as plain numbers: what each input adds to the log-odds, for one application or for many.

Encoder and logistic regression are, input by input, a piecewise cubic polynomial of a standardised number or a table of
levels; the bins of a scorecard are pieces that are constant. Evaluated so, the answer is the pipeline's own to rounding, without a DataFrame per application, and it falls
into one contribution per input, which is what reasons are made of.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from math import expm1, log1p
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline, PPoly
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from loantap.model.features import INDICATOR
from loantap.model.woe import is_scorecard, steps_of

UNSEEN = "\x00unseen"  # a level that no training loan had: what the encoder makes of any such text
Value = float | str | None
_Pieces = tuple[tuple[float, float, float, float], ...]
Curve = tuple[float, float, tuple[float, ...], _Pieces]  # low, high, knots, pieces
# name, logarithm, contribution where it is missing, slope and offset of a line, or a curve
Term = tuple[str, bool, float, float, float, Curve | None]


class _Number(NamedTuple):
    """The contribution of a number: a polynomial in z = (t - mean) / scale, t the value or its logarithm.

    Beyond the outer knots a spline is constant, so z is held within low..high; a straight line has one piece.
    """

    name: str
    logarithm: bool
    mean: float
    scale: float
    missing: float  # z where the value is missing
    low: float
    high: float
    knots: tuple[float, ...]  # where pieces begin
    pieces: _Pieces  # of (z - knot), highest power first
    unknown: float  # what is added where the value is missing

    def term(self) -> Term:
        """Return the same contribution in t, with all that is constant multiplied out, for one value at a time."""
        unknown = self._at(self.missing) + self.unknown
        if len(self.knots) == 1:
            slope = self.pieces[0][2] / self.scale
            return self.name, self.logarithm, unknown, slope, -slope * self.mean, None
        knots = tuple(knot * self.scale + self.mean for knot in self.knots)
        pieces = tuple((a / self.scale**3, b / self.scale**2, c / self.scale, d) for a, b, c, d in self.pieces)
        low, high = self.low * self.scale + self.mean, self.high * self.scale + self.mean
        return self.name, self.logarithm, unknown, 0.0, 0.0, (low, high, knots, pieces)

    def _at(self, z: float) -> float:
        z = min(max(z, self.low), self.high)
        piece = max(bisect_right(self.knots, z) - 1, 0)
        a, b, c, d = self.pieces[piece]
        u = z - self.knots[piece]
        return ((a * u + b) * u + c) * u + d


class Scorer:
    """Contributions of inputs to the log-odds; they and `intercept` sum to the pipeline's decision function.

    Attributes:
        features: The inputs, in the order of the contributions.
        intercept: Log-odds where every contribution is 0.
        levels: By category the levels that enough training loans had, alone or together with others.
        rare: Those of them that only together enough training loans had: they count alike.
        terms: What each number adds, as a line or a curve.
        tables: By category what each level adds; any other one counts as UNSEEN.
    """

    def __init__(
        self,
        numbers: list[_Number],
        categories: dict[str, dict[str, float]],
        intercept: float,
        shared: Mapping[str, Mapping[str, bool]],
    ) -> None:
        self.features = [*(number.name for number in numbers), *categories]
        self.intercept = intercept
        self._numbers, self.tables = numbers, categories
        self.terms = [number.term() for number in numbers]
        self.levels, self.rare = {}, {}
        for name, levels in categories.items():
            pooled = shared.get(name, {})
            self.levels[name] = frozenset(level for level in levels if pooled.get(level, True)) - {UNSEEN}
            self.rare[name] = frozenset(level for level, supported in pooled.items() if supported)

    def unknown(self, feature: str) -> tuple[float, bool]:
        """Return what a number counts as where it is missing, and whether something is added to that."""
        number = next(number for number in self._numbers if number.name == feature)
        value = number.missing * number.scale + number.mean
        return (expm1(value) if number.logarithm else value), number.unknown != 0

    def one(self, features: Mapping[str, Value]) -> list[float]:
        """Return the contributions of one application's features, in the order of `features`."""
        contributions: list[float] = []
        for name, logarithm, unknown, slope, offset, curve in self.terms:
            value = features[name]
            if value is None:
                contributions.append(unknown)
                continue
            t = log1p(value) if logarithm else value  # type: ignore[arg-type]
            if curve is None:
                contributions.append(offset + slope * t)  # type: ignore[operator]
                continue
            low, high, knots, pieces = curve
            t = low if t < low else high if t > high else t  # type: ignore[operator]  # min and max take thrice as long
            piece = max(bisect_right(knots, t) - 1, 0)
            a, b, c, d = pieces[piece]
            u = t - knots[piece]  # type: ignore[operator]
            contributions.append(((a * u + b) * u + c) * u + d)
        for name, levels in self.tables.items():
            level = features[name]
            contributions.append(levels.get(level, levels[UNSEEN]))  # type: ignore[arg-type]
        return contributions

    def only(self, names: Sequence[str]) -> "Scorer":
        """Return what scores some numbers alone, without an intercept."""
        return Scorer([number for number in self._numbers if number.name in names], {}, 0.0, {})

    def many(self, features: pd.DataFrame) -> np.ndarray:
        """Return the contributions, shape (n, features), of what `feature_frame` makes."""
        contributions = np.empty((len(features), len(self.features)), order="F")
        for column, number in enumerate(self._numbers):
            values = features[number.name].to_numpy(dtype=np.float64)
            z = ((np.log1p(values) if number.logarithm else values) - number.mean) / number.scale
            gone = np.isnan(values)
            z[gone] = number.missing
            z = np.clip(z, number.low, number.high)
            piece = np.searchsorted(number.knots[1:], z, side="right")
            a, b, c, d = np.array(number.pieces).T[:, piece]
            u = z - np.array(number.knots)[piece]
            contributions[:, column] = ((a * u + b) * u + c) * u + d + np.where(gone, number.unknown, 0.0)
        for column, (name, levels) in enumerate(self.tables.items(), start=len(self._numbers)):
            codes, seen = pd.factorize(features[name])
            # Code -1 is a missing level; no training loan had one, so it is unseen like any other.
            table = [*(levels.get(str(level), levels[UNSEEN]) for level in seen), levels[UNSEEN]]
            contributions[:, column] = np.array(table)[codes]
        return contributions


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
        curve = curves.get(name) or (-np.inf, np.inf, (0.0,), ((0.0, 0.0, float(weights[name]), 0.0),))
        missing, added = (fill - mean) / scale, float(weights.get(INDICATOR + name, 0.0))
        numbers.append(_Number(name, logarithm, mean, scale, missing, *curve, added))
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
            numbers.append(_Number(name, False, 0.0, 1.0, *ends, knots, pieces, missing - points[bins.riskiest]))
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
