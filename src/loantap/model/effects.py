"""The effect of each input: the model adds its inputs up, so one curve for each input is the whole model."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.compiled import compile_pipeline
from loantap.model.explain import Refits
from loantap.model.fitted import FittedModel
from loantap.model.recipe import encode

POINTS = 35  # of a curve: as many as there are sub-grades
_TAIL = 0.01  # of the known values, beyond either end of a curve


def effect_curves(
    fitted: FittedModel, X: pd.DataFrame, refits: Refits, *, min_cell: int, level: float = 0.95
) -> pd.DataFrame:
    """Return the odds ratio of each value of each input against a typical one, all else equal.

    The estimates are the scorer's own numbers, so the curves are exact. A number is compared with its median and shown
    from the 1st to the 99th percentile; where it has few values, at each. Where it is missing it has a row without a
    value. A category is compared with its commonest level. The bands are pointwise, from the refits, and keep to the
    side of 1 that a declared direction allows.

    Args:
        fitted: The model.
        X: Features of its training loans.
        refits: From `refitted`.
        min_cell: The fewest loans that a share is told of; levels and single values of fewer have no row.
        level: Of the bands.

    Returns:
        feature, value (NaN for a level, and where it is missing), level (the text of a category, else ""), share (of the
        training loans that are nearest to this value; NaN where fewer than `min_cell`), odds_ratio, ci_low, ci_high.
        Inputs are ordered by how far they spread the log-odds of the training loans, the farthest first.
    """
    scorer, model = compile_pipeline(fitted.model), fitted.model
    spread = pd.Series(scorer.many(X).std(axis=0), index=scorer.features).sort_values(ascending=False)
    typical: dict[str, Any] = {
        str(name): X[name].mode()[0] if X[name].dtype == object else X[name].median() for name in X
    }
    base, shown, asked, tables = X.head(1).assign(**typical), {}, [], []
    for name in map(str, spread.index[spread > 0]):
        shown[name] = _levels(X[name], min_cell) if X[name].dtype == object else _values(X[name], min_cell)
        values = shown[name]["level" if X[name].dtype == object else "value"]
        asked.append(base.loc[base.index.repeat(len(values))].assign(**{name: values.to_numpy()}))
    every = pd.concat([base, *asked], ignore_index=True)
    last = np.cumsum([len(table) for table in shown.values()])[:-1]
    added, moved = (np.split(told[1:] - told[0], last) for told in (scorer.many(every), encode(model, every)))
    for (name, table), more, step in zip(shown.items(), added, moved, strict=True):
        log_odds, error = more[:, scorer.features.index(name)], refits.error(step)
        beyond = np.zeros(len(table)) if X[name].dtype == object else table["value"].to_numpy() - typical[name]
        bound = np.sign(np.nan_to_num(beyond)) * FEATURE_BY_NAME[name].direction * fitted.recipe.obeys
        ends = refits.ratios(pd.DataFrame({"log_odds": log_odds, "error": error, "bound": bound}), level=level)
        tables.append(pd.concat([table.assign(feature=name), ends], axis=1))
    return pd.concat(tables, ignore_index=True)[
        ["feature", "value", "level", "share", "odds_ratio", "ci_low", "ci_high"]
    ]


def _values(values: pd.Series, min_cell: int) -> pd.DataFrame:
    """Return the values that a curve is drawn at, with the share of the loans nearest to each; at last, where it is missing."""
    known, tail = values.dropna(), max(_TAIL, min_cell / max(len(values), 1))
    counts = known.value_counts().sort_index()
    if len(counts) <= POINTS:
        counts = counts[counts >= min_cell]
        points, n = counts.index.to_numpy(dtype=float), counts.to_numpy()
    else:
        points = np.linspace(known.quantile(tail), known.quantile(1 - tail), POINTS)
        n = np.bincount(np.searchsorted((points[1:] + points[:-1]) / 2, known), minlength=POINTS)
    if (gone := int(values.isna().sum())) >= min_cell:
        points, n = np.append(points, np.nan), np.append(n, gone)
    share = np.where(n >= min_cell, n / len(values), np.nan)
    return pd.DataFrame({"value": points, "level": "", "share": share})


def _levels(values: pd.Series, min_cell: int) -> pd.DataFrame:
    counts = values.value_counts()
    counts = counts[counts >= min_cell]
    return pd.DataFrame({"value": np.nan, "level": counts.index, "share": counts.to_numpy() / len(values)})
