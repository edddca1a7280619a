"""Counts of loans and defaults by level of a factor: all that a test of association needs.

A frame of counts has the columns level (text), n and defaults. It may come from loans, from an aggregate in SQL or
from published tables; everything after this module is the same for all three.
"""

import pandas as pd

from loantap.analysis.counts import SIZES, LoanCounts
from loantap.analysis.professions import MISSING, map_groups, map_professions
from loantap.data.columns import BY_NAME, COLUMNS
from loantap.errors import InputError, UnfitDataError

COUNTS = ["level", "n", "defaults"]
_OF_TITLES = ("profession", "profession_group")
# What can be tested as a factor: levels that exist by the time of funding.
_CATEGORIES = (column.name for column in COLUMNS if column.kind == "category" and column.known != "outcome")
FACTORS = ("pincode", "state", *_OF_TITLES, *_CATEGORIES)


def known_factor(name: str) -> str:
    """Return the name of a factor that can be tested; raises InputError, with all of them, for another name."""
    if name not in FACTORS:
        raise InputError(f"factor: expected one of {', '.join(FACTORS)}, got '{name}'.")
    return name


def source_columns(factor: str, *more: str) -> list[str]:
    """Return the columns of the loans that a factor is made from, with `default` and any others wanted."""
    return list(dict.fromkeys([source_column(factor), "default", *more]))


def source_column(factor: str) -> str:
    """Return the column that a factor is made from."""
    return "emp_title" if factor in _OF_TITLES else factor


def factor_values(loans: pd.DataFrame, factor: str, *, keep_missing: bool = True) -> pd.Series:
    """Return each loan's level of a factor, as a category of texts.

    Args:
        loans: Cleaned loans, or counts by their values; a column that bears the factor's name is used as it is.
        factor: A column, or "profession" or "profession_group", which are made from `emp_title`.
        keep_missing: Make a missing value the level "Missing" (the last one), or leave it missing.

    Raises InputError for a factor that the loans do not have.
    """
    if factor in loans.columns:
        values = loans[factor]
    elif factor in _OF_TITLES and "emp_title" in loans.columns:
        values = map_professions(loans["emp_title"])
        values = map_groups(values) if factor == "profession_group" else values
    else:
        raise InputError(
            f"factor '{factor}': expected a column of the loans, 'profession' or 'profession_group'. "
            f"Known: {', '.join(sorted({*map(str, loans.columns), *_OF_TITLES}))}."
        )
    category = values.astype("category")
    texts = [f"{level:g}" if isinstance(level, float) else str(level) for level in category.cat.categories]
    if keep_missing and category.isna().any() and MISSING not in texts:
        texts.append(MISSING)
    codes = category.cat.codes.to_numpy().copy()
    if keep_missing:
        codes[codes < 0] = texts.index(MISSING) if MISSING in texts else -1
    ordered = factor in BY_NAME and BY_NAME[factor].ordered
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(texts), ordered=ordered), index=loans.index, name=factor)


def factor_counts(counts: LoanCounts, factor: str, *, keep_missing: bool = True) -> pd.DataFrame:
    """Count loans and defaults by level of a factor.

    Args:
        counts: Counts by the factor's column.
        factor: As in `factor_values`.
        keep_missing: As in `factor_values`.

    Returns:
        level, n, defaults: an ordered factor in the codebook's order, any other with the largest level first.
    """
    table = counts.by(source_column(factor))
    values = factor_values(table, factor, keep_missing=keep_missing)
    by_level = _sum(table, [values.rename("level")])
    if not values.cat.ordered:
        by_level = by_level.sort_values(["n", "level"], ascending=[False, True], kind="stable", ignore_index=True)
    return by_level


def stratified_counts(counts: LoanCounts, factor: str, *, stratum: str = "grade") -> pd.DataFrame:
    """Count loans and defaults by level of a factor within each level of another: stratum, level, n, defaults."""
    table = counts.by(source_column(factor), source_column(stratum))
    keys = {"stratum": stratum, "level": factor}
    return _sum(table, [factor_values(table, name).rename(key) for key, name in keys.items()])


def _sum(table: pd.DataFrame, keys: list[pd.Series]) -> pd.DataFrame:
    sums = table[SIZES].groupby(keys, observed=True).sum().reset_index()
    return sums.astype({str(key.name): "str" for key in keys})


def check_counts(counts: pd.DataFrame, *, factor: str) -> pd.DataFrame:
    """Return the counts of levels that hold loans; raises UnfitDataError without two levels, InputError without both outcomes."""
    checked = counts.loc[counts["n"] > 0, COUNTS].reset_index(drop=True)
    loans, defaults = int(checked["n"].sum()), int(checked["defaults"].sum())
    wanted = f"counts of '{factor}': expected"
    if len(checked) < 2:
        only = [level for level in checked["level"] if level != MISSING]
        name = factor.replace("_", " ")
        raise UnfitDataError(f"all loans have the same {name}, {only[0]}" if only else f"the loans hold no {name}")
    if defaults in (0, loans):
        raise InputError(
            f"{wanted} loans that defaulted and loans that did not, got {defaults:,} defaults among {loans:,} loans. "
            "Correct the counts."
        )
    return checked
