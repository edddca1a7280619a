"""What the loans look like, and what goes with default: an exhibit for each question, made from finished numbers.

Tables are those of the functions of `loantap.analysis` that bear their names; `n` is all loans, `overall` their default rate, and
`confidence` that of every interval.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits.drivers import contrast_finding, difference, upper
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import eda as plots
from loantap.exhibits.plots import eda_distributions, eda_time
from loantap.exhibits.words import columns, interval, percent, plain, show

if TYPE_CHECKING:
    from loantap.analysis.comparisons import Contrast

_STRONG = 0.5  # two columns with a rank correlation from here on are counted
_GROUP = ("n", "default_rate", "other_rate", "difference", "diff_low", "diff_high")


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
    found = [
        group_finding(f"missing-{row['column']}", row, loans=f"loans without {row['column']}", total=n, confidence=confidence)
        for row in table.to_dict(orient="records")
    ]  # fmt: skip
    largest = max(found, key=lambda finding: abs(finding.estimate or 0), default=None)
    title = largest.title if largest else "No value is missing"
    told = f"{of - len(table)} of {of} raw columns are complete. Bars: {percent(confidence)} Wilson intervals; n: loans without the value."
    alt = "Two dots with interval bars per column: default rate with the value missing and present."
    return Exhibit(
        "eda-missing", title, f"{title}. {told}", " ".join([alt, *(finding.text for finding in found)]),
        text=_listed(found), table=table, columns=columns("column", "n", "share", *_GROUP[1:]),
        figure=plots.group_rates(table.assign(label=table["column"]), inside="value missing", others="value present"),
        findings=tuple(found),
    )  # fmt: skip


def medians(table: pd.DataFrame, histograms: pd.DataFrame, *, n: int, confidence: float) -> Exhibits:
    """Show the medians of the numbers by outcome, and their distributions."""
    apart = table[(table["diff_low"] > 0) | (table["diff_high"] < 0)]
    relative = (apart["difference"] / apart["repaid"].where(apart["repaid"] > 0)).abs().dropna()
    title, text = "No column's medians can be told apart by outcome", ""
    findings: tuple[Finding, ...] = ()
    if len(relative):
        top = table.loc[relative.index].iloc[int(relative.argmax())]
        span = interval(top["diff_low"], top["diff_high"], "number")
        title = (
            f"The medians lie furthest apart, for their size, in {top['column']}: {show(top['defaulted'], 'number')} of "
            f"defaulted against {show(top['repaid'], 'number')} of repaid loans"
        )
        text = f"{title} (difference {show(top['difference'], 'number')}, {percent(confidence)} interval {span}; n = {top['n']:,})."
        effect = top["difference"], top["diff_low"], top["diff_high"], int(top["n"])
        findings = (Finding("medians", title, text, *effect),)
    text = text or f"{title} (n = {n:,})."
    units = dict.fromkeys(("difference", "diff_low", "diff_high"), "number")
    table_of = Exhibit(
        "eda-medians", title,
        f"{text} Intervals from order statistics. An interval of no width means that many loans share the median.",
        table=table, columns=columns("column", "n", "defaulted", "repaid", *units, **units), findings=findings,
    )  # fmt: skip
    drawn = Exhibit(
        "eda-distributions", title,
        f"{text} Density within each outcome, 1st to 99th percentile of all loans; dotted: medians.",
        f"Small histograms of the numeric columns, defaulted and repaid loans laid over each other. {text}",
        figure=eda_distributions.distributions(histograms, table),
    )  # fmt: skip
    return together(table_of, drawn)


def correlations(table: pd.DataFrame, *, note: str, confidence: float) -> Exhibits:
    """Show the rank correlations of columns with each other and, last, with default; `note` says which loans they are of."""
    between = table[~table["second"].eq("default")]
    top = between.iloc[int(between["rho"].abs().argmax())]
    title = (
        f"{int((between['rho'].abs() >= _STRONG).sum())} of {len(between)} pairs of columns correlate at {_STRONG} or more; "
        f"{top['first']} and {top['second']} at {top['rho']:.2f}"
    )
    span = interval(top["ci_low"], top["ci_high"], "score")
    text = f"{title} ({percent(confidence)} interval {span}; n = {top['n']:,}). {note}".rstrip()
    order = list(dict.fromkeys([*table["first"], "default"]))
    words = f"Triangle of Spearman's rank correlations of the numeric columns and default. {text}"
    finding = Finding("correlation", title, text, top["rho"], top["ci_low"], top["ci_high"], int(top["n"]))
    return together(
        Exhibit("eda-correlation", title, f"{text} Spearman's rho with Bonett-Wright intervals.", table=table,
                columns=columns("first", "second", "n", "rho", "ci_low", "ci_high", ci_low="score", ci_high="score")),
        Exhibit("eda-correlation", title, f"{text} Spearman's rank correlations.", words,
                figure=eda_distributions.correlations(table, order), findings=(finding,)),
    )  # fmt: skip


def pairs(sample: pd.DataFrame, table: pd.DataFrame, *, seed: int, note: str, confidence: float) -> Exhibit:
    """Show where defaulted and repaid loans of a random sample lie, two columns at a time; the table has their strengths."""
    best, paired = table.iloc[0], [str(name) for name in sample if name != "default"]
    span = interval(best["ci_low"], best["ci_high"], "rate")
    title = (
        f"Of these {len(paired)} columns, {best['driver']} parts the outcomes most: right for {show(best['auc'], 'rate')} of the "
        "pairs of a defaulted and a repaid loan"
    )
    return Exhibit(
        "eda-pairs", title,
        f"{title} ({percent(confidence)} interval {span}; random sample of n = {len(sample):,}, seed {seed}). Contours hold 25, 50 "
        f"and 75 % of an outcome's loans; diagonal: density. {note}".rstrip(),
        f"Grid of contour plots, two columns at a time, defaulted and repaid loans in two colours. {title}",
        figure=eda_distributions.pairs(sample, paired),
    )  # fmt: skip


def outliers(table: pd.DataFrame, loans: pd.Series, *, confidence: float) -> Exhibits:
    """Show how often loans with an extreme value default; `loans` has those with a value, by column."""
    known = table[table["n"].notna()]
    row = known.iloc[int(known["difference"].abs().argmax())] if len(known) else table.iloc[0]
    finding = group_finding(
        "outliers", row.to_dict(), loans=f"loans with an extreme {row['column']}", total=int(loans[row["column"]]), confidence=confidence
    )  # fmt: skip
    drawn = Exhibit(
        "eda-outliers", finding.title,
        f"{finding.text} Bars: {percent(confidence)} Wilson intervals; n: loans beyond 1.5 quartile ranges from the quartiles.",
        f"Two dots with interval bars per column: default rate of loans with an extreme value and of the others. {finding.text}",
        figure=plots.group_rates(table.assign(label=table["column"]), inside="beyond the fences", others="within"),
        findings=(finding,),
    )  # fmt: skip
    caption = f"{finding.text} Newcombe intervals of the difference."
    listed = Exhibit("eda-outliers", finding.title, caption, table=table, columns=columns("column", "share", *_GROUP))
    return together(drawn, listed)


def implausible(table: pd.DataFrame, *, n: int, min_cell: int, confidence: float) -> Exhibit:
    """Show how often loans with a hardly true value default."""
    found = [
        group_finding("implausible", row, loans=f"loans with {row['meaning']}", total=n, confidence=confidence)
        for row in table.to_dict(orient="records")
    ]  # fmt: skip
    title = (
        f"{int(table['n'].notna().sum())} of {len(table)} kinds of implausible value stand in {min_cell} loans or more"
    )
    return Exhibit(
        "eda-implausible", title, f"{title} (n = {n:,}). Newcombe intervals of the difference.",
        text=_listed(found), table=table, columns=columns("meaning", *_GROUP),
    )  # fmt: skip


def timeline(months: pd.DataFrame, years: pd.DataFrame) -> Exhibit:
    """Show the loans funded a month, by how they ended."""
    top, n = years.iloc[int(years["n"].argmax())], int(years["n"].sum())
    title = f"{show(top['n'] / n, 'rate')} of the finished loans were funded in {top['level']}"
    text = (
        f"{title} ({top['n']:,} of {n:,}; a count, without an interval). Loans that still ran when the data was drawn are not among them."
    )  # fmt: skip
    alt = f"Loans funded a month, repaid and defaulted stacked. {text}"
    return Exhibit("eda-timeline", title, text, alt, figure=eda_time.timeline(months))


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
    finding = contrast_finding("vintage", pair, phrase=phrase, other="those of {}", confidence=confidence)
    warning = (
        f"Shaded: {int(shown['unripe'].sum())} of {len(shown)} vintages whose {term}-month loans had not run to term by the last "
        f"funding in the data.{' These loans are synthetic: their vintages are an approximation.' if synthetic else ''}"
    )
    caption = f"{finding.text} Bands: {percent(confidence)} Wilson intervals; dotted: not run to term. {warning}"
    lines = pd.concat([shown.assign(term="all"), *(part.assign(term=str(name)) for name, part in by_term.items())])
    alt = f"Lines with bands over time: default rate by {period} of funding, all loans and by term, above the number of loans. {finding.text}"
    drawn = Exhibit(
        "eda-vintage", finding.title, caption, alt, figure=eda_time.vintages(shown, by_term), findings=(finding,)
    )
    listed = Exhibit(
        "eda-vintage",
        finding.title,
        caption,
        table=lines,
        columns=columns("term", "level", "n", "defaults", "default_rate with interval", "unripe"),
    )
    return together(drawn, listed)


def listed(findings: list[Finding], *, n: int) -> Exhibit:
    """Show every finding in one list."""
    table = pd.DataFrame([{"id": finding.id, "finding": finding.text} for finding in findings])
    title = f"{len(table)} findings of the exploratory analysis"
    return Exhibit("eda-findings", title, f"{title} (n = {n:,}).", table=table, columns=columns("id", "finding"))


def group_finding(name: str, row: Mapping[Any, Any], *, loans: str, total: int, confidence: float) -> Finding:
    """Say how the loans in a group differ from all others.

    Args:
        name: The finding's id.
        row: n, default_rate, other_rate, difference, diff_low, diff_high; without n it was suppressed.
        loans: The group in words: 'loans without emp_length'.
        total: Loans in the group and outside.
        confidence: Of the interval.
    """
    if pd.isna(row["n"]):
        text = f"There are too few {loans} to show their default rate."
        return Finding(name, text, text)
    low, high = float(row["diff_low"]), float(row["diff_high"])
    rates = f"{show(row['default_rate'], 'rate')} against {show(row['other_rate'], 'rate')} of the others"
    told_apart = "" if low > 0 or high < 0 else "; the rates cannot be told apart"
    title = f"{upper(loans)} default at {rates}{told_apart}"
    told = difference(float(row["difference"]), low, high, confidence)
    text = f"{title} ({told}; {int(row['n']):,} of {total:,} loans)."
    return Finding(name, title, text, float(row["difference"]), low, high, total)


def _listed(findings: list[Finding]) -> str:
    return "\n".join(f"- {plain(finding.text)}" for finding in findings)
