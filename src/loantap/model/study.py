"""The whole model study: split, tune, calibrate, choose the threshold, and touch the test loans once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from statsmodels.stats.proportion import proportion_confint

from loantap.model.calibration import SigmoidCalibration, probability
from loantap.model.decision import Share, price_of_refusal
from loantap.model.evaluation import Predictions, evaluate
from loantap.model.features import check_allowed, feature_frame, preprocessor
from loantap.model.tuning import CS, Tuned, fit_model, split_loans, stratified_sample, tune

SAMPLER = "SMOTE"


@dataclass(frozen=True)
class ModelStudy:
    """What the study found.

    Attributes:
        with_pincode: Whether the leaking pincode was a feature.
        tuned: The search, on a sample of the training loans.
        tuning_rows: The size of that sample.
        train_rows: Loans the model was fitted on.
        model: Encoder and logistic regression, fitted on all training loans, without the sampler.
        calibration: From the model's log-odds to probabilities, fitted out of fold.
        threshold: Calibrated probability at and above which a loan is flagged, chosen out of fold for F2.
        test: The scores on the test loans, as in the results contract.
        refusal: What refusing the flagged test loans would do, see `price_of_refusal`.
        brier_uncalibrated: The Brier score on the test loans without calibration.
        curve: One row per threshold on the test loans.
        calibrated: Calibration by decile on the test loans, with Wilson intervals.
        uncalibrated: The same before calibration.
    """

    with_pincode: bool
    tuned: Tuned
    tuning_rows: int
    train_rows: int
    model: Pipeline
    calibration: SigmoidCalibration
    threshold: float
    test: dict
    refusal: dict[str, Share]
    brier_uncalibrated: float
    curve: pd.DataFrame
    calibrated: pd.DataFrame
    uncalibrated: pd.DataFrame

    def result(self) -> dict:
        """Return the model's part of `results/model.json`."""
        chosen = self.tuned.grid[
            (self.tuned.grid["penalty"] == self.tuned.best["penalty"]) & (self.tuned.grid["C"] == self.tuned.best["C"])
        ].iloc[0]
        return {
            "best_params": self.tuned.best,
            "sampler": SAMPLER,
            "threshold": self.threshold,
            "threshold_rule": "largest F2 on out-of-fold calibrated predictions",
            "calibration": {
                "method": "sigmoid",
                "slope": self.calibration.slope,
                "intercept": self.calibration.intercept,
            },
            "tuning_rows": self.tuning_rows,
            "train_rows": self.train_rows,
            "cv": {"f2_mean": chosen["f2_mean"], "f2_sd": chosen["f2_sd"], "grid": self.tuned.grid},
            "test": self.test,
            "refusal": self.refusal,
            "brier_uncalibrated": self.brier_uncalibrated,
        }


def study_model(
    loans: pd.DataFrame,
    *,
    with_pincode: bool,
    test_share: float,
    folds: int,
    tuning_rows: int,
    repetitions: int,
    random_state: int,
    n_jobs: int = 2,
) -> ModelStudy:
    """Tune the SMOTE logistic regression and judge it on loans it has not seen.

    Args:
        loans: Cleaned loans.
        with_pincode: Add the leaking pincode, for comparison with the original figures only.
        test_share: Share of loans held out, stratified by outcome.
        folds: Folds of the search.
        tuning_rows: Largest number of training loans the search uses; the final fit uses all of them.
        repetitions: Bootstrap repetitions of the intervals.
        random_state: Seed of split, sample, folds, SMOTE and bootstrap.
        n_jobs: Folds worked on at once.
    """
    X = feature_frame(loans, with_pincode=with_pincode)
    check_allowed(X, with_pincode=with_pincode)
    y = loans["default"].to_numpy()
    train, test = split_loans(loans["default"], test_share=test_share, random_state=random_state)
    sample = train[stratified_sample(y[train], rows=tuning_rows, random_state=random_state)]
    encoder = preprocessor(with_pincode=with_pincode)

    tuned = tune(
        X.iloc[sample], y[sample], preprocessor=encoder, folds=folds, Cs=CS, random_state=random_state, n_jobs=n_jobs
    )
    calibration = SigmoidCalibration.fit(tuned.log_odds, y[sample])
    threshold = Predictions.of(y[sample], calibration(tuned.log_odds)).best_threshold()
    model = fit_model(X.iloc[train], y[train], preprocessor=encoder, best=tuned.best, random_state=random_state)

    log_odds = model.decision_function(X.iloc[test])
    calibrated = Predictions.of(y[test], calibration(log_odds))
    uncalibrated = Predictions.of(y[test], probability(log_odds))
    return ModelStudy(
        with_pincode=with_pincode,
        tuned=tuned,
        tuning_rows=len(sample),
        train_rows=len(train),
        model=model,
        calibration=calibration,
        threshold=threshold,
        test=evaluate(
            y[test], calibration(log_odds), threshold=threshold, repetitions=repetitions, random_state=random_state
        ),
        refusal=price_of_refusal(
            loans["loan_amnt"].to_numpy()[test],
            y[test],
            calibration(log_odds) >= threshold,
            repetitions=repetitions,
            random_state=random_state,
        ),
        brier_uncalibrated=float(np.mean((probability(log_odds) - y[test]) ** 2)),
        curve=calibrated.curve(),
        calibrated=_with_intervals(calibrated.calibration()),
        uncalibrated=_with_intervals(uncalibrated.calibration()),
    )


def _with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    low, high = proportion_confint(table["defaults"], table["loans"], method="wilson")
    return table.assign(ci_low=low, ci_high=high)
