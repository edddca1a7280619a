"""Tune the SMOTE logistic regression: each fold is encoded and resampled once, then walked along the penalties."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import fbeta_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from threadpoolctl import threadpool_limits

from loantap.errors import InputError
from loantap.model.logistic import PathLogisticRegression

PENALTIES = ("l1", "l2")
CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Tuned:
    """The outcome of the search.

    Attributes:
        grid: One row per penalty and C: f2_mean and f2_sd over the folds, and each fold's F2.
        best: The chosen penalty and C.
        log_odds: Out-of-fold log-odds of the chosen model, one per row, uncalibrated.
    """

    grid: pd.DataFrame
    best: dict[str, str | float]
    log_odds: np.ndarray


def split_loans(default: pd.Series, *, test_share: float, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of training and test loans, stratified by outcome, each in file order."""
    train, test = train_test_split(
        np.arange(len(default)), test_size=test_share, stratify=default, random_state=random_state
    )
    return np.sort(train), np.sort(test)


def stratified_sample(default: np.ndarray, *, rows: int, random_state: int) -> np.ndarray:
    """Return positions of a sample with the same share of defaults, or all positions if there are no more rows."""
    if rows >= len(default):
        return np.arange(len(default))
    chosen, _ = train_test_split(np.arange(len(default)), train_size=rows, stratify=default, random_state=random_state)
    return np.sort(chosen)


def tune(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    preprocessor: ColumnTransformer,
    folds: int = 5,
    penalties: Sequence[str] = PENALTIES,
    Cs: Sequence[float] = CS,
    random_state: int,
    n_jobs: int = 2,
) -> Tuned:
    """Search penalties and C for the best F2 at probability 0.5 on resampled folds.

    It gives the scores of scikit-learn's GridSearchCV over encoder, SMOTE and logistic regression with the same
    folds, without repeating encoder and SMOTE for every C. The choice is the simplest model (smallest C, l1
    before l2) whose mean F2 is within one standard error of the best.

    Args:
        X: Features, one row per loan.
        y: 1 for default, 0 for repaid.
        preprocessor: An unfitted encoder; it is fitted on each fold's training rows.
        folds: Number of stratified folds.
        penalties: Penalties to try.
        Cs: Inverse penalty strengths to try.
        random_state: Seed of folds and SMOTE.
        n_jobs: Folds worked on at once; the result does not depend on it.

    Raises InputError if a class has fewer loans than SMOTE needs in every fold.
    """
    rarest = int(min(y.sum(), len(y) - y.sum()))
    needed = folds * 7  # SMOTE looks for five neighbours among a fold's training defaults
    if rarest < needed:
        raise InputError(
            f"expected at least {needed} loans of each outcome to tune with {folds} folds, got {rarest}. Use more loans."
        )
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=random_state).split(X, y))
    resample = SMOTE(random_state=random_state)
    results = Parallel(n_jobs=n_jobs)(
        delayed(_fit_fold)(X, y, train, test, preprocessor, resample, penalties, Cs) for train, test in splits
    )
    scores = pd.DataFrame(
        [
            [fbeta_score(y[test], path[key] > 0, beta=2) for key in path]
            for (_, test), path in zip(splits, results, strict=True)
        ],
        columns=pd.MultiIndex.from_tuples(results[0], names=["penalty", "C"]),
    )
    grid = scores.T.set_axis([f"fold_{number}" for number in range(1, folds + 1)], axis=1)
    grid.insert(0, "f2_sd", scores.std(ddof=1))
    grid.insert(0, "f2_mean", scores.mean())
    grid = grid.reset_index()
    best = _simplest_within_one_error(grid, folds)
    log_odds = np.empty(len(y))
    for (_, test), path in zip(splits, results, strict=True):
        log_odds[test] = path[best["penalty"], best["C"]]
    return Tuned(grid, best, log_odds)


def fit_model(
    X: pd.DataFrame, y: np.ndarray, *, preprocessor: ColumnTransformer, best: dict, random_state: int
) -> Pipeline:
    """Fit encoder, SMOTE and the chosen logistic regression, and return the pipeline without the sampler.

    A fitted SMOTE would carry training rows, and scoring does not need it.
    """
    fitted = Pipeline(
        [
            ("features", clone(preprocessor)),
            ("sampler", SMOTE(random_state=random_state)),
            ("model", PathLogisticRegression(**best)),
        ]
    ).fit(X, y)
    return Pipeline([("features", fitted["features"]), ("model", fitted["model"])])


def _fit_fold(
    X: pd.DataFrame,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    preprocessor: ColumnTransformer,
    sampler: SMOTE,
    penalties: Sequence[str],
    Cs: Sequence[float],
) -> dict[tuple[str, float], np.ndarray]:
    # One thread per fold: sums are then added in the same order whatever the number of workers.
    with threadpool_limits(1):
        return _walk_penalties(X, y, train, test, clone(preprocessor), clone(sampler), penalties, Cs)


def _walk_penalties(
    X: pd.DataFrame,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    encoder: ColumnTransformer,
    sampler: SMOTE,
    penalties: Sequence[str],
    Cs: Sequence[float],
) -> dict[tuple[str, float], np.ndarray]:
    encoded, outcome = sampler.fit_resample(encoder.fit_transform(X.iloc[train]), y[train])
    encoded = np.asfortranarray(encoded)
    unseen = encoder.transform(X.iloc[test])
    return {
        (penalty, C): unseen @ coefficients + intercept
        for penalty in penalties
        for C, coefficients, intercept in PathLogisticRegression(penalty).path(encoded, outcome.astype(float), Cs)
    }


def _simplest_within_one_error(grid: pd.DataFrame, folds: int) -> dict[str, str | float]:
    top = grid.iloc[int(grid["f2_mean"].to_numpy().argmax())]
    close = grid[grid["f2_mean"] >= top["f2_mean"] - top["f2_sd"] / np.sqrt(folds)]
    chosen = close.sort_values(["C", "penalty"]).iloc[0]
    return {"penalty": str(chosen["penalty"]), "C": float(chosen["C"])}
