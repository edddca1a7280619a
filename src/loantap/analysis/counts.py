"""Counts of loans and defaults by value, which is all that statistics of single columns need.

A database's GROUP BY makes them as well as pandas does, and their size follows the distinct values and not the loans.
So every statistic that reads counts gives the same numbers, whoever counted.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pandas as pd

from loantap.data.columns import BY_NAME
from loantap.errors import InputError

SIZES = ["n", "defaults"]


class LoanCounts(Protocol):
    """Counts of loans and defaults by value."""

    def by(self, *columns: str) -> pd.DataFrame:
        """Count loans and defaults by the values of columns.

        Returns:
            The columns, n, defaults: one row per combination of values, sorted by the columns in the given order.
            Missing values are values too, and the last ones. Dtypes are those of the cleaned loans.

        Raises InputError where these columns cannot be counted.
        """


class FrameCounts:
    """Counts from a frame of cleaned loans."""

    def __init__(self, loans: pd.DataFrame) -> None:
        self._loans = loans

    def by(self, *columns: str) -> pd.DataFrame:
        """As in `LoanCounts`."""
        if unknown := sorted({*columns, "default"} - {*self._loans.columns}):
            raise InputError(
                f"counts by {', '.join(columns)}: expected columns of the loans, got {', '.join(unknown)}. "
                f"Known: {', '.join(sorted(map(str, self._loans.columns)))}."
            )
        counts = _grouped(self._loans, columns).agg(n=("default", "size"), defaults=("default", "sum"))
        counts = counts.astype("int64").reset_index()
        # A Parquet file keeps months in milliseconds.
        months = [name for name in columns if pd.api.types.is_datetime64_any_dtype(counts[name])]
        return counts.astype(dict.fromkeys(months, "datetime64[s]"))


class StoredCounts:
    """Counts from Parquet files, one for each set of columns, named by them: `issue_d+term.parquet`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def by(self, *columns: str) -> pd.DataFrame:
        """As in `LoanCounts`; the columns may stand in any order in the file's name."""
        paths = [path for path in self._folder.glob("*.parquet") if sorted(path.stem.split("+")) == sorted(columns)]
        if not paths:
            raise InputError(
                f"{self._folder / '+'.join(columns)}.parquet: expected the counts by {', '.join(columns)}, found none. "
                "Run the ingest stage again."
            )
        return typed(pd.read_parquet(paths[0])[[*columns, *SIZES]])


def typed(counts: pd.DataFrame) -> pd.DataFrame:
    """Return counts as `LoanCounts.by` does, from values as SQL or a file gives them: texts, numbers and dates.

    `term` may be a text or a number of months. Rows whose values become the same are added up.
    """
    columns = [name for name in counts.columns if name not in SIZES]
    cast = counts.assign(**{name: _typed(counts[name]) for name in columns})
    return _grouped(cast, columns)[SIZES].sum().astype("int64").reset_index()


def _typed(values: pd.Series) -> pd.Series:
    """Return the values of one column with the dtype of the cleaned loans (see `loantap.data.cleaning`)."""
    column = BY_NAME.get(str(values.name))
    kind = column.kind if column else "text"  # state and pincode
    if values.name == "term":
        texts = values.astype("str").str.strip().str.removesuffix(" months")
        return pd.to_numeric(texts).astype("int16")
    if kind == "number":
        return values.astype("float64")
    if kind == "month":
        return pd.to_datetime(values).astype("datetime64[s]")
    if column and kind == "category" and column.name != "loan_status":
        return values.astype(pd.CategoricalDtype(list(column.levels), ordered=column.ordered))
    return values.astype("str")


def _grouped(table: pd.DataFrame, columns: Iterable[str]) -> "pd.api.typing.DataFrameGroupBy":
    return table.groupby(list(columns), observed=True, dropna=False, sort=True)
