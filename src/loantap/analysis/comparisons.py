"""Two groups of loans against each other: default rates and their difference with a Newcombe interval."""

from dataclasses import dataclass

import pandas as pd
from statsmodels.stats.proportion import confint_proportions_2indep

from loantap.analysis.counts import SIZES, LoanCounts
from loantap.analysis.summaries import MISSING, with_intervals

# Levels with fewer loans than this share say little about a driver's reach, however extreme their rate.
_NOTABLE_SHARE = 0.01
_COMPARED = [
    "n", "default_rate", "ci_low", "ci_high", "other_rate", "other_low", "other_high", "difference", "diff_low",
    "diff_high",
]  # fmt: skip


@dataclass(frozen=True)
class Contrast:
    """Two levels of a driver against each other.

    Attributes:
        high: The level with the higher default rate.
        low: The level with the lower one.
        high_rate: Default rate of `high`, a fraction.
        low_rate: Default rate of `low`.
        difference: `high_rate - low_rate`.
        ci_low: Lower end of the difference's Newcombe interval.
        ci_high: Its upper end.
        n: Loans at the two levels together.
    """

    high: str
    low: str
    high_rate: float
    low_rate: float
    difference: float
    ci_low: float
    ci_high: float
    n: int


def contrast(rates: pd.DataFrame, *, ends: bool = False, confidence: float = 0.95) -> Contrast | None:
    """Compare two levels of a driver.

    Args:
        rates: The rows of one driver from `default_rates`.
        ends: Compare the first and the last level (for ordered levels); otherwise those with the highest and
            lowest default rate among the levels with at least 1 % of the loans. Levels picked for being extreme
            lie a little further apart than they would in new loans.
        confidence: Of the difference's interval (Newcombe 1998, from the two Wilson intervals).

    Returns:
        The comparison, or None where there are no two levels to compare.
    """
    if ends:
        known = rates.loc[~rates["level"].eq(MISSING)]
        chosen = known.iloc[[0, -1]] if len(known) > 1 else known
    else:
        chosen = rates.loc[rates["n"] >= _NOTABLE_SHARE * rates["n"].sum()]
    if len(chosen) < 2:
        return None
    low, high = chosen.sort_values("default_rate", kind="stable").iloc[[0, -1]].to_dict(orient="records")
    difference = rate_difference((high["defaults"], high["n"]), (low["defaults"], low["n"]), confidence=confidence)
    return Contrast(
        high["level"], low["level"], high["default_rate"], low["default_rate"], *difference, int(high["n"] + low["n"])
    )


def rate_difference(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the difference of two default rates and its Newcombe interval; each group is (defaults, loans)."""
    low, high = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=1 - confidence)
    return first[0] / first[1] - second[0] / second[1], float(low), float(high)


def compare_groups(
    counts: pd.DataFrame, inside: pd.Series, *, min_cell: int = 10, confidence: float = 0.95
) -> dict[str, float | int | None]:
    """Compare the default rate of the loans `inside` a group with that of the others.

    Args:
        counts: n and defaults.
        inside: Whether a row of them belongs to the group.
        min_cell: The smallest group that is shown.
        confidence: Of the intervals.

    Returns:
        n, default_rate, ci_low, ci_high of the group; other_rate, other_low, other_high of the others; and
        difference, diff_low, diff_high (Newcombe). All are None if either side has fewer than `min_cell` loans.
    """
    n, defaults = (int(counts.loc[inside, name].sum()) for name in SIZES)
    others, other_defaults = (int(counts.loc[~inside, name].sum()) for name in SIZES)
    if min(n, others) < min_cell:
        return dict.fromkeys(_COMPARED)
    sides = pd.DataFrame({"n": [n, others], "defaults": [defaults, other_defaults]})
    columns = ["default_rate", "ci_low", "ci_high"]
    rates = with_intervals(sides, confidence=confidence)[columns].to_numpy().ravel()
    difference = rate_difference((defaults, n), (other_defaults, others), confidence=confidence)
    return dict(zip(_COMPARED, [n, *map(float, rates), *difference], strict=True))


def missing_values(
    counts: LoanCounts, columns: list[str], *, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Return what a missing value means for default.

    Args:
        counts: Counts by each of the columns.
        columns: Columns that may lack values; those that do not are left out of the answer.
        min_cell: Columns with fewer missing values show no numbers.
        confidence: Of the intervals.

    Returns:
        One row per column, most often missing first: column, share, then the columns of `compare_groups`.
    """
    found: list[tuple[float, dict]] = []
    for name in columns:
        table = counts.by(name)
        absent = table[name].isna()
        if share := table.loc[absent, "n"].sum() / table["n"].sum():
            groups = compare_groups(table, absent, min_cell=min_cell, confidence=confidence)
            found.append((share, {"column": name, "share": None if groups["n"] is None else share, **groups}))
    rows = [row for _, row in sorted(found, key=lambda item: -item[0])]
    return pd.DataFrame(rows, columns=["column", "share", *_COMPARED])
