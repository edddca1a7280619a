"""What an association says, in sentences that follow from its result, and the rows of it that tables and figures show."""

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.levels import source_column
from loantap.analysis.stratified import Stratified
from loantap.exhibits import heads
from loantap.exhibits.words import interval, percent, show

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
    ratios = [str(name) for name in table if str(name).startswith(("odds_ratio", "or_", "observed"))]
    estimated = {name: table[name].where(table["separation"].isna()) for name in ratios}
    return _ordered(table.assign(**estimated), association)


def _ordered(table: pd.DataFrame, association: Association) -> pd.DataFrame:
    names_first = named(table, association.factor).sort_values(ascending=False, kind="stable")
    return table.loc[names_first.index].reset_index(drop=True)


def drawn(table: pd.DataFrame, association: Association) -> pd.DataFrame:
    """Return the rows as a figure names them, with what names no level last."""
    return _ordered(table, association).assign(level=lambda rows: rows["level"].map(heads.level))


def side_by_side(association: Association, adjusted: Adjusted, within: Stratified | None = None) -> pd.DataFrame:
    """Return the odds ratios as observed, adjusted and within grades, one row per level."""
    table = association.levels[["level", "n", "separation"]].reset_index(drop=True)
    sources = {"observed": association.levels, "adjusted": adjusted.levels}
    for prefix, levels in (sources | ({"within_grade": within.levels} if within else {})).items():
        for name, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high")):
            table[prefix + name] = levels[column].to_numpy()
    table["p_adjusted"] = adjusted.levels["p_adjusted"].to_numpy()
    return table.assign(homogeneity_p=within.levels["homogeneity_p"].to_numpy()) if within else table


def titles_note(factor: str, *, printed: int, synthetic: bool) -> str:
    """Return what to know of a factor that is made from job titles, of which some have published counts; empty for others."""
    if source_column(factor) != "emp_title":
        return ""
    made = (
        f" Synthetic loans: {printed} job titles have published counts; all others are synthetic and carry no signal."
    )
    return f" A {heads.label(factor)} gathers all spellings of its titles.{made if synthetic else ''}"


def headline(association: Association) -> str:
    """Return the finding in a few words, fit for a title."""
    factor, levels = association.factor, association.levels
    levels = levels.loc[named(levels, factor)]
    name, count = heads.label(factor), f"{len(levels)} {heads.plural(factor)}"
    if leaks := len(association.leaks()):
        return f"In {leaks} of {count} every loan ended the same way: data leakage"
    if association.p_value >= association.alpha:
        return f"Default is not significantly associated with {name} ({_p(association.p_value)})"
    out = levels.loc[(levels["p_adjusted"] < association.alpha) & levels["separation"].isna()]
    rows = out.sort_values("default_rate").iterrows()
    rates = [f"{show(row['default_rate'], 'rate')} ({heads.level(row['level'])})" for _, row in rows]
    if not rates:
        return f"Default differs by {name}, but none of {count} differs significantly by itself"
    if len(rates) == 1:
        return f"1 of {count} differs significantly from the rest in default rate: {rates[0]}"
    if len(rates) == len(levels):
        return f"Default rates by {name} range from {rates[0]} to {rates[-1]}"
    ends = f"from {rates[0]} to {rates[-1]}"
    return f"{len(rates)} of {count} differ significantly from the rest, with default rates {ends}"


def survival(association: Association, adjusted: Adjusted) -> str:
    """Return how many differences stay at equal loan, price and borrower, fit for a title."""
    plural = heads.plural(association.factor)
    if not adjusted.converged:
        return f"No adjusted odds ratios: fewer than two {plural} have both outcomes, or the fit failed"
    observed, own = association.levels, adjusted.levels
    mixed = (observed["separation"].isna() & named(observed, association.factor)).to_numpy()
    raw = mixed & (observed["p_adjusted"] < association.alpha).to_numpy()
    stays = raw & (own["p_adjusted"] < association.alpha).to_numpy()
    stays &= (own["odds_ratio"].to_numpy() > 1) == (observed["odds_ratio"].to_numpy() > 1)
    of = f"{mixed.sum()} {plural}{' with both outcomes' if observed['separation'].notna().any() else ''}"
    if not raw.any():
        return f"None of {of} differs significantly from the rest"
    # In a sample fewer differences can be shown: that one does not stay may be for want of loans.
    among = f", among {adjusted.n:,} sampled loans" if adjusted.n < association.n / 2 else ""
    after = f"after adjustment{among}"
    if raw.sum() == 1:
        return f"1 of {of} differs significantly; it {'still does' if stays.any() else 'no longer does'} {after}"
    still = {0: "none still does", raw.sum(): "all still do", 1: "1 still does"}
    return f"{raw.sum()} of {of} differ significantly; {still.get(stays.sum(), f'{stays.sum()} still do')} {after}"


def sampled(adjusted: Adjusted, note: str) -> str:
    """Return which loans the adjusted odds ratios come from, if not from all: `note` says so."""
    return f" Adjusted odds ratios: n = {adjusted.n:,} loans. {note}" if note else ""


def heterogeneity(association: Association, within: Stratified | None) -> str:
    """Say for which levels one odds ratio does not stand for all grades."""
    if within is None:
        return ""
    levels = []
    for level in within.levels.loc[within.levels["homogeneity_p_adjusted"] < association.alpha, "level"]:
        ratios = within.by_stratum.loc[within.by_stratum["level"] == level].set_index("stratum")["odds_ratio"]
        ends = ""
        if len(ratios):
            ends = f" (from {ratios.min():.2f} in {ratios.idxmin()} to {ratios.max():.2f} in {ratios.idxmax()})"
        levels.append(f"{heads.level(level)}{ends}")
    if not levels:
        return f" No odds ratio differs significantly between {within.stratum}s."
    return f" The odds ratio differs between {within.stratum}s for {', '.join(levels)}."


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
    for words, row in (("observed odds ratio", raw), ("adjusted", own)):
        if pd.notna(row["odds_ratio"]):
            side = "higher odds" if row["odds_ratio"] > 1 else "lower odds"
            verdict = side if row["p_adjusted"] < association.alpha else "no significant difference"
            if verdict != side and not row["or_low"] <= 1 <= row["or_high"]:
                verdict += " once corrected for all levels"
            ends = interval(row["or_low"], row["or_high"], "ratio")
            parts.append(f"{words} {row['odds_ratio']:.2f} ({ends}), {verdict}")
    for value, word in ((raw["min_detectable_or_below"], "less"), (raw["min_detectable_or"], "more")):
        sides += [f"{value:.2f} or {word}"] if pd.notna(value) else []
    could = f"could have shown an odds ratio of {' and '.join(sides)}" if sides else "were too few to show a difference"
    return f"**{heads.level(level)}**: {'; '.join(parts)}. Its {raw['n']:,} loans {could}."
