import numpy as np
import pandas as pd
import pytest

from loantap.model.features import ENCODINGS, Encoding
from loantap.model.inputs import INPUTS, Inputs, feature_frame
from loantap.model.recipe import Recipe
from loantap.model.scorer import Scorer, compile_pipeline

# Sums of some thirty terms in another order: rounding only.
ROUNDING = 1e-12


def plain_rows(X: pd.DataFrame) -> list[dict]:
    return [
        {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
        for row in X.to_dict("records")
    ]


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_contributions_sum_to_the_pipelines_own_log_odds(loans: pd.DataFrame, inputs: Inputs, encoding: Encoding):
    X, y = feature_frame(loans, inputs=inputs), loans["default"].to_numpy()
    pipeline = Recipe(inputs, encoding, "none").pipeline(C=0.3, random_state=0).fit(X.iloc[:3_000], y[:3_000])
    scorer, wanted = compile_pipeline(pipeline), pipeline.decision_function(X)
    assert X.isna().any().any()
    np.testing.assert_allclose(scorer.many(X).sum(axis=1) + scorer.intercept, wanted, rtol=0, atol=ROUNDING)
    one = [sum(scorer.one(row)) + scorer.intercept for row in plain_rows(X.iloc[2_500:3_500])]
    np.testing.assert_allclose(one, wanted[2_500:3_500], rtol=0, atol=ROUNDING)


@pytest.fixture(scope="module")
def fitted(loans: pd.DataFrame):
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    return Recipe("without_pincode", "ratios", "none").pipeline(C=0.3, random_state=0).fit(X, y)


@pytest.mark.parametrize("value", [0.0, 1e-9, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("feature", ["loan_amnt", "annual_inc", "dti", "int_rate", "revol_util", "open_acc"])
def test_values_far_outside_of_training_are_scored_as_the_pipeline_does(
    loans: pd.DataFrame, fitted, feature: str, value: float
):
    X = feature_frame(loans.head(3), inputs="without_pincode").assign(**{feature: value})
    scorer, wanted = compile_pipeline(fitted), fitted.decision_function(X)
    np.testing.assert_allclose(scorer.many(X).sum(axis=1) + scorer.intercept, wanted, rtol=1e-12, atol=ROUNDING)
    one = [sum(scorer.one(row)) + scorer.intercept for row in plain_rows(X)]
    np.testing.assert_allclose(one, wanted, rtol=1e-12, atol=ROUNDING)


def test_each_single_missing_value_is_scored_as_the_pipeline_does(loans: pd.DataFrame, fitted):
    whole = feature_frame(loans, inputs="without_pincode").dropna().head(1)
    numbers = whole.select_dtypes("number").columns
    X = pd.concat([whole.assign(**{name: np.nan}) for name in numbers])
    scorer = compile_pipeline(fitted)
    one = [sum(scorer.one(row)) + scorer.intercept for row in plain_rows(X)]
    np.testing.assert_allclose(one, fitted.decision_function(X), rtol=0, atol=ROUNDING)


def test_a_level_that_no_training_loan_had_is_scored_as_the_pipeline_does(loans: pd.DataFrame, fitted):
    X = feature_frame(loans.head(2), inputs="without_pincode").assign(purpose=["time travel", None])
    scorer = compile_pipeline(fitted)
    assert "time travel" not in scorer.levels("purpose")
    np.testing.assert_allclose(
        scorer.many(X).sum(axis=1) + scorer.intercept, fitted.decision_function(X), rtol=0, atol=ROUNDING
    )


def test_a_knot_belongs_to_both_of_its_pieces(loans: pd.DataFrame, fitted):
    splines = fitted["expand"].named_transformers_["spline"]
    standard = fitted["standard"].named_transformers_["plain_riskier"]["standardscaler"]
    place, base = list(splines.feature_names_in_).index("int_rate"), splines.bsplines_
    index = list(standard.feature_names_in_).index("int_rate")
    knots = base[place].t[3:-3] * standard.scale_[index] + standard.mean_[index]
    X = pd.concat([feature_frame(loans.head(1), inputs="without_pincode")] * len(knots)).assign(int_rate=knots)
    scorer: Scorer = compile_pipeline(fitted)
    np.testing.assert_allclose(
        scorer.many(X).sum(axis=1) + scorer.intercept, fitted.decision_function(X), rtol=0, atol=ROUNDING
    )
