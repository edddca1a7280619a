import numpy as np
import pandas as pd
import pytest

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.compiled import compile_pipeline
from loantap.model.features import ENCODINGS, SUPPORT, Encoding
from loantap.model.inputs import CATEGORIES, INPUTS, Inputs, feature_frame
from loantap.model.recipe import Recipe
from loantap.model.scorer import Scorer

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
    assert "time travel" not in scorer.levels["purpose"]
    np.testing.assert_allclose(
        scorer.many(X).sum(axis=1) + scorer.intercept, fitted.decision_function(X), rtol=0, atol=ROUNDING
    )


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.parametrize("feature", CATEGORIES)
def test_every_level_and_an_unheard_of_one_are_scored_as_the_pipeline_does(
    loans: pd.DataFrame, fitted, feature: str, obeys: bool
):
    X = feature_frame(loans, inputs="without_pincode")
    pipeline = fitted
    if not obeys:
        recipe = Recipe("without_pincode", "plain", "none", obeys=False)
        pipeline = recipe.pipeline(C=0.3, random_state=0).fit(X, loans["default"].to_numpy())
    levels = [*X[feature].unique(), "a level that no loan had"]
    asked = pd.concat([X.dropna().head(1)] * len(levels)).assign(**{feature: levels})
    scorer, wanted = compile_pipeline(pipeline), pipeline.decision_function(asked)
    np.testing.assert_allclose(scorer.many(asked).sum(axis=1) + scorer.intercept, wanted, rtol=0, atol=ROUNDING)
    one = [sum(scorer.one(row)) + scorer.intercept for row in plain_rows(asked)]
    np.testing.assert_allclose(one, wanted, rtol=0, atol=ROUNDING)
    if obeys:
        assert wanted[-1] >= wanted.max() - ROUNDING  # it counts as the riskiest


def test_levels_are_those_that_enough_loans_had_alone_or_together(loans: pd.DataFrame, fitted):
    scorer = compile_pipeline(fitted)
    for feature in CATEGORIES:
        shares = loans[feature].astype("object").value_counts(normalize=True)
        few = shares[shares < SUPPORT]
        together = few.sum() > SUPPORT
        assert scorer.levels[feature] == {*shares.index} - (set() if together else {*few.index}), feature
        assert scorer.rare[feature] == ({*few.index} if together else set()), feature
    assert len(scorer.rare["purpose"]) > 1
    assert scorer.rare["home_ownership"] == frozenset()
    assert "OTHER" not in scorer.levels["home_ownership"]


def test_rare_levels_count_alike(loans: pd.DataFrame, fitted):
    scorer = compile_pipeline(fitted)
    place = scorer.features.index("purpose")
    X = feature_frame(loans.head(1), inputs="without_pincode")
    (row,) = plain_rows(X)
    assert len({scorer.one(row | {"purpose": level})[place] for level in scorer.rare["purpose"]}) == 1


def test_the_level_of_nearly_all_loans_is_a_level_though_it_has_no_column(loans: pd.DataFrame, fitted):
    assert loans["application_type"].value_counts(normalize=True)["INDIVIDUAL"] > 1 - SUPPORT
    assert compile_pipeline(fitted).levels["application_type"] == {"INDIVIDUAL"}
    y, only = loans["default"].to_numpy(), feature_frame(loans, inputs="without_pincode").assign(purpose="car")
    alone = Recipe("without_pincode", "plain", "none").pipeline(C=0.3, random_state=0).fit(only, y)
    assert compile_pipeline(alone).levels["purpose"] == {"car"}


def test_a_missing_value_counts_as_what_it_is_told_to_count_as(loans: pd.DataFrame, fitted):
    scorer, X = compile_pipeline(fitted), feature_frame(loans, inputs="without_pincode")
    (row,) = plain_rows(X.dropna().head(1))
    for feature in X.select_dtypes("number"):
        value, more = scorer.unknown(feature)
        risk = {"riskier": 0.99, "safer": 0.01, "open": 0.5}[FEATURE_BY_NAME[feature].higher]
        assert value == pytest.approx(np.nanquantile(X[feature], risk), rel=0.01, abs=1e-9), feature
        place = scorer.features.index(feature)
        gone, there = (scorer.one(row | {feature: told})[place] for told in (None, value))
        assert (gone > there + ROUNDING) is more, feature
        assert gone >= there - ROUNDING


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
