"""Two groups of loans against each other: default rates and their difference with a Newcombe interval."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import confint_proportions_2indep

from loantap.analysis.bins import linear
from loantap.analysis.counts import LoanCounts
from loantap.analysis.summaries import MISSING, counts_by_driver, simultaneous, with_intervals

_COMPARED = [
    "n", "default_rate", "ci_low", "ci_high", "other_rate", "other_low", "other_high", "difference", "diff_low",
    "diff_high",
]  # fmt: skip

WHISKER = 1.5  # quartile ranges beyond the quartiles (Tukey 1977)


@dataclass(frozen=True)
class Suspicion:
    """A value that is allowed by the codebook but hardly true."""

    column: str  # where it stands
    low: float  # suspicious from here ..
    high: float  # ... up to here.
    meaning: str  # what it looks like, in words


SUSPICIONS = (
    Suspicion("dti", 9999, float("inf"), "a debt-to-income ratio of 9999% (no income to divide by)"),
    Suspicion("dti", 100, 9998.99, "a debt-to-income ratio of 100% or more (payments above the income)"),
    Suspicion("annual_inc", 0, 0, "an annual income of 0 (no income stated)"),
    Suspicion("revol_util", 100.01, float("inf"), "a utilisation above 100% (balance above the limit)"),
)


@dataclass(frozen=True)
class Contrast:
    """Two levels of a driver against each other."""

    high: str  # the level with the higher default rate
    low: str  # the level with the lower one
    high_rate: float  # default rate of `high`, a fraction
    low_rate: float  # default rate of `low`
    difference: float  # `high_rate - low_rate`
    ci_low: float  # lower end of the difference's Newcombe interval
    ci_high: float  # its upper end
    n: int  # loans at the two levels together
    pairs: int = 1  # pairs that they were picked from; the interval holds for all of them at once
    confidence: float = 0.95  # of the interval


def contrast(rates: pd.DataFrame, *, ends: bool = False, confidence: float = 0.95) -> Contrast | None:
    """Compare two levels of a driver.

    Args:
        rates: The rows of one driver from `default_rates`.
        ends: Compare the first and the last known level (for ordered levels); otherwise, of all pairs, the two that
            differ most for sure: the highest lower end. Where no interval is above 0, the two that are surest to
            differ: the difference that is largest for its interval. That choice is allowed for (Bonferroni).
        confidence: Of the difference's interval (Newcombe 1998, from the two Wilson intervals).

    Returns None where there are no two levels to compare.
    """
    known = rates.loc[~rates["level"].eq(MISSING)] if ends else rates
    if len(known) < 2:
        return None
    picked = known.iloc[[0, -1]] if ends else known
    ordered = picked.sort_values("default_rate", ascending=False, kind="stable")
    first, second = (ordered.iloc[rows] for rows in np.triu_indices(len(ordered), 1))
    sides = [part[name].to_numpy() for part in (first, second) for name in ("defaults", "n")]
    options = {"method": "newcomb", "compare": "diff", "alpha": 1 - simultaneous(confidence, len(first))}
    low, high = confint_proportions_2indep(*sides, **options)
    # Below 0 the highest lower end is that of the largest levels, whatever their rates.
    apart = first["default_rate"].to_numpy() - second["default_rate"].to_numpy()
    surest = int(np.argmax(low if low.max() > 0 else apart / (apart - low)))
    above, below = first.iloc[surest], second.iloc[surest]
    high_rate, low_rate = float(above["default_rate"]), float(below["default_rate"])
    return Contrast(
        *(str(above["level"]), str(below["level"])),
        *(high_rate, low_rate, high_rate - low_rate),
        *(float(low[surest]), float(high[surest])),
        n=int(above["n"] + below["n"]),
        pairs=len(first),
        confidence=confidence,
    )


def rate_difference(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the difference of two default rates and its Newcombe interval; each group is (defaults, loans)."""
    low, high = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=1 - confidence)
    return first[0] / first[1] - second[0] / second[1], float(low), float(high)


def compare_groups(
    groups: Iterable[tuple[dict[str, Any], pd.DataFrame, pd.Series]], *, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare the default rate of the loans in each of several groups with that of the others.

    Args:
        groups: For each group what it is (columns of the answer), counts (n and defaults), and which rows of them
            belong to it.
        min_cell: The smallest group that is shown.
        confidence: Of the intervals; those of the differences hold for all groups that are shown at once (Bonferroni).

    Returns:
        One row per group: what it is; share of the loans, n, default_rate, ci_low, ci_high (Wilson) of the group;
        other_rate, other_low, other_high of the others; and difference, diff_low, diff_high (Newcombe). The numbers are
        None if either side has fewer than `min_cell` loans.
    """
    counted: list[tuple[dict[str, Any], tuple[int, int], tuple[int, int]]] = []
    for what, counts, inside in groups:
        inner, outer = ([int(counts.loc[side, name].sum()) for name in ("defaults", "n")] for side in (inside, ~inside))
        counted.append((what, (inner[0], inner[1]), (outer[0], outer[1])))
    shown = [min(group[1], others[1]) >= min_cell for _, group, others in counted]
    level = simultaneous(confidence, sum(shown))
    table = []
    for (what, group, others), large in zip(counted, shown, strict=True):
        numbers: dict[str, Any] = dict.fromkeys(["share", *_COMPARED])
        if large:
            sides = with_intervals(pd.DataFrame([group, others], columns=["defaults", "n"]), confidence=confidence)
            rates = map(float, sides[["default_rate", "ci_low", "ci_high"]].to_numpy().ravel())
            share = group[1] / (group[1] + others[1])
            difference = rate_difference(group, others, confidence=level)
            numbers = dict(zip(numbers, [share, group[1], *rates, *difference], strict=True))
        table.append(what | numbers)
    return pd.DataFrame(table)


def missing_values(
    counts: LoanCounts, columns: list[str], *, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare loans that lack a value with those that have it.

    Args:
        counts: Counts by each of the columns.
        columns: Columns that may lack values; those that do not are left out of the answer.
        min_cell: Columns with fewer missing values show no numbers.
        confidence: Of the intervals, as in `compare_groups`.

    Returns:
        One row per column, most often missing first: column, then the columns of `compare_groups`.
    """
    tables = {name: counts.by(name) for name in columns}
    absent = {name: table[name].isna() for name, table in tables.items()}
    lacking = {name: int(tables[name].loc[rows, "n"].sum()) for name, rows in absent.items()}
    order = [name for name in sorted(columns, key=lambda name: -lacking[name]) if lacking[name]]
    groups = [({"column": name}, tables[name], absent[name]) for name in order]
    compared = compare_groups(groups, min_cell=min_cell, confidence=confidence)
    return compared.reindex(columns=["column", "share", *_COMPARED])


def outliers(counts: LoanCounts, columns: list[str], *, min_cell: int = 10, confidence: float = 0.95) -> pd.DataFrame:
    """Compare loans beyond 1.5 quartile ranges from the quartiles with the others that have a value.

    One row per column that some loan has a value of: column, low and high (the fences), the columns of
    `compare_groups`.
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


def implausible_values(counts: LoanCounts, *, min_cell: int = 10, confidence: float = 0.95) -> pd.DataFrame:
    """Compare loans with an implausible value with others: column, meaning, then the columns of `compare_groups`."""
    groups = []
    for one in SUSPICIONS:
        table = counts.by(one.column)
        inside = table[one.column].between(one.low, one.high)
        groups.append(({"column": one.column, "meaning": one.meaning}, table, inside))
    return compare_groups(groups, min_cell=min_cell, confidence=confidence)
