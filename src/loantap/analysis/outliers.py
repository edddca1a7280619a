"""Extreme and implausible values: how many there are, and how often such loans default."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.analysis.comparisons import compare_groups
from loantap.analysis.counts import LoanCounts
from loantap.analysis.quantiles import linear
from loantap.analysis.summaries import counts_by_driver

WHISKER = 1.5  # quartile ranges beyond the quartiles (Tukey 1977)


@dataclass(frozen=True)
class Suspicion:
    """A value that is allowed by the codebook but hardly true.

    Attributes:
        column: Where it stands.
        low: Suspicious from here ...
        high: ... up to here.
        meaning: What it looks like, in words.
    """

    column: str
    low: float
    high: float
    meaning: str


SUSPICIONS = (
    Suspicion("dti", 9999, float("inf"), "a debt-to-income ratio of 9999% (no income to divide by)"),
    Suspicion("dti", 100, 9998.99, "a debt-to-income ratio of 100% or more (payments above the income)"),
    Suspicion("annual_inc", 0, 0, "an annual income of 0 (no income stated)"),
    Suspicion("revol_util", 100.01, float("inf"), "a utilisation above 100% (balance above the limit)"),
)


def outliers(counts: LoanCounts, columns: list[str], *, min_cell: int = 10, confidence: float = 0.95) -> pd.DataFrame:
    """Compare loans beyond 1.5 quartile ranges from the quartiles with the others.

    Returns:
        One row per column that some loan has a value of, in the given order: column, low and high (the fences), then the columns of
        `compare_groups`, of the loans with a value.
    """
    groups = []
    for name in columns:
        table = counts_by_driver(counts, name).dropna()
        if table.empty:
            continue
        first, third = linear(table["value"].to_numpy(), table["n"].to_numpy(), np.array([0.25, 0.75]))
        low, high = first - WHISKER * (third - first), third + WHISKER * (third - first)
        outside = ~table["value"].between(low, high)
        groups.append(({"column": name, "low": low, "high": high}, table, outside))
    return compare_groups(groups, min_cell=min_cell, confidence=confidence)


def implausible_values(
    counts: LoanCounts,
    *,
    suspicions: tuple[Suspicion, ...] = SUSPICIONS,
    min_cell: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare loans with an implausible value with the others.

    Returns:
        One row per suspicion: column, meaning, then the columns of `compare_groups`.
    """
    groups = []
    for one in suspicions:
        table = counts.by(one.column)
        inside = table[one.column].between(one.low, one.high)
        groups.append(({"column": one.column, "meaning": one.meaning}, table, inside))
    return compare_groups(groups, min_cell=min_cell, confidence=confidence)
