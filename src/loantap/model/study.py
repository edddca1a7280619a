"""What a study is made of beside its searches: training data, and how a finished model does on the test loans."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.analysis.summaries import with_intervals
from loantap.errors import UnfitDataError
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.decision import Share, price_of_refusal, profit_table
from loantap.model.economics import Economics, loan_profit
from loantap.model.evaluation import Predictions, evaluate, fbeta_name
from loantap.model.fitted import FittedModel
from loantap.model.groups import Gap, by_group, gains, pooled_groups, widest_gap
from loantap.model.inputs import Inputs, check_allowed, check_features, feature_frame
from loantap.model.metadata import ModelMetadata

GROUPS = ("grade", "home_ownership", "profession_group")
THRESHOLDS = ("threshold", "profit_threshold", "capacity_threshold")
PROFIT_RULE = "largest profit on out-of-fold calibrated predictions"


@dataclass(frozen=True)
class Evaluation:
    """How a model does on the test loans."""

    model: FittedModel
    confidence: float  # of every interval
    repetitions: int  # bootstrap repetitions behind them
    min_cell: int  # the smallest count of loans, defaults or repaid loans that a group shows
    sampled: bool  # whether the test loans are of a sample of those that were counted
    # the share of the test loans at or above `threshold`, `profit_threshold` and `capacity_threshold`
    referred: dict[str, float]
    test: dict  # the scores, as in the results contract
    flagged: np.ndarray  # whether each loan is at or above the threshold
    predicted: float  # the mean predicted default rate
    refusal: dict[str, Share]  # what refusing the flagged loans would do, see `price_of_refusal`
    brier_uncalibrated: float  # the Brier score without calibration
    error_uncalibrated: float  # the expected calibration error without calibration
    curve: pd.DataFrame  # one row per threshold
    deciles: pd.DataFrame  # calibration by decile of predicted risk, the lowest first, with Wilson intervals
    uncalibrated: pd.DataFrame  # the same before calibration
    gains: pd.DataFrame  # the gains table, the riskiest decile first
    groups: pd.DataFrame  # how each group fares, with its `factor`
    gap: Gap | None  # between which two of them the share of good customers flagged differs most
    profit: pd.DataFrame  # what each threshold earns, see `profit_table`

    @property
    def score(self) -> str:
        """The name of the score that the threshold was chosen for, such as f2."""
        return fbeta_name(self.model.beta)

    @property
    def inputs(self) -> Inputs:
        """What the model may see."""
        return self.model.recipe.inputs

    @property
    def default_rate(self) -> float:
        """The observed default rate."""
        return (self.test["confusion"]["tp"] + self.test["confusion"]["fn"]) / self.test["n"]


def training_data(loans: pd.DataFrame, *, inputs: Inputs) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features, shape (n, n_features), and outcomes, 1 for default, of cleaned loans.

    Raises InputError for a feature that a model with these inputs must not see, UnfitDataError for a model with pincodes of loans without.
    """
    check_features()
    if inputs == "with_pincode" and loans["pincode"].isna().all():
        raise UnfitDataError("the loans hold no pincode")
    X = feature_frame(loans, inputs=inputs)
    check_allowed(X, inputs=inputs)
    return X, loans["default"].to_numpy()


def evaluate_model(
    fitted: FittedModel,
    loans: pd.DataFrame,
    *,
    economics: Economics,
    confidence: float = CONFIDENCE,
    repetitions: int,
    min_cell: int,
    sampled: bool = False,
    random_state: int,
) -> Evaluation:
    """Evaluate a finished model on the test loans; nothing is chosen here.

    Args:
        fitted: Fitted on other loans.
        loans: Cleaned test loans.
        economics: What profit rests on.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions of the intervals.
        min_cell: The smallest count of loans, defaults or repaid loans that a group may show.
        sampled: Whether the loans are of a sample of those that were counted.
        random_state: Seed of the bootstrap.
    """
    X, y = feature_frame(loans, inputs=fitted.recipe.inputs), loans["default"].to_numpy()
    default, raw = fitted.probability(X), Predictions.of(y, fitted.raw_probability(X))
    amount = loans["loan_amnt"].to_numpy()
    drawn: Any = {"confidence": confidence, "repetitions": repetitions, "random_state": random_state}
    predictions = Predictions.of(y, default, beta=fitted.beta)
    before, deciles = raw.metrics(0.5), _calibration(predictions, confidence)
    grouped: Any = {"threshold": fitted.threshold, "min_cell": min_cell, "confidence": confidence}
    tables = [by_group(factor_values(loans, factor), y, default, **grouped).assign(factor=factor) for factor in GROUPS]
    groups = pd.concat(tables, ignore_index=True)
    thresholds = {
        "approve all": float(np.nextafter(1.0, 2.0)),
        f"{fbeta_name(fitted.beta).upper()} threshold": fitted.threshold,
        "profit threshold": fitted.profit_threshold,
        f"capacity threshold ({100 * fitted.capacity:g}%)": fitted.capacity_threshold,
    }
    return Evaluation(
        fitted,
        confidence=confidence,
        repetitions=repetitions,
        min_cell=min_cell,
        sampled=sampled,
        referred=shares_referred(default, fitted),
        test=evaluate(y, default, threshold=fitted.threshold, beta=fitted.beta, **drawn),
        flagged=default >= fitted.threshold,
        predicted=float(default.mean()),
        refusal=price_of_refusal(amount, y, default >= fitted.threshold, **drawn),
        brier_uncalibrated=before["brier"],
        error_uncalibrated=before["expected_calibration_error"],
        curve=predictions.curve(),
        deciles=deciles,
        uncalibrated=_calibration(raw, confidence),
        gains=gains(deciles),
        groups=groups,
        gap=widest_gap(groups, confidence=confidence),
        profit=profit_table(default, loan_profit(loans, economics), amount, thresholds, **drawn),
    )


def named_groups(loans: pd.DataFrame, *, min_cell: int) -> dict[tuple[str, str], np.ndarray]:
    """Return by factor and group whether each loan is in it; small groups are pooled, as in `by_group`."""
    found: dict[tuple[str, str], np.ndarray] = {}
    for factor in GROUPS:
        names = pooled_groups(factor_values(loans, factor), loans["default"].to_numpy(), min_cell=min_cell)
        found |= {(factor, str(name)): np.asarray(names == name) for name in names.categories}
    return found


def shares_referred(probability: np.ndarray, model: FittedModel | ModelMetadata) -> dict[str, float]:
    """Return the share of the loans at or above each threshold of a model, by the threshold's name."""
    return {name: float((probability >= getattr(model, name)).mean()) for name in THRESHOLDS}


def model_result(evaluation: Evaluation) -> dict:
    """Return a model's part of `results/model.json`."""
    model, recipe, calibration = evaluation.model, evaluation.model.recipe, evaluation.model.calibration
    name, room = fbeta_name(model.beta), f"{100 * model.capacity:g}%"
    return {
        "best_params": {"penalty": model.penalty, "C": model.C},
        "features": recipe.encoding,
        "sampler": recipe.sampler,
        "obeys": recipe.obeys,
        "unknown": recipe.unknown,
        "without": list(recipe.without),
        "threshold": model.threshold,
        "threshold_rule": f"largest {name.upper()} on out-of-fold calibrated predictions",
        "profit_threshold": model.profit_threshold,
        "profit_threshold_rule": PROFIT_RULE,
        "capacity": model.capacity,
        "capacity_threshold": model.capacity_threshold,
        "capacity_threshold_rule": f"at most {room} of the out-of-fold calibrated predictions at or above it",
        "referred": evaluation.referred,
        "calibration": {"method": "sigmoid", "slope": calibration.slope, "intercept": calibration.intercept},
        "tuning_rows": model.rows,
        "train_rows": model.train_rows,
        "cv": {
            f"{score}_{what}": value
            for score in dict.fromkeys(("f2", name))
            for what, value in (("mean", model.folds[score].mean()), ("sd", model.folds[score].std(ddof=1)))
        },
        "test": evaluation.test,
        "refusal": evaluation.refusal,
        "brier_uncalibrated": evaluation.brier_uncalibrated,
        "expected_calibration_error_uncalibrated": evaluation.error_uncalibrated,
        "profit": evaluation.profit,
        "beta": model.beta,
        "confidence": evaluation.confidence,
    }


def _calibration(predictions: Predictions, confidence: float) -> pd.DataFrame:
    counts = predictions.calibration().rename(columns={"loans": "n"})
    return with_intervals(counts, confidence=confidence).rename(columns={"n": "loans"})
