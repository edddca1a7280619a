"""Tune the SMOTE logistic regression as the original asked: penalties and C, for F2 over stratified folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import fbeta_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from loantap.model.folds import fold_splits, out_of_fold
from loantap.model.recipe import Recipe

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
    recipe: Recipe,
    folds: int = 5,
    penalties: Sequence[str] = PENALTIES,
    Cs: Sequence[float] = CS,
    random_state: int,
    n_jobs: int = 2,
) -> Tuned:
    """Search penalties and C for the best F2 at probability 0.5 on resampled folds.

    It gives the scores of scikit-learn's GridSearchCV over encoder, sampler and logistic regression with the same
    folds, without repeating encoder and sampler for every C. The choice is the simplest model (smallest C, l1
    before l2) whose mean F2 is within one standard error of the best.

    Args:
        X: Features, one row per loan.
        y: 1 for default, 0 for repaid.
        recipe: Encoding and sampler.
        folds: Number of stratified folds.
        penalties: Penalties to try.
        Cs: Inverse penalty strengths to try.
        random_state: Seed of folds and sampler.
        n_jobs: Folds worked on at once; the result does not depend on it.

    Raises InputError if a class has fewer loans than SMOTE needs in every fold.
    """
    splits = fold_splits(y, folds=folds, random_state=random_state)
    paths = out_of_fold(
        X, y, recipe=recipe, splits=splits, penalties=penalties, Cs=Cs, random_state=random_state, n_jobs=n_jobs
    )
    scores = pd.DataFrame(
        {
            setting: [fbeta_score(y[test], log_odds[0, test] > 0, beta=2) for _, test in splits]
            for setting, log_odds in paths.items()
        }
    )
    scores.columns = pd.MultiIndex.from_tuples(paths, names=["penalty", "C"])
    grid = scores.T.set_axis([f"fold_{number}" for number in range(1, folds + 1)], axis=1)
    grid.insert(0, "f2_sd", scores.std(ddof=1))
    grid.insert(0, "f2_mean", scores.mean())
    grid = grid.reset_index()
    best = _simplest_within_one_error(grid, folds)
    return Tuned(grid, best, paths[str(best["penalty"]), float(best["C"])][0])


def fit_model(X: pd.DataFrame, y: np.ndarray, *, recipe: Recipe, penalty: str, C: float, random_state: int) -> Pipeline:
    """Fit encoder, sampler and logistic regression, and return the pipeline without the sampler.

    A fitted SMOTE would carry training rows, and scoring does not need it.
    """
    fitted = recipe.pipeline(penalty=penalty, C=C, random_state=random_state).fit(X, y)
    return Pipeline([(name, step) for name, step in fitted.steps if name != "sampler"])


def _simplest_within_one_error(grid: pd.DataFrame, folds: int) -> dict[str, str | float]:
    top = grid.iloc[int(grid["f2_mean"].to_numpy().argmax())]
    close = grid[grid["f2_mean"] >= top["f2_mean"] - top["f2_sd"] / np.sqrt(folds)]
    chosen = close.sort_values(["C", "penalty"]).iloc[0]
    return {"penalty": str(chosen["penalty"]), "C": float(chosen["C"])}
