"""What an association says, in sentences, captions and tables that are computed from its result."""

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.odds import CORRECTION_NAMES
from loantap.analysis.professions import Coverage
from loantap.analysis.stratified import Stratified
from loantap.exhibits.leaks import leak
from loantap.exhibits.words import interval, show, to_markdown

SHOWN = 30
LEVELS = {
    "level": "text", "n": "count", "defaults": "count", "default_rate": "rate", "ci_low": "rate", "ci_high": "rate",
    "odds_ratio": "ratio", "or_low": "ratio", "or_high": "ratio", "p_adjusted": "p", "separation": "text",
}  # fmt: skip
ODDS = {
    "level": "text", "observed": "ratio", "observed_low": "ratio", "observed_high": "ratio", "adjusted": "ratio",
    "adjusted_low": "ratio", "adjusted_high": "ratio", "p_adjusted": "p", "within_grade": "ratio",
    "within_grade_low": "ratio", "within_grade_high": "ratio", "homogeneity_p": "p", "separation": "text",
}  # fmt: skip
POWER = {"level": "text", "n": "count", "odds_ratio": "ratio", "min_detectable_or_below": "ratio",
         "min_detectable_or": "ratio", "p_adjusted": "p"}  # fmt: skip


def p_text(value: float) -> str:
    """Return a p-value as text, such as 'p = 0.012'."""
    text = show(value, "p")
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def shown_levels(table: pd.DataFrame, *, by: pd.DataFrame | None = None, limit: int = SHOWN) -> pd.DataFrame:
    """Return the rows that a figure shows: all, or the `limit` largest levels, chosen by loans and never by outcome."""
    levels = table if by is None else by
    largest = levels.sort_values("n", ascending=False, kind="stable")["level"].head(limit)
    return table.loc[table["level"].isin(largest)].reset_index(drop=True)


def standing_out(association: Association) -> pd.DataFrame:
    """Return the levels with both outcomes whose adjusted p-value is below alpha, from the highest rate down."""
    levels = association.levels
    out = levels.loc[(levels["p_adjusted"] < association.alpha) & levels["separation"].isna()]
    return out.sort_values("default_rate", ascending=False)


def headline(association: Association) -> str:
    """Return the finding in a few words, fit for a title."""
    name, levels = association.factor.replace("_", " "), association.levels
    if count := len(association.leaks()):
        return f"{count} of {len(levels)} {name}s are pure: their loans all ended the same way"
    if association.p_value >= association.alpha:
        return f"No association of {name} with default is shown ({p_text(association.p_value)})"
    out = standing_out(association)
    if len(out) < 2:
        return f"Default differs by {name} ({p_text(association.p_value)}), but hardly any level stands out alone"
    high, low = out.iloc[0], out.iloc[-1]
    return (
        f"Default by {name} runs from {show(low['default_rate'], 'rate')} ({low['level']}) "
        f"to {show(high['default_rate'], 'rate')} ({high['level']})"
    )


def strength(association: Association) -> str:
    """Return the chi-square test and Cramér's V as a sentence with n and interval."""
    a = association
    drawn = "" if a.p_value_monte_carlo is None else f" (Monte Carlo: {p_text(a.p_value_monte_carlo)})"
    return (
        f"{a.n:,} loans, {a.defaults:,} defaults ({show(a.default_rate, 'rate')}): chi-square {a.chi2:,.1f} on {a.dof} "
        f"degrees of freedom, {p_text(a.p_value)}{drawn}; smallest expected count {a.min_expected:,.1f}; "
        f"bias-corrected Cramér's V {a.cramers_v:.3f} ({1 - a.alpha:.0%} interval {a.cramers_v_low:.3f} to {a.cramers_v_high:.3f})."
    )


def readable(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the levels without the odds ratios of separated ones, which are a convention and not an estimate."""
    shown = levels.copy()
    shown.loc[shown["separation"].notna(), ["odds_ratio", "or_low", "or_high"]] = float("nan")
    return shown


def selection(association: Association) -> str:
    """Return which levels a figure shows, for its caption."""
    count = len(association.levels)
    return f" (the {SHOWN} levels with the most loans of {count}; the table holds all)" if count > SHOWN else ""


def caption(association: Association, finding: str, method: str) -> str:
    """Return a caption: finding, n, kind of interval, pooling, and the leak where there is one."""
    pooled = f" Levels with counts under {association.min_cell} are pooled." if association.pooled else ""
    warning = f" Leak: {leak(association)} Not for policy, not a feature." if len(association.leaks()) else ""
    return (
        f"{finding}{selection(association)}. n = {association.n:,} loans; {1 - association.alpha:.0%} intervals: {method}; "
        f"p-values {CORRECTION_NAMES[association.correction]}-adjusted over the levels.{pooled}{warning}"
    )


def odds_table(association: Association, adjusted: Adjusted, stratified: Stratified | None = None) -> pd.DataFrame:
    """Return odds ratios side by side: observed, adjusted and, if given, within grades, with the columns of `ODDS`."""
    table = association.levels[["level", "n", "separation"]].reset_index(drop=True)
    sources = {"observed": association.levels, "adjusted": adjusted.levels}
    sources |= {"within_grade": stratified.levels} if stratified else {}
    for prefix, levels in sources.items():
        for name, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high")):
            table[prefix + name] = levels[column].to_numpy()
    table["p_adjusted"] = adjusted.levels["p_adjusted"].to_numpy()
    if stratified:
        table["homogeneity_p"] = stratified.levels["homogeneity_p"].to_numpy()
    return table


def odds_markdown(table: pd.DataFrame) -> str:
    """Return the table of `odds_table` as Markdown, without the numbers of separated levels."""
    shown = table.copy()
    shown.loc[shown["separation"].notna(), ["observed", "observed_low", "observed_high"]] = float("nan")
    return to_markdown(shown, {column: kind for column, kind in ODDS.items() if column in shown})


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


def sample_text(adjusted: Adjusted, note: str) -> str:
    """Return the loans behind the adjusted odds ratios, for a caption; empty without a note on a sample."""
    return f" Adjusted odds ratios: n = {adjusted.n:,} loans. {note}" if note else ""


def _equal(adjusted: Adjusted) -> str:
    return "loan and borrower" if "int_rate" in adjusted.left_out else "loan, price and borrower"


def level_finding(association: Association, adjusted: Adjusted, level: str) -> str:
    """Return one level's odds ratio, whether it stays after adjustment, and what its loans could have shown."""
    raw = association.level(level)
    own = adjusted.levels.loc[adjusted.levels["level"] == level].iloc[0]

    def verdict(row: pd.Series) -> str:
        if row["p_adjusted"] >= association.alpha:
            return "no difference shown"
        return "higher odds" if row["odds_ratio"] > 1 else "lower odds"

    parts = [
        f"{words} {row['odds_ratio']:.2f} ({interval(row['or_low'], row['or_high'], 'ratio')}), {verdict(row)}"
        for words, row in (("as observed", raw), (f"at equal {_equal(adjusted)}", own))
        if pd.notna(row["odds_ratio"])
    ]
    sides = [
        f"{value:.2f} or {word}"
        for value, word in ((raw["min_detectable_or_below"], "less"), (raw["min_detectable_or"], "more"))
        if pd.notna(value)
    ]
    could = f"could have shown an odds ratio of {' and '.join(sides)}" if sides else "were too few to show any"
    return f"**{level}**: odds ratio against the rest {'; '.join(parts)}. Its {raw['n']:,} loans {could}."


def residual_finding(association: Association) -> str:
    """Return where the association sits, fit for a title."""
    levels, critical = association.levels, association.critical_residual()
    more, fewer = (levels["residual"] > critical).sum(), (levels["residual"] < -critical).sum()
    return f"{more} levels hold more defaults than chance explains, {fewer} fewer, of {len(levels)}"


def power_finding(association: Association) -> str:
    """Return what the levels without a shown difference could have shown, fit for a title."""
    quiet = association.levels.loc[association.levels["p_adjusted"] >= association.alpha]
    known = quiet.dropna(subset=["min_detectable_or"])
    if known.empty:
        return (
            "Every level shows a difference"
            if quiet.empty
            else "No level without a difference had loans enough for one"
        )
    worst = known.sort_values("min_detectable_or").iloc[-1]
    blind = len(quiet) - len(known)
    return (
        f"Of {len(quiet)} levels without a shown difference, {worst['level']} would have shown only an odds ratio of "
        f"{worst['min_detectable_or']:.2f} or more" + (f", and {blind} none at all" if blind else "")
    )


def geography(state: Association | None, mixed: Association | None) -> str:
    """Return what geography tells besides the pure pincodes; None where too few loans are left to compare."""
    text = "The states hold too few loans each to be compared."
    if state:
        told = "is shown to go with default" if state.p_value < state.alpha else "is noise, as far as these loans show"
        text = f"State {told}: {strength(state)}"
    if mixed:
        text += f" Among the {len(mixed.levels)} pincodes with both outcomes: {strength(mixed)}"
    return text


def coverage_finding(reach: Coverage) -> str:
    """Return how many loans the profession rules reach, fit for a title."""
    share = {name: show(value, "rate") for name, value in reach.shares.items()}
    return (
        f"The rules give a profession to {share['mapped']} of {reach.loans:,} loans; {share['employer']} name an employer, "
        f"{share['other']} something else, {share['missing']} nothing"
    )


def ladder_finding(ladder: pd.DataFrame) -> str:
    """Return how steadily default climbs from sub-grade to sub-grade, fit for a title."""
    rates = ladder["default_rate"]
    up = int((rates.diff().dropna() > 0).sum())
    return (
        f"Default climbs on {up} of {len(rates) - 1} steps from sub-grade to sub-grade, "
        f"from {show(rates.iloc[0], 'rate')} to {show(rates.iloc[-1], 'rate')}"
    )


def alt(association: Association, what: str, finding: str) -> str:
    """Return alt text: the kind of figure, what stands on it, the finding."""
    return (
        f"{what} for {min(SHOWN, len(association.levels))} levels of {association.factor}; all loans: "
        f"{show(association.default_rate, 'rate')} defaulted. {finding}."
    )
