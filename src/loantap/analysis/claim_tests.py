"""One test for each kind of claim, from counts or moments: an estimate and two p-values.

Every claim is asked two questions. Its p-value is small if the claim holds: for "more" and "less" it is the two-sided
test of no difference. `p_against` is small if the claim fails: it tests that the effect is as large as matters, in the
claimed direction, against its being smaller, absent or reversed. A one-sided p-value is doubled, so that at 0.05 it
agrees with the 95% interval. `alpha` is one minus the confidence of the intervals.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from loantap.analysis.association import Association
from loantap.analysis.claim_counts import ByOutcome, Count
from loantap.analysis.odds import wilson

METRICS = ("accuracy", "precision", "recall", "f2")
CELLS = ("tn", "fp", "fn", "tp")
Direction = Literal["more", "less", "any", "equal", "at_least"]


@dataclass(frozen=True)
class Effect:
    """What the data say of one claim."""

    effect: str  # what the estimate measures
    kind: str  # how to show it: ratio, rate, number or score
    n: int  # loans
    estimate: float
    ci_low: float
    ci_high: float
    p_value: float  # small if the claim holds
    p_against: float  # small if it does not
    null: float  # the effect where there is no difference, or the claimed value
    facts: Mapping[str, Any] = field(default_factory=dict)  # further numbers for the sentence


def share_effect(loans: Count, *, claimed: float, margin: float, alpha: float) -> Effect:
    """Test that the default rate equals a claimed one within a margin: two one-sided tests (Schuirmann 1987)."""
    rate = loans.defaults / loans.n
    (low,), (high,) = wilson(pd.Series([loans.defaults]), pd.Series([loans.n]), alpha=alpha)
    off, error = abs(rate - claimed), float(np.sqrt(rate * (1 - rate) / loans.n))
    p_value, against = (doubled(stats.norm.sf(sign * (margin - off) / error)) for sign in (1, -1))
    return Effect("default rate", "rate", loans.n, rate, float(low), float(high), p_value, against, null=claimed)


def level_effect(association: Association, level: str, *, direction: Direction, smallest: float) -> Effect:
    """Test that a level defaults more or less than the rest of the portfolio.

    Args:
        association: The factor's result.
        level: One of its levels.
        direction: more or less.
        smallest: The odds ratio nearest to 1 that matters: above 1 for more, below 1 for less.
    """
    row = association.level(level)
    ratio, low, high = (float(row[name]) for name in ("odds_ratio", "or_low", "or_high"))
    error = float(np.log(high) - np.log(low)) / (2 * stats.norm.isf(association.alpha / 2))
    n, defaults = int(row["n"]), int(row["defaults"])
    return Effect(
        "odds ratio of default against the rest of the portfolio",
        "ratio",
        association.n,
        *(ratio, low, high),
        p_value=float(row["p_value"]),
        p_against=_against(float(np.log(ratio)), error, direction, float(np.log(smallest))),
        null=1.0,
        facts={
            "level_n": n,
            "level_defaults": defaults,
            "default_rate": defaults / n,
            "rest_default_rate": (association.defaults - defaults) / (association.n - n),
            "separation": row["separation"] if isinstance(row["separation"], str) else None,
        },
    )


def factor_effect(association: Association, *, smallest: float) -> Effect:
    """Test that a factor goes with default: chi-square, and Cramér's V against the smallest one that matters.

    The second test asks how likely so small a chi-square is if V were `smallest`: noncentral chi-square, the same
    that the interval of V comes from.
    """
    levels, pure = association.levels, association.leaks()
    # A table of two columns: V squared is phi squared over the corrected smaller dimension, as in `cramers_v`.
    noncentrality = smallest**2 * association.n * (1 - 1 / (association.n - 1))
    mixed = levels.loc[levels["separation"].isna()]
    ends = mixed["default_rate"].agg(["min", "max"]) if len(mixed) else {"min": None, "max": None}
    return Effect(
        "Cramér's V",
        "score",
        association.n,
        *(association.cramers_v, association.cramers_v_low, association.cramers_v_high),
        p_value=association.p_value,
        p_against=doubled(stats.ncx2.cdf(association.chi2, association.dof, noncentrality)),
        null=0.0,
        facts={
            "levels": len(levels),
            "pure": len(pure),
            "pure_share": float(pure["n"].sum() / association.n),
            "mixed": len(mixed),
            "mixed_low": ends["min"],
            "mixed_high": ends["max"],
        },
    )


def trend_effect(
    counts: pd.DataFrame, *, direction: Direction, smallest: float, alpha: float, shown: Collection[str]
) -> Effect | None:
    """Test that default goes up or down from level to level: logistic regression on the level's place.

    Args:
        counts: level, n, defaults, in order.
        direction: more or less, with each step.
        smallest: The odds ratio per step nearest to 1 that matters.
        alpha: One minus the confidence of the interval.
        shown: The levels whose rates may be published.

    Returns None where fewer than two levels have loans, or all loans of either outcome lie in one level.
    """
    filled = (counts["n"] > 0).to_numpy()
    table = counts.loc[filled]
    repaid = table["n"] - table["defaults"]
    if (table["defaults"] > 0).sum() < 2 or (repaid > 0).sum() < 2:
        return None
    outcome = np.column_stack([table["defaults"], repaid])
    fit = sm.GLM(outcome, sm.add_constant(np.flatnonzero(filled)), family=sm.families.Binomial()).fit()
    slope, error = float(fit.params[1]), float(fit.bse[1])
    reach = stats.norm.isf(alpha / 2) * error
    ratio, low, high = (float(np.exp(end)) for end in (slope, slope - reach, slope + reach))
    rates = dict(zip(table["level"], table["defaults"] / table["n"], strict=True))
    ends = [level for level in rates if level in shown]
    steps = np.diff([rates[level] for level in ends]) * _sign(direction)
    facts: dict[str, Any] = {}
    if len(ends) > 1:
        facts = {
            "first": ends[0],
            "last": ends[-1],
            "first_rate": rates[ends[0]],
            "last_rate": rates[ends[-1]],
            "steps": len(steps),
            "hidden": len(rates) - len(ends),
            "steps_as_claimed": int((steps > 0).sum()),
        }
    return Effect(
        "odds ratio of default for each step up",
        "ratio",
        int(table["n"].sum()),
        *(ratio, low, high),
        p_value=float(fit.pvalues[1]),
        p_against=_against(slope, error, direction, float(np.log(smallest))),
        null=1.0,
        facts=facts,
    )


def mean_effect(moments: ByOutcome, *, direction: Direction, smallest: float, alpha: float) -> Effect:
    """Test that a column's mean is higher, or lower, among loans that defaulted (Welch 1947).

    Args:
        moments: The column's moments by outcome.
        direction: more or less.
        smallest: The difference that matters, in the column's unit, signed like the direction.
        alpha: One minus the confidence of the interval.
    """
    bad, good = moments.defaulted, moments.repaid
    test = stats.ttest_ind_from_stats(bad.mean, bad.sd, bad.n, good.mean, good.sd, good.n, equal_var=False)
    parts = np.array([bad.sd**2 / bad.n, good.sd**2 / good.n])
    error = float(np.sqrt(parts.sum()))
    freedom = float(parts.sum() ** 2 / (parts**2 / [bad.n - 1, good.n - 1]).sum())
    difference, reach = bad.mean - good.mean, stats.t.isf(alpha / 2, freedom) * error
    pooled = np.sqrt(((bad.n - 1) * bad.sd**2 + (good.n - 1) * good.sd**2) / (bad.n + good.n - 2))
    cohens_d = float(difference / pooled)
    return Effect(
        "mean of the loans that defaulted minus mean of those repaid",
        "number",
        bad.n + good.n,
        *(difference, difference - reach, difference + reach),
        p_value=float(test.pvalue),
        p_against=_against(difference, error, direction, smallest, freedom=freedom),
        null=0.0,
        facts={"defaulted_mean": bad.mean, "repaid_mean": good.mean, "standardized": cohens_d},
    )


def _sign(direction: Direction) -> int:
    return -1 if direction == "less" else 1


def _against(
    value: float, error: float, direction: Direction, smallest: float, *, freedom: float = float("inf")
) -> float:
    return doubled(stats.t.sf(_sign(direction) * (smallest - value) / error, freedom))


def doubled(one_sided: float) -> float:
    """Return the two-sided p-value of a one-sided one."""
    return float(min(1.0, 2 * one_sided))
