"""The share of loans that default within some months while others are repaid: from hazards, and from what was seen."""

from statistics import NormalDist

import numpy as np
from scipy.special import expit, logit


def incidence_slopes(
    default: np.ndarray, repaid: np.ndarray, value: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives of the cumulative incidence of default by the hazards of default and of repayment, shape (k, H) each.

    d F / d d(h) = v(h) S(h) - T(h) / (1 - d(h)) and d F / d r(h) = -T(h) / (1 - r(h)), where S(h) is the probability to be live before
    month h, v(h) what a default in it counts, 1 for an incidence, and T(h) what defaults after it add.
    """
    before = survival(default, repaid) * value
    adds = before * default
    later = adds.sum(axis=1, keepdims=True) - np.cumsum(adds, axis=1)
    return before - later / np.maximum(1 - default, 1e-300), -later / np.maximum(1 - repaid, 1e-300)


def survival(default: np.ndarray, repaid: np.ndarray) -> np.ndarray:
    """Return the probability to be live before each month."""
    stays = np.cumprod((1 - default) * (1 - repaid), axis=1)
    return np.hstack([np.ones((len(stays), 1)), stays[:, :-1]])


def aalen_johansen(followed: np.ndarray, outcome: np.ndarray, *, months: int) -> tuple[float, float]:
    """Return the share that defaults within some months, repayment competing, and its standard error.

    Args:
        followed: Months for which each loan is followed, shape (k,).
        outcome: What came in the last of them: 0 nothing, 1 default, 2 early repayment, shape (k,).
        months: Within how many.
    """
    h = np.arange(1, months + 1)[:, np.newaxis]
    at_risk = (followed >= h).sum(axis=1)
    bad, early = (((followed == h) & (outcome == kind)).sum(axis=1) for kind in (1, 2))
    left = np.maximum(at_risk, 1)
    d, r = bad / left, early / np.maximum(at_risk - bad, 1)
    by_default, by_repayment = incidence_slopes(d[np.newaxis], r[np.newaxis])
    # Given who is at risk, each month is a binomial draw of each kind.
    variance = by_default[0] ** 2 * d * (1 - d) / left + by_repayment[0] ** 2 * r * (1 - r) / np.maximum(at_risk - bad, 1)  # fmt: skip
    stays = np.cumprod((1 - d) * (1 - r))
    before = np.concatenate([[1.0], stays[:-1]])
    return float((before * d).sum()), float(np.sqrt(variance.sum()))


def log_odds_interval(mean: np.ndarray, error: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ends on the scale of log-odds, so that they lie within 0 and 1."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    inner = np.clip(mean, 1e-12, 1 - 1e-12)
    reach = z * error / (inner * (1 - inner))
    return np.where(mean > 0, expit(logit(inner) - reach), mean), np.where(mean > 0, expit(logit(inner) + reach), mean)
