"""The rows of an association that tables and figures show, in the order in which they show them."""

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.stratified import Stratified
from loantap.exhibits import heads

SHOWN = 30


def named(table: pd.DataFrame, factor: str) -> pd.Series:
    """Return which rows name a level: of professions, titles without one and those that were pooled name none."""
    if not factor.startswith("profession"):
        return pd.Series(True, index=table.index)
    return ~(table["level"].isin(list(heads.NO_PROFESSION)) | table["level"].str.endswith("(pooled)"))


def shown_levels(table: pd.DataFrame, *, by: pd.DataFrame | None = None, limit: int = SHOWN) -> pd.DataFrame:
    """Return the rows that a figure shows: all, or the `limit` largest levels, chosen by loans and never by outcome."""
    largest = (table if by is None else by).sort_values("n", ascending=False, kind="stable")["level"].head(limit)
    return table.loc[table["level"].isin(largest)].reset_index(drop=True)


def readable(table: pd.DataFrame, association: Association) -> pd.DataFrame:
    """Return the table without odds ratios of separated levels, a convention and no estimate, and with what names no level last."""
    ratios = [name for name in table if str(name).startswith(("odds_ratio", "or_", "observed"))]
    return _ordered(
        table.assign(**{str(name): table[name].where(table["separation"].isna()) for name in ratios}), association
    )


def _ordered(table: pd.DataFrame, association: Association) -> pd.DataFrame:
    return table.loc[named(table, association.factor).sort_values(ascending=False, kind="stable").index].reset_index(
        drop=True
    )


def drawn(table: pd.DataFrame, association: Association) -> pd.DataFrame:
    """Return the rows as a figure names them, with what names no level last."""
    ordered = _ordered(table, association)
    return ordered.assign(level=ordered["level"].map(heads.level))


def side_by_side(association: Association, adjusted: Adjusted, within: Stratified | None = None) -> pd.DataFrame:
    """Return the odds ratios as observed, adjusted and within grades, one row per level."""
    table = association.levels[["level", "n", "separation"]].reset_index(drop=True)
    sources = {"observed": association.levels, "adjusted": adjusted.levels}
    for prefix, levels in (sources | ({"within_grade": within.levels} if within else {})).items():
        for name, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high")):
            table[prefix + name] = levels[column].to_numpy()
    table["p_adjusted"] = adjusted.levels["p_adjusted"].to_numpy()
    return table.assign(homogeneity_p=within.levels["homogeneity_p"].to_numpy()) if within else table
