"""A model ready to be judged: fitted on all training loans, with calibration and thresholds chosen out of fold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from loantap.model.ablation import fold_scores
from loantap.model.calibration import SigmoidCalibration, probability
from loantap.model.evaluation import BETA, Predictions
from loantap.model.folds import fold_splits, out_of_fold
from loantap.model.profit import CAPACITY, best_profit_threshold, capacity_threshold
from loantap.model.recipe import Recipe
from loantap.model.tuning import fit_model


@dataclass(frozen=True)
class Finalist:
    """A fitted model."""

    recipe: Recipe  # inputs, encoding and sampler
    penalty: str  # the penalty of its coefficients, "l1" or "l2"
    C: float  # the penalty's inverse strength
    model: Pipeline  # encoder and logistic regression, without the sampler
    calibration: SigmoidCalibration  # from log-odds to probabilities, fitted out of fold
    threshold: float  # calibrated probability at and above which a loan is flagged, for the largest out-of-fold F-beta
    profit_threshold: float  # the same for the largest out-of-fold profit
    capacity: float  # the share of the applications that people can look at
    # the smallest probability at and above which at most that share of the out-of-fold predictions lies
    capacity_threshold: float
    # scores of each fold, see `fold_scores`; calibration and threshold of each come from the other folds
    folds: pd.DataFrame
    beta: float  # of F-beta
    rows: int  # loans the out-of-fold predictions were made for
    train_rows: int  # loans the model was fitted on

    def probability(self, X: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of default, shape (n,)."""
        return self.calibration(self.model.decision_function(X))

    def raw_probability(self, X: pd.DataFrame) -> np.ndarray:
        """Return what the model says before calibration."""
        return probability(self.model.decision_function(X))


def fit_finalist(
    X: pd.DataFrame,
    y: np.ndarray,
    profit: np.ndarray,
    *,
    recipe: Recipe,
    penalty: str = "l2",
    C: float,
    sample: np.ndarray,
    log_odds: np.ndarray | None = None,
    folds: int,
    beta: float = BETA,
    capacity: float = CAPACITY,
    random_state: int,
    n_jobs: int = 2,
) -> Finalist:
    """Fit a recipe on all training loans; calibrate it and choose its thresholds on out-of-fold predictions.

    Args:
        X: Features of the training loans.
        y: Their outcomes.
        profit: Their profits if granted, as from `loan_profit`.
        recipe: What to fit.
        penalty: "l1" or "l2".
        C: Inverse strength of the penalty.
        sample: Positions of the loans to make out-of-fold predictions for.
        log_odds: Those predictions, if they were made before over the same folds.
        folds: Number of folds.
        beta: Of the F-beta score that its threshold is chosen for.
        capacity: The share of the applications that people can look at.
        random_state: Seed of folds and sampler.
        n_jobs: Folds worked on at once.
    """
    splits = fold_splits(y[sample], folds=folds, neighbours=recipe.neighbours, random_state=random_state)
    if log_odds is None:
        paths = out_of_fold(
            X.iloc[sample],
            y[sample],
            recipe=recipe,
            splits=splits,
            penalties=[penalty],
            Cs=[C],
            random_state=random_state,
            n_jobs=n_jobs,
        )
        log_odds = paths[penalty, C][0]
    calibration = SigmoidCalibration.fit(log_odds, y[sample])
    calibrated = calibration(log_odds)
    return Finalist(
        recipe=recipe,
        penalty=penalty,
        C=C,
        model=fit_model(X, y, recipe=recipe, penalty=penalty, C=C, random_state=random_state),
        calibration=calibration,
        threshold=Predictions.of(y[sample], calibrated, beta=beta).best_threshold(),
        profit_threshold=best_profit_threshold(calibrated, profit[sample]),
        capacity=capacity,
        capacity_threshold=capacity_threshold(calibrated, capacity),
        folds=fold_scores(y[sample], log_odds[np.newaxis, :], splits, beta=beta),
        beta=beta,
        rows=len(sample),
        train_rows=len(X),
    )
