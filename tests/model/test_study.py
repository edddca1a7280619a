import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score
from sklearn.model_selection import train_test_split

from loantap.model.baselines import baseline_rules, score_baselines
from loantap.model.calibration import SigmoidCalibration
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import Apart, FittedModel, evaluate_out_of_time, fit_calibrated, fit_out_of_time
from loantap.model.inputs import feature_frame
from loantap.model.paired import fbeta_differences
from loantap.model.persistence import PIPELINE, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.model.study import Evaluation, evaluate_model, model_result, training_data
from loantap.model.tuning import split_loans, stratified_sample

pytestmark = pytest.mark.slow

EVALUATING = {"economics": Economics(), "repetitions": 20, "min_cell": 10, "random_state": 0}
PLAIN = Recipe("without_pincode", "plain", "none")
Halves = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def halves(loans: pd.DataFrame) -> Halves:
    """Training and test loans."""
    train_rows, test_rows = split_loans(loans["default"], test_share=0.25, random_state=0)
    return loans.iloc[train_rows], loans.iloc[test_rows]


def fitted(loans: pd.DataFrame, recipe: Recipe, C: float = 0.3, **options: Any) -> FittedModel:
    """Fit a recipe as a notebook does."""
    X, y = training_data(loans, inputs=recipe.inputs)
    sample = stratified_sample(y, rows=2_000, random_state=0)
    rest = {"recipe": recipe, "C": C, "sample": sample, "folds": 3, "random_state": 0}
    return fit_calibrated(X, y, loan_profit(loans, Economics()), **rest, **options)


@pytest.fixture(scope="module")
def champion(halves: Halves) -> FittedModel:
    return fitted(halves[0], PLAIN)


@pytest.fixture(scope="module")
def smote(halves: Halves) -> FittedModel:
    return fitted(halves[0], Recipe("without_pincode"))


@pytest.fixture(scope="module")
def evaluation(champion: FittedModel, halves: Halves) -> Evaluation:
    return evaluate_model(champion, halves[1], **EVALUATING)


@pytest.mark.long
def test_the_same_seed_gives_the_same_study(
    halves: Halves, champion: FittedModel, evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap.model.parallel.WORKERS", 2)
    again = fitted(halves[0], PLAIN)
    assert (again.model["model"].coef_ == champion.model["model"].coef_).all()
    assert evaluate_model(again, halves[1], **EVALUATING).test == evaluation.test


def test_the_split_of_the_notebook_is_the_one_that_models_are_checked_with(loans: pd.DataFrame, halves: Halves):
    parts = train_test_split(loans, test_size=0.25, stratify=loans["default"], random_state=0)
    for part, rows in zip(parts, halves, strict=True):
        assert part.sort_index().index.tolist() == rows.index.tolist()


def test_the_result_holds_what_the_contract_asks(champion: FittedModel, evaluation: Evaluation):
    result = model_result(evaluation)
    assert set(result) >= {"best_params", "sampler", "threshold", "cv", "test", "profit_threshold"}
    assert set(result["best_params"]) == {"penalty", "C"}
    assert {"f2_mean", "f2_sd"} <= set(result["cv"])
    confusion = result["test"]["confusion"]
    assert sum(confusion.values()) == result["test"]["n"]
    assert result["test"]["recall"] == confusion["tp"] / (confusion["tp"] + confusion["fn"])


def test_training_never_sees_a_test_loan(halves: Halves, champion: FittedModel, smote: FittedModel):
    assert champion.train_rows == smote.train_rows == len(halves[0])
    assert smote.rows == 2_000


def test_calibration_repairs_what_smote_did(smote: FittedModel, halves: Halves):
    found = evaluate_model(smote, halves[1], **EVALUATING)
    assert found.test["brier"] < found.brier_uncalibrated - 0.03
    assert found.test["expected_calibration_error"] < found.error_uncalibrated - 0.1
    assert found.deciles["loans"].sum() == found.test["n"]


def test_the_leak_lifts_every_score(halves: Halves, evaluation: Evaluation):
    leaking = evaluate_model(fitted(halves[0], Recipe("with_pincode", "plain", "none")), halves[1], **EVALUATING)
    assert leaking.test["roc_auc"] > evaluation.test["roc_auc"] + 0.1
    assert leaking.test["f2"] > evaluation.test["f2"] + 0.05


def test_the_thresholds_do_not_depend_on_the_test_loans(champion: FittedModel, halves: Halves):
    half = evaluate_model(champion, halves[1].iloc[::2], **EVALUATING)
    own = [champion.threshold, champion.profit_threshold, champion.capacity_threshold]
    assert half.profit["threshold"].tolist()[1:] == own


def test_the_result_tells_all_three_thresholds_and_the_share_referred_at_each(
    champion: FittedModel, evaluation: Evaluation, halves: Halves
):
    result = model_result(evaluation)
    probability = champion.probability(feature_frame(halves[1], inputs="without_pincode"))
    for name in ("threshold", "profit_threshold", "capacity_threshold"):
        assert result["referred"][name] == (probability >= result[name]).mean()
    assert evaluation.profit["refused"].tolist()[1:] == pytest.approx([*result["referred"].values()])
    assert result["referred"]["threshold"] == evaluation.flagged.mean()
    assert result["capacity"] == 0.1
    assert result["capacity_threshold_rule"].startswith("at most 10% of ")


def test_more_capacity_lowers_its_threshold_and_no_other(halves: Halves, champion: FittedModel):
    roomy = fitted(halves[0], PLAIN, capacity=0.3)
    assert roomy.capacity_threshold < champion.capacity_threshold
    assert (roomy.threshold, roomy.profit_threshold) == (champion.threshold, champion.profit_threshold)


def test_another_beta_moves_the_threshold_and_is_told_under_its_own_name(halves: Halves, champion: FittedModel):
    careful = fitted(halves[0], PLAIN, beta=0.5)
    found = evaluate_model(careful, halves[1], **EVALUATING)
    outcome, flagged = halves[1]["default"].to_numpy(), found.flagged
    assert careful.threshold > champion.threshold  # precision counts more, so fewer are flagged
    assert found.test["f0.5"] == pytest.approx(fbeta_score(outcome, flagged, beta=0.5), abs=1e-12)
    assert found.test["f2"] == pytest.approx(fbeta_score(outcome, flagged, beta=2), abs=1e-12)
    assert found.profit["name"].tolist() == [
        "approve all",
        "F0.5 threshold",
        "profit threshold",
        "capacity threshold (10%)",
    ]
    result = model_result(found)
    assert (result["beta"], result["threshold_rule"].split()[1]) == (0.5, "F0.5")
    assert set(result["cv"]) == {"f2_mean", "f2_sd", "f0.5_mean", "f0.5_sd"}


def test_less_confidence_narrows_every_interval(champion: FittedModel, halves: Halves, evaluation: Evaluation):
    half = evaluate_model(champion, halves[1], **EVALUATING, confidence=0.5)

    def widths(found: Evaluation) -> np.ndarray:
        spans = [found.test["ci"]["f2"], *found.groups[["recall_low", "recall_high"]].to_numpy()]
        spans += found.groups[["roc_auc_low", "roc_auc_high"]].to_numpy().tolist()
        spans += found.deciles[["ci_low", "ci_high"]].to_numpy().tolist()
        spans += [(share.ci_low, share.ci_high) for share in found.refusal.values()]
        spans += found.profit[["ci_low", "ci_high"]].to_numpy().tolist()
        return np.array([high - low for low, high in spans])

    assert (widths(half) < widths(evaluation)).all()


def test_a_saved_model_gives_the_probabilities_of_the_fitted_one(
    champion: FittedModel, smote: FittedModel, halves: Halves, tmp_path_factory: pytest.TempPathFactory
):
    loans, unseen = halves
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    richest = fit_calibrated(
        X,
        y,
        np.ones(len(y)),
        recipe=Recipe("without_pincode", "ratios", "none"),
        C=0.1,
        sample=np.arange(1_000),
        folds=3,
        random_state=0,
    )
    for fitted in (champion, smote, richest):
        folder = save_model(tmp_path_factory.mktemp("models") / "model", fitted, loans=loans, card={}, page="")
        saved = load_model(folder)
        expected = fitted.probability(feature_frame(unseen, inputs="without_pincode"))
        assert saved.probability(unseen) == pytest.approx(expected, abs=1e-12)
        assert (saved.threshold, saved.metadata.profit_threshold) == (fitted.threshold, fitted.profit_threshold)
        assert (saved.metadata.capacity, saved.metadata.capacity_threshold) == (0.1, fitted.capacity_threshold)
        # No array in the file is large enough to hold a column of the training loans.
        with zipfile.ZipFile(folder / PIPELINE) as parts:
            assert max(part.file_size for part in parts.infolist() if part.filename.endswith(".npy")) < len(loans)


def test_baselines_learn_from_training_loans_only(halves: Halves):
    loans, unseen = halves
    rules = baseline_rules(loans, unseen)
    turned = baseline_rules(loans, unseen.assign(default=1 - unseen["default"]))
    for rule, again in zip(rules, turned, strict=True):
        assert rule.threshold == again.threshold
        assert (rule.score == again.score).all()
    found = {
        rule["name"]: rule["test"]
        for rule in score_baselines(rules, unseen["default"].to_numpy(), repetitions=20, random_state=0)
    }
    assert found["reject_all"]["recall"] == 1
    assert found["reject_all"]["accuracy"] == pytest.approx(unseen["default"].mean())
    refused = ~unseen["pincode"].isin(["00813", "05113", "29597"])
    assert found["pincode"]["recall"] == pytest.approx(unseen.loc[refused, "default"].sum() / unseen["default"].sum())


def test_differences_in_fbeta_are_paired():
    rng = np.random.default_rng(0)
    outcome = (rng.random(2_000) < 0.2).astype(int)
    first = rng.random(2_000) < 0.3 + 0.4 * outcome
    nearly = first.copy()
    nearly[:5] = ~nearly[:5]
    flagged = {"first": first, "nearly": nearly, "everybody": np.ones(2_000, dtype=bool)}
    table = fbeta_differences(outcome, flagged, repetitions=400, random_state=0).set_index("name")
    for name, flags in flagged.items():
        if name != "first":
            expected = fbeta_score(outcome, first, beta=2) - fbeta_score(outcome, flags, beta=2)
            assert table.loc[name, "difference"] == pytest.approx(expected, abs=1e-12)
            assert table.loc[name, "difference_low"] <= expected <= table.loc[name, "difference_high"]
    assert np.isnan(table.loc["first", "difference"])
    # Rivals that flag nearly the same loans scatter together: the interval is far narrower than of either's F2.
    widths = table["difference_high"] - table["difference_low"]
    assert widths["nearly"] < 0.2 * widths["everybody"]


LATER = {"recipe": PLAIN, "C": 0.1, "later_share": 0.2, "rows": 1_500, "folds": 3, "economics": Economics(), "random_state": 0}  # fmt: skip


@pytest.fixture(scope="module")
def apart(loans: pd.DataFrame) -> Apart:
    """A model of the earlier loans."""
    found = fit_out_of_time(loans, **LATER)
    assert found is not None
    return found


def test_later_loans_are_judged_by_a_model_of_earlier_ones(loans: pd.DataFrame, apart: Apart):
    found = evaluate_out_of_time(apart, loans, repetitions=20, random_state=0)
    later = loans["issue_d"] >= apart.first_month
    assert found is not None
    assert (apart.later == later).all()
    assert found.test["n"] == later.sum() >= 0.2 * len(loans)
    assert found.train_rows == (~later).sum()
    assert found.default_rate == pytest.approx(loans.loc[later, "default"].mean())
    assert (found.threshold, found.predicted) == (apart.fitted.threshold, apart.probability[later].mean())


def test_a_model_of_the_earlier_loans_knows_nothing_of_how_the_later_ones_ended(loans: pd.DataFrame, apart: Apart):
    again = fit_out_of_time(
        loans.assign(default=np.where(apart.later, 1 - loans["default"], loans["default"])), **LATER
    )
    assert again is not None
    assert (again.probability == apart.probability).all()
    assert again.fitted.profit_threshold == apart.fitted.profit_threshold


def test_where_one_month_holds_all_loans_none_is_later(loans: pd.DataFrame):
    none = fit_out_of_time(loans.assign(issue_d=loans["issue_d"].max()), **LATER)
    assert none is None
    assert evaluate_out_of_time(none, loans, repetitions=20, random_state=0) is None


def test_calibration_is_a_logistic_regression_on_the_log_odds():
    rng = np.random.default_rng(0)
    log_odds = rng.standard_normal(2_000)
    outcome = (rng.random(2_000) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))).astype(int)
    found = SigmoidCalibration.fit(log_odds, outcome)
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], outcome)
    assert (found.slope, found.intercept) == pytest.approx((expected.coef_[0, 0], expected.intercept_[0]), abs=1e-3)
    # Maximum likelihood with an intercept keeps the mean.
    assert found(log_odds).mean() == pytest.approx(outcome.mean(), abs=1e-4)


def test_calibration_never_turns_a_ranking_round():
    log_odds = np.linspace(-1, 1, 200)
    outcome = (log_odds < -0.4).astype(int)
    found = SigmoidCalibration.fit(log_odds, outcome)
    assert found.slope == 0
    assert found(log_odds) == pytest.approx(outcome.mean())
