"""Score loans out of fold: each fold is encoded and resampled once, then walked along the penalties."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing import current_process
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.model_selection import RepeatedStratifiedKFold
from threadpoolctl import threadpool_limits

from loantap.errors import InputError, MissingToolError, UnfitDataError
from loantap.model.recipe import NEIGHBOURS, Recipe, encode, prepare
from loantap.progress import PROGRESS_FILE, counted
from loantap.settings import how_to_add

Split = tuple[np.ndarray, np.ndarray]
Setting = tuple[str, float]  # penalty and C
WORKERS = 2  # tasks worked on at once; no result depends on it
_LOOK_SECONDS, _ANSWERS_WITHIN = 2.0, "10s"


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


def in_parallel(work: Callable[..., Any], tasks: Sequence[tuple], *, label: str, fits: int) -> list[Any]:
    """Return the results of `work` on each task, in order, and show the fits done; each task makes `fits` fits."""
    results = Parallel(n_jobs=WORKERS, return_as="generator")(
        delayed(_alone)(os.getpid(), work, *task) for task in tasks
    )
    return list(counted(results, label=label, each=fits, total=fits * len(tasks)))


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Return the results of calls that do not need each other, in order; each is made in a process of its own.

    The last is begun first: where they grow, none is left to the end alone.
    """
    return in_parallel(_called, [(call,) for call in reversed(calls)], label="models", fits=1)[::-1]


@contextmanager
def on_cluster(address: str) -> Iterator[None]:
    """Send the work inside to a Dask scheduler, such as tcp://host:8786, or keep it here if the address is empty.

    The workers need this version of loantap. Raises MissingToolError without dask.distributed, InputError if no
    scheduler answers.
    """
    if not address:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise MissingToolError(
            f"a cluster needs dask.distributed, which is not installed. Get it with: {how_to_add('cluster')}"
        ) from None
    try:
        client = Client(address, timeout=_ANSWERS_WITHIN, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cluster {address}: expected a running Dask scheduler, none answered ({error}).") from None
    with client, client.as_current(), parallel_config("dask", client=client):
        yield


def _called(call: Callable[[], Any]) -> Any:
    return call()


def _alone(parent: int, work: Callable[..., Any], *task: Any) -> Any:
    _end_with(parent)
    # One thread per task: sums are then added in the same order whatever the number of workers. A forest would
    # otherwise share its trees out again.
    with threadpool_limits(1), parallel_config("sequential"):
        return work(*task)


@cache
def _end_with(parent: int) -> None:
    """Have a local worker end when the process that started it is gone; killed, that one cannot tell it any more."""
    if not current_process().name.startswith("LokyProcess") or parent == os.getpid():
        return  # not started by another, or at work on a part of its own task

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    os.environ.pop(PROGRESS_FILE, None)  # the process that started it tells how far it is


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
