"""The whole model study in two acts: train, which sees training loans only, and judge, which touches the test loans once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.analysis.summaries import with_intervals
from loantap.model.ablation import Candidate, Champion, choose_champion, comparison, compete, recipes
from loantap.model.challengers import challenge
from loantap.model.decision import Share, price_of_refusal
from loantap.model.economics import Economics, loan_profit
from loantap.model.evaluation import Predictions, evaluate
from loantap.model.finalist import Finalist, fit_finalist
from loantap.model.folds import fold_splits, on_cluster
from loantap.model.groups import by_group, gains
from loantap.model.inputs import Inputs, check_allowed, check_features, feature_frame
from loantap.model.profit import profit_table
from loantap.model.recipe import Recipe
from loantap.model.tuning import Tuned, stratified_sample, tune

GROUPS = ("grade", "home_ownership", "profession_group")
THRESHOLD_RULE = "largest F2 on out-of-fold calibrated predictions"
PROFIT_RULE = "largest profit on out-of-fold calibrated predictions"


@dataclass(frozen=True)
class Trained:
    """What was learnt from the training loans.

    Attributes:
        tuned: The search of the SMOTE logistic regression.
        candidates: What competed, challengers last.
        ablation_rows: Training loans they competed on.
        table: Their scores and differences from plain features without resampling.
        from_champion: The same with differences from the champion.
        choice: The champion among them, and why.
        smote: The tuned SMOTE logistic regression.
        champion: The champion.
    """

    tuned: Tuned
    candidates: list[Candidate]
    ablation_rows: int
    table: pd.DataFrame
    from_champion: pd.DataFrame
    choice: Champion
    smote: Finalist
    champion: Finalist


@dataclass(frozen=True)
class Judged:
    """How a model does on the test loans.

    Attributes:
        test: The scores, as in the results contract.
        flagged: Whether each loan is at or above the threshold for F2.
        predicted: The mean predicted default rate.
        refusal: What refusing the flagged loans would do, see `price_of_refusal`.
        brier_uncalibrated: The Brier score without calibration.
        error_uncalibrated: The expected calibration error without calibration.
        curve: One row per threshold.
        deciles: Calibration by decile of predicted risk, the lowest first, with Wilson intervals.
        uncalibrated: The same before calibration.
        gains: The gains table, the riskiest decile first.
        groups: How each group fares, with its `factor`.
        profit: What each threshold earns, see `profit_table`.
    """

    test: dict
    flagged: np.ndarray
    predicted: float
    refusal: dict[str, Share]
    brier_uncalibrated: float
    error_uncalibrated: float
    curve: pd.DataFrame
    deciles: pd.DataFrame
    uncalibrated: pd.DataFrame
    gains: pd.DataFrame
    groups: pd.DataFrame
    profit: pd.DataFrame


def train(
    loans: pd.DataFrame,
    *,
    inputs: Inputs,
    folds: int,
    repeats: int,
    tuning_rows: int,
    ablation_rows: int,
    economics: Economics,
    random_state: int,
    n_jobs: int = 2,
    cluster: str = "",
) -> Trained:
    """Tune the SMOTE logistic regression, let recipes and challengers compete, and fit the champion.

    Args:
        loans: Cleaned training loans.
        inputs: Which set of inputs.
        folds: Folds of every search.
        repeats: How often the competition repeats its folds.
        tuning_rows: Most training loans the search, and each finalist's out-of-fold predictions, use.
        ablation_rows: Most training loans the competition uses.
        economics: What profit rests on.
        random_state: Seed of samples, folds and samplers.
        n_jobs: Folds worked on at once; the result does not depend on it.
        cluster: Address of a Dask scheduler to work on; empty for this machine.
    """
    check_features()
    X, y = feature_frame(loans, inputs=inputs), loans["default"].to_numpy()
    check_allowed(X, inputs=inputs)
    profit = loan_profit(loans, economics)
    sample = stratified_sample(y, rows=tuning_rows, random_state=random_state)
    arena = stratified_sample(y, rows=ablation_rows, random_state=random_state)
    seeded: dict[str, Any] = {"random_state": random_state, "n_jobs": n_jobs}
    with on_cluster(cluster):
        smote_recipe = Recipe(inputs)
        tuned = tune(X.iloc[sample], y[sample], recipe=smote_recipe, folds=folds, **seeded)
        splits = fold_splits(y[arena], folds=folds, repeats=repeats, random_state=random_state)
        arena_X, arena_y = X.iloc[arena], y[arena]
        rivals = [compete(arena_X, arena_y, recipe=recipe, splits=splits, **seeded) for recipe in recipes(inputs)]
        rivals += challenge(arena_X, arena_y, splits=splits, **seeded)
        choice = choose_champion(rivals, folds=folds)
        smote = fit_finalist(
            X,
            y,
            profit,
            recipe=smote_recipe,
            penalty=str(tuned.best["penalty"]),
            C=float(tuned.best["C"]),
            sample=sample,
            log_odds=tuned.log_odds,
            folds=folds,
            **seeded,
        )
        champion = fit_finalist(
            X,
            y,
            profit,
            recipe=choice.recipe,
            C=choice.C,
            sample=sample,
            folds=folds,
            **seeded,
        )
    table = comparison(rivals, reference=Recipe(inputs, "plain", "none").name, folds=folds)
    from_champion = comparison(rivals, reference=choice.candidate.name, folds=folds)
    return Trained(tuned, rivals, len(arena), table, from_champion, choice, smote, champion)


def judge(
    finalist: Finalist,
    loans: pd.DataFrame,
    *,
    economics: Economics,
    repetitions: int,
    min_cell: int,
    random_state: int,
) -> Judged:
    """Judge a finished model on the test loans; nothing is chosen here.

    Args:
        finalist: Fitted on other loans.
        loans: Cleaned test loans.
        economics: What profit rests on.
        repetitions: Bootstrap repetitions of the intervals.
        min_cell: The smallest count of loans, defaults or repaid loans that a group may show.
        random_state: Seed of the bootstrap.
    """
    X, y = feature_frame(loans, inputs=finalist.recipe.inputs), loans["default"].to_numpy()
    default, raw = finalist.probability(X), Predictions.of(y, finalist.raw_probability(X))
    amount = loans["loan_amnt"].to_numpy()
    drawn: dict[str, Any] = {"repetitions": repetitions, "random_state": random_state}
    predictions = Predictions.of(y, default)
    before, deciles = raw.metrics(0.5), _calibration(predictions)
    groups = [
        by_group(factor_values(loans, factor), y, default, threshold=finalist.threshold, min_cell=min_cell).assign(
            factor=factor
        )
        for factor in GROUPS
    ]
    thresholds = {
        "refuse nobody": float(np.nextafter(1.0, 2.0)),
        "best profit": finalist.profit_threshold,
        "best F2": finalist.threshold,
    }
    return Judged(
        test=evaluate(y, default, threshold=finalist.threshold, **drawn),
        flagged=default >= finalist.threshold,
        predicted=float(default.mean()),
        refusal=price_of_refusal(amount, y, default >= finalist.threshold, **drawn),
        brier_uncalibrated=before["brier"],
        error_uncalibrated=before["expected_calibration_error"],
        curve=predictions.curve(),
        deciles=deciles,
        uncalibrated=_calibration(raw),
        gains=gains(deciles),
        groups=pd.concat(groups, ignore_index=True),
        profit=profit_table(default, loan_profit(loans, economics), amount, thresholds, **drawn),
    )


def model_result(finalist: Finalist, judged: Judged) -> dict:
    """Return a model's part of `results/model.json`."""
    return {
        "best_params": {"penalty": finalist.penalty, "C": finalist.C},
        "features": finalist.recipe.encoding,
        "sampler": finalist.recipe.sampler,
        "threshold": finalist.threshold,
        "threshold_rule": THRESHOLD_RULE,
        "profit_threshold": finalist.profit_threshold,
        "profit_threshold_rule": PROFIT_RULE,
        "calibration": {
            "method": "sigmoid",
            "slope": finalist.calibration.slope,
            "intercept": finalist.calibration.intercept,
        },
        "tuning_rows": finalist.rows,
        "train_rows": finalist.train_rows,
        "cv": {"f2_mean": finalist.folds["f2"].mean(), "f2_sd": finalist.folds["f2"].std(ddof=1)},
        "test": judged.test,
        "refusal": judged.refusal,
        "brier_uncalibrated": judged.brier_uncalibrated,
        "expected_calibration_error_uncalibrated": judged.error_uncalibrated,
        "profit": judged.profit,
    }


def _calibration(predictions: Predictions) -> pd.DataFrame:
    return with_intervals(predictions.calibration().rename(columns={"loans": "n"})).rename(columns={"n": "loans"})
