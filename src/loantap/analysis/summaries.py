"""Default rates by level, with Wilson intervals, and small cells pooled before anything leaves this module."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from loantap.data.columns import BY_NAME, names

MISSING = "missing"
CREDIT_HISTORY = "credit_history_years"


def drivers() -> list[str]:
    """Return the raw columns that may drive default: all numbers and categories known before the outcome."""
    return [*names(kind="number"), *(name for name in names(kind="category") if name != "loan_status")]


def credit_history_years(loans: pd.DataFrame) -> pd.Series:
    """Return the years from the first credit line to the funding of the loan."""
    days = (loans["issue_d"] - loans["earliest_cr_line"]).dt.days
    return (days / 365.25).rename(CREDIT_HISTORY)


def known_at(driver: str) -> str:
    """Return when a driver's value exists: application, pricing or funding."""
    return BY_NAME[driver].known if driver in BY_NAME else "application"


def with_intervals(counts: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Add default_rate, ci_low and ci_high (Wilson) to a frame of n and defaults."""
    low, high = proportion_confint(counts["defaults"], counts["n"], alpha=1 - confidence, method="wilson")
    return counts.assign(default_rate=counts["defaults"] / counts["n"], ci_low=low, ci_high=high)


def default_rates(
    default: pd.Series, levels: pd.Series, *, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the default rate of each level.

    Args:
        default: 1 for a defaulted loan, 0 for a repaid one.
        levels: The level of each loan: a category, or values that sort. Missing values form a level of their own.
        min_cell: Levels with fewer loans are pooled: with their neighbour if levels have an order, else with
            each other, and where they do not suffice together, with the next smallest level, so that totals
            do not give a small cell away.
        confidence: Of the Wilson intervals.

    Returns:
        One row per level, in the order of the levels: level, n, defaults, default_rate, ci_low, ci_high.
    """
    if not isinstance(levels.dtype, pd.CategoricalDtype):
        levels = pd.Series(pd.Categorical(levels, ordered=True), index=levels.index)
    # Missing has the code -1: shifted to the front for counting, then moved to the end.
    codes = levels.cat.codes.to_numpy(dtype="int64") + 1
    size = len(levels.cat.categories) + 1
    n = np.roll(np.bincount(codes, minlength=size), -1)
    defaults = np.roll(np.bincount(codes, weights=default.to_numpy(), minlength=size), -1).astype("int64")
    labels = [*(str(level) for level in levels.cat.categories), MISSING]
    groups = _pooled(n, min_cell, ordered=bool(levels.cat.ordered))
    table = pd.DataFrame(
        [
            {"level": _label(labels, rows, ordered=bool(levels.cat.ordered)), "n": n[rows].sum(), "defaults": defaults[rows].sum()}
            for rows in groups
        ]
    )  # fmt: skip
    return with_intervals(table, confidence=confidence)


def _pooled(n: np.ndarray, min_cell: int, *, ordered: bool) -> list[list[int]]:
    """Return the positions of the levels that make up each published row; the last position is 'missing'."""
    filled = [int(position) for position in np.flatnonzero(n)]
    if not ordered:
        by_size = sorted(filled, key=lambda position: n[position])
        pool = [position for position in by_size if n[position] < min_cell]
        while pool and n[pool].sum() < min_cell and len(pool) < len(by_size):
            pool.append(by_size[len(pool)])
        return [[position] for position in filled if position not in pool] + ([sorted(pool)] if pool else [])
    missing = len(n) - 1
    groups = merge_neighbours([position for position in filled if position != missing], n, min_cell)
    if n[missing] >= min_cell or not groups:
        return groups + ([[missing]] if n[missing] else [])
    if n[missing]:
        min(groups, key=lambda rows: n[rows].sum()).append(missing)
    return groups


def merge_neighbours(positions: Sequence[int], n: np.ndarray, min_cell: int) -> list[list[int]]:
    """Return the positions in order, in groups of neighbours that hold at least `min_cell` loans each."""
    groups: list[list[int]] = []
    open_group: list[int] = []
    for position in positions:
        open_group.append(position)
        if n[open_group].sum() >= min_cell:
            groups.append(open_group)
            open_group = []
    if open_group and groups:
        groups[-1].extend(open_group)
    elif open_group:
        groups.append(open_group)
    return groups


def _label(labels: list[str], rows: list[int], *, ordered: bool) -> str:
    if not ordered:
        return ", ".join(labels[row] for row in rows)
    absent = len(labels) - 1
    known = [row for row in rows if row != absent]
    parts = [" to ".join(dict.fromkeys([labels[known[0]], labels[known[-1]]]))] if known else []
    return " or ".join(parts + ([MISSING] if absent in rows else []))


def binned(values: pd.Series, *, bins: int = 10) -> pd.Series:
    """Return an ordered category of about equally many loans per bin; a column of few values keeps them as levels.

    The labels state the edges, which are quantiles; the first and last bin are open, so that the smallest and
    the largest loan stay unnamed. Ties are never split: a value held by many loans fills its bin alone.
    """
    present = values.dropna().to_numpy()
    distinct = np.unique(present)
    if len(distinct) <= bins:
        labels = _texts(distinct)
        codes = np.searchsorted(distinct, values.to_numpy())
    else:
        uppers = np.unique(np.quantile(present, np.arange(1, bins) / bins, method="inverted_cdf"))
        # Where many loans share the largest value, the last bin is theirs alone.
        uppers = np.unique(np.minimum(uppers, distinct[-2]))
        labels = _edge_labels(uppers, lowest=distinct[0], whole=bool((distinct == np.floor(distinct)).all()))
        codes = np.searchsorted(uppers, values.to_numpy(), side="left")
    codes = np.where(values.isna(), -1, codes)
    levels = pd.Categorical.from_codes(codes, pd.Index(labels), ordered=True)
    return pd.Series(levels, index=values.index, name=values.name)


def _edge_labels(uppers: np.ndarray, *, lowest: float, whole: bool) -> list[str]:
    ends = _texts(uppers)
    first = ends[0] if lowest == uppers[0] else f"up to {ends[0]}"
    if not whole:
        return [first, *(f"over {low} to {high}" for low, high in pairwise(ends)), f"over {ends[-1]}"]
    starts = _texts(uppers + 1)
    middle = [" to ".join(dict.fromkeys(pair)) for pair in zip(starts[:-1], ends[1:], strict=True)]
    return [first, *middle, f"{starts[-1]} or more"]


def _texts(values: np.ndarray) -> list[str]:
    """Return distinct numbers as distinct texts, with two decimals unless more are needed to tell them apart."""
    for decimals in (2, 4, 8):
        texts = [f"{round(float(value), decimals):,.12g}" for value in values]
        if len(set(texts)) == len(values):
            return texts
    return [repr(float(value)) for value in values]


def driver_rates(
    loans: pd.DataFrame, columns: Iterable[str], *, bins: int = 10, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the default rate of each level of each driver: driver, known, then the columns of `default_rates`.

    Numbers are cut into `bins` quantile bins. `known` says when the driver's value exists (see the codebook).
    """
    tables = []
    for name in columns:
        levels = binned(loans[name], bins=bins) if pd.api.types.is_numeric_dtype(loans[name]) else loans[name]
        table = default_rates(loans["default"], levels, min_cell=min_cell, confidence=confidence)
        table.insert(0, "driver", name)
        table.insert(1, "known", known_at(name))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
