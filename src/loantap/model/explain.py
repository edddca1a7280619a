"""A model's coefficients as odds ratios per unit that a person understands, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.pipeline import Pipeline

from loantap.data.columns import FEATURE_BY_NAME, FEATURES
from loantap.data.declarations import readable_level
from loantap.model.compiled import pooled_levels
from loantap.model.fitted import FittedModel
from loantap.model.inputs import CATEGORIES, capped, with_computed
from loantap.model.recipe import encode
from loantap.model.refits import refit

REFIT_ROWS = 40_000
_FEWEST = 5  # defaults, and repaid loans, of a group whose interval can be right
_NOTHING = 1e-12  # of log-odds: a change that the model does not notice
_Change = tuple[str, str, pd.DataFrame, pd.DataFrame]  # feature, words, loans before it and after


@dataclass(frozen=True)
class Refits:
    """How far a model would move with other loans.

    Attributes:
        coefficients: Those of refits to loans drawn again, shape (repetitions, n_columns).
        spread: By how much their deviations shrink, where fewer loans were drawn than the model was fitted on.
    """

    coefficients: np.ndarray
    spread: float

    def error(self, moved: np.ndarray) -> Any:
        """Return the standard error of the log-odds of a change of the encoded columns, or of one change a row."""
        return self.spread * np.std(self.coefficients @ moved.T, axis=0, ddof=1)

    def ratios(self, table: pd.DataFrame, *, level: float) -> pd.DataFrame:
        """Return odds_ratio, ci_low and ci_high of changes with their log_odds, error and bound.

        Quantiles are Student's: the deviation is itself estimated, from so many refits. `bound` is the side of 1 on which
        the directions keep the odds ratio: 1 above, -1 below, 0 if they say nothing.
        """
        half = student.ppf((1 + level) / 2, len(self.coefficients) - 1) * table["error"]
        low, high = table["log_odds"] - half, table["log_odds"] + half
        low, high = low.mask((table["bound"] > 0) & (low < 0), 0.0), high.mask((table["bound"] < 0) & (high > 0), 0.0)
        return pd.DataFrame({"odds_ratio": np.exp(table["log_odds"]), "ci_low": np.exp(low), "ci_high": np.exp(high)})


def refitted(fitted: FittedModel, X: pd.DataFrame, y: np.ndarray, *, repetitions: int, random_state: int) -> Refits:
    """Refit a model with an l2 penalty to loans drawn again with replacement, at most `REFIT_ROWS`.

    Takes the features and outcomes of its training loans. All refits keep the declared directions. Where fewer loans
    are drawn than the model was fitted on, a deviation is that of m out of n loans and shrinks by the root of m / n
    (Bickel, Goetze and van Zwet, Statistica Sinica 7 (1997), 1-31).
    """
    drawn = np.random.default_rng(random_state).permutation(len(X))[:REFIT_ROWS]
    options: Any = {"recipe": fitted.recipe, "C": fitted.C, "repetitions": repetitions, "random_state": random_state}
    return Refits(refit(fitted.model, X.iloc[drawn], y[drawn], **options), np.sqrt(len(drawn) / len(X)))


def odds_ratios(
    fitted: FittedModel,
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    refits: Refits,
    rows: int = 2_000,
    min_cell: int,
    level: float = 0.95,
    random_state: int,
) -> pd.DataFrame:
    """Return the odds ratio of each change to one input, everything else as it is, the strongest first.

    Each is the mean change of the log-odds over a sample of loans, as an exponential; where the model is a straight
    line in the input this is exp(coefficient times the change). The ratios to income follow amount and income. A
    category is compared with the commonest one, and a missing value with the known ones; either is left out where fewer
    than `min_cell` loans, defaults or repaid loans stand on one of the two sides, or fewer than five: a handful of
    loans that all ended alike draws a fit wherever they are drawn. Levels that share a column for want of loans are
    told together, and not at all where they have none. A number without a step says why not (`no_step` in the column
    table). The pincode is left out: where all loans of a level end alike, only the penalty bounds its odds ratio.
    Inputs that the recipe leaves out have none.

    The interval is of the change plus and minus quantiles of Student's t times its standard deviation over the refits,
    and ends where the directions end, at 1. It says how far the fit would move with other loans; it does not undo the
    shrinkage of the penalty, and one interval in twenty misses by chance. A change that the direction holds at nothing
    has no interval.

    Args:
        fitted: A model with an l2 penalty.
        X: Features of its training loans.
        y: Their outcomes.
        refits: From `refitted`.
        rows: Size of the sample that changes are averaged over.
        min_cell: The smallest count of loans, defaults or repaid loans that a comparison of groups may rest on.
        level: Of the intervals.
        random_state: Seed of the sample.

    Returns:
        feature, change (in words), odds_ratio, ci_low, ci_high, p_value (two-sided, of no change); of a change that is
        held at nothing the last three are missing.
    """
    sample = X.sample(min(rows, len(X)), random_state=random_state)
    coefficients, estimates = fitted.model["model"].coef_[0], []
    groups = _groups(X, y, min_cell=min_cell)
    changes = [
        change
        for change in _changes(sample, groups, pooled_levels(fitted.model))
        if change[0] not in fitted.recipe.without
    ]
    for (feature, words, _, after), moved in zip(changes, _mean_moves(fitted.model, changes), strict=True):
        log_odds = float(moved @ coefficients)
        error = float(refits.error(moved)) if abs(log_odds) > _NOTHING else np.nan
        bound = FEATURE_BY_NAME[feature].direction * fitted.recipe.obeys * after[feature].notna().any()
        estimates.append((feature, words, log_odds, error, bound))
    table = pd.DataFrame(estimates, columns=["feature", "change", "log_odds", "error", "bound"])
    table = table.sort_values("log_odds", key=np.abs, ascending=False, ignore_index=True)
    p_value = 2 * student.sf(table["log_odds"].abs() / table["error"], len(refits.coefficients) - 1)
    return table[["feature", "change"]].assign(**refits.ratios(table, level=level), p_value=p_value)


def _mean_moves(model: Pipeline, changes: Sequence[_Change]) -> np.ndarray:
    """Return how far each change moves the columns of the model's matrix in the mean, shape (changes, columns)."""
    if not changes:
        return np.empty((0, 0))
    # In one frame, since a step of a pipeline costs more to call than to compute.
    frames = [before for *_, before, _ in changes] + [after for *_, after in changes]
    was, now = encode(model, pd.concat(frames)).reshape(2, len(changes), len(frames[0]), -1).mean(axis=2)
    return now - was


def _groups(X: pd.DataFrame, y: np.ndarray, *, min_cell: int) -> dict[str, list[Any]]:
    """Return the groups of loans to compare, the largest first: levels of a category, known and not of a number."""
    comparable = {}
    for name in X:
        groups = X[name] if name in CATEGORIES else X[name].isna()
        counts = pd.DataFrame({"repaid": 1 - y, "defaults": y}).groupby(groups.to_numpy()).sum()
        enough = counts[(counts >= max(min_cell, _FEWEST)).all(axis=1)]
        comparable[str(name)] = enough.sum(axis=1).sort_values(ascending=False, kind="stable").index.tolist()
    return comparable


def _changes(
    sample: pd.DataFrame, groups: Mapping[str, Sequence[Any]], pooled: Mapping[str, Mapping[str, bool]] | None = None
) -> list[_Change]:
    def changed(feature: str, values: Any) -> pd.DataFrame:
        return with_computed(capped(sample.assign(**{feature: values})))

    changes = []
    for feature in FEATURES:
        if feature.enters == "category" or feature.name not in sample:
            continue
        name, known, step = feature.name, sample[feature.name], feature.step
        if step and known.notna().any():  # what no loan states has no odds ratio
            before = changed(name, step.between[0]) if step.between else sample
            changes.append((name, step.words, before, changed(name, step.after(known))))
        if feature.unknown and {*groups[name]} == {True, False}:
            words = feature.unknown.format(label=feature.label)
            changes.append((name, words, changed(name, known.fillna(known.median())), changed(name, np.nan)))
    for name in CATEGORIES:
        if name not in sample:
            continue
        shared = (pooled or {}).get(name, {})
        levels = [str(level) for level in groups[name] if shared.get(str(level), True)]
        rare = [level for level in levels[1:] if level in shared]
        for level in [*(level for level in levels[1:] if level not in shared), *rare[:1]]:
            of_many = level in shared and sum(shared.values()) > 1
            words = f"one of {sum(shared.values())} rare levels" if of_many else readable_level(level)
            comparison = f"{FEATURE_BY_NAME[name].label} {words} rather than {readable_level(levels[0])}"
            changes.append((name, comparison, changed(name, levels[0]), changed(name, level)))
    return changes
