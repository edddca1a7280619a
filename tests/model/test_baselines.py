import numpy as np
import pandas as pd
import pytest

from loantap.model.baselines import challenge, challengers, ordinal
from loantap.model.folds import fold_splits
from loantap.model.inputs import feature_frame

pytestmark = pytest.mark.slow


def test_challengers_meet_the_same_folds_and_find_something(loans: pd.DataFrame):
    X, y = feature_frame(loans, inputs="with_pincode"), loans["default"].to_numpy()
    splits = fold_splits(y, folds=3, random_state=0)
    found = challenge(X, y, splits=splits, random_state=0)
    assert [challenger.name for challenger in found] == list(challengers(0))
    for challenger in found:
        assert challenger.recipe is None
        assert len(challenger.scores) == len(splits)
        assert challenger.scores["roc_auc"].min() > 0.75


def test_a_challenger_scores_strange_loans(loans: pd.DataFrame):
    X, y = feature_frame(loans, inputs="with_pincode"), loans["default"].to_numpy()
    strange = X.head(1).assign(purpose="yacht", pincode="99999", revol_util=np.nan, sub_grade=None)
    for model in challengers(0).values():
        scored = ordinal(model.set_params(**({"n_estimators": 5} if hasattr(model, "n_estimators") else {}))).fit(X, y)
        assert 0 <= scored.predict_proba(strange)[0, 1] <= 1


def test_a_column_without_any_value_is_no_obstacle(loans: pd.DataFrame):
    X, y = feature_frame(loans.head(600).assign(mort_acc=np.nan), inputs="without_pincode"), loans["default"].head(600)
    splits = fold_splits(y.to_numpy(), folds=2, random_state=0)[:2]
    assert len(challenge(X, y.to_numpy(), splits=splits, random_state=0)) == len(challengers(0))
