"""How a model treats groups of people, and how much of the defaults it finds among the riskiest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm, rankdata
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.comparisons import rate_difference
from loantap.analysis.suppression import pool_small
from loantap.model.bootstrap import CONFIDENCE


def by_group(
    group: pd.Series,
    outcome: np.ndarray,
    probability: np.ndarray,
    *,
    threshold: float,
    min_cell: int,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return one row per group: how often it defaults, is flagged, and how well its loans are told apart.

    Args:
        group: The group of each loan, shape (n,); missing values are a group.
        outcome: 1 for default, 0 for repaid.
        probability: Calibrated probabilities of default.
        threshold: A loan is flagged at and above it.
        min_cell: Groups with fewer loans, defaults or repaid loans are pooled.
        confidence: Of the intervals.

    Returns:
        group, n, defaults, then default_rate, recall (flagged among defaults), false_positive_rate (flagged
        among repaid) and roc_auc, each with `_low` and `_high`, and the mean predicted default rate. Wilson
        intervals; DeLong's for the AUC.
    """
    names = pooled_groups(group, outcome, min_cell=min_cell)
    flagged, rows = probability >= threshold, []
    for name in names.categories:
        inside = names == name
        y, flags = np.asarray(outcome)[inside], flagged[inside]
        auc = delong_interval(y, probability[inside], confidence=confidence)
        rows.append(
            {"group": name, "n": len(y), "defaults": int(y.sum()), "predicted": float(probability[inside].mean())}
            | _share("default_rate", int(y.sum()), len(y), confidence)
            | _share("recall", int((flags & (y == 1)).sum()), int(y.sum()), confidence)
            | _share("false_positive_rate", int((flags & (y == 0)).sum()), int((y == 0).sum()), confidence)
            | dict(zip(("roc_auc", "roc_auc_low", "roc_auc_high"), auc, strict=True))
        )
    return pd.DataFrame(rows)


def pooled_groups(group: pd.Series, outcome: np.ndarray, *, min_cell: int) -> pd.Categorical:
    """Return the group of each loan, where missing is a group and small ones are pooled; a pooled one stands last."""
    names = group.astype("object").where(group.notna(), "Missing").astype(str)
    loans = pd.DataFrame({"level": names.to_numpy(), "n": 1, "defaults": outcome})
    pooled = pool_small(loans.groupby("level").sum().reset_index(), min_cell=min_cell, by_expectation=False)
    members, (codes, known) = pooled.names(), pd.factorize(names)
    return pd.Categorical(
        known.map(lambda name: members.get(name, name)).take(codes), categories=pooled.counts["level"]
    )


def delong_interval(
    outcome: np.ndarray, score: np.ndarray, *, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the ROC-AUC and its interval; NaN where one outcome is absent.

    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), 837-845, with the placements from ranks, and the interval
    on the logit scale, so that its ends stay within 0 to 1.
    """
    m, n = int((outcome == 1).sum()), int((outcome == 0).sum())
    if m == 0 or n == 0:
        return (float("nan"),) * 3
    above, below = placements(outcome, score)
    auc = float(above.mean())
    if m < 2 or n < 2 or auc in (0.0, 1.0):
        return auc, 0.0, 1.0
    error = np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n) / (auc * (1 - auc))
    half = norm.ppf((1 + confidence) / 2) * error
    return auc, float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def placements(outcome: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of repaid loans that each default is ranked above, and that of defaults above each repaid loan."""
    positive, negative = score[outcome == 1], score[outcome == 0]
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    return (ranks[:m] - rankdata(positive)) / n, 1 - (ranks[m:] - rankdata(negative)) / m


@dataclass(frozen=True)
class Gap:
    """The two groups of one factor that lie farthest apart in a share."""

    low: Mapping[Any, Any]  # the group with the smaller share, a row of `by_group`
    high: Mapping[Any, Any]  # the group with the larger one
    # lower end of the interval of the difference (Newcombe), widened by Bonferroni over all pairs of groups of all
    # factors: it holds for whichever pair is picked, and shows a difference only if it lies above 0
    ci_low: float
    ci_high: float  # its upper end

    @property
    def shown(self) -> bool:
        """Whether the groups differ by more than chance."""
        return self.ci_low > 0


def widest_gap(groups: pd.DataFrame, *, confidence: float = CONFIDENCE) -> Gap | None:
    """Return the widest gap in repaid loans flagged between two groups of one factor; None where none has two groups.

    Takes rows of `by_group` with their `factor`.
    """
    known = groups.dropna(subset=["false_positive_rate"])
    sizes = known.groupby("factor")["group"].size()
    pairs = float((sizes * (sizes - 1) / 2).sum())
    if not pairs:
        return None
    spans = known.groupby("factor", sort=False)["false_positive_rate"].agg(["min", "max"])
    inside = known[known["factor"] == (spans["max"] - spans["min"]).idxmax()].sort_values("false_positive_rate")
    low, high = inside.iloc[[0, -1]].to_dict(orient="records")
    of = [(round(row["false_positive_rate"] * (n := row["n"] - row["defaults"])), n) for row in (high, low)]
    _, *ends = rate_difference(of[0], of[1], confidence=1 - (1 - confidence) / pairs)
    return Gap(low, high, *ends)


def gains(deciles: pd.DataFrame) -> pd.DataFrame:
    """Return the gains table: deciles of predicted risk, given with the lowest risk first, the riskiest first.

    decile (1 is the riskiest), the columns that came (loans, defaults and others), cumulative_loans and
    cumulative_defaults (shares of all), lift (cumulative default rate over the portfolio's).
    """
    table = deciles.iloc[::-1].reset_index(drop=True)
    loans, defaults = table["loans"].cumsum(), table["defaults"].cumsum()
    shares = {"cumulative_loans": loans / loans.iloc[-1], "cumulative_defaults": defaults / defaults.iloc[-1]}
    table = table.assign(**shares)
    table["lift"] = table["cumulative_defaults"] / table["cumulative_loans"]
    table.insert(0, "decile", np.arange(1, len(table) + 1))
    return table


def _share(name: str, count: int, of: int, confidence: float) -> dict[str, float]:
    if of == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    low, high = proportion_confint(count, of, alpha=1 - confidence, method="wilson")
    return {name: count / of, f"{name}_low": float(low), f"{name}_high": float(high)}
