"""What an association says: exhibits whose words and tables are computed from its result."""

from collections.abc import Iterable, Sequence
from typing import Any

from loantap.analysis.adjusted import Adjusted
from loantap.analysis.association import Association
from loantap.analysis.odds import CORRECTION_NAMES, POWER
from loantap.analysis.professions import Coverage
from loantap.analysis.stratified import Stratified
from loantap.exhibits import association_words as say
from loantap.exhibits import heads
from loantap.exhibits.association_words import SHOWN, drawn, headline, readable, shown_levels, side_by_side, survival
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.leaks import leak_warning
from loantap.exhibits.plots import association as plots
from loantap.exhibits.words import WITH_INTERVAL, percent, show
from loantap.exhibits.words import columns as in_table

_LEVELS = (
    "level",
    "n",
    "defaults",
    "default_rate with interval",
    "odds_ratio with interval",
    "p_adjusted",
    "separation",
)
_POWER = ("level", "n", "odds_ratio", "min_detectable_or_below", "min_detectable_or", "p_adjusted")
_ODDS = (
    "level", "n", "observed with interval", "adjusted with interval", "p_adjusted", "within_grade with interval", "homogeneity_p", "separation"
)  # fmt: skip


def strength(association: Association) -> Exhibit:
    """Say whether there is an association, and how strong it is."""
    return Exhibit(text=f"**{headline(association)}.** {say.tested(association)}", notice=leak_warning(association))


def levels(association: Association, *, note: str = "") -> Exhibits:
    """Show the rates of the levels as a figure, and with the odds ratios as a table; `note` ends both captions."""
    a, finding, what = association, headline(association), "Dots with intervals: default rates"
    figure = plots.level_rates(drawn(shown_levels(a.levels), a), base_rate=a.default_rate)
    lead = f"Default rate by {heads.label(a.factor)}. "
    rates = _exhibit(a, "rates", finding, "Wilson", lead=lead, after=note, what=what, figure=figure)
    return together(rates, _level_table(a, "levels", after=note))


def odds(association: Association, adjusted: Adjusted, *, sample: str = "", note: str = "") -> Exhibit:
    """Show the odds ratios as observed and at equal loans and borrowers; `sample` says from which loans these are, if not from all."""
    shown = shown_levels(side_by_side(association, adjusted), by=association.levels)
    figure, what = plots.odds_forest(drawn(shown, association)), "Forest plot: observed and adjusted odds ratios"
    method, after = "Wald on the log odds, robust where adjusted", say.sampled(adjusted, sample) + note
    return _adjusted_exhibit(association, adjusted, "odds", method, what=what, after=after, figure=figure)


def agreement(
    association: Association, adjusted: Adjusted, within: Stratified | None, *, sample: str = "", note: str = ""
) -> Exhibit:
    """Show the odds ratios as observed, adjusted and, unless the factor is the grade, within grades, side by side."""
    table = readable(side_by_side(association, adjusted, within), association)
    after = say.heterogeneity(association, within) + say.sampled(adjusted, sample) + note
    method = f"Wald on the log odds{'; within grades Robins–Breslow–Greenland' if within else ''}"
    shown = [name for name in _ODDS if name.removesuffix(WITH_INTERVAL) in table]
    return _adjusted_exhibit(association, adjusted, "adjusted", method, after=after, table=table, columns=shown)


def _adjusted_exhibit(a: Association, adjusted: Adjusted, name: str, method: str, **parts: Any) -> Exhibit:
    equal = "loan and borrower" if "int_rate" in adjusted.left_out else "loan, price and borrower"
    lead = f"Odds ratios against the rest, adjusted for {equal}. "
    tested = int(adjusted.levels["p_adjusted"].notna().sum())
    return _exhibit(a, name, survival(a, adjusted), method, lead=lead, tested=tested, **parts)


def residuals(association: Association) -> Exhibit:
    """Show where the association sits."""
    levels, critical = association.levels, association.critical_residual()
    more, fewer = int((levels["residual"] > critical).sum()), int((levels["residual"] < -critical).sum())
    count = f"{len(levels)} {heads.plural(association.factor)}"
    have = f"{more or 'none'} {'have' if more > 1 else 'has'}"
    finding = f"Of {count}, {have} significantly more defaults than expected and {fewer or 'none'} significantly fewer"
    if not more + fewer:
        finding = f"None of {count} has significantly more or fewer defaults than expected"
    lead, what = "Standardized residuals of defaults. ", "Bars: standardized residuals of defaults"
    figure = plots.residual_bars(drawn(shown_levels(levels), association), critical=critical)
    return _exhibit(association, "residuals", finding, "", lead=lead, tested=0, what=what, figure=figure)


def power(association: Association) -> Exhibit:
    """Show what the loans of each level could have shown."""
    quiet = association.levels.loc[association.levels["p_adjusted"] >= association.alpha]
    known = quiet.dropna(subset=["min_detectable_or"]).sort_values("min_detectable_or")
    finding = "No level without a significant difference had enough loans to show one"
    if quiet.empty:
        finding = "Every level differs significantly"
    elif len(known):
        worst, blind = known.iloc[-1], len(quiet) - len(known)
        none = f", and for {blind} {'level' if blind == 1 else 'levels'} none" if blind else ""
        finding = (
            f"A difference may have been missed: for “{heads.level(worst['level'])}”, only an odds ratio of "
            f"{worst['min_detectable_or']:.2f} or more would have shown{none}"
        )
    lead = f"Odds ratios that a test would detect with {percent(POWER)} power, by the normal approximation, which is rough for small levels. "
    table = readable(association.levels, association)[[*_POWER]]
    return _exhibit(association, "power", finding, "", lead=lead, table=table, columns=_POWER)


def geography(association: Association, state: Association | None, mixed: Association | None) -> Exhibit:
    """Show what states, and the pincodes with both outcomes, tell: None where too few loans are left to compare."""
    if association.factor != "pincode":
        return Exhibit()
    text = "The states hold too few loans each to be compared."
    if state:
        verdict = "is" if state.p_value < state.alpha else "is not"
        text = f"State {verdict} significantly associated with default: {say.tested(state)}"
    if mixed:
        text += f" Among the {len(mixed.levels)} pincodes with both outcomes: {say.tested(mixed)}"
    if not state:
        return Exhibit(text=text, notice=leak_warning(association))
    return _level_table(state, "state", of="pincode", text=text)


def ladder(association: Association, steps: Association | None) -> Exhibits:
    """Show how default goes from sub-grade to sub-grade; `steps` are the sub-grades within the grades, in order."""
    if steps is None:
        return together()
    finding = headline(steps)
    figure = plots.grade_ladder(association.levels, steps.levels, base_rate=association.default_rate)
    return together(
        _exhibit(steps, "ladder", finding, "Wilson", of="grade", what="Ladder", limit=len(steps.levels), figure=figure),
        _level_table(steps, "sub-grades", of="grade"),
    )


def professions(reach: Coverage | None, groups: Association | None) -> Exhibits:
    """Show the most frequent titles without a rule, and what the broader groups of professions tell."""
    if reach is None or groups is None:
        return together()
    share = {name: show(value, "rate") for name, value in reach.shares.items()}
    finding = (
        f"{share['mapped']} of {reach.loans:,} loans have a known profession; {share['employer']} name an employer, "
        f"{share['other']} another title, {share['missing']} nothing"
    )
    none, some = "No title without a rule is frequent enough to show", "The most frequent titles without a rule"
    name, caption = "association-profession-unmapped", f"{finding}. {some if len(reach.unmapped) else none}."
    unmapped = Exhibit(name, finding, caption, table=reach.unmapped, columns=in_table("title", "loans"))
    return together(unmapped, _level_table(groups, "groups", of="profession"))


def _level_table(a: Association, name: str, **parts: Any) -> Exhibit:
    method = "Wilson for rates, Wald on the log odds for odds ratios"
    return _exhibit(a, name, headline(a), method, table=readable(a.levels, a), columns=_LEVELS, **parts)


def in_words(association: Association, adjusted: Adjusted, also: Iterable[str] = ()) -> Exhibit:
    """Say what the largest levels with both outcomes tell, and others that are named."""
    chosen = {*shown_levels(association.levels, limit=10)["level"], *also}
    mixed = association.levels.loc[association.levels["separation"].isna(), "level"]
    lines = [f"- {say.level_in_words(association, adjusted, level)}" for level in mixed if level in chosen]
    text = "\n".join([f"**{headline(association)}.** {survival(association, adjusted)}.", "", *lines])
    return Exhibit(text=text, notice=leak_warning(association))


def _exhibit(
    a: Association, name: str, finding: str, method: str, *, of: str = "", lead: str = "", after: str = "", what: str = "",
    limit: int = SHOWN, tested: int | None = None, columns: Sequence[str] = (), **parts: Any,
) -> Exhibit:  # fmt: skip
    """Return an exhibit with the words that all have: n, kind of interval, correction, pooling, the leak if there is one.

    `tested` is how many levels have a p-value that decides, if not those of the association.
    """
    count = len(a.levels)
    over = int(a.levels["p_adjusted"].notna().sum()) if tested is None else tested
    most = f"The {limit} levels with the most loans of {count}. " if what and count > limit else ""
    intervals = f"; {percent(1 - a.alpha)} intervals: {method}" if method else ""
    adjusted = f"p-values {CORRECTION_NAMES[a.correction]}-adjusted over {over} levels"
    decides = f" Significance: {adjusted}, not the intervals." if over else ""
    pooled = f" Levels with counts under {a.min_cell} are pooled." if a.pooled else ""
    warning = " Data leakage: for no policy and no model." if len(a.leaks()) else ""
    caption = f"{lead}{most}n = {a.n:,} loans{intervals}.{decides}{pooled}{warning}{after}"
    drawn_levels = f"{min(limit, count)} {heads.plural(a.factor)}"
    alt = f"{what} for {drawn_levels}; all loans: {show(a.default_rate, 'rate')} defaulted. {finding}." if what else ""
    if a.factor != "pincode" and a.levels["separation"].isna().all():
        columns = [name for name in columns if name != "separation"]
    file, shown = f"association-{of or a.factor}-{name}", in_table(*columns, confidence=1 - a.alpha)
    return Exhibit(file, finding, caption, alt, notice=leak_warning(a), columns=shown, **parts)
