"""A fitted pipeline as plain numbers: what each input adds to the log-odds, for one application or for many.

Encoder and logistic regression are, input by input, a piecewise cubic polynomial of a standardised number or a table of
levels; the bins of a scorecard are pieces that are constant. Evaluated so, the answer is the pipeline's own to rounding, without a DataFrame per application, and it falls
into one contribution per input, which is what reasons are made of. These numbers are saved beside the pipeline, so that to score needs neither scikit-learn nor
SciPy; `loantap.model.compiled` makes them.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import expm1, log1p
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat

UNSEEN = "\x00unseen"  # a level that no training loan had: what the encoder makes of any such text
Value = float | str | None
_Pieces = tuple[tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat], ...]
Curve = tuple[float, float, tuple[float, ...], _Pieces]  # low, high, knots, pieces
# name, logarithm, contribution where it is missing, slope and offset of a line, or a curve
Term = tuple[str, bool, float, float, float, Curve | None]


class Number(NamedTuple):
    """The contribution of a number: a polynomial in z = (t - mean) / scale, t the value or its logarithm.

    Beyond the outer knots a spline is constant, so z is held within low..high; a straight line has one piece.
    """

    name: str
    logarithm: bool
    mean: FiniteFloat
    scale: FiniteFloat
    missing: FiniteFloat  # z where the value is missing
    low: FiniteFloat
    high: FiniteFloat
    knots: tuple[FiniteFloat, ...]  # where pieces begin
    pieces: _Pieces  # of (z - knot), highest power first
    unknown: FiniteFloat  # what is added where the value is missing

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


class StoredScorer(BaseModel):
    """A scorer as it is saved."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    intercept: FiniteFloat
    numbers: list[Number]
    tables: dict[str, dict[str, FiniteFloat]]
    shared: dict[str, dict[str, bool]]


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
        numbers: list[Number],
        categories: dict[str, dict[str, float]],
        intercept: float,
        shared: Mapping[str, Mapping[str, bool]],
    ) -> None:
        self.features = [*(number.name for number in numbers), *categories]
        self.intercept = intercept
        self._numbers, self.tables, self._shared = numbers, categories, shared
        self.terms = [number.term() for number in numbers]
        self.levels, self.rare = {}, {}
        for name, levels in categories.items():
            pooled = shared.get(name, {})
            self.levels[name] = frozenset(level for level in levels if pooled.get(level, True)) - {UNSEEN}
            self.rare[name] = frozenset(level for level, supported in pooled.items() if supported)

    @classmethod
    def of(cls, stored: StoredScorer) -> "Scorer":
        """Return what was saved."""
        return cls(stored.numbers, stored.tables, stored.intercept, stored.shared)

    def stored(self) -> StoredScorer:
        """Return what is saved."""
        shared = {name: dict(levels) for name, levels in self._shared.items()}
        return StoredScorer(intercept=self.intercept, numbers=self._numbers, tables=self.tables, shared=shared)

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
            if len(number.knots) == 1:  # a straight line
                added = z * number.pieces[0][2]
            else:
                z = np.clip(z, number.low, number.high)
                piece = np.searchsorted(number.knots[1:], z, side="right")
                a, b, c, d = np.array(number.pieces).T[:, piece]
                u = z - np.array(number.knots)[piece]
                added = ((a * u + b) * u + c) * u + d
            added[gone] += number.unknown
            contributions[:, column] = added
        for column, (name, levels) in enumerate(self.tables.items(), start=len(self._numbers)):
            codes, seen = pd.factorize(features[name])
            # Code -1 is a missing level; no training loan had one, so it is unseen like any other.
            table = [*(levels.get(str(level), levels[UNSEEN]) for level in seen), levels[UNSEEN]]
            contributions[:, column] = np.array(table)[codes]
        return contributions

    def log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Return the log-odds of default, shape (n,), of what `feature_frame` makes, uncalibrated."""
        return self.many(features).sum(axis=1) + self.intercept
