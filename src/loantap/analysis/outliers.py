"""Extreme and implausible values: how many there are, and how often such loans default."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.analysis.comparisons import compare_groups
from loantap.analysis.counts import LoanCounts
from loantap.analysis.quantiles import linear
from loantap.analysis.summaries import counts_by_driver

_WHISKER = 1.5  # quartile ranges beyond the quartiles (Tukey 1977)


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
    Suspicion("dti", 9999, float("inf"), "a dti of 9999 (a stand-in for a ratio without income)"),
    Suspicion("dti", 100, 9998.99, "a dti of 100 or more (payments above the income)"),
    Suspicion("annual_inc", 0, 0, "an annual_inc of 0 (no income stated)"),
    Suspicion("revol_util", 100.01, float("inf"), "a revol_util above 100 (balance above the limit)"),
)


def outliers(counts: LoanCounts, columns: list[str], *, min_cell: int = 10, confidence: float = 0.95) -> pd.DataFrame:
    """Compare loans beyond 1.5 quartile ranges from the quartiles with the others.

    Returns:
        One row per column that some loan has a value of, in the given order: column, low and high (the fences), share (of the loans with a
        value), then the columns of `compare_groups`; without numbers where fewer than `min_cell` loans lie outside.
    """
    rows = []
    for name in columns:
        table = counts_by_driver(counts, name).dropna()
        if table.empty:
            continue
        first, third = linear(table["value"].to_numpy(), table["n"].to_numpy(), np.array([0.25, 0.75]))
        reach = _WHISKER * (third - first)
        outside = ~table["value"].between(first - reach, third + reach)
        found = compare_groups(table, outside, min_cell=min_cell, confidence=confidence)
        share = None if found["n"] is None else found["n"] / table["n"].sum()
        rows.append({"column": name, "low": first - reach, "high": third + reach, "share": share, **found})
    return pd.DataFrame(rows)


def implausible_values(
    counts: LoanCounts,
    *,
    suspicions: tuple[Suspicion, ...] = SUSPICIONS,
    min_cell: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare loans with an implausible value with the others.

    Returns:
        One row per suspicion: column, meaning, share, then the columns of `compare_groups`; without numbers
        where there are fewer than `min_cell` such loans.
    """
    rows = []
    for suspicion in suspicions:
        table = counts.by(suspicion.column)
        inside = table[suspicion.column].between(suspicion.low, suspicion.high)
        found = compare_groups(table, inside, min_cell=min_cell, confidence=confidence)
        share = None if found["n"] is None else found["n"] / table["n"].sum()
        rows.append({"column": suspicion.column, "meaning": suspicion.meaning, "share": share, **found})
    return pd.DataFrame(rows)
