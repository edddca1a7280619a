"""Tune the SMOTE logistic regression, as the original asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import fbeta_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from loantap.model.evaluation import BETA, fbeta_name
from loantap.model.folds import Split, out_of_fold
from loantap.model.recipe import Recipe


@dataclass(frozen=True)
class Tuned:
    """The outcome of the search."""

    # one row per penalty and C: mean and standard deviation of F-beta over the folds (f2_mean and f2_sd where beta is
    # 2), and each fold's score
    grid: pd.DataFrame
    best: dict[str, str | float]  # the chosen penalty and C
    beta: float  # of F-beta
    log_odds: np.ndarray  # out-of-fold log-odds of the chosen model, one per row, uncalibrated

    @property
    def score(self) -> str:
        """The score's name in tables, such as f2."""
        return fbeta_name(self.beta)


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
    splits: Sequence[Split],
    penalties: Sequence[str],
    Cs: Sequence[float],
    beta: float = BETA,
    random_state: int,
) -> Tuned:
    """Search penalties and C for the best F-beta at probability 0.5 on resampled folds.

    It gives the scores of scikit-learn's GridSearchCV over encoder, sampler and logistic regression with the same
    folds, without repeating encoder and sampler for every C. The choice is the simplest model (smallest C, l1
    before l2) whose mean score is within one standard error of the best.

    Args:
        X: Features, one row per loan.
        y: 1 for default, 0 for repaid.
        recipe: Encoding and sampler.
        splits: Stratified folds, as from `fold_splits`.
        penalties: Penalties to try.
        Cs: Inverse penalty strengths to try.
        beta: Of F-beta.
        random_state: Seed of the sampler.
    """
    paths = out_of_fold(X, y, recipe=recipe, splits=splits, penalties=penalties, Cs=Cs, random_state=random_state)
    score, rows = fbeta_name(beta), []
    for (penalty, C), log_odds in paths.items():
        scores = pd.Series([fbeta_score(y[test], log_odds[0, test] > 0, beta=beta) for _, test in splits])
        by_fold = {f"fold_{number}": value for number, value in enumerate(scores, 1)}
        mean_and_sd = {f"{score}_mean": scores.mean(), f"{score}_sd": scores.std(ddof=1)}
        rows.append({"penalty": penalty, "C": C} | mean_and_sd | by_fold)
    grid = pd.DataFrame(rows)
    best = _simplest_within_one_error(grid, score, len(splits))
    return Tuned(grid, best, beta, paths[str(best["penalty"]), float(best["C"])][0])


def fit_model(X: pd.DataFrame, y: np.ndarray, *, recipe: Recipe, penalty: str, C: float, random_state: int) -> Pipeline:
    """Fit encoder, sampler and logistic regression, and return the pipeline without the sampler.

    A fitted SMOTE would carry training rows, and scoring does not need it.
    """
    fitted = recipe.pipeline(penalty=penalty, C=C, random_state=random_state).fit(X, y)
    return Pipeline([(name, step) for name, step in fitted.steps if name != "sampler"])


def _simplest_within_one_error(grid: pd.DataFrame, score: str, folds: int) -> dict[str, str | float]:
    top = grid.iloc[int(grid[f"{score}_mean"].to_numpy().argmax())]
    close = grid[grid[f"{score}_mean"] >= top[f"{score}_mean"] - top[f"{score}_sd"] / np.sqrt(folds)]
    chosen = close.sort_values(["C", "penalty"]).iloc[0]
    return {"penalty": str(chosen["penalty"]), "C": float(chosen["C"])}
