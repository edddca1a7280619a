"""How numbers are distributed among defaulted and repaid loans, and how they go together."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from loantap.analysis.bins import inverted_cdf, median_with_interval
from loantap.analysis.counts import LoanCounts
from loantap.analysis.summaries import counts_by_driver, merge_neighbours, simultaneous

REPAID, DEFAULTED = "repaid", "defaulted"
_BARS = 30
# The interval of a correlation is then about 0.003 wide either way, and the sort stays short.
MAX_ROWS = 500_000


def medians(counts: LoanCounts, columns: list[str], *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the median of each column by outcome, and the difference, defaulted minus repaid.

    The interval of a median is that of its order statistics (`scipy.stats.quantile_test`); the interval of the
    difference is put together from the two by the method of variance estimates recovery (Donner and Zou 2012), as
    Newcombe's is from two Wilson intervals. The intervals of the differences hold for all columns at once (Bonferroni).

    Returns:
        One row per column that some loan has a value of: column, n (loans with a value), defaulted, defaulted_low,
        defaulted_high, repaid, repaid_low, repaid_high, difference, diff_low, diff_high.
    """
    rows, level = [], simultaneous(confidence, len(columns))
    for name in columns:
        values, n, defaults = _present(counts, name)
        if not len(values):
            continue
        row: dict[str, Any] = {"column": name, "n": int(n.sum())}
        ends = []
        for outcome, side in ((DEFAULTED, defaults), (REPAID, n - defaults)):
            numbers = median_with_interval(values, side, confidence=confidence)
            row |= dict(zip((outcome, f"{outcome}_low", f"{outcome}_high"), numbers, strict=True))
            ends.append(median_with_interval(values, side, confidence=level))
        (bad, bad_low, bad_high), (good, good_low, good_high) = ends
        below, above = np.hypot(bad - bad_low, good_high - good), np.hypot(bad_high - bad, good - good_low)
        apart = bad - good
        rows.append(row | {"difference": apart, "diff_low": apart - below, "diff_high": apart + above})
    return pd.DataFrame(rows)


def _present(counts: LoanCounts, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = counts_by_driver(counts, name).dropna()
    return table["value"].to_numpy(), table["n"].to_numpy(), table["defaults"].to_numpy()


def histograms(counts: LoanCounts, columns: list[str], *, min_cell: int = 10) -> pd.DataFrame:
    """Return histograms by outcome between the 1st and 99th percentile: column, outcome, left, right, density.

    `density` is the share of that outcome's loans with a value, per unit of the column. Bars of whole numbers hold
    equally many of them. Neighbouring bars are merged until each holds `min_cell` loans of either outcome. A column
    that no loan has a value of has none.
    """
    tables = []
    for name in columns:
        values, n, defaults = _present(counts, name)
        if not len(values):
            continue
        low, high = inverted_cdf(values, n, np.array([0.01, 0.99]))
        if low == high or np.all(np.mod(values, 1) == 0):
            # Bars of equally many whole numbers: others would make a comb of a smooth count.
            width = max(int(np.ceil((high - low + 1) / _BARS)), 1)
            edges = np.arange(low - 0.5, high + width, width)
        else:
            edges = np.linspace(low, high, _BARS + 1)
        sides = {REPAID: n - defaults, DEFAULTED: defaults}
        heights = np.array([np.histogram(values, bins=edges, weights=side)[0] for side in sides.values()])
        groups = merge_neighbours(range(heights.shape[1]), heights.min(axis=0), min_cell)
        left, right = edges[[rows[0] for rows in groups]], edges[[rows[-1] + 1 for rows in groups]]
        for (label, side), bars in zip(sides.items(), heights, strict=True):
            total = max(int(side.sum()), 1)
            density = np.array([bars[rows].sum() for rows in groups]) / total / (right - left)
            tables.append(
                pd.DataFrame({"column": name, "outcome": label, "left": left, "right": right, "density": density})
            )
    return pd.concat(tables, ignore_index=True)


def rank_correlations(
    loans: pd.DataFrame, columns: list[str], *, confidence: float = 0.95, random_state: int = 0
) -> pd.DataFrame:
    """Return Spearman's rho of every pair of columns, over the loans where both have a value.

    The interval is Fisher's z with the standard error of Bonett and Wright (2000); all of them hold at once
    (Bonferroni).

    Args:
        loans: Numbers only, in the named columns.
        columns: The columns to pair.
        confidence: Of the intervals.
        random_state: Seed of the sample of MAX_ROWS that stands for more loans.

    Returns:
        One row per pair: first, second, n, rho, ci_low, ci_high; NaN for a column of one value.
    """
    chosen = loans[columns]
    if len(chosen) > MAX_ROWS:
        chosen = chosen.sample(MAX_ROWS, random_state=random_state)
    matrix = chosen.corr(method="spearman").to_numpy()
    present = chosen.notna().to_numpy(dtype="float32")
    together = np.rint(present.T @ present).astype("int64")
    rows, level = [], simultaneous(confidence, math.comb(len(columns), 2))
    for one, other in combinations(range(len(columns)), 2):
        rho, n = float(matrix[one, other]), int(together[one, other])
        reach = norm.ppf((1 + level) / 2) * np.sqrt((1 + rho**2 / 2) / max(n - 3, 1))
        middle = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
        low, high = np.tanh([middle - reach, middle + reach])
        pair = {"first": columns[one], "second": columns[other]}
        rows.append(pair | {"n": n, "rho": rho, "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)
