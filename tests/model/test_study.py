import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from loantap.model.baselines import score_baselines
from loantap.model.calibration import SigmoidCalibration
from loantap.model.explain import odds_ratios
from loantap.model.study import ModelStudy, study_model
from loantap.model.tuning import split_loans

OPTIONS = {"test_share": 0.25, "folds": 3, "tuning_rows": 2_000, "repetitions": 20, "random_state": 0, "n_jobs": 1}


@pytest.fixture(scope="module")
def study(loans: pd.DataFrame) -> ModelStudy:
    return study_model(loans, with_pincode=False, **OPTIONS)


def test_the_same_seed_gives_the_same_study(loans: pd.DataFrame, study: ModelStudy):
    again = study_model(loans, with_pincode=False, **OPTIONS)
    assert again.test == study.test
    assert (again.model["model"].coef_ == study.model["model"].coef_).all()


def test_the_test_loans_are_not_among_the_training_loans(loans: pd.DataFrame, study: ModelStudy):
    assert study.train_rows + study.test["n"] == len(loans)
    assert study.tuning_rows == 2_000


def test_the_result_holds_what_the_contract_asks(study: ModelStudy):
    result = study.result()
    assert set(result) >= {"best_params", "sampler", "threshold", "cv", "test"}
    assert set(result["best_params"]) == {"penalty", "C"}
    assert {"f2_mean", "f2_sd"} <= set(result["cv"])
    confusion = result["test"]["confusion"]
    assert sum(confusion.values()) == result["test"]["n"]
    assert result["test"]["recall"] == confusion["tp"] / (confusion["tp"] + confusion["fn"])


def test_calibration_repairs_what_smote_did(study: ModelStudy):
    assert study.test["brier"] < study.brier_uncalibrated - 0.03
    assert study.calibrated["loans"].sum() == study.test["n"]


def test_the_leak_lifts_every_score(loans: pd.DataFrame, study: ModelStudy):
    leaking = study_model(loans, with_pincode=True, **OPTIONS)
    assert leaking.test["roc_auc"] > study.test["roc_auc"] + 0.1
    assert leaking.test["f2"] > study.test["f2"] + 0.05


def test_baselines_learn_from_training_loans_only(loans: pd.DataFrame):
    train, test = split_loans(loans["default"], test_share=0.25, random_state=0)
    found = {
        rule["name"]: rule["test"]
        for rule in score_baselines(loans.iloc[train], loans.iloc[test], repetitions=20, random_state=0)
    }
    assert found["reject_all"]["recall"] == 1
    assert found["reject_all"]["accuracy"] == pytest.approx(loans["default"].iloc[test].mean())
    pure = ["00813", "05113", "29597"]
    held_out = loans.iloc[test]
    refused = ~held_out["pincode"].isin(pure)
    assert found["pincode"]["recall"] == pytest.approx(
        held_out.loc[refused, "default"].sum() / held_out["default"].sum()
    )


def test_calibration_is_a_logistic_regression_on_the_log_odds():
    rng = np.random.default_rng(0)
    log_odds = rng.standard_normal(2_000)
    outcome = (rng.random(2_000) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))).astype(int)
    found = SigmoidCalibration.fit(log_odds, outcome)
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], outcome)
    assert (found.slope, found.intercept) == pytest.approx((expected.coef_[0, 0], expected.intercept_[0]), abs=1e-3)
    # Maximum likelihood with an intercept keeps the mean.
    assert found(log_odds).mean() == pytest.approx(outcome.mean(), abs=1e-4)


def test_odds_ratios_are_exponentials_strongest_first(study: ModelStudy):
    table = odds_ratios(study.model)
    assert table["odds_ratio"].to_numpy() == pytest.approx(np.exp(table["coefficient"]))
    assert table["coefficient"].abs().is_monotonic_decreasing
