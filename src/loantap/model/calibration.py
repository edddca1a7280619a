"""From log-odds to probabilities of default."""

from dataclasses import dataclass
from math import exp

import numpy as np

_STEPS, _CLOSE, _APART = 20, 1e-9, 1e-12


@dataclass(frozen=True)
class SigmoidCalibration:
    """Platt scaling: probability = 1 / (1 + exp(-(slope * log_odds + intercept)))."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, log_odds: np.ndarray, outcome: np.ndarray) -> "SigmoidCalibration":
        """Fit slope and intercept to out-of-fold log-odds, shape (n,), by maximum likelihood.

        The slope is 0 or more: log-odds that know nothing must not be turned round.
        """
        x, y = np.asarray(log_odds, dtype=float), np.asarray(outcome, dtype=float)
        share = y.mean()
        flat = cls(0.0, float(np.log(share / (1 - share))))
        found = flat
        for _ in range(_STEPS):  # Newton's: for two numbers a solver's own overhead is ten times the work
            p = found(x)
            off, weight = y - p, p * (1 - p)
            a, b, c = weight @ (x * x), weight @ x, weight.sum()
            if (determinant := a * c - b * b) <= _APART * a * c:
                break  # the classes lie apart: ever steeper lines fit ever better
            up = (c * (off @ x) - b * off.sum()) / determinant, (a * off.sum() - b * (off @ x)) / determinant
            found = cls(found.slope + float(up[0]), found.intercept + float(up[1]))
            if max(map(abs, up)) < _CLOSE:
                return found if found.slope > 0 else flat
        from sklearn.linear_model import LogisticRegression  # here, since to score needs no scikit-learn

        model = LogisticRegression(C=np.inf).fit(x[:, np.newaxis], y)
        return cls(float(model.coef_[0, 0]), float(model.intercept_[0])) if model.coef_[0, 0] > 0 else flat

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of default."""
        x = self.slope * np.asarray(log_odds) + self.intercept
        e = np.exp(-np.abs(x))  # never overflows so
        return np.where(x >= 0, 1.0, e) / (1 + e)

    def one(self, log_odds: float) -> float:
        """Return the calibrated probability of default at one log-odds."""
        x = self.slope * log_odds + self.intercept
        return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))  # exp never overflows so
