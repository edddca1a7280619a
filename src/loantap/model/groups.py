"""How a model treats groups of people, and how much of the defaults it finds among the riskiest."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm, rankdata
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.suppression import pool_small


def by_group(
    group: pd.Series, outcome: np.ndarray, probability: np.ndarray, *, threshold: float, min_cell: int
) -> pd.DataFrame:
    """Return one row per group: how often it defaults, is flagged, and how well its loans are told apart.

    Args:
        group: The group of each loan, shape (n,); missing values are a group.
        outcome: 1 for default, 0 for repaid.
        probability: Calibrated probabilities of default.
        threshold: A loan is flagged at and above it.
        min_cell: Groups with fewer loans, defaults or repaid loans are pooled.

    Returns:
        group, n, defaults, then default_rate, recall (flagged among defaults), false_positive_rate (flagged
        among repaid) and roc_auc, each with `_low` and `_high`, and the mean predicted default rate. Wilson
        intervals; DeLong's for the AUC. 95 %.
    """
    names = group.astype("object").where(group.notna(), "Missing").astype(str).to_numpy()
    loans = pd.DataFrame({"level": names, "n": 1, "defaults": outcome})
    pooled = pool_small(loans.groupby("level").sum().reset_index(), min_cell=min_cell, by_expectation=False)
    members = pooled.names()
    names = np.array([members.get(name, name) for name in names])
    flagged, rows = probability >= threshold, []
    for name in pooled.counts["level"]:
        inside = names == name
        y, flags = np.asarray(outcome)[inside], flagged[inside]
        auc = delong_interval(y, probability[inside])
        rows.append(
            {"group": name, "n": len(y), "defaults": int(y.sum()), "predicted": float(probability[inside].mean())}
            | _share("default_rate", int(y.sum()), len(y))
            | _share("recall", int((flags & (y == 1)).sum()), int(y.sum()))
            | _share("false_positive_rate", int((flags & (y == 0)).sum()), int((y == 0).sum()))
            | dict(zip(("roc_auc", "roc_auc_low", "roc_auc_high"), auc, strict=True))
        )
    return pd.DataFrame(rows)


def delong_interval(outcome: np.ndarray, score: np.ndarray, *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the ROC-AUC and its interval; NaN where one outcome is absent.

    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), 837-845, with the placements from ranks, and the interval
    on the logit scale, so that its ends stay within 0 to 1.
    """
    positive, negative = score[outcome == 1], score[outcome == 0]
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return (float("nan"),) * 3
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:m] - rankdata(positive)) / n  # share of repaid loans that each default is ranked above
    below = 1 - (ranks[m:] - rankdata(negative)) / m
    auc = float(above.mean())
    if m < 2 or n < 2 or auc in (0.0, 1.0):
        return auc, 0.0, 1.0
    error = np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n) / (auc * (1 - auc))
    half = norm.ppf((1 + level) / 2) * error
    return auc, float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def gains(deciles: pd.DataFrame) -> pd.DataFrame:
    """Return the gains table: deciles of predicted risk, the riskiest first.

    Args:
        deciles: Calibration by decile, the lowest risk first: loans, defaults and whatever else is known of them.

    Returns:
        decile (1 is the riskiest), the columns of `deciles`, cumulative_loans and cumulative_defaults (shares of all), lift (cumulative default rate over the portfolio's).
    """
    table = deciles.iloc[::-1].reset_index(drop=True)
    loans, defaults = table["loans"].cumsum(), table["defaults"].cumsum()
    shares = {"cumulative_loans": loans / loans.iloc[-1], "cumulative_defaults": defaults / defaults.iloc[-1]}
    table = table.assign(**shares)
    table["lift"] = table["cumulative_defaults"] / table["cumulative_loans"]
    table.insert(0, "decile", np.arange(1, len(table) + 1))
    return table


def _share(name: str, count: int, of: int) -> dict[str, float]:
    if of == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    low, high = proportion_confint(count, of, method="wilson")
    return {name: count / of, f"{name}_low": float(low), f"{name}_high": float(high)}
