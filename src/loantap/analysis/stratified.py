"""A factor within strata of like loans (Mantel and Haenszel's odds ratios), and by its finer and its broader levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import StratifiedTable

from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import SIZES, LoanCounts
from loantap.analysis.levels import factor_counts, factor_values, source_column
from loantap.analysis.odds import adjust_p_values
from loantap.jsonable import jsonable


@dataclass(frozen=True)
class Stratified:
    """Odds ratios against the rest of the portfolio, within strata."""

    stratum: str  # what the loans are alike in
    # level, odds_ratio, or_low, or_high, p_value, p_adjusted, homogeneity_p, homogeneity_p_adjusted, strata. Separated
    # levels, and those whose strata hold nothing to compare, have no numbers.
    levels: pd.DataFrame
    # level, stratum, odds_ratio: of each stratum by itself, to two digits, where no count behind it is small
    by_stratum: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        method = "Mantel–Haenszel odds ratio; homogeneity: Breslow–Day with Tarone's adjustment"
        return {"method": method, **jsonable(self)}


def mantel_haenszel(association: Association, counts: pd.DataFrame) -> Stratified:
    """Return each level's pooled odds ratio of default against the other loans of its stratum.

    Mantel and Haenszel (1959), interval with the variance of Robins, Breslow and Greenland (1986), p-value of the
    Mantel–Haenszel test without continuity correction. `homogeneity_p` tests that the odds ratio is the same in every
    stratum (Breslow and Day 1980, with Tarone's adjustment 1985): where it is small, the pooled number is an average
    over strata that differ. Takes a factor's result, whose pooled levels, alpha and correction are kept, and what
    `stratified_counts` returns.
    """
    named = counts.assign(level=counts["level"].replace(association.names()))
    cells = named.groupby(["level", "stratum"])[SIZES].sum()
    total = cells.groupby("stratum").sum()
    rows: list[dict[str, Any]] = []
    parts: list[pd.DataFrame] = []
    for level, separation in association.levels[["level", "separation"]].itertuples(index=False):
        rows.append({"level": level})
        if pd.isna(separation):
            own = cells.loc[level].reindex(total.index, fill_value=0)
            rows[-1] |= _one(own, total, association.alpha)
            parts.append(_by_stratum(own, total, association).assign(level=level))
    columns = ["level", "odds_ratio", "or_low", "or_high", "p_value", "homogeneity_p", "strata"]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    adjusted = adjust_p_values(table["p_value"], correction=association.correction)
    table.insert(columns.index("homogeneity_p"), "p_adjusted", adjusted)
    alike = adjust_p_values(table["homogeneity_p"], correction=association.correction)
    table = table.assign(homogeneity_p_adjusted=alike, separation=association.levels["separation"].to_numpy())
    each = ["level", "stratum", "odds_ratio"]
    return Stratified(
        "grade", table, pd.concat(parts, ignore_index=True)[each] if parts else pd.DataFrame(columns=each)
    )


def _by_stratum(level: pd.DataFrame, total: pd.DataFrame, association: Association) -> pd.DataFrame:
    """Return the odds ratio of each stratum by itself, where no count is small.

    It is rounded to two digits and has no interval: level, grade and portfolio are published, and exact ones would let
    a reader solve for the counts that are left out.
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


def analyse_within(counts: LoanCounts, factor: str, *, parent: Association) -> Association:
    """Analyse a finer factor, such as sub-grades, beside the published levels of its parent.

    Small levels are pooled within their parent's level only, so that no difference between the two tables shows one.
    The result's levels have one more column, `parent`: the parent's level.
    """
    pairs = counts.by(source_column(factor), source_column(parent.factor))
    parents = factor_values(pairs, parent.factor).astype("str").replace(parent.names())
    first_parent = parents.groupby(factor_values(pairs, factor), observed=True).first()
    of_level = {str(level): str(name) for level, name in first_parent.items()}
    finer = analyse(
        factor_counts(counts, factor),
        factor=factor,
        correction=parent.correction,
        alpha=parent.alpha,
        min_cell=parent.min_cell,
        within=of_level,
    )
    first = [finer.pooled.get(level, [level])[0] for level in finer.levels["level"]]
    finer.levels["parent"] = [of_level[level] for level in first]
    return finer


def analyse_groups(association: Association, groups: Mapping[str, str], *, factor: str) -> Association:
    """Analyse the groups of a factor's levels, such as families of professions.

    Groups are sums of published levels, and a pooled level stays by itself: nothing follows that was not published.

    Args:
        association: The result by level.
        groups: The group of each level; a level without one stays itself.
        factor: The groups' name.
    """
    levels = association.levels
    named = levels["level"].map(lambda level: groups.get(level, level)).rename("level")
    counts = levels.groupby(named)[["n", "defaults"]].sum().reset_index()
    counts = counts.sort_values(["n", "level"], ascending=[False, True], ignore_index=True)
    options = {"correction": association.correction, "alpha": association.alpha}
    return analyse(counts, factor=factor, min_cell=0, **options)  # type: ignore[arg-type]
