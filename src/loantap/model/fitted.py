"""A model ready to be evaluated: fitted on all training loans, or on the earlier ones to be asked of the later."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.pipeline import Pipeline

from loantap.model.ablation import fold_scores
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.calibration import SigmoidCalibration
from loantap.model.compiled import compile_pipeline
from loantap.model.decision import CAPACITY, best_profit_threshold, capacity_threshold
from loantap.model.economics import Economics, loan_profit
from loantap.model.evaluation import BETA, Predictions, evaluate
from loantap.model.folds import fold_splits, out_of_fold
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import fit_model, stratified_sample

_LEAST = 10  # loans of each outcome in a fold of the earlier loans


@dataclass(frozen=True)
class FittedModel:
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

    @property
    def features(self) -> list[str]:
        """The inputs that it looks at."""
        return compile_pipeline(self.model).features

    def probability(self, X: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of default, shape (n,)."""
        return self.calibration(self.model.decision_function(X))

    def raw_probability(self, X: pd.DataFrame) -> np.ndarray:
        """Return what the model says before calibration."""
        return expit(self.model.decision_function(X))


def fit_calibrated(
    X: pd.DataFrame,
    y: np.ndarray,
    profit: np.ndarray,
    *,
    recipe: Recipe,
    penalty: str = "l2",
    C: float,
    sample: np.ndarray,
    most: int | None = None,
    log_odds: np.ndarray | None = None,
    folds: int,
    beta: float = BETA,
    capacity: float = CAPACITY,
    random_state: int,
) -> FittedModel:
    """Fit a recipe on all training loans, or on so many at most; calibrate it and choose its thresholds on out-of-fold predictions.

    Args:
        X: Features of the training loans.
        y: Their outcomes.
        profit: Their profits if granted, as from `loan_profit`.
        recipe: What to fit.
        penalty: "l1" or "l2".
        C: Inverse strength of the penalty.
        sample: Positions of the loans to make out-of-fold predictions for.
        most: Most training loans that the model itself is fitted on: a stratified sample of them.
        log_odds: Those predictions, if they were made before over the same folds.
        folds: Number of folds.
        beta: Of the F-beta score that its threshold is chosen for.
        capacity: The share of the applications that people can look at.
        random_state: Seed of folds and sampler.
    """
    splits = fold_splits(y[sample], folds=folds, neighbours=recipe.neighbours, random_state=random_state)
    if log_odds is None:
        searched: Any = {"penalties": [penalty], "Cs": [C], "random_state": random_state}
        log_odds = out_of_fold(X.iloc[sample], y[sample], recipe=recipe, splits=splits, **searched)[penalty, C][0]
    calibration = SigmoidCalibration.fit(log_odds, y[sample])
    calibrated = calibration(log_odds)
    used = stratified_sample(y, rows=most or len(y), random_state=random_state)
    return FittedModel(
        recipe=recipe,
        penalty=penalty,
        C=C,
        model=fit_model(X.iloc[used], y[used], recipe=recipe, penalty=penalty, C=C, random_state=random_state),
        calibration=calibration,
        threshold=Predictions.of(y[sample], calibrated, beta=beta).best_threshold(),
        profit_threshold=best_profit_threshold(calibrated, profit[sample]),
        capacity=capacity,
        capacity_threshold=capacity_threshold(calibrated, capacity),
        folds=fold_scores(y[sample], log_odds[np.newaxis, :], splits, beta=beta),
        beta=beta,
        rows=len(sample),
        train_rows=len(used),
    )


@dataclass(frozen=True)
class Apart:
    """A model of the earlier loans, and what it says of every loan."""

    first_month: pd.Timestamp  # the first month of the later loans
    later: np.ndarray  # whether each loan was funded in it or after it, shape (n,)
    fitted: FittedModel  # fitted on the earlier loans only, calibration and thresholds too
    # its calibrated probability of default of each loan, shape (n,); it has seen the earlier ones
    probability: np.ndarray


@dataclass(frozen=True)
class OutOfTime:
    """A model evaluated on later loans."""

    first_month: pd.Timestamp  # the first month of the later loans
    train_rows: int  # loans funded before it that the model was fitted on
    train_default_rate: float  # their default rate
    default_rate: float  # that of the later loans
    predicted: float  # the mean predicted default rate of the later loans
    threshold: float  # chosen out of fold on the earlier loans
    test: dict  # scores on the later loans, as in `evaluate`


def fit_out_of_time(
    loans: pd.DataFrame,
    *,
    recipe: Recipe,
    penalty: str = "l2",
    C: float,
    later_share: float,
    rows: int,
    most: int | None = None,
    folds: int,
    economics: Economics,
    beta: float = BETA,
    random_state: int,
) -> Apart | None:
    """Fit the recipe on the earlier loans; None where one month holds too many loans.

    Recipe and C are those chosen on training loans of all months; coefficients, calibration and thresholds
    come from the earlier loans only.

    Args:
        loans: Cleaned loans.
        recipe: What to fit.
        penalty: "l1" or "l2".
        C: Inverse strength of the penalty.
        later_share: About how many of the loans are the later ones.
        rows: Earlier loans to choose calibration and thresholds on, out of fold.
        most: Most earlier loans that the model itself is fitted on.
        folds: Number of folds.
        economics: What profit rests on.
        beta: Of the F-beta score that the threshold is chosen for.
        random_state: Seed of sample, folds and sampler.
    """
    first_month = loans["issue_d"].sort_values().iloc[int((1 - later_share) * len(loans))]
    later = (loans["issue_d"] >= first_month).to_numpy()
    y = loans["default"].to_numpy()
    needed = folds * max(_LEAST, recipe.neighbours + 2)  # as in `fold_splits`
    if min(np.bincount(y[later], minlength=2).min(), np.bincount(y[~later], minlength=2).min()) < needed:
        return None
    X, profit = feature_frame(loans, inputs=recipe.inputs), loan_profit(loans[~later], economics)
    sample = stratified_sample(y[~later], rows=rows, random_state=random_state)
    options: Any = {"most": most, "folds": folds, "beta": beta, "random_state": random_state}
    fitted = fit_calibrated(X[~later], y[~later], profit, recipe=recipe, penalty=penalty, C=C, sample=sample, **options)
    return Apart(first_month, later, fitted, fitted.probability(X))


def evaluate_out_of_time(
    apart: Apart | None, loans: pd.DataFrame, *, confidence: float = CONFIDENCE, repetitions: int, random_state: int
) -> OutOfTime | None:
    """Score a model of the earlier loans on the later ones; None where there is none.

    Args:
        apart: From `fit_out_of_time`.
        loans: The loans that it was called with.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions of the intervals.
        random_state: Seed of the bootstrap.
    """
    if apart is None:
        return None
    y, later, model = loans["default"].to_numpy(), apart.later, apart.fitted
    predicted, drawn = apart.probability[later], {"repetitions": repetitions, "random_state": random_state}
    limit: Any = {"threshold": model.threshold, "beta": model.beta, "confidence": confidence}
    return OutOfTime(
        apart.first_month,
        model.train_rows,
        train_default_rate=float(y[~later].mean()),
        default_rate=float(y[later].mean()),
        predicted=float(predicted.mean()),
        threshold=model.threshold,
        test=evaluate(y[later], predicted, **limit, **drawn),
    )
