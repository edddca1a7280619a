"""From log-odds to probabilities of default."""

from dataclasses import dataclass
from math import exp

import numpy as np


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
        from sklearn.linear_model import LogisticRegression  # here, since to score needs no scikit-learn

        model = LogisticRegression(C=np.inf).fit(np.asarray(log_odds)[:, np.newaxis], outcome)
        if model.coef_[0, 0] <= 0:
            share = np.mean(outcome)
            return cls(0.0, float(np.log(share / (1 - share))))
        return cls(float(model.coef_[0, 0]), float(model.intercept_[0]))

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of default."""
        x = self.slope * np.asarray(log_odds) + self.intercept
        e = np.exp(-np.abs(x))  # never overflows so
        return np.where(x >= 0, 1.0, e) / (1 + e)

    def one(self, log_odds: float) -> float:
        """Return the calibrated probability of default at one log-odds."""
        x = self.slope * log_odds + self.intercept
        return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))  # exp never overflows so
