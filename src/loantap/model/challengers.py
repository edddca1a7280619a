"""Models that no committee can read, as a ceiling: how much would be won by giving up the explanation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.base import ClassifierMixin, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from loantap.model.ablation import Candidate, fold_scores
from loantap.model.evaluation import BETA
from loantap.model.folds import Split, in_parallel, put_together


def challengers(random_state: int) -> dict[str, ClassifierMixin]:
    """Return the unfitted challengers by name; their settings are moderate, and are not searched."""
    return {
        "histogram gradient boosting": HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=250, max_leaf_nodes=8, random_state=random_state
        ),
        "random forest": RandomForestClassifier(
            n_estimators=100, min_samples_leaf=20, max_samples=0.3, max_features=0.5, random_state=random_state
        ),
    }


def challenge(
    X: pd.DataFrame, y: np.ndarray, *, splits: Sequence[Split], beta: float = BETA, random_state: int, n_jobs: int = 2
) -> list[Candidate]:
    """Return the challengers' scores over the same folds, from the same features, ratios included."""
    found = []
    for name, model in challengers(random_state).items():
        tasks = [(X, y, split, ordinal(model)) for split in splits]
        held_out = in_parallel(_held_out_log_odds, tasks, label=name, fits=1, n_jobs=n_jobs)
        scores = fold_scores(y, put_together(held_out, splits, len(y)), splits, beta=beta)
        found.append(Candidate(name, None, None, scores))
    return found


def ordinal(model: ClassifierMixin) -> Pipeline:
    """Return a tree model behind an encoder that gives each category a number in its order."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = make_column_transformer(
        (codes, make_column_selector(dtype_include=object)), remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(columns, clone(model))


def _held_out_log_odds(X: pd.DataFrame, y: np.ndarray, split: Split, model: Pipeline) -> np.ndarray:
    train, test = split
    X = X.loc[:, X.iloc[train].notna().any()]  # gradient boosting takes no column without a value
    default = model.fit(X.iloc[train], y[train]).predict_proba(X.iloc[test])[:, 1]
    return logit(np.clip(default, 1e-6, 1 - 1e-6))
