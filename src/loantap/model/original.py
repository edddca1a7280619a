"""The resampling, search and threshold of the original analysis, on this project's features: where its figures came from."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score

from loantap.model.bootstrap import CONFIDENCE
from loantap.model.evaluation import BETA, Predictions, evaluate
from loantap.model.folds import in_parallel
from loantap.model.inputs import Inputs, feature_frame
from loantap.model.recipe import Recipe, encode, prepare
from loantap.model.tuning import stratified_sample

# The original's own choices, not those of a run.
PENALTIES, CS = ("l1", "l2"), (1.0, 100.0, 10_000.0)
CLAIMED_BETA = 2.0
MAX_ITERATIONS = 30


@dataclass(frozen=True)
class Original:
    """What the original protocol arrives at."""

    penalty: str  # the penalty that scored best on the resampled training loans
    C: float  # its inverse strength
    threshold: float  # where the share of defaults found equals the share of repaid loans spared, on those same loans
    rows: int  # training loans used
    claimed_f2: float  # F2 on the resampled training loans, at that threshold
    test: dict  # scores on the test loans, as in `evaluate`, at that threshold
    flagged: np.ndarray  # whether each test loan is at or above it


def judge_original(
    loans: pd.DataFrame,
    unseen: pd.DataFrame,
    *,
    inputs: Inputs,
    rows: int,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
    n_jobs: int = 2,
) -> Original:
    """Search as the original did: SMOTE before anything is split, liblinear, six settings, judged by F2 on what they learnt from.

    Features are encoded as everywhere here, not as the original did it (which filled missing values from the row above).

    liblinear penalises the intercept too, and is stopped after 30 iterations: with C = 10,000 it would go on for
    minutes without moving a score.

    Args:
        loans: Cleaned training loans.
        unseen: Cleaned test loans.
        inputs: Which set of inputs.
        rows: Most training loans to use.
        beta: Of the F-beta score told besides F2.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions of the intervals.
        random_state: Seed of sample, SMOTE, solver and bootstrap.
        n_jobs: Settings worked on at once.
    """
    sample = stratified_sample(loans["default"].to_numpy(), rows=rows, random_state=random_state)
    X, y = feature_frame(loans.iloc[sample], inputs=inputs), loans["default"].to_numpy()[sample]
    pipeline = Recipe(inputs, unknown="learned").pipeline(random_state=random_state)
    resampled, outcome = prepare(pipeline, X, y)
    settings = [(penalty, C) for penalty in PENALTIES for C in CS]
    fits = in_parallel(
        _fit,
        [(resampled, outcome, penalty, C, random_state) for penalty, C in settings],
        label="original protocol",
        fits=1,
        n_jobs=n_jobs,
    )
    scores = [fbeta_score(outcome, model.predict(resampled), beta=CLAIMED_BETA) for model in fits]
    chosen = int(np.argmax(scores))
    model, (penalty, C) = fits[chosen], settings[chosen]
    curve = Predictions.of(outcome, model.predict_proba(resampled)[:, 1], beta=CLAIMED_BETA).curve()
    crossing = (curve["recall"] - (1 - curve["false_positive_rate"])).abs().to_numpy().argmin()
    threshold = float(curve["threshold"].iloc[crossing])
    scored = model.predict_proba(encode(pipeline, feature_frame(unseen, inputs=inputs)))[:, 1]
    return Original(
        penalty,
        C,
        threshold=threshold,
        rows=len(X),
        claimed_f2=float(curve["f2"].iloc[crossing]),
        test=evaluate(
            unseen["default"].to_numpy(),
            scored,
            threshold=threshold,
            beta=beta,
            confidence=confidence,
            repetitions=repetitions,
            random_state=random_state,
        ),
        flagged=scored >= threshold,
    )


def _fit(X: np.ndarray, y: np.ndarray, penalty: str, C: float, random_state: int) -> LogisticRegression:
    model = LogisticRegression(
        solver="liblinear", l1_ratio=float(penalty == "l1"), C=C, max_iter=MAX_ITERATIONS, random_state=random_state
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped on purpose
        return model.fit(X, y)
