"""Profit per 100 lent of groups of loans, with intervals: what a limit is justified by."""

import numpy as np
import pandas as pd
from scipy.stats import t

from loantap.analysis.odds import adjust_p_values
from loantap.analysis.suppression import is_small
from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book

PROFITABLE, UNCLEAR, LOSES, FEW, NONE = "profitable", "unclear", "loses money", "too few loans", "no loans"


def margins(
    book: Book, group: np.ndarray, *, groups: int, min_cell: int, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return expected and realised profit per 100 lent of each group, and what may be concluded from both.

    The intervals are those of a ratio of sums, by linearisation (Cochran, Sampling Techniques, 3rd edition,
    1977, section 6.4): the residuals profit - ratio * amount of a group's loans give the standard error, Student's t
    the quantile.

    Args:
        book: n loans.
        group: The group of each loan, whole numbers from 0, shape (n,); -1 leaves a loan out.
        groups: How many groups there are.
        min_cell: A group with fewer loans, defaults or repaid loans is too small to conclude anything from.
        confidence: Of each interval, and of the verdicts together.

    Returns:
        One row per group: n, defaults; expected and realised, per 100 lent, each with `_low` and `_high` (NaN without
        loans); verdict: profitable or loses money where both intervals lie on that side of 0, the realised one also after Holm's
        correction for the groups that are judged, else unclear; or too few loans, or none.
    """
    inside = group >= 0
    group, amount = group[inside], book.amount[inside]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, minlength=groups)

    n, lent = total(np.ones(len(group))), total(amount)
    columns = {"n": n.astype(int), "defaults": total(book.default[inside]).astype(int)}
    for name, profit in (("expected", book.expected[inside]), ("realised", book.realised[inside])):
        with np.errstate(divide="ignore", invalid="ignore"):  # no loan, or one
            ratio = total(profit) / lent
            error = np.sqrt(total((profit - ratio[group] * amount) ** 2) * n / (n - 1)) / lent
        half = t.ppf((1 + confidence) / 2, n - 1) * error
        columns |= {name: 100 * ratio, f"{name}_low": 100 * (ratio - half), f"{name}_high": 100 * (ratio + half)}
    table = pd.DataFrame(columns)
    few = is_small(table["n"], table["defaults"], min_cell=min_cell, default_rate=None)
    with np.errstate(divide="ignore", invalid="ignore"):  # outcomes that are all alike
        p_values = pd.Series(2 * t.sf(np.abs(ratio / error), n - 1)).mask(few)  # of realised profit, the last above
    sure = adjust_p_values(p_values, correction="holm") < round(1 - confidence, 9)
    gains = sure & (table["expected_low"] > 0) & (table["realised_low"] > 0)
    loses = sure & (table["expected_high"] < 0) & (table["realised_high"] < 0)
    verdict = np.full(groups, UNCLEAR, dtype=object)
    for kind, holds in {PROFITABLE: gains, LOSES: loses, FEW: few, NONE: n == 0}.items():
        verdict[holds] = kind
    return table.assign(verdict=verdict)


def not_shown(confidence: float) -> str:
    """Return in words that by the verdicts of `margins` no level loses money."""
    return f"no level is shown to lose money at {100 * confidence:g}% after correction for the levels judged"


def without_small(table: pd.DataFrame) -> pd.DataFrame:
    """Return margins with the numbers of groups that are too small left out, so that they can be published."""
    numbers = table.columns.difference(["level", "verdict"])
    table = table.astype({"n": "Int64", "defaults": "Int64"})
    table[numbers] = table[numbers].mask(table["verdict"] == FEW)
    return table
