"""How well one column alone tells defaulted from repaid loans."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from loantap.analysis.summaries import known_at

_FOLDS = 5


def driver_strength(loans: pd.DataFrame, columns: Iterable[str], *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the area under the ROC curve of each column alone, strongest first.

    Numbers and ordered categories are their own score, turned round where higher values default less. The levels of
    an unordered category are scored by their default rate in four fifths of the loans and judged on the last fifth,
    five times in turn, so that many small levels look no stronger than they are. Missing values are left out of
    the first kind and are a level of the second.

    Returns:
        One row per column: driver, known (when its value exists), direction ("up": higher values default more,
        "down": less, "levels": unordered), n (loans with a value), auc, ci_low, ci_high.
    """
    rows = []
    for name in columns:
        values = loans[name]
        if isinstance(values.dtype, pd.CategoricalDtype) and not values.cat.ordered:
            auc, n, defaults = _auc_of_levels(values, loans["default"])
            direction = "levels"
        else:
            auc, n, defaults = _auc_of_order(values, loans["default"])
            direction = "up" if auc >= 0.5 else "down"
            auc = max(auc, 1 - auc)
        low, high = auc_interval(auc, defaults, n - defaults, confidence=confidence)
        rows.append(
            {"driver": name, "known": known_at(name), "direction": direction, "n": n, "auc": auc, "ci_low": low, "ci_high": high}
        )  # fmt: skip
    return pd.DataFrame(rows).sort_values("auc", ascending=False, kind="stable", ignore_index=True)


def auc_interval(auc: float, positives: int, negatives: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of an area under the ROC curve, from its standard error by Hanley and McNeil (1982).

    The error is that of scores with exponential distributions, which the authors found close for others too. NaN
    without loans of both outcomes.
    """
    if min(positives, negatives) == 0 or np.isnan(auc):
        return float("nan"), float("nan")
    both_above = auc / (2 - auc) - auc**2
    both_below = 2 * auc**2 / (1 + auc) - auc**2
    variance = (auc * (1 - auc) + (positives - 1) * both_above + (negatives - 1) * both_below) / (positives * negatives)
    reach = norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
    return max(0.0, float(auc - reach)), min(1.0, float(auc + reach))


def _auc_of_order(values: pd.Series, default: pd.Series) -> tuple[float, int, int]:
    # Counting equal values first makes the sort short: four million incomes are some hundred thousand values.
    scores = values.cat.codes.where(values.notna()) if isinstance(values.dtype, pd.CategoricalDtype) else values
    counts = default.groupby(scores).agg(["size", "sum"])
    n, defaults = int(counts["size"].sum()), int(counts["sum"].sum())
    return _weighted_auc(counts.index.to_numpy(), counts["sum"].to_numpy(), counts["size"].to_numpy()), n, defaults


def _auc_of_levels(values: pd.Series, default: pd.Series) -> tuple[float, int, int]:
    codes = values.cat.codes.to_numpy(dtype="int64") + 1
    levels = len(values.cat.categories) + 1
    # Every fifth loan: the file's order carries no outcome, and no random numbers are needed.
    cell = codes + levels * (np.arange(len(codes)) % _FOLDS)
    n = np.bincount(cell, minlength=levels * _FOLDS).reshape(_FOLDS, levels)
    defaults = np.bincount(cell, weights=default.to_numpy(), minlength=levels * _FOLDS).reshape(_FOLDS, levels)
    overall = defaults.sum() / n.sum()
    other_n, other_defaults = n.sum(axis=0) - n, defaults.sum(axis=0) - defaults
    # A level unknown in the other folds gets the overall rate.
    scores = np.where(other_n > 0, other_defaults / np.maximum(other_n, 1), overall)
    areas = [_weighted_auc(*parts) for parts in zip(scores, defaults, n, strict=True)]
    return float(np.mean(areas)), int(n.sum()), int(defaults.sum())


def _weighted_auc(scores: np.ndarray, defaults: np.ndarray, n: np.ndarray) -> float:
    if defaults.sum() in (0, n.sum()):
        return float("nan")
    outcome = np.repeat([1, 0], len(scores))
    weights = np.concatenate([defaults, n - defaults])
    return float(roc_auc_score(outcome, np.tile(scores, 2), sample_weight=weights))
