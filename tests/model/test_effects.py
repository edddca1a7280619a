from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.effects import POINTS, effect_curves
from loantap.model.explain import Refits, refitted
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe, encode

pytestmark = pytest.mark.slow

Fit = tuple[FittedModel, pd.DataFrame, Refits]


@pytest.fixture(scope="module", params=["plain", "ratios"])
def fit(loans: pd.DataFrame, request: pytest.FixtureRequest) -> Fit:
    some = loans.head(2_000)
    X, y = feature_frame(some, inputs="without_pincode"), some["default"].to_numpy()
    options: Any = {"recipe": Recipe("without_pincode", request.param, "none", without=("open_acc",)), "C": 0.3}
    model = fit_calibrated(X, y, np.ones(len(y)), sample=np.arange(900), folds=3, random_state=0, **options)
    return model, X, refitted(model, X, y, repetitions=20, random_state=0)


@pytest.fixture(scope="module")
def curves(fit: Fit) -> pd.DataFrame:
    return effect_curves(*fit, min_cell=10)


def test_a_curve_is_the_pipelines_own_answer_to_one_changed_input(fit: Fit, curves: pd.DataFrame):
    model, X, _ = fit
    rows = X.head(5).reset_index(drop=True)  # whatever else holds, since the model adds its inputs up
    for feature, own in curves.groupby("feature"):
        is_level = (own["level"] != "").all()
        typical = X[feature].mode()[0] if is_level else X[feature].median()
        for at in own.iloc[::7].itertuples():
            values = [typical, at.level if is_level else at.value]
            before, after = (model.model.decision_function(rows.assign(**{str(feature): value})) for value in values)
            assert after - before == pytest.approx(np.log(at.odds_ratio), abs=1e-10), (feature, values)


def test_a_band_is_the_spread_of_the_refits_and_ends_where_a_direction_does(fit: Fit, curves: pd.DataFrame):
    model, X, refits = fit
    name = next(name for name in curves["feature"].unique() if FEATURE_BY_NAME[name].higher == "riskier")
    own = curves[(curves["feature"] == name) & curves["value"].notna()]
    base = X.head(1).assign(**{name: X[name].median()})
    for at in own.iloc[[0, -1]].itertuples():
        moved = encode(model.model, base.assign(**{name: at.value})) - encode(model.model, base)
        error = np.std(refits.coefficients @ moved[0], ddof=1)
        ends = np.log(at.odds_ratio) + student.ppf(0.975, 19) * error * np.array([-1, 1])
        held = np.clip(ends, *((0, None) if at.value > X[name].median() else (None, 0)))
        assert np.log([at.ci_low, at.ci_high]) == pytest.approx(held, abs=1e-10)


def test_shares_are_those_of_the_loans_and_few_loans_are_not_told(fit: Fit, curves: pd.DataFrame):
    _, X, _ = fit
    for feature, own in curves.groupby("feature"):
        assert own["share"].sum() == pytest.approx(1, abs=POINTS * 10 / len(X)), feature
        assert (own["share"].dropna() * len(X)).min() >= 9.999, feature
    missing = curves[(curves["feature"] == "mort_acc") & curves["value"].isna()]
    assert missing["share"].item() == pytest.approx(X["mort_acc"].isna().mean())


def test_inputs_stand_in_the_order_of_what_they_do_and_one_that_is_not_used_has_none(fit: Fit, curves: pd.DataFrame):
    model, X, _ = fit
    order = list(curves["feature"].unique())
    assert "open_acc" not in order
    spread = [
        np.std(model.model.decision_function(X.assign(**{other: X[other].iloc[0] for other in X if other != name})))
        for name in order
    ]
    assert spread == sorted(spread, reverse=True)
