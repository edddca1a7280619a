"""What an association says: exhibits whose words and tables are computed from its result."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.odds import CORRECTION_NAMES
from loantap.analysis.power import POWER
from loantap.analysis.professions import Coverage
from loantap.analysis.stratified import Stratified
from loantap.exhibits.association_words import headline, heterogeneity, level_in_words, sampled, survival, tested
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.leaks import leak, leak_warning
from loantap.exhibits.plots import association as plots
from loantap.exhibits.words import columns, percent, show

SHOWN = 30
_TOLD = 10
_AGAINST = "Wilson for rates, Wald on the log odds for odds ratios"
_LEVELS = columns(
    "level", "n", "defaults", "default_rate", "ci_low", "ci_high", "odds_ratio", "or_low", "or_high", "p_adjusted", "separation"
)  # fmt: skip
_ODDS = columns(
    "level", "n", "observed with interval", "adjusted with interval", "p_adjusted", "within_grade with interval", "homogeneity_p", "separation"
)  # fmt: skip
_POWER = columns("level", "n", "odds_ratio", "min_detectable_or_below", "min_detectable_or", "p_adjusted")


def strength(association: Association) -> Exhibit:
    """Say whether there is an association, and how strong it is."""
    return Exhibit(text=f"**{headline(association)}.** {tested(association)}", notice=leak_warning(association))


def levels(association: Association, *, note: str = "") -> Exhibits:
    """Show the rate and the odds ratio of each level as a table, and the rates as a figure; `note` ends both captions."""
    a, finding, what = association, headline(association), "Dots with intervals: default rates"
    figure = plots.level_rates(shown_levels(a.levels), base_rate=a.default_rate)
    lead = f"Default rate by {a.factor.replace('_', ' ')}. "
    return together(
        _exhibit(a, "levels", finding, f"{_AGAINST} against the rest", after=note, table=_readable(a.levels), columns=_LEVELS),
        _exhibit(a, "rates", finding, "Wilson", lead=lead, after=note, what=what, figure=figure),
    )  # fmt: skip


def odds(association: Association, adjusted: Adjusted, *, sample: str = "", note: str = "") -> Exhibit:
    """Show the odds ratios as observed and at equal loans and borrowers; `sample` says from which loans these are, if not from all."""
    shown = shown_levels(_side_by_side(association, adjusted), by=association.levels)
    figure = plots.odds_forest(shown)
    finding, what = survival(association, adjusted), "Forest plot: observed and adjusted odds ratios"
    method, after = "Wald on the log odds, robust where adjusted", sampled(adjusted, sample) + note
    tested = int(adjusted.levels["p_adjusted"].notna().sum())
    return _exhibit(association, "odds", finding, method, tested=tested, after=after, what=what, figure=figure)


def agreement(
    association: Association, adjusted: Adjusted, within: Stratified | None, *, sample: str = "", note: str = ""
) -> Exhibit:
    """Show the odds ratios as observed, adjusted and, unless the factor is the grade, within grades, side by side."""
    table = _readable(_side_by_side(association, adjusted, within))
    finding, after = (
        survival(association, adjusted),
        heterogeneity(association, within) + sampled(adjusted, sample) + note,
    )
    method = f"Wald on the log odds{'; within grades Robins–Breslow–Greenland' if within else ''}"
    shown = {name: kind for name, kind in _ODDS.items() if name in table}
    tested = int(table["p_adjusted"].notna().sum())
    return _exhibit(association, "adjusted", finding, method, tested=tested, after=after, table=table, columns=shown)


def residuals(association: Association) -> Exhibit:
    """Show where the association sits."""
    levels, critical = association.levels, association.critical_residual()
    more, fewer = (levels["residual"] > critical).sum(), (levels["residual"] < -critical).sum()
    finding = f"{more} levels hold more defaults than chance explains, {fewer} fewer, of {len(levels)}"
    method, what = "none; the band holds chance, Bonferroni over the levels", "Bars: standardized residuals of defaults"
    figure = plots.residual_bars(shown_levels(levels), critical=critical)
    return _exhibit(association, "residuals", finding, method, tested=0, what=what, figure=figure)


def power(association: Association) -> Exhibit:
    """Show what the loans of each level could have shown."""
    quiet = association.levels.loc[association.levels["p_adjusted"] >= association.alpha]
    known = quiet.dropna(subset=["min_detectable_or"]).sort_values("min_detectable_or")
    if known.empty:
        finding = (
            "No level without a difference had loans enough for one" if len(quiet) else "Every level shows a difference"
        )
    else:
        worst, blind = known.iloc[-1], len(quiet) - len(known)
        finding = (
            f"Of {len(quiet)} levels without a shown difference, {worst['level']} would have shown only an odds ratio of "
            f"{worst['min_detectable_or']:.2f} or more" + (f", and {blind} none at all" if blind else "")
        )  # fmt: skip
    method = (
        f"none; {percent(POWER)} power of a two-sided test at alpha / number of levels, by the normal approximation, which is rough for "
        "small levels"
    )
    return _exhibit(
        association, "power", finding, method, table=_readable(association.levels)[[*_POWER]], columns=_POWER
    )


def geography(association: Association, state: Association | None, mixed: Association | None) -> Exhibit:
    """Show what states, and the pincodes with both outcomes, tell: None where too few loans are left to compare."""
    if association.factor != "pincode":
        return Exhibit()
    text = "The states hold too few loans each to be compared."
    if state:
        told = "is shown to go with default" if state.p_value < state.alpha else "is noise, as far as these loans show"
        text = f"State {told}: {tested(state)}"
    if mixed:
        text += f" Among the {len(mixed.levels)} pincodes with both outcomes: {tested(mixed)}"
    if not state:
        return Exhibit(text=text, notice=leak_warning(association))
    return _exhibit(
        state,
        "state",
        headline(state),
        _AGAINST,
        of="pincode",
        text=text,
        table=_readable(state.levels),
        columns=_LEVELS,
    )


def ladder(association: Association, steps: Association | None) -> Exhibits:
    """Show how default goes from sub-grade to sub-grade; `steps` are the sub-grades within the grades, in order."""
    if steps is None:
        return together()
    finding = headline(steps)
    figure = plots.grade_ladder(association.levels, steps.levels, base_rate=association.default_rate)
    return together(
        _exhibit(steps, "ladder", finding, "Wilson", of="grade", what="Ladder", limit=len(steps.levels), figure=figure),
        _exhibit(steps, "sub-grades", finding, _AGAINST, of="grade", table=_readable(steps.levels), columns=_LEVELS),
    )


def professions(reach: Coverage | None, groups: Association | None) -> Exhibits:
    """Show the most frequent titles without a rule, and what the broader groups of professions tell."""
    if reach is None or groups is None:
        return together()
    share = {name: show(value, "rate") for name, value in reach.shares.items()}
    finding = (
        f"The rules give a profession to {share['mapped']} of {reach.loans:,} loans; {share['employer']} name an employer, "
        f"{share['other']} something else, {share['missing']} nothing"
    )
    titles, which = columns("title", "loans"), "The most frequent titles without a rule"
    told = which if len(reach.unmapped) else f"No title without a rule has {groups.min_cell} loans or more"
    return together(
        Exhibit(
            "association-profession-unmapped", finding, f"{finding}. {told}.", table=reach.unmapped, columns=titles
        ),
        _exhibit(
            groups,
            "groups",
            headline(groups),
            _AGAINST,
            of="profession",
            table=_readable(groups.levels),
            columns=_LEVELS,
        ),
    )


def in_words(association: Association, adjusted: Adjusted, also: Iterable[str] = ()) -> Exhibit:
    """Say what the largest levels with both outcomes tell, and others that are named."""
    named = {*shown_levels(association.levels, limit=_TOLD)["level"], *also}
    mixed = association.levels.loc[association.levels["separation"].isna(), "level"]
    lines = [f"- {level_in_words(association, adjusted, level)}" for level in mixed if level in named]
    text = "\n".join([f"**{headline(association)}.** {survival(association, adjusted)}.", "", *lines])
    return Exhibit(text=text, notice=leak_warning(association))


def _exhibit(
    a: Association, name: str, finding: str, method: str, *, of: str = "", lead: str = "", after: str = "", what: str = "",
    limit: int = SHOWN, tested: int | None = None, **parts: Any,
) -> Exhibit:  # fmt: skip
    """Return an exhibit with the words that all have: finding, n, kind of interval, correction, pooling, the leak if there is one.

    `tested` is how many levels have a p-value that decides, if not those of the association.
    """
    count, rate = len(a.levels), show(a.default_rate, "rate")
    over = int(a.levels["p_adjusted"].notna().sum()) if tested is None else tested
    correction = f"{CORRECTION_NAMES[a.correction]}-adjusted over {over} levels"
    decides = f"; which levels differ is decided by p-values, {correction}, and not by an interval"
    some = what and count > limit
    selection = f" (the {limit} levels with the most loans of {count}; the table holds all)" if some else ""
    pooled = f" Levels with counts under {a.min_cell} are pooled." if a.pooled else ""
    warning = f" Leak: {leak(a)} Not for policy, not a feature." if len(a.leaks()) else ""
    caption = (
        f"{lead}{finding}{selection}. n = {a.n:,} loans; {percent(1 - a.alpha)} intervals: {method}"
        f"{decides if over else ''}.{pooled}{warning}{after}"
    )
    alt = (
        f"{what} for {min(limit, count)} levels of {a.factor}; all loans: {rate} defaulted. {finding}." if what else ""
    )
    return Exhibit(f"association-{of or a.factor}-{name}", finding, caption, alt, notice=leak_warning(a), **parts)


def shown_levels(table: pd.DataFrame, *, by: pd.DataFrame | None = None, limit: int = SHOWN) -> pd.DataFrame:
    """Return the rows that a figure shows: all, or the `limit` largest levels, chosen by loans and never by outcome."""
    largest = (table if by is None else by).sort_values("n", ascending=False, kind="stable")["level"].head(limit)
    return table.loc[table["level"].isin(largest)].reset_index(drop=True)


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without odds ratios of separated levels: a convention and no estimate."""
    ratios = [name for name in table if str(name).startswith(("odds_ratio", "or_", "observed"))]
    return table.assign(**{str(name): table[name].where(table["separation"].isna()) for name in ratios})


def _side_by_side(association: Association, adjusted: Adjusted, within: Stratified | None = None) -> pd.DataFrame:
    table = association.levels[["level", "n", "separation"]].reset_index(drop=True)
    sources = {"observed": association.levels, "adjusted": adjusted.levels}
    for prefix, levels in (sources | ({"within_grade": within.levels} if within else {})).items():
        for name, column in (("", "odds_ratio"), ("_low", "or_low"), ("_high", "or_high")):
            table[prefix + name] = levels[column].to_numpy()
    table["p_adjusted"] = adjusted.levels["p_adjusted"].to_numpy()
    return table.assign(homogeneity_p=within.levels["homogeneity_p"].to_numpy()) if within else table
