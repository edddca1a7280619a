"""Default rates by level, with Wilson intervals, and small cells pooled before anything leaves this module."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.bins import linear, round_bins
from loantap.analysis.counts import SIZES, LoanCounts
from loantap.data.columns import BY_NAME, names

Period = Literal["month", "quarter", "year"]
_PERIODS = {"month": ("M", "%Y-%m"), "quarter": ("Q", "%Y Q%q"), "year": ("Y", "%Y")}  # frequency, and how it is told
MISSING = "missing"
CREDIT_HISTORY = "credit_history_years"
# Levels with a smaller share of the loans say little about a column's reach, however extreme their rate.
NOTABLE_SHARE = 0.01


def drivers() -> list[str]:
    """Return the raw columns that may drive default: all numbers and categories known before the outcome."""
    return [*names(kind="number"), *(name for name in names(kind="category") if name != "loan_status")]


def credit_history_years(loans: pd.DataFrame) -> pd.Series:
    """Return the years from the first credit line to the funding, of loans or of counts by both months."""
    days = (loans["issue_d"] - loans["earliest_cr_line"]).dt.days
    return (days / 365.25).rename(CREDIT_HISTORY)


def counts_by_driver(counts: LoanCounts, driver: str) -> pd.DataFrame:
    """Return value (sorted, missing last), n, defaults of a driver: a raw column, or the length of credit history."""
    if driver != CREDIT_HISTORY:
        return counts.by(driver).rename(columns={driver: "value"})
    months = counts.by("issue_d", "earliest_cr_line")
    years = credit_history_years(months).rename("value")
    return months[SIZES].groupby(years, dropna=False).sum().reset_index()


def outcomes(counts: LoanCounts) -> pd.DataFrame:
    """Return a row for "defaulted" and one for "repaid": how many loans ended so, and the money lent with them.

    outcome, loans, amount_lent and median_loan (currency), share_of_loans, share_of_amount.
    """
    table = counts.by("loan_amnt")
    amounts = table["loan_amnt"].to_numpy()
    bad = table["defaults"].to_numpy()
    rows = [
        {
            "outcome": outcome,
            "loans": int(n.sum()),
            "amount_lent": float(amounts @ n),
            "median_loan": float(linear(amounts, n, np.array([0.5]))[0]),
        }
        for outcome, n in (("defaulted", bad), ("repaid", table["n"].to_numpy() - bad))
        if n.any()
    ]
    shape = pd.DataFrame(rows)
    return shape.assign(
        share_of_loans=shape["loans"] / shape["loans"].sum(),
        share_of_amount=shape["amount_lent"] / shape["amount_lent"].sum(),
    )


def known_at(driver: str) -> str:
    """Return when a driver's value exists: application, pricing or funding."""
    return BY_NAME[driver].known if driver in BY_NAME else "application"


def simultaneous(confidence: float, intervals: int) -> float:
    """Return the confidence that each interval needs for all to hold at once with the given one (Bonferroni)."""
    return 1 - (1 - confidence) / max(intervals, 1)


def with_intervals(counts: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Add default_rate, ci_low and ci_high (Wilson) to a frame of n and defaults."""
    low, high = proportion_confint(counts["defaults"], counts["n"], alpha=1 - confidence, method="wilson")
    return counts.assign(default_rate=counts["defaults"] / counts["n"], ci_low=low, ci_high=high)


def default_rates(counts: pd.DataFrame, *, min_cell: int = 10, confidence: float = 0.95) -> pd.DataFrame:
    """Return the default rate of each level.

    Args:
        counts: level (a category, or values that sort), n, defaults; rows of one level are added up. Missing values
            form a level of their own.
        min_cell: Levels with fewer loans are pooled: with their neighbour if levels have an order, else with
            each other, and where they do not suffice together, with the next smallest level, so that totals
            do not give a small cell away.
        confidence: Of the Wilson intervals.

    Returns:
        One row per level, in the order of the levels: level, n, defaults, default_rate, ci_low, ci_high.
    """
    levels = counts["level"]
    if not isinstance(levels.dtype, pd.CategoricalDtype):
        levels = pd.Series(pd.Categorical(levels, ordered=True), index=levels.index)
    # Missing has the code -1: shifted to the front for counting, then moved to the end.
    codes = levels.cat.codes.to_numpy(dtype="int64") + 1
    size = len(levels.cat.categories) + 1
    n, defaults = (np.roll(np.bincount(codes, counts[name], size), -1).astype("int64") for name in SIZES)
    labels = [*(str(level) for level in levels.cat.categories), MISSING]
    ordered = bool(levels.cat.ordered)
    table = pd.DataFrame(
        {"level": _label(labels, rows, ordered=ordered), "n": n[rows].sum(), "defaults": defaults[rows].sum()}
        for rows in _pooled(n, min_cell, ordered=ordered)
    )
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
    if absent not in rows:
        return parts[0]
    return f"{parts[0]} (or {MISSING})" if parts else MISSING


def driver_rates(
    counts: LoanCounts, columns: Iterable[str], *, bins: int = 10, min_cell: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the default rate of each level of each driver: driver, known, then the columns of `default_rates`.

    Numbers are cut into at most `bins` bins with round edges. `known` says when the driver's value exists (see the
    codebook).
    """
    tables = []
    for name in columns:
        values = counts_by_driver(counts, name)
        numeric = pd.api.types.is_numeric_dtype(values["value"])
        levels = round_bins(values["value"], values["n"], bins=bins, least=min_cell) if numeric else values["value"]
        table = default_rates(values.assign(level=levels), min_cell=min_cell, confidence=confidence)
        table.insert(0, "driver", name)
        table.insert(1, "known", known_at(name))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def vintage_rates(
    counts: pd.DataFrame,
    *,
    period: Period = "quarter",
    term: int = 36,
    last: pd.Timestamp | None = None,
    min_cell: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the default rate of the loans funded in each period.

    Args:
        counts: issue_d (month of funding), n, defaults; rows of one month are added up.
        period: Length of a vintage.
        term: Months that these loans run.
        last: The last month of funding in the data, if `counts` are of a part of them.
        min_cell: Neighbouring periods are merged until each holds so many loans of either outcome, as the bars of
            `histograms` do.
        confidence: Of the Wilson intervals.

    Returns:
        One row per vintage: level (such as "2014 Q1"), start, end (first days of its first and last month), n,
        defaults, default_rate, ci_low, ci_high, and `unripe`: whether some of its loans had less than `term` months
        until the last funding in the data. Loans still running are not in the data, so such a vintage may hold mostly
        those that ended early, by default or by early repayment.
    """
    frequency, form = _PERIODS[period]
    vintage = counts["issue_d"].dt.to_period(frequency)
    every = pd.period_range(vintage.min(), vintage.max())
    sums = counts[SIZES].groupby(vintage).sum().reindex(every, fill_value=0)
    n, defaults = (sums[name].to_numpy() for name in SIZES)
    final, rows = pd.Period(counts["issue_d"].max() if last is None else last, "M"), []
    for group in merge_neighbours(range(len(n)), np.minimum(defaults, n - defaults), min_cell):
        filled = every[[code for code in group if n[code]]]
        start, end = filled[0].asfreq("M", "start"), filled[-1].asfreq("M", "end")
        level = " to ".join(dict.fromkeys([filled[0].strftime(form), filled[-1].strftime(form)]))
        row = {"level": level, "start": start.to_timestamp(), "end": end.to_timestamp()}
        row |= {"n": int(n[group].sum()), "defaults": int(defaults[group].sum()), "unripe": bool(end + term > final)}
        rows.append(row)
    return with_intervals(pd.DataFrame(rows), confidence=confidence)
