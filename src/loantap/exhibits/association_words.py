"""What an association says, in sentences that follow from its result."""

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.levels import source_column
from loantap.analysis.stratified import Stratified
from loantap.exhibits.words import interval, percent, show


def titles_note(factor: str, *, printed: int, synthetic: bool) -> str:
    """Return what to know of a factor that is made from job titles, of which some have published counts; empty for others."""
    if source_column(factor) != "emp_title":
        return ""
    made = f" Synthetic loans: {printed} job titles have published counts; all others are synthetic and carry no signal."
    return f" A {factor.replace('_', ' ')} gathers all spellings of its titles.{made if synthetic else ''}"


def headline(association: Association) -> str:
    """Return the finding in a few words, fit for a title."""
    name, levels = association.factor.replace("_", " "), association.levels
    of = {"pincode": "pincodes", "profession": "professions"}.get(name, f"levels of {name}")
    if count := len(association.leaks()):
        return f"{count} of {len(levels)} {of} are pure: their loans all ended the same way"
    if association.p_value >= association.alpha:
        return f"No association of {name} with default is shown ({_p(association.p_value)})"
    out = levels.loc[(levels["p_adjusted"] < association.alpha) & levels["separation"].isna()]
    if len(out) < 2:
        return f"Default differs by {name} ({_p(association.p_value)}), but {'only 1' if len(out) else 'no'} level stands out alone"
    out = out.sort_values("default_rate")
    low, high = (f"{show(row['default_rate'], 'rate')} ({row['level']})" for row in (out.iloc[0], out.iloc[-1]))
    if len(out) == len(levels):
        return f"Default by {name} runs from {low} to {high}"
    return f"Among the {len(out)} of {len(levels)} {of} that differ from the rest, default runs from {low} to {high}"


def survival(association: Association, adjusted: Adjusted) -> str:
    """Return how many differences stay at equal loan, price and borrower, fit for a title."""
    if not adjusted.converged:
        return f"No adjusted odds ratios: {association.factor} has fewer than two levels with both outcomes, or no fit"
    observed, own = association.levels, adjusted.levels
    mixed = observed["separation"].isna().to_numpy()
    raw = mixed & (observed["p_adjusted"] < association.alpha).to_numpy()
    stays = raw & (own["p_adjusted"] < association.alpha).to_numpy()
    stays &= (own["odds_ratio"].to_numpy() > 1) == (observed["odds_ratio"].to_numpy() > 1)
    # In a sample fewer differences can be shown: that one does not stay may be for want of loans.
    among = f" among {adjusted.n:,} sampled loans" if adjusted.n < association.n / 2 else ""
    return (
        f"Unlike the rest: {raw.sum()} of {mixed.sum()} levels with both outcomes as observed, "
        f"{stays.sum()} of them also at equal {_equal(adjusted)}{among}"
    )


def _equal(adjusted: Adjusted) -> str:
    return "loan and borrower" if "int_rate" in adjusted.left_out else "loan, price and borrower"


def sampled(adjusted: Adjusted, note: str) -> str:
    """Return which loans the adjusted odds ratios come from, if not from all: `note` says so."""
    return f" Adjusted odds ratios: n = {adjusted.n:,} loans. {note}" if note else ""


def heterogeneity(association: Association, within: Stratified | None) -> str:
    """Say for which levels one odds ratio does not stand for all grades."""
    if within is None:
        return ""
    told = []
    for level in within.levels.loc[within.levels["homogeneity_p_adjusted"] < association.alpha, "level"]:
        ratios = within.by_stratum.loc[within.by_stratum["level"] == level].set_index("stratum")["odds_ratio"]
        ends = (
            f" (from {ratios.min():.2f} in {ratios.idxmin()} to {ratios.max():.2f} in {ratios.idxmax()})"
            if len(ratios)
            else ""
        )
        told.append(f"{level}{ends}")
    if not told:
        return f" No odds ratio is shown to change with the {within.stratum}."
    return f" One odds ratio does not stand for every {within.stratum} at {', '.join(told)}."


def tested(a: Association) -> str:
    """Return the test of the whole table, and how strong the association is."""
    drawn = "" if a.p_value_monte_carlo is None else f" (Monte Carlo: {_p(a.p_value_monte_carlo)})"
    return (
        f"{a.n:,} loans, {a.defaults:,} defaults ({show(a.default_rate, 'rate')}): chi-square {a.chi2:,.1f} on {a.dof} "
        f"degrees of freedom, {_p(a.p_value)}{drawn}; smallest expected count {a.min_expected:,.1f}; "
        f"bias-corrected Cramér's V {a.cramers_v:.3f} ({percent(1 - a.alpha)} interval {a.cramers_v_low:.3f} to {a.cramers_v_high:.3f})."
    )


def _p(value: float) -> str:
    text = show(value, "p")
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def level_in_words(association: Association, adjusted: Adjusted, level: str) -> str:
    """Return one level's odds ratio, whether it stays after adjustment, and what its loans could have shown."""
    raw = association.level(level)
    own = adjusted.levels.loc[adjusted.levels["level"] == level].iloc[0]
    parts, sides = [], []
    for words, row in (("as observed", raw), (f"at equal {_equal(adjusted)}", own)):
        if pd.notna(row["odds_ratio"]):
            side = "higher odds" if row["odds_ratio"] > 1 else "lower odds"
            verdict = side if row["p_adjusted"] < association.alpha else "no difference shown"
            if verdict != side and not row["or_low"] <= 1 <= row["or_high"]:
                verdict += " once corrected for all levels, as the interval is not"
            parts.append(
                f"{words} {row['odds_ratio']:.2f} ({interval(row['or_low'], row['or_high'], 'ratio')}), {verdict}"
            )
    for value, word in ((raw["min_detectable_or_below"], "less"), (raw["min_detectable_or"], "more")):
        sides += [f"{value:.2f} or {word}"] if pd.notna(value) else []
    could = f"could have shown an odds ratio of {' and '.join(sides)}" if sides else "were too few to show any"
    return f"**{level}**: odds ratio against the rest {'; '.join(parts)}. Its {raw['n']:,} loans {could}."
