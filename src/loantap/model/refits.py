"""Refits to loans drawn again: how surely each input goes the declared way, and how far fits move with other loans."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.bootstrap import CONFIDENCE, drawn_counts
from loantap.model.features import column_groups
from loantap.model.logistic import PathLogisticRegression
from loantap.model.parallel import together
from loantap.model.recipe import Recipe, encode
from loantap.model.tuning import fit_model

_HELD = 1e-9  # the solver holds a bounded coefficient at exactly 0; curves add up some


@dataclass(frozen=True)
class Obedience:
    """What the declared directions do to a recipe."""

    # one row per number: feature, higher (riskier, safer or open), because, against (share of refits with free signs
    # that go against the direction; without one, against that of most), held (share of refits with bounds that leave it
    # nothing), verdict (shown, contradicted or not shown) and kept
    inputs: pd.DataFrame
    repetitions: int  # refits of each kind
    rows: int  # training loans that each draws from

    @property
    def dropped(self) -> tuple[str, ...]:
        """The inputs that are not kept."""
        return tuple(self.inputs.loc[~self.inputs["kept"], "feature"])


def refit(
    model: Pipeline, X: pd.DataFrame, y: np.ndarray, *, recipe: Recipe, C: float, repetitions: int, random_state: int
) -> np.ndarray:
    """Return the coefficients of refits to loans drawn with replacement, shape (repetitions, n_columns).

    The encoder stays as it is. For SMOTE the balanced class weights stand in for the interpolated loans, which are no
    independent observations.

    Args:
        model: A fitted pipeline of the recipe.
        X: Features of training loans.
        y: Their outcomes.
        recipe: Whose directions and class weights hold.
        C: Inverse strength of the l2 penalty.
        repetitions: How often to draw.
        random_state: Seed of the draws.
    """
    if recipe.sampler.startswith("SMOTE"):
        # It adds loans, where class weights only shift them: the penalty weighs less against more loans.
        recipe, C = replace(recipe, sampler="class_weights"), C * 2 * np.bincount(y).max() / len(y)
    solver: PathLogisticRegression = recipe.pipeline(C=C, random_state=random_state)["model"]
    matrix = np.asfortranarray(encode(model, X))
    drawn = np.array(list(drawn_counts(len(y), repetitions=repetitions, random_state=random_state)), dtype=np.uint16)
    return solver.refits(matrix, y, drawn)


def obedience(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    recipe: Recipe,
    C: float,
    repetitions: int,
    confidence: float = CONFIDENCE,
    random_state: int,
) -> Obedience:
    """Refit a recipe with free signs and with bounds, and say what becomes of each number; takes what `refit` takes.

    An input goes against its direction where the log-odds at its upper quartile are on the wrong side of those at its
    lower one; where both are one value, where its coefficient has the wrong sign. A direction is shown, or
    contradicted, where so nearly all free refits agree that chance does that for any of the inputs at most as often as
    `confidence` allows (Bonferroni, each tail).

    An input is kept unless its direction is contradicted, or leaves nothing of it in most refits; one without a
    declared direction is kept where the refits show one, or it would be in the model, and in its reasons, by chance.
    """
    model = fit_model(X, y, recipe=recipe, penalty="l2", C=C, random_state=random_state)
    drawn: Any = {"C": C, "repetitions": repetitions, "random_state": random_state}
    both = (partial(refit, model, X, y, recipe=replace(recipe, obeys=obeys), **drawn) for obeys in (False, True))
    free, bound = together(*both)
    numbers = X.select_dtypes("number").columns
    ends = pd.concat([X.head(2).assign(**{n: X[n].quantile([0.25, 0.75]).to_numpy() for n in numbers})])
    low, high = encode(model, ends)
    groups, rows, start = column_groups(inputs=recipe.inputs, encoding=recipe.encoding, without=recipe.without), [], 0
    unlikely = (1 - confidence) / sum(name in FEATURE_BY_NAME for name, _, _ in groups)
    for name, count, direction in groups:
        own, start = slice(start, start + count), start + count
        if name not in FEATURE_BY_NAME:
            continue
        between = high[own] - low[own]
        moved = free[:, own] @ (between if between.any() else np.ones(count))
        against = float(((direction or np.sign(np.median(moved))) * moved < 0).mean())
        held = float((np.abs(bound[:, own]).max(axis=1) < _HELD).mean())
        verdict = "shown" if against <= unlikely else "contradicted" if against >= 1 - unlikely else "not shown"
        kept = held <= 0.5 and (verdict == "shown" or (direction != 0 and verdict == "not shown"))
        feature = FEATURE_BY_NAME[name]
        rows.append((name, feature.higher, feature.because, against, held, verdict, kept))
    columns = ["feature", "higher", "because", "against", "held", "verdict", "kept"]
    return Obedience(pd.DataFrame(rows, columns=columns), repetitions, len(X))
