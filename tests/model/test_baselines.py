import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from loantap.model.baselines import challenge, challengers
from loantap.model.folds import fold_splits
from loantap.model.inputs import feature_frame

pytestmark = pytest.mark.slow


def test_challengers_meet_the_same_folds_and_find_something(loans: pd.DataFrame):
    X, y = feature_frame(loans, inputs="with_pincode"), loans["default"].to_numpy()
    splits = fold_splits(y, folds=3, random_state=0)
    found = challenge(X, y, splits=splits, folds=3, random_state=0)
    assert [challenger.name for challenger in found] == list(challengers(0))
    for challenger in found:
        assert challenger.recipe is None
        assert len(challenger.scores) == len(splits)
        assert challenger.scores["roc_auc"].min() > 0.75


def test_settings_are_searched_over_the_first_repeat_only(loans: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    splits = fold_splits(y, folds=3, repeats=2, random_state=0)
    dummies = [
        DummyClassifier(strategy="stratified", random_state=0),
        DecisionTreeClassifier(max_depth=4, random_state=0),
    ]
    monkeypatch.setattr("loantap.model.baselines.challengers", lambda _: {"one of two": dummies})
    (found,) = challenge(X.select_dtypes("number").fillna(0), y, splits=splits, folds=3, random_state=0)
    monkeypatch.setattr("loantap.model.baselines.challengers", lambda _: {"the tree": dummies[1:]})
    (tree,) = challenge(X.select_dtypes("number").fillna(0), y, splits=splits, folds=3, random_state=0)
    pd.testing.assert_frame_equal(found.scores, tree.scores)
    assert len(found.scores) == 6


def test_more_levels_than_boosting_takes_are_no_obstacle(loans: pd.DataFrame):
    some = loans.head(1_200)
    X, y = feature_frame(some, inputs="with_pincode"), some["default"].to_numpy()
    many = X.assign(pincode=[f"{number % 400:05}" for number in range(1_200)])
    assert len(challenge(many, y, splits=fold_splits(y, folds=2, random_state=0), folds=2, random_state=0)) == 1


def test_a_column_without_any_value_is_no_obstacle(loans: pd.DataFrame):
    X, y = feature_frame(loans.head(600).assign(mort_acc=np.nan), inputs="without_pincode"), loans["default"].head(600)
    splits = fold_splits(y.to_numpy(), folds=2, random_state=0)[:2]
    assert len(challenge(X, y.to_numpy(), splits=splits, folds=2, random_state=0)) == len(challengers(0))
