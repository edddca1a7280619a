"""How the default rate changes along single columns: which are drawn, the sentence on two levels, and which column goes furthest."""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import eda as plots
from loantap.exhibits.words import columns, interval, percent, show

if TYPE_CHECKING:
    from loantap.analysis.comparisons import Contrast

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
    finding = contrast_finding(of.name, pair, phrase=of.phrase, other=of.other, confidence=confidence)
    rates = "; ".join(f"{row['level']} {show(row['default_rate'], 'rate')}" for _, row in levels.iterrows())
    return Exhibit(
        f"eda-{of.name}", finding.title, f"{finding.text} Bars: {percent(confidence)} Wilson intervals.",
        f"Dots with interval bars, one row per level: default rate by {of.levels}. {rates}.",
        text=f"### {of.question}", figure=plots.default_rates(levels, overall=overall, label=of.label), findings=(finding,),
    )  # fmt: skip


def panels(rates: pd.DataFrame, pair: "Contrast | None", *, overall: float, confidence: float) -> Exhibit:
    """Show the default rates of several columns, and how two levels of `annual_inc`, the pair, differ."""
    phrase, other = "borrowers with an income of {}", "those with {}"
    finding = contrast_finding("income", pair, phrase=phrase, other=other, confidence=confidence)
    return Exhibit(
        "eda-panels", finding.title,
        f"{finding.text} Bars: {percent(confidence)} Wilson intervals; diamonds: value missing; dashed: all loans. Levels with "
        "1 % of the loans or more; the table eda-drivers lists them all.",
        f"Small panels, one per column, of the default rate from its lowest to its highest level. {finding.text}",
        figure=plots.driver_panels(rates, overall=overall), findings=(finding,),
    )  # fmt: skip


def strength(
    table: pd.DataFrame, rates: pd.DataFrame, shown: pd.DataFrame, *, overall: float, confidence: float
) -> Exhibits:
    """Show which column alone goes furthest: the strengths, the rates of all levels, and those to draw with their share."""
    found = [
        strength_finding(f"strongest-{known}", table[table["known"].eq(known)], lead=lead, confidence=confidence)
        for known, lead in _BY_TIME.items()
    ]  # fmt: skip
    title, text, level = found[0].title, " ".join(finding.text for finding in found), percent(confidence)
    aucs = Exhibit(
        "eda-strength", title, f"{title}. {level} Hanley-McNeil intervals.",
        table=table, columns=columns("driver", "known", "direction", "n", "auc", "ci_low", "ci_high", ci_low="score", ci_high="score"),
        findings=tuple(found),
    )  # fmt: skip
    drawn = Exhibit(
        "eda-drivers", title,
        f"{text} Dots: levels, larger with more loans; thin lines: to the outer ends of their {level} Wilson intervals. AUC with "
        f"{level} Hanley-McNeil intervals.",
        "Left: one line per column from the lowest to the highest default rate of its levels. Right: dots with bars, the AUC of each "
        f"column alone. {title}",
        figure=plots.driver_ladder(shown, table, overall=overall),
    )  # fmt: skip
    levels = Exhibit(
        "eda-drivers", title, f"{title}. Default rates with {level} Wilson intervals.",
        table=rates, columns=columns("driver", "known", "level", "n", "defaults", "default_rate with interval"),
    )  # fmt: skip
    return together(aucs, drawn, levels)


def strength_finding(name: str, table: pd.DataFrame, *, lead: str, confidence: float) -> Finding:
    """Say which column alone tells the outcomes apart best, and which comes next; the estimate is the first one's AUC."""
    first, second = table.iloc[0], table.iloc[1]
    if second["ci_high"] > first["ci_low"]:
        best = f"{first['driver']} and {second['driver']} alone tell most about default, hardly apart"
    else:
        best = f"{first['driver']} alone tells most about default, before {second['driver']}"
    title = f"{lead}, {best}: AUC {first['auc']:.3f} and {second['auc']:.3f}"
    spans = " and ".join(interval(row["ci_low"], row["ci_high"], "score") for row in (first, second))
    text = f"{title} ({percent(confidence)} intervals {spans}; n = {first['n']:,})."
    return Finding(name, title, text, first["auc"], first["ci_low"], first["ci_high"], int(first["n"]))


def contrast_finding(name: str, found: "Contrast | None", *, phrase: str, other: str, confidence: float) -> Finding:
    """Say how two levels of a driver differ.

    Args:
        name: The finding's id.
        found: The two levels, or None where there were no two.
        phrase: The loans of a level in words, with {} for the level: 'loans over {} months'.
        other: The same for the second level named: 'those over {}'.
        confidence: Of the interval.
    """
    if found is None:
        text = f"There are no two levels of {name} with enough loans to compare."
        return Finding(name, text, text)
    high, low = phrase.format(found.high.replace("_", " ")), other.format(found.low.replace("_", " "))
    rates = f"{show(found.high_rate, 'rate')} against {show(found.low_rate, 'rate')}"
    if found.ci_low <= 0 <= found.ci_high:
        title = f"Default rates of {high} and {low} cannot be told apart: {rates}"
    elif found.low_rate > 0:
        title = f"{upper(high)} default {found.high_rate / found.low_rate:.1f} times as often as {low}: {rates}"
    else:
        title = f"{upper(high)} default more often than {low}: {rates}"
    text = f"{title} ({difference(found.difference, found.ci_low, found.ci_high, confidence)}; n = {found.n:,})."
    return Finding(name, title, text, found.difference, found.ci_low, found.ci_high, found.n)


def _points(value: float) -> str:
    """Return a difference of two rates in percentage points, with a true minus sign."""
    return f"{100 * value:.1f}".replace("-", "−")


def difference(value: float, low: float, high: float, confidence: float) -> str:
    """Return a difference of two rates with its interval, in percentage points."""
    return f"difference {_points(value)} points, {percent(confidence)} interval {_points(low)} to {_points(high)}"


def upper(text: str) -> str:
    """Return the text as a sentence begins."""
    return text[:1].upper() + text[1:]
