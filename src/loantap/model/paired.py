"""Two models on the same test loans: how far their scores lie apart, with intervals that know that the loans are shared."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval
from loantap.model.evaluation import BETA
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


def fbeta_differences(
    outcome: np.ndarray,
    flagged: Mapping[str, np.ndarray],
    *,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
) -> pd.DataFrame:
    """Return how far the F-beta of each model or rule lies from that of the first, on the same loans.

    The loans are drawn again with replacement, the same ones for all; models and rules stay as they are.

    Args:
        outcome: 1 for default, 0 for repaid, shape (n,).
        flagged: By name whether each loan is flagged; the first is compared with.
        beta: Of F-beta.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Returns:
        name, difference (first less other) with difference_low and difference_high, a percentile interval;
        missing for the first itself.
    """
    flags = np.column_stack(list(flagged.values())).astype(float)
    columns = np.column_stack([outcome, flags, flags * np.asarray(outcome)[:, np.newaxis]])

    def scores(totals: np.ndarray) -> np.ndarray:
        called, hits = np.split(totals[..., 1:], 2, axis=-1)
        return (1 + beta**2) * hits / (beta**2 * totals[..., :1] + called)

    draws = scores(drawn_sums(columns, repetitions=repetitions, random_state=random_state))
    estimate = scores(columns.sum(axis=0))
    low, high = percentile_interval(draws[:, :1] - draws, level=confidence)
    ends = {"difference": estimate[0] - estimate, "difference_low": low, "difference_high": high}
    table = pd.DataFrame({"name": list(flagged), **ends})
    table.loc[0, list(ends)] = np.nan
    return table
