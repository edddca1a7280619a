"""What the loans look like, and what goes with default: an exhibit for each question, made from finished numbers.

Tables are those of the functions of `loantap.analysis` that bear their names; `n` is all loans, `overall` their default rate, and
`confidence` that of every interval.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.analysis.outliers import WHISKER
from loantap.exhibits.drivers import contrast_finding, difference, upper
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import eda as plots
from loantap.exhibits.words import columns, interval, percent, plain, show

if TYPE_CHECKING:
    from loantap.analysis.comparisons import Contrast

_STRONG = 0.5  # two columns with a rank correlation from here on are counted
_GROUP = ("default_rate", "other_rate", "difference", "diff_low", "diff_high")


def shape(found: Mapping[str, Any], *, confidence: float) -> Exhibit:
    """Show how many loans ended each way, from n, default_rate, ci_low, ci_high, first, last (months of funding) and outcomes."""
    table, rate, ends = found["outcomes"], found["default_rate"], (found["ci_low"], found["ci_high"])
    share = float(table.set_index("outcome").loc["defaulted", "share_of_amount"])
    title = (
        f"{show(rate, 'rate')} of {found['n']:,} finished loans defaulted, with {show(share, 'rate')} of the money lent"
    )
    funded = f"{found['first']:%B %Y} to {found['last']:%B %Y}"
    text = f"{title} ({percent(confidence)} Wilson interval of the rate {interval(*ends, 'rate')}; funded {funded})."
    return Exhibit(
        "eda-shape", title, text, table=table,
        columns=columns("outcome", "loans", "share_of_loans", "amount_lent", "share_of_amount", "median_loan"),
        findings=(Finding("shape", title, text, rate, *ends, found["n"]),),
    )  # fmt: skip


def missing(table: pd.DataFrame, *, n: int, of: int, confidence: float) -> Exhibit:
    """Show what a missing value means for default; `of` is how many columns a raw file has."""
    found = _found(
        "missing-{column}", table, "loans without {column}", dict.fromkeys(table["column"], n), "columns", confidence
    )
    none = "No column's missing values can be shown to go with default" if found else "No value is missing"
    chosen = _largest(found, Finding("missing", none, f"{none}."))
    told = f"{of - len(table)} of {of} raw columns are complete. Bars: {percent(confidence)} Wilson intervals; n: loans without the value."
    alt = "Two dots with interval bars per column: default rate with the value missing and present."
    return Exhibit(
        "eda-missing", chosen.title, f"{chosen.text} {told}", " ".join([alt, *(finding.text for finding in found)]),
        text=_listed(found), table=table, columns=columns("column", "n", "share", *_GROUP),
        figure=plots.group_rates(table.assign(label=table["column"]), inside="value missing", others="value present"),
        findings=tuple(found),
    )  # fmt: skip


def medians(table: pd.DataFrame, histograms: pd.DataFrame, *, n: int, confidence: float) -> Exhibits:
    """Show the medians of the numbers by outcome, and their distributions."""
    apart = table[(table["diff_low"] > 0) | (table["diff_high"] < 0)]
    relative = (apart["difference"] / apart["repaid"].where(apart["repaid"] > 0)).abs().dropna()
    title = f"The medians of {len(apart)} of {len(table)} columns can be told apart by outcome"
    text = ""
    findings: tuple[Finding, ...] = ()
    if len(relative):
        top = apart.loc[relative.index].iloc[int(relative.argmax())]
        title += (
            f", furthest for their size in {top['column']}: {show(top['defaulted'], 'number')} of defaulted against "
            f"{show(top['repaid'], 'number')} of repaid loans"
        )
        effect = top["difference"], top["diff_low"], top["diff_high"]
        span = f"{percent(confidence)} interval {interval(*effect[1:], 'number')}, corrected for {len(table)} columns"
        text = f"{title} (difference {show(effect[0], 'number')}, {span}; n = {top['n']:,})."
        findings = (Finding("medians", title, text, *effect, int(top["n"])),)
    text = text or f"{title} (n = {n:,})."
    units = dict.fromkeys(("difference", "diff_low", "diff_high"), "number")
    table_of = Exhibit(
        "eda-medians", title,
        f"{text} Intervals of medians from order statistics. An interval of no width means that many loans share the median.",
        table=table, columns=columns("column", "n", "defaulted", "repaid", *units, **units), findings=findings,
    )  # fmt: skip
    drawn = Exhibit(
        "eda-distributions", title,
        f"{text} Density within each outcome, 1st to 99th percentile of all loans; dotted: medians.",
        f"Small histograms of the numeric columns, defaulted and repaid loans laid over each other. {text}",
        figure=plots.distributions(histograms, table),
    )  # fmt: skip
    return together(table_of, drawn)


def correlations(table: pd.DataFrame, *, note: str, confidence: float) -> Exhibits:
    """Show the rank correlations of columns with each other and, last, with default; `note` says which loans they are of."""
    between = table[~table["second"].eq("default")]
    top = between.iloc[int(between["rho"].abs().argmax())]
    title = (
        f"{int((between['rho'].abs() >= _STRONG).sum())} of {len(between)} pairs of columns correlate at {_STRONG} or more, either "
        f"way; {top['first']} and {top['second']} at {top['rho']:.2f}"
    )
    span = f"{percent(confidence)} interval {interval(top['ci_low'], top['ci_high'], 'score')}, corrected for {len(table)} pairs"
    text = f"{title} ({span}; n = {top['n']:,}). {note}".rstrip()
    order = list(dict.fromkeys([*table["first"], "default"]))
    finding = Finding("correlation", title, text, top["rho"], top["ci_low"], top["ci_high"], int(top["n"]))
    caption = f"{text} Spearman's rank correlations; Bonett-Wright intervals."
    return together(
        Exhibit(
            "eda-correlation", title, caption, f"Triangle of Spearman's rank correlations of the numeric columns and default. {text}",
            figure=plots.correlations(table, order), findings=(finding,),
        ),
        Exhibit("eda-correlation", title, caption, table=table, columns=columns("first", "second", "n", "rho with interval")),
    )  # fmt: skip


def pairs(sample: pd.DataFrame, strength: pd.DataFrame, *, seed: int, note: str, confidence: float) -> Exhibit:
    """Show where defaulted and repaid loans of a random sample lie, two columns at a time, and which parts all loans most."""
    paired = [str(name) for name in sample if name != "default"]
    best = strength[strength["driver"].isin(paired)].iloc[0]
    title = (
        f"Of these {len(paired)} columns, {best['driver']} parts the outcomes most: right for {show(best['auc'], 'rate')} of the "
        "pairs of a defaulted and a repaid loan"
        if best["ci_low"] > 0.5
        else f"None of these {len(paired)} columns alone can be shown to part the outcomes"
    )
    span = f"{percent(confidence)} interval {interval(best['ci_low'], best['ci_high'], 'rate')}, corrected for {len(strength)} columns"
    return Exhibit(
        "eda-pairs", title,
        f"{title} ({best['driver']}: {span}; n = {best['n']:,}). Drawn: a random sample of {len(sample):,} loans, seed {seed}. Contours "
        f"hold 25, 50 and 75% of an outcome's loans; diagonal: density. {note}".rstrip(),
        f"Grid of contour plots, two columns at a time, defaulted and repaid loans in two colours. {title}",
        figure=plots.pairs(sample, paired),
    )  # fmt: skip


def outliers(table: pd.DataFrame, loans: Mapping[Any, int], *, confidence: float) -> Exhibit:
    """Show how often loans with an extreme value default; `loans` has those with a value, by column."""
    found = _found("outliers", table, "loans with an extreme {column}", loans, "columns", confidence)
    none = "No column's extreme values can be shown to go with default"
    chosen = _largest(found, Finding("outliers", none, f"{none}."))
    return Exhibit(
        "eda-outliers", chosen.title,
        f"{chosen.text} Bars: {percent(confidence)} Wilson intervals; n: loans beyond {WHISKER} quartile ranges from the quartiles.",
        f"Two dots with interval bars per column: default rate of loans with an extreme value and of the others. {chosen.text}",
        table=table, columns=columns("column", "n", "share", *_GROUP), findings=(chosen,),
        figure=plots.group_rates(table.assign(label=table["column"]), inside="beyond the fences", others="within"),
    )  # fmt: skip


def implausible(table: pd.DataFrame, *, n: int, min_cell: int, confidence: float) -> Exhibit:
    """Show how often loans with a hardly true value default."""
    found = _found("implausible", table, "loans with {meaning}", dict.fromkeys(table["column"], n), "kinds", confidence)
    title = (
        f"{int(table['n'].notna().sum())} of {len(table)} kinds of implausible value stand in {min_cell} loans or more"
    )
    return Exhibit(
        "eda-implausible", title, f"{title} (n = {n:,}). Newcombe intervals of the difference.",
        text=_listed(found), table=table, columns=columns("meaning", "n", *_GROUP),
    )  # fmt: skip


def timeline(months: pd.DataFrame, years: pd.DataFrame) -> Exhibit:
    """Show the loans funded a month, by how they ended."""
    top, n = years.iloc[int(years["n"].argmax())], int(years["n"].sum())
    title = f"{show(top['n'] / n, 'rate')} of the finished loans were funded in {top['level']}"
    text = (
        f"{title} ({top['n']:,} of {n:,}; a count, without an interval). Loans that still ran when the data was drawn are not among them."
    )  # fmt: skip
    alt = f"Loans funded a month, repaid and defaulted stacked. {text}"
    return Exhibit("eda-timeline", title, text, alt, figure=plots.timeline(months))


def vintages(
    shown: pd.DataFrame,
    by_term: dict[int, pd.DataFrame],
    pair: "Contrast | None",
    *,
    period: str,
    synthetic: bool,
    confidence: float,
) -> Exhibits:
    """Show the default rate of each vintage, of all loans and by term, and how two of the shortest term's differ."""
    term = min(by_term)
    phrase = f"{term}-month loans funded in {{}}"
    finding = contrast_finding("vintage", pair, phrase=phrase, other="those of {}", levels="vintages")
    warning = (
        f"Shaded: {int(shown['unripe'].sum())} of {len(shown)} vintages whose {term}-month loans had not run to term by the last "
        f"funding in the data.{' These loans are synthetic: their vintages are an approximation.' if synthetic else ''}"
    )
    caption = f"{finding.text} Bands: {percent(confidence)} Wilson intervals; dotted: not run to term. {warning}"
    lines = pd.concat([shown.assign(term="all"), *(part.assign(term=str(name)) for name, part in by_term.items())])
    alt = f"Lines with bands over time: default rate by {period} of funding, all loans and by term, above the number of loans."
    return together(
        Exhibit("eda-vintage", finding.title, caption, f"{alt} {finding.text}", figure=plots.vintages(shown, by_term), findings=(finding,)),
        Exhibit("eda-vintage", finding.title, caption, table=lines,
                columns=columns("term", "level", "n", "defaults", "default_rate with interval", "unripe")),
    )  # fmt: skip


def listed(findings: list[Finding], *, n: int) -> Exhibit:
    """Show every finding in one list."""
    table = pd.DataFrame([{"id": finding.id, "finding": finding.text} for finding in findings])
    title = f"{len(table)} findings of the exploratory analysis"
    return Exhibit("eda-findings", title, f"{title} (n = {n:,}).", table=table, columns=columns("id", "finding"))


def _found(
    name: str, table: pd.DataFrame, loans: str, total: Mapping[Any, int], corrected_for: str, confidence: float
) -> list[Finding]:
    """Return a finding for each row of groups, with the name and the loans in words filled from the row."""
    compared = int(table["n"].notna().sum())
    corrected = f", corrected for {compared} {corrected_for}" if compared > 1 else ""
    return [
        group_finding(
            name.format(**row), row, loans=loans.format(**row), total=int(total[row["column"]]), confidence=confidence, corrected=corrected
        )
        for row in ({str(key): value for key, value in one.items()} for one in table.to_dict(orient="records"))
    ]  # fmt: skip


def group_finding(
    name: str, row: Mapping[str, Any], *, loans: str, total: int, confidence: float, corrected: str = ""
) -> Finding:
    """Say how the loans in a group, such as 'loans without emp_length', differ from the others; `total` is how many both are.

    `row` is one of `compare_groups`, without n if it was suppressed; `corrected` says what its interval allows for.
    """
    if pd.isna(row["n"]):
        text = f"There are too few {loans} to show their default rate."
        return Finding(name, text, text)
    ends = float(row["difference"]), float(row["diff_low"]), float(row["diff_high"])
    rates = f"{show(row['default_rate'], 'rate')} against {show(row['other_rate'], 'rate')} of the others"
    title = f"{upper(loans)} default at {rates}{'' if _differ(*ends[1:]) else '; the rates cannot be told apart'}"
    text = f"{title} ({difference(*ends, confidence)}{corrected}; {int(row['n']):,} of {total:,} loans)."
    return Finding(name, title, text, *ends, total)


def _largest(findings: list[Finding], none: Finding) -> Finding:
    """Return the largest difference of those beyond chance, or what is to be said if there is none."""
    apart = [one for one in findings if _differ(one.ci_low, one.ci_high)]
    return max(apart, key=lambda one: abs(one.estimate or 0), default=none)


def _differ(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= 0 <= high


def _listed(findings: list[Finding]) -> str:
    return "\n".join(f"- {plain(finding.text)}" for finding in findings)
