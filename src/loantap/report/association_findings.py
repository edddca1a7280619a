"""Sentences about an association, computed from its result: titles, captions and findings."""

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.odds import CORRECTION_NAMES

SHOWN = 30


def shown_levels(association: Association, *, limit: int = SHOWN) -> pd.DataFrame:
    """Return the levels that a figure shows: all, or the `limit` largest, chosen by loans and never by outcome."""
    levels = association.levels
    return levels.loc[levels["n"].rank(method="first", ascending=False) <= limit]


def p_text(value: float) -> str:
    """Return a p-value as text."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def standing_out(association: Association) -> pd.DataFrame:
    """Return the mixed levels whose adjusted p-value is below alpha, from the highest odds ratio down."""
    levels = association.levels
    out = levels.loc[(levels["p_adjusted"] < association.alpha) & levels["separation"].isna()]
    return out.sort_values("odds_ratio", ascending=False)


def headline(association: Association) -> str:
    """Return the finding in a few words, fit for a title."""
    name = association.factor.replace("_", " ")
    separated = association.separated()
    if len(separated):
        return f"{len(separated)} of {len(association.levels)} {name} levels hold one outcome only"
    if association.p_value >= association.alpha:
        return f"No association of {name} with default is shown ({p_text(association.p_value)})"
    rates = association.levels.sort_values("default_rate")
    out = standing_out(association)
    if out.empty:
        return f"Default differs by {name}, but no single level stands out"
    last, first = (
        (out.loc[out["default_rate"].idxmax()], out.loc[out["default_rate"].idxmin()])
        if len(out) > 1
        else (
            rates.iloc[-1],
            rates.iloc[0],
        )
    )
    return (
        f"Default runs from {first['default_rate']:.1%} ({first['level']}) to {last['default_rate']:.1%} "
        f"({last['level']})"
    )


def strength(association: Association) -> str:
    """Return the chi-square test and Cramér's V as a sentence with n and interval."""
    a = association
    exact = "" if a.p_value_monte_carlo is None else f"; Monte Carlo {p_text(a.p_value_monte_carlo)}"
    return (
        f"{a.n:,} loans, {a.defaults:,} defaults ({a.default_rate:.1%}): chi-square {a.chi2:,.1f} on {a.dof} degrees "
        f"of freedom, {p_text(a.p_value)}{exact}; Cramér's V {a.cramers_v:.3f} "
        f"({1 - a.alpha:.0%} interval {a.cramers_v_low:.3f} to {a.cramers_v_high:.3f})."
    )


def leak(association: Association) -> str:
    """Return what the separated levels mean, or an empty text where there are none."""
    separated = association.separated()
    if separated.empty:
        return ""
    bad = separated.loc[separated["separation"] == "all_default", "level"].tolist()
    good = separated.loc[separated["separation"] == "none_default", "level"].tolist()
    parts = [f"every loan defaulted in {', '.join(bad)}"] * bool(bad)
    parts += [f"none did in {', '.join(good)}"] * bool(good)
    return (
        f"{len(separated)} of {len(association.levels)} levels are pure: {' and '.join(parts)} "
        f"({separated['n'].sum() / association.n:.0%} of all loans)."
    )


def adjusted_finding(association: Association, adjusted: Adjusted, level: str) -> str:
    """Return whether a level's difference survives the adjustment, as a sentence."""
    raw = association.level(level)
    own = adjusted.levels.set_index("level").loc[level]

    def verdict(row: pd.Series) -> str:
        if row["p_adjusted"] >= association.alpha:
            return "no difference shown"
        return "higher odds" if row["odds_ratio"] > 1 else "lower odds"

    if pd.isna(own["odds_ratio"]):
        return f"**{level}**: odds ratio {raw['odds_ratio']:.2f}; no adjusted one (separated level or no fit)."
    return (
        f"**{level}**: odds ratio {raw['odds_ratio']:.2f} ({raw['or_low']:.2f} to {raw['or_high']:.2f}), "
        f"{verdict(raw)}; at equal loan, price and borrower {own['odds_ratio']:.2f} "
        f"({own['or_low']:.2f} to {own['or_high']:.2f}), {verdict(own)}. Its {raw['n']:,} loans could have shown "
        f"an odds ratio of {_detectable(raw)}."
    )


def _detectable(row: pd.Series) -> str:
    above, below = row["min_detectable_or"], row["min_detectable_or_below"]
    sides = [f"{above:.2f} or more"] * bool(pd.notna(above)) + [f"{below:.2f} or less"] * bool(pd.notna(below))
    return " and ".join(sides) or "no size at all"


def caption(association: Association, finding: str, interval: str) -> str:
    """Return a caption: the finding, n, the kind of interval, and the leak where there is one."""
    pooled = f" Levels with counts under {association.min_cell} are pooled." if association.pooled else ""
    warning = f" Leak: {leak(association)} Not for policy, not a feature." if len(association.separated()) else ""
    return (
        f"{finding}. n = {association.n:,} loans; {1 - association.alpha:.0%} intervals: {interval}.{pooled}{warning}"
    )


def tests(association: Association) -> str:
    """Return how p-values were made, for captions."""
    return f"p-values against the rest of the portfolio, {CORRECTION_NAMES[association.correction]}-adjusted"
