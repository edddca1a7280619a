"""What the loans look like, and what goes with default: an exhibit for each question, made from finished numbers.

Tables are those of the functions of `loantap.analysis` that bear their names; `n` is all loans, `overall` their default rate, and
`confidence` that of every interval.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.comparisons import WHISKER, Contrast
from loantap.exhibits import heads
from loantap.exhibits.drivers import Driver, contrast_finding, difference
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import eda as plots
from loantap.exhibits.words import bullets, capital, columns, interval, percent, plain, show

_STRONG = 0.5  # two columns with a rank correlation from here on are counted
_GROUP = ("default_rate", "other_rate", "difference with interval")


def shape(loans: Mapping[str, Any], *, confidence: float) -> Exhibit:
    """Show how many loans ended each way, from n, default_rate, ci_low, ci_high, first, last (months of funding) and outcomes."""
    table, rate, ends = loans["outcomes"], loans["default_rate"], (loans["ci_low"], loans["ci_high"])
    share = float(table.set_index("outcome").loc["defaulted", "share_of_amount"])
    title = f"{show(rate, 'rate')} of {loans['n']:,} finished loans defaulted; they account for {show(share, 'rate')} of the money lent"
    about = f"{percent(confidence)} Wilson interval of the rate: {interval(*ends, 'rate')}"
    funded = f"unded {loans['first']:%B %Y} to {loans['last']:%B %Y}"
    return Exhibit(
        "eda-shape", title, f"F{funded}. {about}.", table=table,
        columns=columns("outcome", "loans", "share_of_loans", "amount_lent", "share_of_amount", "median_loan"),
        findings=(Finding("shape", title, f"{title} ({about}; f{funded}).", rate, *ends, loans["n"]),),
    )  # fmt: skip


def missing(table: pd.DataFrame, *, n: int, of: int, confidence: float) -> Exhibit:
    """Show what a missing value means for default; `of` is how many columns a raw file has."""
    named = table.assign(label=table["column"].map(heads.label))
    loans = "loans without a value for {label}"
    findings = _group_findings("missing-{column}", named, loans, dict.fromkeys(table["column"], n), confidence)
    none = "Missing values do not differ significantly in default rate" if findings else "No value is missing"
    alt = "Two dots with interval bars per column: default rate with the value missing and present."
    return Exhibit(
        "eda-missing", _largest("missing", findings, none).title,
        f"{of - len(table)} of {of} columns are complete. {_small_print('Loans without the value, and all others', table, confidence)}",
        " ".join([alt, *(finding.text for finding in findings)]), _texts(findings), table,
        columns("column", "n", "share", *_GROUP, confidence=confidence),
        plots.group_rates(named, inside="value missing", others="value present"), tuple(findings),
    )  # fmt: skip


def medians(table: pd.DataFrame, histograms: pd.DataFrame, *, n: int, confidence: float) -> Exhibits:
    """Show the medians of the numbers by outcome, and their distributions."""
    apart = table[(table["diff_low"] > 0) | (table["diff_high"] < 0)]
    relative = (apart["difference"] / apart["repaid"].where(apart["repaid"] > 0)).abs().dropna()
    some = f"{len(apart)} of {len(table)} medians {'differs' if len(apart) == 1 else 'differ'}"
    title = f"{some if len(apart) else f'None of {len(table)} medians differs'} significantly between defaulted and repaid loans"
    text, findings = "", []
    if len(relative):
        top = apart.loc[relative.index].iloc[int(relative.argmax())]
        title += f", {heads.label(top['column'])} most: {show(top['defaulted'], 'number')} against {show(top['repaid'], 'number')}"
        effect = top["difference"], top["diff_low"], top["diff_high"]
        span = f"{percent(confidence)} CI {interval(*effect[1:], 'number')} for {len(table)} columns at once"
        text = f"{title} (difference {show(effect[0], 'number')}, {span}; n = {top['n']:,})."
        findings = [Finding("medians", title, text, *effect, int(top["n"]))]
    table_of = Exhibit(
        "eda-medians", title,
        f"n = {n:,} loans; intervals from order statistics, of differences for all {len(table)} columns at once. Where many loans share the "
        "median, its interval has no width.", table=table, findings=tuple(findings),
        columns=columns("column", "n", "defaulted", "repaid", "difference with interval", difference="number", confidence=confidence),
    )  # fmt: skip
    drawn = Exhibit(
        "eda-distributions", title,
        f"n = {n:,} loans. Density within each outcome, from the 1st to the 99th percentile; dotted: medians.",
        f"Small histograms of the numeric columns, defaulted and repaid loans laid over each other. {text or title + '.'}",
        figure=plots.distributions(*(one.assign(column=one["column"].map(heads.label)) for one in (histograms, table))),
    )  # fmt: skip
    return together(table_of, drawn)


def correlations(table: pd.DataFrame, *, note: str, confidence: float) -> Exhibits:
    """Show the rank correlations of columns with each other and, last, with default; `note` says which loans they are of."""
    between = table[~table["second"].eq("default")]
    top = between.iloc[int(between["rho"].abs().argmax())]
    strong = int((between["rho"].abs() >= _STRONG).sum())
    title = (
        f"{strong or 'None'} of {len(between)} pairs of numbers {'are' if strong > 1 else 'is'} strongly correlated; the closest are "
        f"{heads.label(top['first'])} and {heads.label(top['second'])}, at {show(top['rho'], 'ratio')}"
    )
    span = f"{percent(confidence)} CI {interval(top['ci_low'], top['ci_high'], 'score')} for {len(table)} pairs at once"
    text = f"{title} ({span}; n = {top['n']:,}). {note}".rstrip()
    finding = Finding("correlation", title, text, top["rho"], top["ci_low"], top["ci_high"], int(top["n"]))
    caption = f"Spearman's rank correlations; strong: {_STRONG} or more, of either sign. {note}".rstrip()
    alt = f"Triangle of Spearman's rank correlations of the numeric columns and default. {title}."
    drawn = table.assign(**{end: table[end].map(heads.label) for end in ("first", "second")})
    figure = plots.correlations(drawn, [*dict.fromkeys([*drawn["first"], heads.label("default")])])
    below = f"{caption} Bonett–Wright intervals for all {len(table)} pairs at once."
    shown = columns("first", "second", "n", "rho with interval", confidence=confidence)
    return together(
        Exhibit("eda-correlation", title, caption, alt, figure=figure, findings=(finding,)),
        Exhibit("eda-correlation", title, below, table=table, columns=shown),
    )


def pairs(sample: pd.DataFrame, strength: pd.DataFrame, *, seed: int, note: str, confidence: float) -> Exhibit:
    """Show where defaulted and repaid loans of a random sample lie, two columns at a time, and which separates all loans most."""
    paired = [str(name) for name in sample if name != "default"]
    best = strength[strength["driver"].isin(paired)].iloc[0]
    name, auc = heads.label(best["driver"]), show(best["auc"], "score")
    title = f"None of these {len(paired)} numbers separates defaulted from repaid loans significantly"
    if best["ci_low"] > 0.5:
        title = f"Of these {len(paired)} numbers, {name} separates defaulted from repaid loans best (AUC {auc})"
    span = f"{percent(confidence)} CI {interval(best['ci_low'], best['ci_high'], 'score')} for {len(strength)} columns at once"
    return Exhibit(
        "eda-pairs", title,
        f"AUC of {name}: {span}, n = {best['n']:,}. Drawn: a random sample of {len(sample):,} loans, seed {seed}; contours hold 25, 50 and "
        f"75% of an outcome's loans; diagonal: density. {note}".rstrip(),
        f"Grid of contour plots, two columns at a time, defaulted and repaid loans in two colours. {title}.",
        figure=plots.pairs(sample.rename(columns=heads.label), [heads.label(name) for name in paired]),
    )  # fmt: skip


def outliers(table: pd.DataFrame, loans: Mapping[Any, int], *, confidence: float) -> Exhibit:
    """Show how often loans with an extreme value default; `loans` has those with a value, by column."""
    named = table.assign(label=table["column"].map(heads.label))
    findings = _group_findings("outliers", named, "loans that are outliers in {label}", loans, confidence)
    chosen = _largest("outliers", findings, "Outliers do not differ significantly in default rate")
    return Exhibit(
        "eda-outliers", chosen.title,
        _small_print(f"Outliers lie more than {WHISKER} quartile ranges beyond the quartiles. They and all others", table, confidence),
        f"Two dots with interval bars per column: default rate of outliers and of the others. {chosen.title}.",
        table=table, columns=columns("column", "n", "share", *_GROUP, confidence=confidence), findings=(chosen,),
        figure=plots.group_rates(named, inside="outliers", others="all others"),
    )  # fmt: skip


def implausible(table: pd.DataFrame, *, n: int, min_cell: int, confidence: float) -> Exhibit:
    """Show how often loans with a hardly true value default."""
    findings = _group_findings("implausible", table, "loans with {meaning}", dict.fromkeys(table["column"], n), confidence)  # fmt: skip
    seen = int(table["n"].notna().sum())
    title = f"{seen or 'None'} of {len(table)} implausible values {'occur' if seen > 1 else 'occurs'} in {min_cell} loans or more"
    caption = _small_print("Loans with such a value and all others", table, confidence)
    shown = columns("meaning", "n", *_GROUP, confidence=confidence)
    return Exhibit("eda-implausible", title, caption, text=_texts(findings), table=table, columns=shown)


def timeline(months: pd.DataFrame, years: pd.DataFrame) -> Exhibit:
    """Show the loans funded a month, by how they ended."""
    top, n = years.iloc[int(years["n"].argmax())], int(years["n"].sum())
    title = f"{show(top['n'] / n, 'rate')} of the finished loans were funded in {top['level']}"
    caption = f"n = {n:,} finished loans, by month of funding. Loans that were still running are not in the data."
    alt = f"Loans funded a month, repaid and defaulted stacked. {title}."
    return Exhibit("eda-timeline", title, caption, alt, figure=plots.timeline(months))


def vintages(
    shown: pd.DataFrame, by_term: dict[int, pd.DataFrame], pair: Contrast | None, *, period: str, synthetic: bool, confidence: float
) -> Exhibits:  # fmt: skip
    """Show the default rate of each vintage, of all loans and by term, and how two of the shortest term's differ."""
    term = min(by_term)
    phrase, levels = f"{term}-month loans funded in {{}}", f"vintages of {term}-month loans"
    finding = contrast_finding(Driver("issue_d", "vintage", "", phrase, "those of {}", "", levels), pair)
    caption = (
        f"Default rate by {period} of funding; bands: {percent(confidence)} Wilson intervals. Shaded: {shown['unripe'].sum()} of {len(shown)} "
        f"vintages whose {term}-month loans may still be running; dotted: not run to term."
        f"{' These loans are synthetic: their vintages are approximate.' if synthetic else ''}"
    )
    lines = pd.concat([shown.assign(term="all"), *(part.assign(term=str(name)) for name, part in by_term.items())])
    cells = columns("term", "level", "n", "defaults", "default_rate with interval", "unripe", confidence=confidence)
    alt = f"Lines with bands over time: default rate by {period} of funding, all loans and by term, above the number of loans."
    return together(
        Exhibit("eda-vintage", finding.title, caption, f"{alt} {finding.text}", figure=plots.vintages(shown, by_term), findings=(finding,)),
        Exhibit("eda-vintage", finding.title, caption, table=lines, columns=cells),
    )  # fmt: skip


def listed(findings: list[Finding], *, n: int) -> Exhibit:
    """Show every finding in one list."""
    table = pd.DataFrame([{"id": finding.id, "finding": finding.text} for finding in findings])
    title = f"{len(table)} findings of the exploratory analysis"
    return Exhibit("eda-findings", title, f"n = {n:,} loans.", table=table, columns=columns("finding"))


def _small_print(what: str, table: pd.DataFrame, confidence: float) -> str:
    """Return the small print of a comparison of groups of loans with the others."""
    shown = int(table["n"].notna().sum())
    at_once = f" for all {shown} rows at once" if shown > 1 else ""
    return f"{what}; {percent(confidence)} intervals: Wilson for rates, Newcombe for differences{at_once}."


def _texts(findings: list[Finding]) -> str:
    return bullets(plain(finding.text) for finding in findings)


def _group_findings(
    name: str, table: pd.DataFrame, loans: str, total: Mapping[Any, int], confidence: float
) -> list[Finding]:
    """Return a finding for each row of groups, with the name and the loans in words filled from the row."""
    compared = int(table["n"].notna().sum())
    corrected = f" for {compared} comparisons at once" if compared > 1 else ""
    return [
        group_finding(name.format_map(row), row, loans=loans.format_map(row), total=int(total[row["column"]]), confidence=confidence, corrected=corrected)
        for row in table.to_dict(orient="records")
    ]  # fmt: skip


def group_finding(
    name: str, row: Mapping[Any, Any], *, loans: str, total: int, confidence: float, corrected: str = ""
) -> Finding:
    """Say how the loans in a group differ from the others: a row of `compare_groups`, without n if suppressed; `total` is how many both are."""
    if pd.isna(row["n"]):
        text = f"There are too few {loans} to show a default rate"
        return Finding(name, text, f"{text}.")
    ends = float(row["difference"]), float(row["diff_low"]), float(row["diff_high"])
    rates = f"{show(row['default_rate'], 'rate')}, against {show(row['other_rate'], 'rate')} of the others"
    title = f"{capital(loans)} default at {rates}{'' if _differ(*ends[1:]) else ': no significant difference'}"
    text = f"{title} ({difference(*ends, confidence)}{corrected}; {int(row['n']):,} of {total:,} loans)."
    return Finding(name, title, text, *ends, total)


def _largest(name: str, findings: list[Finding], none: str) -> Finding:
    """Return the largest difference of those beyond chance, or what is to be said if there is none."""
    apart = [one for one in findings if _differ(one.ci_low, one.ci_high)]
    return max(apart, key=lambda one: abs(one.estimate or 0), default=Finding(name, none, f"{none}."))


def _differ(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= 0 <= high
