"""Score loans out of fold: each fold is encoded and resampled once, then walked along the penalties."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import RepeatedStratifiedKFold

from loantap.errors import UnfitDataError
from loantap.model.parallel import in_parallel
from loantap.model.recipe import NEIGHBOURS, Recipe, encode, prepare

Split = tuple[np.ndarray, np.ndarray]
Setting = tuple[str, float]  # penalty and C


def fold_splits(
    y: np.ndarray, *, folds: int, repeats: int = 1, neighbours: int = NEIGHBOURS, random_state: int
) -> list[Split]:
    """Return positions of training and held-out loans of stratified folds, one repeat after the other.

    Raises UnfitDataError if a class has fewer loans than SMOTE needs in every fold.
    """
    # With two more than neighbours in each fold, the training loans of any two folds or more have enough.
    rarest, needed = int(min(y.sum(), len(y) - y.sum())), folds * (neighbours + 2)
    if rarest < needed:
        raise UnfitDataError(
            f"expected at least {needed} loans of each outcome to tune with {folds} folds, got {rarest}. Use more loans."
        )
    return list(RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=random_state).split(y, y))


def out_of_fold(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    recipe: Recipe,
    splits: Sequence[Split],
    penalties: Sequence[str],
    Cs: Sequence[float],
    random_state: int,
) -> dict[Setting, np.ndarray]:
    """Return the log-odds of each held-out loan for every penalty and C, uncalibrated.

    Args:
        X: Features, one row per loan.
        y: 1 for default, 0 for repaid.
        recipe: Encoding and sampler; both learn from each fold's training loans only.
        splits: As from `fold_splits`: in each repeat, every loan is held out once.
        penalties: Among "l1" and "l2".
        Cs: Inverse strengths of the penalty.
        random_state: Seed of the sampler.

    Returns:
        For each (penalty, C) an array of shape (n_repeats, n_loans).
    """
    tasks = [(X, y, split, recipe, penalties, Cs, random_state) for split in splits]
    fits = len(penalties) * len(Cs)
    walked = in_parallel(_walk_penalties, tasks, label=recipe.name, fits=fits)
    return {setting: put_together([path[setting] for path in walked], splits, len(y)) for setting in walked[0]}


def put_together(held_out: Sequence[np.ndarray], splits: Sequence[Split], n: int) -> np.ndarray:
    """Return values of held-out loans in the loans' order, shape (n_repeats, n_loans)."""
    repeats = sum(len(test) for _, test in splits) // n
    whole = np.empty((repeats, n))
    for number, ((_, test), values) in enumerate(zip(splits, held_out, strict=True)):
        whole[number * repeats // len(splits), test] = values
    return whole


def _walk_penalties(
    X: pd.DataFrame,
    y: np.ndarray,
    split: Split,
    recipe: Recipe,
    penalties: Sequence[str],
    Cs: Sequence[float],
    random_state: int,
) -> dict[Setting, np.ndarray]:
    train, test = split
    pipeline = recipe.pipeline(random_state=random_state)
    matrix, outcome = prepare(pipeline, X.iloc[train], y[train])
    unseen = encode(pipeline, X.iloc[test])
    model = pipeline["model"]
    return {
        (penalty, C): unseen @ coefficients + intercept
        for penalty in penalties
        for C, coefficients, intercept in clone(model).set_params(penalty=penalty).path(matrix, outcome, Cs)
    }
