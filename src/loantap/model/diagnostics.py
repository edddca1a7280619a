"""What a regression's reader asks besides: does each input add anything, do inputs overlap, would more loans help."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit, logit
from scipy.stats import chi2
from statsmodels.stats.multitest import multipletests

from loantap.model.ablation import resampled_interval
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.features import INDICATOR, column_groups
from loantap.model.fitted import FittedModel
from loantap.model.logistic import PathLogisticRegression
from loantap.model.recipe import encode

_FOLLOWS = 1e-8  # of a column: no more than this is its own where it follows from others
_UNPENALISED = 1e6  # inverse strength of a penalty that moves no likelihood
_STEPS, _CLOSE, _RIDGE = 50, 1e-6, 1e-12


def likelihood_ratios(fitted: FittedModel, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:
    """Return what each input adds to the others, in likelihood, and how far the others tell it already.

    The columns are those of the fitted model. For the tests they are fitted by plain maximum likelihood: unpenalised,
    with free signs, without resampling, so that twice the difference of log-likelihoods is chi-squared where an input
    adds nothing. The inflation is that of Fox and Monette (Journal of the American Statistical Association 87 (1992),
    178-183), which for one column is the variance inflation factor: of the correlations R, det(own) det(others) / det(all),
    and its root 1 / columns, so that inputs with several columns compare.

    Args:
        fitted: A model.
        X: Features of training loans.
        y: Their outcomes.

    Returns:
        feature, columns, likelihood_ratio, p_value, p_adjusted (Holm), inflation; the largest ratio for its columns first.
    """
    matrix = encode(fitted.model, X)
    # A column that follows from those before it stays out, such as the last level of a category: no likelihood tells it.
    spread = matrix - matrix.mean(axis=0)
    own_part = np.abs(np.diag(np.linalg.qr(spread, mode="r")))
    kept = own_part > _FOLLOWS * np.maximum(np.linalg.norm(spread, axis=0), 1e-300)
    matrix, names = spread[:, kept] / spread[:, kept].std(axis=0), np.array(_features(fitted, len(kept)))[kept]
    design = np.column_stack([matrix, np.ones(len(y))])
    model = PathLogisticRegression("l2", _UNPENALISED).fit(matrix, y)
    (whole, best), rows = _maximised(design, y, np.append(model.coef_[0], model.intercept_)), []
    curvature = _curvature(design, expit(design @ best))
    log_det = _log_det(matrix)
    for name in dict.fromkeys(names):
        own = names == name
        rest = np.append(~own, True)
        # Where the others are best without these, as far as the curvature of the whole model tells.
        start = best[rest] + np.linalg.solve(
            curvature[np.ix_(rest, rest)], curvature[np.ix_(rest, ~rest)] @ best[~rest]
        )
        ratio = max(2 * (whole - _maximised(design[:, rest], y, start)[0]), 0.0)
        inflation = np.exp((_log_det(matrix[:, own]) + _log_det(matrix[:, ~own]) - log_det) / own.sum())
        row = {"feature": str(name), "columns": int(own.sum()), "likelihood_ratio": ratio}
        rows.append({**row, "p_value": float(chi2.sf(ratio, own.sum())), "inflation": float(inflation)})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = multipletests(table["p_value"], method="holm")[1]
    return table.sort_values(["p_value", "likelihood_ratio"], ascending=[True, False], ignore_index=True)


def learning(sizes: np.ndarray, scores: np.ndarray, *, folds: int, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return mean scores by number of training loans, and what the last step brought; takes what scikit-learn's `learning_curve` returns.

    Args:
        sizes: Training loans, ascending.
        scores: Of held-out folds, shape (sizes, folds).
        folds: Folds of each repeat.
        confidence: Of the intervals of the corrected resampled t-test.

    Returns:
        n, roc_auc with its ends, and gain over the size before with gain_low and gain_high (NaN for the first).
    """
    drawn: Any = {"held_out_share": 1 / folds, "confidence": confidence}
    rows = []
    for place, (n, own) in enumerate(zip(sizes, scores, strict=True)):
        gained = resampled_interval(own - scores[place - 1], **drawn)[:3] if place else (np.nan,) * 3
        row = dict(zip(("roc_auc", "roc_auc_low", "roc_auc_high"), resampled_interval(own, **drawn)[:3], strict=True))
        rows.append({"n": int(n), **row} | dict(zip(("gain", "gain_low", "gain_high"), gained, strict=True)))
    return pd.DataFrame(rows)


def _features(fitted: FittedModel, width: int) -> list[str]:
    """Return the input of each column of the model."""
    recipe = fitted.recipe
    groups = column_groups(inputs=recipe.inputs, encoding=recipe.encoding, without=recipe.without)
    names = [name.removeprefix(INDICATOR) for name, count, _ in groups for _ in range(count)]
    steps = fitted.model["expand"].named_transformers_["category"]
    kept = steps["onehotencoder"].get_feature_names_out()[steps["variancethreshold"].get_support()]
    categories = sorted(steps["onehotencoder"].feature_names_in_, key=len, reverse=True)
    names += [next(str(name) for name in categories if column.startswith(f"{name}_")) for column in kept]
    if len(names) != width:
        raise ValueError(f"expected an input for each of {width} columns, got {len(names)}")
    return names


def _maximised(design: np.ndarray, y: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest log-likelihood of a logistic regression and where it is, from a start that is near."""
    knows_nothing = np.append(np.zeros(len(start) - 1), logit(y.mean()))
    value, at = max(
        ((_log_likelihood(design @ at, y), at) for at in (start, knows_nothing)), key=lambda tried: tried[0]
    )
    for step in range(_STEPS):
        p = expit(design @ at)
        if step % 5 == 0:  # the curvature hardly changes on so short a way
            curvature = _curvature(design, p)
        gradient = design.T @ (y - p)
        up = np.linalg.solve(curvature, gradient)
        if gradient @ up < _CLOSE:  # twice what is left to gain
            break
        while (ahead := _log_likelihood(design @ (at + up), y)) < value:
            up /= 2
        at, value = at + up, ahead
    return value, at


def _curvature(design: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the negative second derivatives of the log-likelihood, with a trace of ridge: a column may end up flat."""
    curvature = (design * (p * (1 - p))[:, np.newaxis]).T @ design
    return np.asarray(curvature + _RIDGE * curvature.max() * np.eye(len(curvature)))


def _log_likelihood(log_odds: np.ndarray, y: np.ndarray) -> float:
    return float(log_expit(np.where(y == 1, log_odds, -log_odds)).sum())


def _log_det(matrix: np.ndarray) -> float:
    if not matrix.shape[1]:
        return 0.0
    return float(np.linalg.slogdet(np.atleast_2d(np.corrcoef(matrix, rowvar=False)))[1])
