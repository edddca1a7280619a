"""Profit per 100 lent of groups of loans, with intervals: what a limit is justified by."""

import numpy as np
import pandas as pd
from scipy.stats import t

from loantap.analysis.suppression import is_small
from loantap.decisions.policy.book import Book

PROFITABLE, UNCLEAR, LOSES, FEW, NONE = "profitable", "unclear", "loses money", "too few loans", "no loans"


def margins(book: Book, group: np.ndarray, *, groups: int, min_cell: int) -> pd.DataFrame:
    """Return expected and realised profit per 100 lent of each group, and what may be concluded from both.

    The 95 % intervals are those of a ratio of sums, by linearisation (Cochran, Sampling Techniques, 3rd edition,
    1977, section 6.4): the residuals profit - ratio * amount of a group's loans give the standard error, Student's t
    the quantile.

    Args:
        book: n loans.
        group: The group of each loan, whole numbers from 0, shape (n,); -1 leaves a loan out.
        groups: How many groups there are.
        min_cell: A group with fewer loans, defaults or repaid loans is too small to conclude anything from.

    Returns:
        One row per group: n, defaults; expected and realised, per 100 lent, each with `_low` and `_high` (NaN without
        loans); verdict: profitable or loses money where both intervals lie on that side of 0, else unclear; or too few loans,
        or none. That realised profit has to agree guards against a model that is wrong about the group.
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
        half = t.ppf(0.975, n - 1) * error
        columns |= {name: 100 * ratio, f"{name}_low": 100 * (ratio - half), f"{name}_high": 100 * (ratio + half)}
    table = pd.DataFrame(columns)
    gains = (table["expected_low"] > 0) & (table["realised_low"] > 0)
    loses = (table["expected_high"] < 0) & (table["realised_high"] < 0)
    few = is_small(table["n"], table["defaults"], min_cell=min_cell, default_rate=None)
    verdict = np.full(groups, UNCLEAR, dtype=object)
    for kind, holds in {PROFITABLE: gains, LOSES: loses, FEW: few, NONE: n == 0}.items():
        verdict[holds] = kind
    return table.assign(verdict=verdict)


def without_small(table: pd.DataFrame) -> pd.DataFrame:
    """Return margins with the numbers of groups that are too small left out, so that they can be published."""
    numbers = table.columns.difference(["level", "verdict"])
    table = table.astype({"n": "Int64", "defaults": "Int64"})
    table[numbers] = table[numbers].mask(table["verdict"] == FEW)
    return table
