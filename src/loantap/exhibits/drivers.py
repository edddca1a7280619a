"""How the default rate changes along single columns: which are drawn, the sentence on two levels, and which column goes furthest."""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from loantap.analysis.summaries import NOTABLE_SHARE
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import drivers as plots
from loantap.exhibits.words import columns, interval, percent, show

if TYPE_CHECKING:
    from loantap.analysis.comparisons import Contrast

_NAMED = 3  # columns at most that are named as coming close
_NOTABLE = f"Levels with {percent(NOTABLE_SHARE)} of the loans or more; the table eda-drivers lists them all."
_BY_TIME = {"application": "Of all that is known at application", "pricing": "Of the lender's own pricing"}


class Driver(NamedTuple):
    """A column whose default rates have a figure of their own.

    Attributes:
        column: The column.
        name: Of the exhibit and the finding.
        question: What the figure answers.
        phrase: The loans of a level in words, with {} for the level.
        other: The same for a second level.
        label: Of the axis.
        levels: What the levels are, in a sentence.
    """

    column: str
    name: str
    question: str
    phrase: str
    other: str
    label: str
    levels: str


DRIVERS = tuple(
    Driver(*row)
    for row in (
        ("loan_amnt", "amount", "Do larger loans default more often?",
         "loans of {}", "those of {}", "Loan amount", "loan amount"),
        ("term", "term", "Do longer loans default more often?",
         "loans over {} months", "those over {}", "Term in months", "term"),
        ("home_ownership", "home-ownership", "Does it matter whether borrowers own their home?",
         "borrowers with home ownership {}", "those with {}", "Home ownership", "home ownership"),
        ("dti", "dti", "Do borrowers with more debt for their income default more often?",
         "borrowers with a debt-to-income ratio of {}", "those of {}", "Debt payments, % of monthly income", "debt-to-income ratio"),
        ("revol_util", "utilisation", "Do borrowers who use more of their credit limit default more often?",
         "borrowers with a utilisation of {}", "those of {}", "Utilisation, % of the limit", "revolving utilisation"),
        ("purpose", "purpose", "Does it matter what the money is for?",
         "loans for {}", "those for {}", "Purpose", "purpose"),
        ("verification_status", "verification", "Does it matter whether the income was verified?",
         "borrowers with income status {}", "those with {}", "Income", "income verification"),
    )
)  # fmt: skip


def driver(of: Driver, levels: pd.DataFrame, pair: "Contrast | None", *, overall: float, confidence: float) -> Exhibit:
    """Show the default rate of each level of a column, in their order, and how two of them differ."""
    finding = contrast_finding(of.name, pair, phrase=of.phrase, other=of.other)
    rates = "; ".join(f"{row['level']} {show(row['default_rate'], 'rate')}" for _, row in levels.iterrows())
    return Exhibit(
        f"eda-{of.name}", finding.title, f"{finding.text} Bars: {percent(confidence)} Wilson intervals.",
        f"Dots with interval bars, one row per level: default rate by {of.levels}. {rates}.",
        text=f"### {of.question}", figure=plots.default_rates(levels, overall=overall, label=of.label), findings=(finding,),
    )  # fmt: skip


def panels(rates: pd.DataFrame, pair: "Contrast | None", *, overall: float, confidence: float) -> Exhibit:
    """Show the notable levels of several columns, and how two levels of `annual_inc`, the pair, differ."""
    finding = contrast_finding("income", pair, phrase="borrowers with an income of {}", other="those with {}")
    return Exhibit(
        "eda-panels", finding.title,
        f"{finding.text} Bars: {percent(confidence)} Wilson intervals; diamonds: value missing; dashed: all loans. {_NOTABLE}",
        f"Small panels, one per column, of the default rate from its lowest to its highest level. {finding.text}",
        figure=plots.driver_panels(rates, overall=overall), findings=(finding,),
    )  # fmt: skip


def strength(table: pd.DataFrame, rates: pd.DataFrame, *, overall: float, confidence: float) -> Exhibits:
    """Show which column alone goes furthest: AUC by column, and the rates of their notable levels, with share (of the loans)."""
    parts = dict(list(table.groupby("known")))
    found = [
        strength_finding(f"strongest-{known}", parts[known], lead=lead, confidence=confidence, of=len(table))
        for known, lead in _BY_TIME.items()
        if known in parts
    ]  # fmt: skip
    title, text, level = found[0].title, " ".join(finding.text for finding in found), percent(confidence)
    aucs = f"AUC with {level} Hanley-McNeil intervals, corrected for {len(table)} columns (Bonferroni)."
    listed = Exhibit(
        "eda-strength", title, f"{text} {aucs}", table=table,
        columns=columns("driver", "known", "direction", "n", "auc with interval"), findings=tuple(found),
    )  # fmt: skip
    drawn = Exhibit(
        "eda-drivers", title,
        f"{text} Dots: levels, larger with more loans; thin lines: to the outer ends of their {level} Wilson intervals. {_NOTABLE} {aucs}",
        "Left: one line per column from the lowest to the highest default rate of its levels. Right: dots with bars, the AUC of each "
        f"column alone. {title}",
        figure=plots.driver_ladder(rates, table, overall=overall),
    )  # fmt: skip
    return together(listed, drawn)


def levels(rates: pd.DataFrame, *, confidence: float) -> Exhibit:
    """Show the default rate of every level of every column."""
    title = f"Default rates of {len(rates)} levels of {rates['driver'].nunique()} columns"
    return Exhibit(
        "eda-drivers", title, f"{title}, with {percent(confidence)} Wilson intervals.", table=rates,
        columns=columns("driver", "known", "level", "n", "defaults", "default_rate with interval"),
    )  # fmt: skip


def strength_finding(name: str, table: pd.DataFrame, *, lead: str, confidence: float, of: int) -> Finding:
    """Say which column alone tells the outcomes apart best, and what comes close; the estimate is the first one's AUC.

    `table` is one part of the strengths, strongest first; intervals hold for `of` columns at once. `lead` says what is compared.
    """
    first, others = table.iloc[0], table.iloc[1:]
    close = others[others["ci_high"] > first["ci_low"]]
    # Said, since the search for leaks has another: out of fold, of values and bins without their order.
    auc = (
        f"AUC {show(first['auc'], 'score')} {'by its levels' if first['direction'] == 'levels' else 'in its own order'}"
    )
    if not first["ci_low"] > 0.5:
        title = f"{lead}, no column alone can be shown to tell anything about default; {first['driver']} comes furthest: {auc}"
    elif len(close):
        named = [f"{row['driver']} ({show(row['auc'], 'score')})" for _, row in close.head(_NAMED).iterrows()]
        more = f" and {len(close) - _NAMED} more" if len(close) > _NAMED else ""
        title = f"{lead}, {first['driver']} alone tells most about default ({auc}), not clearly before {', '.join(named)}{more}"
    else:
        then = "".join(
            f", before {row['driver']} ({show(row['auc'], 'score')})" for _, row in others.head(1).iterrows()
        )
        title = f"{lead}, {first['driver']} alone tells most about default ({auc}){then}"
    span = interval(first["ci_low"], first["ci_high"], "score")
    text = f"{title} ({percent(confidence)} interval {span}, corrected for {of} columns; n = {first['n']:,})."
    return Finding(name, title, text, first["auc"], first["ci_low"], first["ci_high"], int(first["n"]))


def contrast_finding(
    name: str, found: "Contrast | None", *, phrase: str, other: str, levels: str = "levels"
) -> Finding:
    """Say how two levels of a driver differ, if there were two; `levels` is what they are called.

    `phrase` and `other` are the loans of the first and of the second level in words, with {} for the level: 'loans over {} months'.
    """
    if found is None:
        text = f"There are no two {levels} of {name} with enough loans to compare."
        return Finding(name, text, text)
    high, low = phrase.format(found.high.replace("_", " ")), other.format(found.low.replace("_", " "))
    rates = f"{show(found.high_rate, 'rate')} against {show(found.low_rate, 'rate')}"
    picked = found.pairs > 1
    if found.ci_low <= 0 <= found.ci_high:
        title = f"Default rates of {high} and {low}{', the surest pair to differ,' if picked else ''} cannot be told apart: {rates}"
    elif found.low_rate > 0:
        title = f"{upper(high)} default {found.high_rate / found.low_rate:.1f} times as often as {low}: {rates}"
    else:
        title = f"{upper(high)} default more often than {low}: {rates}"
    ends = found.difference, found.ci_low, found.ci_high
    corrected = f", corrected for {found.pairs} pairs of {levels}" if picked else ""
    text = f"{title} ({difference(*ends, found.confidence)}{corrected}; n = {found.n:,})."
    return Finding(name, title, text, *ends, found.n)


def _points(value: float) -> str:
    """Return a difference of two rates in percentage points, with a true minus sign."""
    # What rounds to nothing has no sign.
    return f"{round(100 * value, 1) + 0.0:.1f}".replace("-", "−")


def difference(value: float, low: float, high: float, confidence: float) -> str:
    """Return a difference of two rates with its interval, in percentage points."""
    return f"difference {_points(value)} points, {percent(confidence)} interval {_points(low)} to {_points(high)}"


def upper(text: str) -> str:
    """Return the text as a sentence begins."""
    return text[:1].upper() + text[1:]
