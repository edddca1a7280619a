"""Odds ratios within strata of like loans: Mantel and Haenszel's, with a test that the strata agree."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import StratifiedTable

from loantap.analysis.association import Association
from loantap.analysis.odds import adjust_p_values


@dataclass(frozen=True)
class Stratified:
    """Odds ratios against the rest of the portfolio, within strata.

    Attributes:
        stratum: What the loans are alike in.
        levels: level, odds_ratio, or_low, or_high, p_value, p_adjusted, homogeneity_p, homogeneity_p_adjusted, strata. Separated
            levels, and those whose strata hold nothing to compare, have no numbers.
        by_stratum: level, stratum, odds_ratio: of each stratum by itself, to two digits, where no count behind it is small.
    """

    stratum: str
    levels: pd.DataFrame
    by_stratum: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        levels, by_stratum = (
            table.astype("object").where(table.notna(), None).to_dict(orient="records")
            for table in (self.levels, self.by_stratum)
        )
        return {
            "method": "Mantel–Haenszel odds ratio; homogeneity: Breslow–Day with Tarone's adjustment",
            "stratum": self.stratum,
            "levels": levels,
            "by_stratum": by_stratum,
        }


def mantel_haenszel(association: Association, counts: pd.DataFrame, *, stratum: str = "grade") -> Stratified:
    """Return each level's pooled odds ratio of default against the other loans of its stratum.

    Mantel and Haenszel (1959), interval with the variance of Robins, Breslow and Greenland (1986), p-value of the
    Mantel–Haenszel test without continuity correction. `homogeneity_p` tests that the odds ratio is the same in
    every stratum (Breslow and Day 1980, with Tarone's adjustment 1985): where it is small, the pooled number is an
    average over strata that differ.

    Args:
        association: The factor's result; its pooled levels, alpha and correction are kept.
        counts: stratum, level, n, defaults.
        stratum: What the strata are, for the report.
    """
    names = {member: pooled for pooled, members in association.pooled.items() for member in members}
    cells = counts.assign(level=counts["level"].replace(names)).groupby(["level", "stratum"])[["n", "defaults"]].sum()
    total = cells.groupby("stratum").sum()
    mixed = association.levels["separation"].isna()
    parts = [
        _by_stratum(cells.loc[level].reindex(total.index, fill_value=0), total, association).assign(level=level)
        for level in association.levels.loc[mixed, "level"]
    ]
    rows = [
        {"level": level}
        | ({} if separated else _one(cells.loc[level].reindex(total.index, fill_value=0), total, association.alpha))
        for level, separated in zip(association.levels["level"], association.levels["separation"].notna(), strict=True)
    ]
    columns = ["level", "odds_ratio", "or_low", "or_high", "p_value", "homogeneity_p", "strata"]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    adjusted = adjust_p_values(table["p_value"], correction=association.correction)
    table.insert(columns.index("homogeneity_p"), "p_adjusted", adjusted)
    alike = adjust_p_values(table["homogeneity_p"], correction=association.correction)
    table = table.assign(homogeneity_p_adjusted=alike, separation=association.levels["separation"].to_numpy())
    each = ["level", "stratum", "odds_ratio"]
    return Stratified(
        stratum, table, pd.concat(parts, ignore_index=True)[each] if parts else pd.DataFrame(columns=each)
    )


def _by_stratum(level: pd.DataFrame, total: pd.DataFrame, association: Association) -> pd.DataFrame:
    """Return the odds ratio of each stratum by itself, where no count is small.

    It is rounded to two digits and has no interval: level, grade and portfolio are published, and exact ones would let a reader solve for
    the counts that are left out.
    """
    other = total - level
    cells = np.stack(
        [level["defaults"], level["n"] - level["defaults"], other["defaults"], other["n"] - other["defaults"]]
    )
    shown = (cells >= max(association.min_cell, 1)).all(axis=0)
    bad, good, other_bad, other_good = cells[:, shown]
    ratios = (bad * other_good / (good * other_bad)).round(2)
    return pd.DataFrame({"stratum": level.index.to_numpy()[shown], "odds_ratio": ratios})


def _one(level: pd.DataFrame, total: pd.DataFrame, alpha: float) -> dict[str, float]:
    other = total - level
    tables = np.array(
        [[level["defaults"], level["n"] - level["defaults"]], [other["defaults"], other["n"] - other["defaults"]]]
    )
    # A stratum with an empty margin compares nothing; its terms are 0 in every sum and undefined in the tests.
    informative = (tables.sum(axis=0) > 0).all(axis=0) & (tables.sum(axis=1) > 0).all(axis=0)
    tables = tables[:, :, informative]
    crossed = (tables[0, 0] * tables[1, 1]).sum(), (tables[0, 1] * tables[1, 0]).sum()
    if min(crossed) == 0:
        return {"strata": float(informative.sum())}
    table = StratifiedTable(tables)
    low, high = table.oddsratio_pooled_confint(alpha=alpha)
    several = informative.sum() > 1 and table.oddsratio_pooled != 1
    return {
        "odds_ratio": float(table.oddsratio_pooled),
        "or_low": float(low),
        "or_high": float(high),
        "p_value": float(table.test_null_odds(correction=False).pvalue),
        "homogeneity_p": float(table.test_equal_odds(adjust=True).pvalue) if several else np.nan,
        "strata": float(informative.sum()),
    }
