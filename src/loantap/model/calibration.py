"""From log-odds of a model trained on resampled loans back to probabilities that hold in the portfolio."""

from dataclasses import dataclass
from math import exp

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression


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
        model = LogisticRegression(C=np.inf).fit(np.asarray(log_odds)[:, np.newaxis], outcome)
        if model.coef_[0, 0] <= 0:
            return cls(0.0, float(logit(np.mean(outcome))))
        return cls(float(model.coef_[0, 0]), float(model.intercept_[0]))

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of default."""
        return probability(self.slope * np.asarray(log_odds) + self.intercept)

    def one(self, log_odds: float) -> float:
        """Return the calibrated probability of default at one log-odds."""
        x = self.slope * log_odds + self.intercept
        return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))  # exp never overflows so


def probability(log_odds: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-log_odds))."""
    return expit(np.asarray(log_odds))
