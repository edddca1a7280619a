"""Weak spots: groups and segments of the test loans in which a model's probabilities, or its ranking, fail.

Groups that were named before are judged on all test loans. Segments are found by a shallow tree on one half of the test
loans and judged on the other, so that what was picked is not what it is judged on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.summaries import simultaneous
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.groups import delong_interval

DEPTH, LEAF = 3, 0.08  # of the tree; the smallest share of its loans in a segment
_GONE = -1.0  # in the place of a missing number: all known ones are 0 or more
_DIGITS = 3  # of a limit, so that it is nobody's own value


@dataclass(frozen=True)
class Condition:
    """One condition of a segment.

    Attributes:
        column: The column.
        level: The level of a category that is asked for; empty for a number.
        limit: The limit of a number; below 0 it divides the missing from the known values.
        above: Whether a number lies above the limit, or a category has the level.
        or_missing: Whether a missing number is meant too.
    """

    column: str
    level: str
    limit: float
    above: bool
    or_missing: bool = False


Segment = tuple[Condition, ...]


@dataclass(frozen=True)
class WeakSpots:
    """What was judged, and how.

    Attributes:
        table: One row per group or segment, those with a verdict first, then by how far the predicted rate is off: kind ("group" or "segment"), name (of a group; "" for a segment), place (in
            `segments`; -1 for a group), n, defaults, default_rate with ci_low and ci_high, predicted, roc_auc with its
            ends, roc_auc_promised (what the model's own probabilities would give if they were right), verdict: "more
            defaults", "fewer defaults", "ranks worse" or "nothing shown".
        segments: The conditions of each segment.
        found_on: Loans that segments were found on.
        judged_on: Loans that they were judged on.
        confidence: With which all verdicts hold at once.
    """

    table: pd.DataFrame
    segments: tuple[Segment, ...]
    found_on: int
    judged_on: int
    confidence: float

    @property
    def shown(self) -> pd.DataFrame:
        """The rows with a verdict."""
        return self.table[self.table["verdict"] != "nothing shown"]


def weak_spots(
    columns: pd.DataFrame,
    groups: Mapping[str, np.ndarray],
    outcome: np.ndarray,
    probability: np.ndarray,
    *,
    min_cell: int,
    confidence: float = CONFIDENCE,
    random_state: int,
) -> WeakSpots:
    """Judge groups and segments of test loans.

    The tree looks at two things at once: outcome less probability, which shows where the predicted rate is off, and the
    same times the log-odds, which shows where the ranking is weaker than it should be. A segment's predicted rate fails
    where it lies outside the Wilson interval of the observed one; its ranking, where the interval of the ROC-AUC (DeLong)
    ends below what the probabilities promise within it. All intervals hold at once (Bonferroni over both questions).

    Args:
        columns: What the tree may look at, one row per test loan: numbers (0 or more, or missing) and texts.
        groups: By name, whether each loan is in a group that was named before; none of them small.
        outcome: 1 for default, 0 for repaid.
        probability: Calibrated probabilities of default.
        min_cell: The fewest loans of either outcome that a segment has in either half; smaller ones are not split off.
        confidence: With which all verdicts hold at once.
        random_state: Seed of the halves.
    """
    y, p = np.asarray(outcome), np.clip(probability, 1e-9, 1 - 1e-9)
    finding, judging = train_test_split(np.arange(len(y)), test_size=0.5, stratify=y, random_state=random_state)
    coded = _coded(columns)
    log_odds = logit(p)
    residual = y - p
    target = np.column_stack([residual, residual * (log_odds - log_odds.mean())])[finding]
    tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=LEAF, random_state=random_state)
    tree.fit(coded.iloc[finding].to_numpy(), target / target.std(axis=0))
    half = np.zeros(len(y), dtype=bool)
    half[judging] = True
    found = list(_segments(tree.tree_, coded, y, half, min_cell))
    found = found if len(found) > 1 else []  # all loans are no segment
    asked = [("group", name, -1, inside) for name, inside in groups.items()]
    asked += [("segment", "", place, inside & half) for place, (_, inside) in enumerate(found)]
    each, rows = simultaneous(confidence, 2 * len(asked)), []
    for kind, name, place, inside in asked:
        rows.append({"kind": kind, "name": name, "place": place, **_judged(y[inside], p[inside], each)})
    table = pd.DataFrame(rows)
    off = (table["default_rate"] - table["predicted"]).abs() / (table["ci_high"] - table["ci_low"])
    order = np.lexsort((-off, table["verdict"] == "nothing shown"))
    return WeakSpots(
        table.iloc[order].reset_index(drop=True),
        tuple(conditions for conditions, _ in found),
        len(finding),
        len(judging),
        confidence,
    )


def promised_auc(probability: np.ndarray) -> float:
    """Return the ROC-AUC to expect of loans whose probabilities of default are right."""
    # Each pair of loans counts as often as the one defaults and the other does not; ties count half.
    p = np.sort(probability)
    below = np.concatenate([[0.0], np.cumsum(1 - p)])
    first, last = (np.searchsorted(p, p, side=side) for side in ("left", "right"))
    ahead = below[first] + (below[last] - below[first]) / 2 - (1 - p) / 2
    return float((p * ahead).sum() / (p.sum() * (1 - p).sum() - (p * (1 - p)).sum()))


def _judged(y: np.ndarray, p: np.ndarray, confidence: float) -> dict[str, Any]:
    n, defaults, predicted = len(y), int(y.sum()), float(p.mean())
    low, high = proportion_confint(defaults, n, alpha=1 - confidence, method="wilson")
    auc, auc_low, auc_high = delong_interval(y, p, confidence=confidence)
    promised = promised_auc(p)
    verdict = "more defaults" if predicted < low else "fewer defaults" if predicted > high else "nothing shown"
    if verdict == "nothing shown" and auc_high < promised:
        verdict = "ranks worse"
    rates = {"default_rate": defaults / n, "ci_low": float(low), "ci_high": float(high), "predicted": predicted}
    ranking = {"roc_auc": auc, "roc_auc_low": auc_low, "roc_auc_high": auc_high, "roc_auc_promised": promised}
    return {"n": n, "defaults": defaults, **rates, **ranking, "verdict": verdict}


def _coded(columns: pd.DataFrame) -> pd.DataFrame:
    """Return numbers with a mark for missing ones, and a column of 0 and 1 for each level of a text, named by both."""
    coded: dict[Any, Any] = {}
    for name in map(str, columns):
        if pd.api.types.is_numeric_dtype(columns[name]):
            coded[name, ""] = columns[name].fillna(_GONE)
        else:
            coded |= {(name, str(level)): (columns[name] == level).astype(float) for level in columns[name].dropna().unique()}  # fmt: skip
    return pd.DataFrame(coded)


def _segments(
    tree: Any, coded: pd.DataFrame, y: np.ndarray, half: np.ndarray, min_cell: int
) -> Iterator[tuple[Segment, np.ndarray]]:
    """Yield the leaves of a tree as conditions and members; a split that leaves a small part is not made."""

    def small(inside: np.ndarray) -> bool:
        parts = (y[inside & half], y[inside & ~half])
        return any(min(part.sum(), len(part) - part.sum()) < min_cell for part in parts)

    def walk(node: int, conditions: Segment, inside: np.ndarray) -> Iterator[tuple[Segment, np.ndarray]]:
        if tree.children_left[node] >= 0:
            column, level = coded.columns[tree.feature[node]]
            limit = _rounded(float(tree.threshold[node]))
            values = coded[column, level].to_numpy()
            over = values > limit
            if not (small(inside & over) or small(inside & ~over)):
                gone = not level and limit >= 0 and bool((values == _GONE).any())
                for child, above in ((tree.children_left[node], False), (tree.children_right[node], True)):
                    condition = Condition(column, level, limit, above, gone and not above)
                    yield from walk(child, (*conditions, condition), inside & (over if above else ~over))
                return
        yield conditions, inside

    yield from walk(0, (), np.ones(len(y), dtype=bool))


def _rounded(limit: float) -> float:
    return limit if limit <= 0 else round(limit, _DIGITS - 1 - floor(log10(limit)))
