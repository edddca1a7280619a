"""How well one column alone tells defaulted from repaid loans."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from loantap.analysis.bins import binned
from loantap.analysis.counts import LoanCounts
from loantap.analysis.summaries import MISSING, counts_by_driver, known_at, simultaneous

_BINS = 20  # of a column that is looked at for leaks


def driver_strength(counts: LoanCounts, columns: Iterable[str], *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the area under the ROC curve of each column alone, strongest first.

    Numbers and ordered categories are their own score, turned round where higher values default less. The levels of an
    unordered category are scored by their default rate, for every pair of a defaulted and a repaid loan without these
    two (leave-pair-out cross-validation; Airola et al. 2011), so that many small levels look no stronger than they are.
    Missing values are left out of the first kind and are a level of the second.

    Args:
        counts: Counts by each of the columns.
        columns: Drivers, as in `counts_by_driver`.
        confidence: Of the intervals, which hold for all columns at once (Bonferroni).

    Returns:
        One row per column that some loan has a value of: driver, known (when its value exists), direction ("up": higher
        values default more, "down": less, "levels": unordered), n (loans with a value), auc, ci_low, ci_high.
    """
    columns, rows = list(columns), []
    level = simultaneous(confidence, len(columns))
    for name in columns:
        table = counts_by_driver(counts, name)
        kind = table["value"].dtype
        unordered = isinstance(kind, pd.CategoricalDtype) and not kind.ordered
        table = table if unordered else table.dropna()
        if table.empty:
            continue
        n, defaults = table["n"].to_numpy(), table["defaults"].to_numpy()
        if unordered:
            auc, direction = _auc_of_levels(n, defaults), "levels"
        else:
            # The counts are sorted by value, so a value's place is a score of the same order.
            place = np.arange(len(table))
            auc = _auc(place, place, defaults, n - defaults)
            direction = "up" if auc >= 0.5 else "down"
            auc = max(auc, 1 - auc)
        low, high = auc_interval(auc, int(defaults.sum()), int((n - defaults).sum()), confidence=level)
        row = {"driver": name, "known": known_at(name), "direction": direction, "n": int(n.sum())}
        rows.append(row | {"auc": auc, "ci_low": low, "ci_high": high})
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


def _auc_of_levels(n: np.ndarray, defaults: np.ndarray) -> float:
    # A loan's level is scored without the pair that is judged, so a score never knows the outcomes it is judged on. All
    # pairs are counted at once: leaving out one loan gives every default of a level the same score, and every repaid
    # loan.
    repaid = n - defaults
    unknown = (defaults.sum() - 1) / max(n.sum() - 2, 1)  # a loan alone in its level
    others = np.maximum(n - 1, 1)
    of_default = np.where(n > 1, (defaults - 1) / others, unknown)
    of_repaid = np.where(n > 1, defaults / others, unknown)
    # Two loans of one level leave the same others behind: a tie, where the two scores above differ.
    ties = defaults.astype("float64") @ repaid / max(float(defaults.sum()) * float(repaid.sum()), 1)
    return _auc(of_default, of_repaid, defaults, repaid) + float(ties / 2)


def _auc(of_default: np.ndarray, of_repaid: np.ndarray, defaults: np.ndarray, repaid: np.ndarray) -> float:
    """Return the area under the ROC curve of loans that are scored by value and outcome."""
    if 0 in (defaults.sum(), repaid.sum()):
        return float("nan")
    outcome = np.repeat([1, 0], len(defaults))
    scores, weights = np.concatenate([of_default, of_repaid]), np.concatenate([defaults, repaid])
    return float(roc_auc_score(outcome, scores, sample_weight=weights))


def counts_of_column(values: pd.Series, default: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return level, n, defaults by value, and by bin where values have an order and are many."""
    codes, distinct = pd.factorize(values)
    exact = _tally(distinct, codes, default)
    if len(distinct) <= _BINS or isinstance(values.dtype, pd.CategoricalDtype):
        return exact, None
    bins: pd.Series | None = None
    if pd.api.types.is_datetime64_any_dtype(values):
        bins = pd.Series(distinct).dt.year.astype("category")
    elif (numbers := _numbers(distinct)) is not None:
        bins = binned(numbers, pd.Series(np.bincount(codes[codes >= 0], minlength=len(distinct))), bins=_BINS)
    if bins is None:
        return exact, None
    of_distinct = np.append(bins.cat.codes.to_numpy(dtype="int64"), -1)  # the last one serves the code -1: missing
    return exact, _tally(bins.cat.categories, of_distinct[codes], default)


def _numbers(distinct: pd.Index) -> pd.Series | None:
    # Columns that the codebook does not know come as texts, numbers among them.
    if not pd.api.types.is_numeric_dtype(distinct):
        texts = pd.Series(distinct).astype("str").str.strip().str.removesuffix("%")
        distinct = pd.Index(pd.to_numeric(texts, errors="coerce"))
        if distinct.hasnans:
            return None
    return pd.Series(distinct.to_numpy(dtype="float64"))


def _tally(labels: pd.Index, codes: np.ndarray, default: np.ndarray) -> pd.DataFrame:
    # A missing value has the code -1: it is moved behind the last level, and is one itself.
    codes = np.where(codes < 0, len(labels), codes)
    cells = np.bincount(2 * codes + default, minlength=2 * len(labels) + 2).reshape(-1, 2)
    level = np.append(np.asarray(labels, dtype="object"), MISSING)
    return pd.DataFrame({"level": level, "n": cells.sum(axis=1), "defaults": cells[:, 1]}).query("n > 0")


def auc_alone(counts: pd.DataFrame, fold: np.ndarray, *, folds: int) -> float:
    """Return the mean AUC over the folds, each loan scored by its level's default rate in the other folds.

    One loan at the overall rate is added to each level, so that a level unseen elsewhere has that rate.
    """
    # Sorted by their counts, levels are in an order that neither the loans' nor the names' changes.
    n, defaults = counts.sort_values(["n", "defaults"])[["n", "defaults"]].to_numpy().T
    cells = np.repeat(np.arange(2 * len(n)), np.column_stack([n - defaults, defaults]).ravel())
    dealt = np.bincount(cells + 2 * len(n) * fold, minlength=2 * len(n) * folds).reshape(folds, len(n), 2)
    other = dealt.sum(axis=0) - dealt
    scores = (other[:, :, 1] + defaults.sum() / n.sum()) / (other.sum(axis=2) + 1)
    areas = [
        roc_auc_score(np.tile([0, 1], len(n)), np.repeat(score, 2), sample_weight=held.ravel())
        for score, held in zip(scores, dealt, strict=True)
        if (held.sum(axis=0) > 0).all()
    ]
    return float(np.mean(areas)) if areas else float("nan")
