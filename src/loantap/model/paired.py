"""Two models on the same test loans: how far their scores lie apart, with intervals that know that the loans are shared."""

from typing import Any

import numpy as np
from scipy.stats import norm

from loantap.model.bootstrap import CONFIDENCE
from loantap.model.groups import placements


def paired_differences(
    outcome: np.ndarray, first: np.ndarray, second: np.ndarray, *, confidence: float = CONFIDENCE
) -> dict[str, float]:
    """Return ROC-AUC and Brier score of the first model less those of the second, each with `_low` and `_high`.

    The interval of the ROC-AUC is DeLong's for correlated curves (Biometrics 44 (1988), 837-845), from each loan's
    difference of placements; that of the Brier score follows from each loan's difference of squared errors.

    Args:
        outcome: 1 for default, 0 for repaid, shape (n,); both occur.
        first: Calibrated probabilities of default of one model.
        second: Those of the other, for the same loans.
        confidence: Of the intervals.
    """
    y = np.asarray(outcome)
    apart = [one - other for one, other in zip(placements(y, first), placements(y, second), strict=True)]
    errors = (first - y) ** 2 - (second - y) ** 2
    ranked: Any = (apart[0].mean(), sum(part.var(ddof=1) / len(part) for part in apart))
    found: dict[str, float] = {}
    for name, (mean, variance) in {"roc_auc": ranked, "brier": (errors.mean(), errors.var(ddof=1) / len(y))}.items():
        half = norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
        ends = {f"{name}_difference_low": mean - half, f"{name}_difference_high": mean + half}
        found |= {f"{name}_difference": float(mean), **{end: float(value) for end, value in ends.items()}}
    return found
