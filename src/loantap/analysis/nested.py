"""Finer and broader levels of a factor that was analysed, counted so that the two tables together give nothing away."""

from collections.abc import Mapping

from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import LoanCounts
from loantap.analysis.levels import factor_counts, factor_values, source_column


def analyse_within(counts: LoanCounts, factor: str, *, parent: Association) -> Association:
    """Analyse a finer factor, such as sub-grades, beside the published levels of its parent.

    Small levels are pooled within their parent's level only, so that no difference between the two tables shows one.
    The result's levels have one more column, `parent`: the parent's level.
    """
    names = {member: pooled for pooled, members in parent.pooled.items() for member in members}
    pairs = counts.by(source_column(factor), source_column(parent.factor))
    parents = factor_values(pairs, parent.factor).astype("str").replace(names)
    first_parent = parents.groupby(factor_values(pairs, factor), observed=True).first()
    of_level = {str(level): str(name) for level, name in first_parent.items()}
    found = analyse(
        factor_counts(counts, factor),
        factor=factor,
        correction=parent.correction,
        alpha=parent.alpha,
        min_cell=parent.min_cell,
        within=of_level,
    )
    first = [found.pooled.get(level, [level])[0] for level in found.levels["level"]]
    found.levels["parent"] = [of_level[level] for level in first]
    return found


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
