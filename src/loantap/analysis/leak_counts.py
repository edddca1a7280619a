"""What the search for leaks asks of a single column: its counts by value and by bin, and its AUC from them."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from loantap.analysis.summaries import MISSING, binned

_BINS = 20


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


def all_but_one(exact: pd.DataFrame) -> pd.DataFrame | None:
    """Return as one level all loans but those at the value that most loans share, such as all that have a value at all.

    None where no value is shared by more than half of the loans, or a single other one is left.
    """
    most = exact.loc[2 * exact["n"] > exact["n"].sum()]
    if most.empty or len(exact) < 3:
        return None
    rest = exact[["n", "defaults"]].sum() - most[["n", "defaults"]].iloc[0]
    return pd.DataFrame({"level": [f"all but {level_text(most['level'].iloc[0])}"], **rest})


def level_text(level: object) -> str:
    """Return a level as a text."""
    if isinstance(level, pd.Timestamp):
        return f"{level:%Y-%m-%d}"
    return f"{level:.12g}" if isinstance(level, float) else str(level)


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
