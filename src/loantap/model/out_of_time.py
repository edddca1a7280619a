"""The harder question: trained on earlier loans, how does the model do on those funded later?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.model.bootstrap import CONFIDENCE
from loantap.model.economics import Economics, loan_profit
from loantap.model.evaluation import BETA, evaluate
from loantap.model.finalist import Finalist, fit_finalist
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import stratified_sample

_LEAST = 10  # loans of each outcome in a fold


@dataclass(frozen=True)
class Apart:
    """A model of the earlier loans, and what it says of every loan."""

    first_month: pd.Timestamp  # the first month of the later loans
    later: np.ndarray  # whether each loan was funded in it or after it, shape (n,)
    finalist: Finalist  # fitted on the earlier loans only, calibration and thresholds too
    # its calibrated probability of default of each loan, shape (n,); it has seen the earlier ones
    probability: np.ndarray


@dataclass(frozen=True)
class OutOfTime:
    """A model judged on later loans."""

    first_month: pd.Timestamp  # the first month of the later loans
    train_rows: int  # loans funded before it
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
    folds: int,
    economics: Economics,
    beta: float = BETA,
    random_state: int,
    n_jobs: int = 2,
) -> Apart | None:
    """Fit the recipe on the earlier loans; None where one month holds too many loans.

    Recipe and C are those chosen on training loans of all months; coefficients, calibration and thresholds
    come from the earlier loans only.

    Args:
        loans: Cleaned loans.
        recipe: What to fit.
        penalty: "l1" or "l2".
        C: Its inverse strength.
        later_share: About how many of the loans are the later ones.
        rows: Earlier loans to choose calibration and thresholds on, out of fold.
        folds: Number of folds.
        economics: What profit rests on.
        beta: Of the F-beta score that the threshold is chosen for.
        random_state: Seed of sample, folds and sampler.
        n_jobs: Folds worked on at once.
    """
    first_month = loans["issue_d"].sort_values().iloc[int((1 - later_share) * len(loans))]
    later = (loans["issue_d"] >= first_month).to_numpy()
    y = loans["default"].to_numpy()
    needed = folds * max(_LEAST, recipe.neighbours + 2)  # as in `fold_splits`
    if min(np.bincount(y[later], minlength=2).min(), np.bincount(y[~later], minlength=2).min()) < needed:
        return None
    X = feature_frame(loans, inputs=recipe.inputs)
    finalist = fit_finalist(
        X[~later],
        y[~later],
        loan_profit(loans[~later], economics),
        recipe=recipe,
        penalty=penalty,
        C=C,
        sample=stratified_sample(y[~later], rows=rows, random_state=random_state),
        folds=folds,
        beta=beta,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return Apart(first_month, later, finalist, finalist.probability(X))


def judge_out_of_time(
    apart: Apart | None,
    loans: pd.DataFrame,
    *,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
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
    y, later, finalist = loans["default"].to_numpy(), apart.later, apart.finalist
    predicted = apart.probability[later]
    return OutOfTime(
        apart.first_month,
        finalist.train_rows,
        float(y[~later].mean()),
        float(y[later].mean()),
        float(predicted.mean()),
        finalist.threshold,
        evaluate(
            y[later],
            predicted,
            threshold=finalist.threshold,
            beta=finalist.beta,
            confidence=confidence,
            repetitions=repetitions,
            random_state=random_state,
        ),
    )
