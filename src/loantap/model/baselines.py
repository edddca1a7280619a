"""What a model is compared with: rules as simple as can be, and challengers that no committee can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.base import ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from loantap.model.ablation import Candidate, fold_scores
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.evaluation import BETA, Predictions, evaluate, fbeta_name
from loantap.model.folds import Split, put_together
from loantap.model.parallel import in_parallel

MOST_LEVELS = 255


@dataclass(frozen=True)
class Rule:
    """A rule that learnt from training loans, applied to others."""

    name: str
    words: str  # what it does
    threshold: float  # loans are refused at and above it
    score: np.ndarray  # a number per loan, shape (n,)

    @property
    def refused(self) -> np.ndarray:
        """Whether each loan is refused."""
        return self.score >= self.threshold


def baseline_rules(train: pd.DataFrame, test: pd.DataFrame, *, beta: float = BETA) -> list[Rule]:
    """Return three rules for the test loans; each learns from the training loans only.

    Args:
        train: Training loans with `default`, `pincode` and `grade`.
        test: Test loans; their outcomes are not looked at.
        beta: Of the F-beta score that thresholds are chosen for.
    """
    any_default = train.groupby("pincode", observed=True)["default"].max().astype(float)
    rates = train.groupby("grade", observed=True)["default"].mean()
    known = _looked_up(train["grade"], rates)
    threshold = Predictions.of(train["default"].to_numpy(), known, beta=beta).best_threshold()
    by_pincode = "decline all but the pincodes in which no training loan defaulted"
    by_grade = "decline the grades at and above the threshold in default rate"
    return [
        Rule("reject_all", "decline every application", 0.5, np.ones(len(test))),
        Rule("pincode", by_pincode, 0.5, _looked_up(test["pincode"], any_default)),
        Rule("grade", by_grade, threshold, _looked_up(test["grade"], rates)),
    ]


def score_baselines(
    rules: Sequence[Rule],
    outcome: np.ndarray,
    *,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int = 500,
    random_state: int,
) -> list[dict]:
    """Return one dict per rule: name, rule (in words), threshold, and `test` as in `evaluate`."""
    drawn: Any = {"beta": beta, "confidence": confidence, "repetitions": repetitions, "random_state": random_state}
    return [
        {"name": rule.name, "rule": rule.words, "threshold": rule.threshold}
        | {"test": evaluate(outcome, rule.score, threshold=rule.threshold, **drawn)}
        for rule in rules
    ]


def _looked_up(levels: pd.Series, values: pd.Series) -> np.ndarray:
    # A level that no training loan had is refused: nothing speaks for it.
    return levels.astype("object").map(values).fillna(1.0).to_numpy(dtype=float)


def challengers(random_state: int) -> dict[str, list[ClassifierMixin | Pipeline]]:
    """Return the unfitted challengers by name, each in the settings that are searched."""

    def boosting(leaves: int) -> Pipeline:
        trees = HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=125,
            max_leaf_nodes=leaves,
            categorical_features="from_dtype",
            random_state=random_state,
        )
        return make_pipeline(FunctionTransformer(with_categories), trees)

    return {
        "histogram gradient boosting": [boosting(4), boosting(12)],
    }


def challenge(
    X: pd.DataFrame, y: np.ndarray, *, splits: Sequence[Split], folds: int, beta: float = BETA, random_state: int
) -> list[Candidate]:
    """Return the challengers' scores over the same folds, from the same features, ratios included.

    Of its settings, the one with the best mean F-beta over the first repeat is taken. That flatters a challenger a little, as
    a ceiling may be.
    """
    candidates = []
    for name, settings in challengers(random_state).items():
        entered = [_challenger(name, model, X, y, splits[:folds], beta) for model in settings]
        best = max(range(len(settings)), key=lambda place: entered[place].scores[fbeta_name(beta)].mean())
        further = [_challenger(name, settings[best], X, y, splits[folds:], beta).scores] if splits[folds:] else []
        scores = pd.concat([entered[best].scores, *further], ignore_index=True)
        candidates.append(Candidate(name, None, None, scores))
    return candidates


def _challenger(
    name: str, model: ClassifierMixin | Pipeline, X: pd.DataFrame, y: np.ndarray, splits: Sequence[Split], beta: float
) -> Candidate:
    held_out = in_parallel(_held_out_log_odds, [(X, y, split, model) for split in splits], label=name, fits=1)
    return Candidate(name, None, None, fold_scores(y, put_together(held_out, splits, len(y)), splits, beta=beta))


def with_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return features with texts as categories; the boosting takes 255 of a column, and those beyond count as missing."""
    levels = {str(name): X[name].value_counts().index[:MOST_LEVELS] for name in X.select_dtypes(exclude="number")}
    return X.assign(**{name: pd.Categorical(X[name].where(X[name].isin(most)), most) for name, most in levels.items()})


def _held_out_log_odds(X: pd.DataFrame, y: np.ndarray, split: Split, model: ClassifierMixin | Pipeline) -> np.ndarray:
    train, test = split
    X = X.loc[:, X.iloc[train].notna().any()]  # gradient boosting takes no column without a value
    default = clone(model).fit(X.iloc[train], y[train]).predict_proba(X.iloc[test])[:, 1]
    return logit(np.clip(default, 1e-6, 1 - 1e-6))
