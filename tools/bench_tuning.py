"""Time the search against scikit-learn's GridSearchCV: python tools/bench_tuning.py [--rows N]. Prints a table.

Both search the same pipeline (encoder, SMOTE, logistic regression) over the same folds, penalties and C, on the
same workers, one after the other. GridSearchCV gets the solver of scikit-learn that was fastest among those with
the same objective (the intercept free): newton-cholesky for l2, saga for l1 (liblinear penalises the intercept).
It runs a second time with the pipeline's cache (`memory`), which makes each fold's encoder and SMOTE once, as a
careful user would. On an otherwise idle machine; at the default size it takes half an hour.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import psutil
from memory import peak_memory
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV

from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.model.folds import fold_splits
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import Tuned, tune

T = TypeVar("T")
FOLDS, WORKERS, SEED = 5, 2, 0
CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
RECIPE = Recipe(
    "without_pincode", obeys=False, unknown="learned"
)  # plain features and SMOTE; scikit-learn knows no bounds


def main() -> None:
    """Run both searches and print how long they took and how far their scores lie apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=316_824, help="training loans; the default is a whole run's")
    X, y = training_loans(parser.parse_args().rows)
    splits = fold_splits(y, folds=FOLDS, random_state=SEED)
    searched: Any = {"recipe": RECIPE, "splits": splits, "penalties": ("l1", "l2"), "Cs": CS}
    ours, seconds, peak = measured(lambda: tune(X, y, **searched, random_state=SEED))
    grid, slow_seconds, slow_peak = measured(lambda: grid_search(X, y))
    with TemporaryDirectory() as cache:
        cached, cached_seconds, cached_peak = measured(lambda: grid_search(X, y, memory=cache))
    both = compared(ours, grid)
    print(f"{os.cpu_count()} cores, {len(X):,} training loans, {len(both)} settings x {FOLDS} folds\n")
    print(both.to_markdown(index=False, floatfmt=".5f"), "\n")
    rows = {
        "tune": (seconds, peak),
        "GridSearchCV": (slow_seconds, slow_peak),
        "GridSearchCV with memory": (cached_seconds, cached_peak),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["seconds", "peak GB"])
    print(table.assign(ratio=table["seconds"] / seconds).round(2).to_markdown(), "\n")
    print(f"largest difference of a fold's F2: {both['largest_difference'].max():.5f}")
    same = np.allclose(cached.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"], atol=1e-12)
    print(f"the cache changes no score: {same}")
    print(f"chosen: {ours.best}; GridSearchCV's best mean: {grid.best_params_['model']}")


def training_loans(rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features and outcomes of synthetic loans."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "loans.parquet"
        ingest(SyntheticLoans(rows, SEED), loans_path=path, quarantine_path=None)
        loans = pd.read_parquet(path)
    return feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()


def grid_search(X: pd.DataFrame, y: np.ndarray, *, memory: str | None = None) -> GridSearchCV:
    """Search as one would with scikit-learn and imbalanced-learn alone, with a folder for the pipeline's cache if named."""
    pipeline = RECIPE.pipeline(random_state=SEED).set_params(memory=memory)
    models = [
        *(LogisticRegression(solver="saga", l1_ratio=1, C=C, tol=1e-3, max_iter=1_000, random_state=SEED) for C in CS),
        *(LogisticRegression(solver="newton-cholesky", C=C) for C in CS),
    ]
    return GridSearchCV(
        pipeline,
        {"model": models},
        scoring=make_scorer(fbeta_score, beta=2),
        cv=fold_splits(y, folds=FOLDS, random_state=SEED),
        n_jobs=WORKERS,
        refit=False,
    ).fit(X, y)


def compared(ours: Tuned, grid: GridSearchCV) -> pd.DataFrame:
    """Return both mean F2 of each setting and the largest difference among its folds."""
    names = [f"split{fold}_test_score" for fold in range(FOLDS)]
    theirs = pd.DataFrame({name: grid.cv_results_[name] for name in names})
    models = grid.cv_results_["params"]
    theirs["penalty"] = ["l1" if model["model"].l1_ratio else "l2" for model in models]
    theirs["C"] = [model["model"].C for model in models]
    both = ours.grid.merge(theirs, on=["penalty", "C"], validate="one_to_one")
    apart = [(both[f"fold_{fold + 1}"] - both[name]).abs() for fold, name in enumerate(names)]
    return both[["penalty", "C", "f2_mean"]].assign(
        gridsearch_f2_mean=both[names].mean(axis=1), largest_difference=pd.concat(apart, axis=1).max(axis=1)
    )


def measured(work: Callable[[], T]) -> tuple[T, float, float]:
    """Return a result, its seconds, and the largest memory of this process and its children in GB."""
    with peak_memory(psutil.Process()) as peak:
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
    return result, seconds, peak.gigabytes


if __name__ == "__main__":
    main()
