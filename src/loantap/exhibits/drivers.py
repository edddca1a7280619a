"""How the default rate changes along single columns: which are drawn, the sentence on two levels, and which column predicts best."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from loantap.analysis.comparisons import Contrast
from loantap.analysis.summaries import NOTABLE_SHARE
from loantap.exhibits import heads
from loantap.exhibits.exhibit import Exhibit, Exhibits, Finding, together
from loantap.exhibits.plots import drivers as plots
from loantap.exhibits.words import capital, columns, interval, listed, percent, show

_NOTABLE = f"Levels with {percent(NOTABLE_SHARE)} of the loans or more."
_BY_TIME = {
    "application": "the strongest legitimate predictor of default known at application",
    "pricing": "the strongest predictor of default in the lender's own pricing",
}
_TIMES = {"2.0": "twice as often as", "3.0": "three times as often as", "1.0": "more often than"}
_HOMES = {
    "MORTGAGE": "with a mortgage", "RENT": "who rent", "OWN": "who own their home outright", "OTHER": "with other housing",
    "NONE": "without a home of their own", "ANY": "with any kind of housing",
}  # fmt: skip
_CHECKS = {
    "Not Verified": "whose income was not verified", "Source Verified": "whose source of income was verified",
    "Verified": "whose income was verified",
}  # fmt: skip
_PURPOSES = {
    "car": "a car", "credit_card": "credit card debt", "educational": "education", "home_improvement": "home improvement",
    "house": "a house", "major_purchase": "a major purchase", "medical": "medical bills", "moving": "a move", "other": "other purposes",
    "small_business": "a small business", "vacation": "a holiday", "wedding": "a wedding",
}  # fmt: skip


class Driver(NamedTuple):
    """A column whose default rates have a figure of their own."""

    column: str
    name: str  # of the exhibit and the finding
    question: str  # that the figure answers
    phrase: str  # the loans of a level in words, with {} for the level
    other: str  # the same for a second level
    label: str  # of the axis
    levels: str  # what the levels are, in a sentence and in the plural
    words: Mapping[str, str] = MappingProxyType({})  # levels that a phrase says in other words than `heads.level`
    percent: bool = False  # whether the levels are bins of percentages

    def in_words(self, level: str) -> str:
        """Return a level as the phrases take it."""
        if self.percent:
            return with_percent(level)
        return " or ".join(self.words.get(part, heads.level(part)) for part in level.split(", "))


DRIVERS = (
    Driver("loan_amnt", "amount", "Do larger loans default more often?",
           "loans of {}", "loans of {}", "Loan amount", "loan amounts"),
    Driver("term", "term", "Do longer loans default more often?",
           "{}-month loans", "{}-month loans", "Term in months", "terms"),
    Driver("home_ownership", "home-ownership", "Does it matter whether borrowers own their home?",
           "borrowers {}", "those {}", "Home ownership", "kinds of home ownership", _HOMES),
    Driver("dti", "dti", "Do borrowers with more debt for their income default more often?",
           "borrowers with a debt-to-income ratio of {}", "those with {}", "Debt-to-income ratio", "debt-to-income ratios", percent=True),
    Driver("revol_util", "utilisation", "Do borrowers who use more of their credit limit default more often?",
           "borrowers with a utilisation of {}", "those with {}", "Utilisation of the credit limit", "levels of utilisation", percent=True),
    Driver("purpose", "purpose", "Does it matter what the money is for?",
           "loans for {}", "loans for {}", "Purpose", "purposes", _PURPOSES),
    Driver("verification_status", "verification", "Does it matter whether the income was verified?",
           "borrowers {}", "those {}", "Income", "checks of the income", _CHECKS),
)  # fmt: skip
INCOME = Driver("annual_inc", "income", "", "borrowers with an income of {}", "those with {}", "", "incomes")


def with_percent(level: str) -> str:
    """Return the label of a bin of percentages with its unit: '30% or more'."""
    return re.sub(r"(\d)(?=\D*$)", r"\1%", level)


def driver(of: Driver, levels: pd.DataFrame, pair: Contrast | None, *, overall: float, confidence: float) -> Exhibit:
    """Show the default rate of each level of a column, in their order, and how two of them differ."""
    finding = contrast_finding(of, pair)
    named = levels.assign(level=levels["level"].map(with_percent if of.percent else heads.level))
    rates = "; ".join(f"{row['level']} {show(row['default_rate'], 'rate')}" for _, row in named.iterrows())
    return Exhibit(
        f"eda-{of.name}", finding.title,
        f"Default rate by {heads.label(of.column)}. n = {levels['n'].sum():,} loans; bars: {percent(confidence)} Wilson intervals.",
        f"Dots with interval bars, one row per level: default rate by {heads.label(of.column)}. {rates}.",
        text=f"### {of.question}", figure=plots.default_rates(named, overall=overall, label=of.label), findings=(finding,),
    )  # fmt: skip


def panels(rates: pd.DataFrame, pair: Contrast | None, *, overall: float, confidence: float) -> Exhibit:
    """Show the notable levels of several columns, and how two levels of `annual_inc`, the pair, differ."""
    finding = contrast_finding(INCOME, pair)
    named = rates.assign(driver=rates["driver"].map(heads.label), level=rates["level"].map(heads.level))
    return Exhibit(
        "eda-panels", finding.title,
        f"Default rate along the other columns. Bars: {percent(confidence)} Wilson intervals; diamonds: value missing. {_NOTABLE}",
        f"Small panels, one per column, of the default rate from its lowest to its highest level. {finding.title}.",
        figure=plots.driver_panels(named, overall=overall), findings=(finding,),
    )  # fmt: skip


def strength(table: pd.DataFrame, rates: pd.DataFrame, *, overall: float, confidence: float) -> Exhibits:
    """Show which column alone predicts best: AUC by column, and the rates of their notable levels, with share (of the loans)."""
    parts = dict(list(table.groupby("known")))
    findings = [
        strength_finding(f"strongest-{known}", parts[known], lead=lead, confidence=confidence, of=len(table))
        for known, lead in _BY_TIME.items() if known in parts
    ]  # fmt: skip
    title, second, level = findings[0].title, "".join(f"{one.title}. " for one in findings[1:]), percent(confidence)
    aucs = (
        f"AUC of each column alone, in its own order or by its levels; {level} Hanley–McNeil intervals for all {len(table)} columns "
        "at once (Bonferroni)."
    )
    shown = columns("driver", "known", "direction", "n", "auc with interval", confidence=confidence)
    by_auc = Exhibit("eda-strength", title, f"{second}{aucs}", table=table, columns=shown, findings=tuple(findings))
    drawn = Exhibit(
        "eda-drivers", title,
        f"{second}Left: default rate of each level, larger dots for more loans; thin lines reach to the ends of the {level} Wilson "
        f"intervals. {_NOTABLE} Right: {aucs}",
        "Left: one line per column from the lowest to the highest default rate of its levels. Right: dots with bars, the AUC of each "
        f"column alone. {title}.",
        figure=plots.driver_ladder(*(one.assign(driver=one["driver"].map(heads.label)) for one in (rates, table)), overall=overall),
    )  # fmt: skip
    return together(by_auc, drawn)


def levels(rates: pd.DataFrame, *, confidence: float) -> Exhibit:
    """Show the default rate of every level of every column."""
    title = f"Default rates of {len(rates)} levels of {rates['driver'].nunique()} columns"
    shown = columns("driver", "known", "level", "n", "defaults", "default_rate with interval", confidence=confidence)
    return Exhibit("eda-drivers", title, "Wilson intervals.", table=rates, columns=shown)


def strength_finding(name: str, table: pd.DataFrame, *, lead: str, confidence: float, of: int) -> Finding:
    """Say which column alone predicts best, as `lead` calls it, and what comes close; intervals hold for `of` columns at once."""
    first, others = table.iloc[0], table.iloc[1:]
    close = [heads.label(column) for column in others.loc[others["ci_high"] > first["ci_low"], "driver"]]
    best, auc = heads.label(first["driver"]), f"AUC {show(first['auc'], 'score')}"
    title = f"{capital(best)} is {lead} ({auc})"
    if not first["ci_low"] > 0.5:
        title = f"No single column is shown to be {lead}; {best} comes closest ({auc})"
    elif close:
        named = listed([*close[:2], *([f"{len(close) - 2} more"] if len(close) > 2 else [])])
        title += f", though {named} {'is' if len(close) == 1 else 'are'} not clearly weaker"
    span = interval(first["ci_low"], first["ci_high"], "score")
    text = f"{title} ({percent(confidence)} CI {span} for {of} columns at once; n = {first['n']:,})."
    return Finding(name, title, text, first["auc"], first["ci_low"], first["ci_high"], int(first["n"]))


def contrast_finding(of: Driver, pair: Contrast | None) -> Finding:
    """Say how two levels of a column differ, if there were two."""
    if pair is None:
        text = f"There are no two {of.levels} with enough loans to compare"
        return Finding(of.name, text, f"{text}.")
    phrases = of.phrase.format(of.in_words(pair.high)), of.other.format(of.in_words(pair.low))
    high, low = (re.sub(r"(of|with) (under|up to) ", r"\2 ", phrase) for phrase in phrases)
    rates = f"{show(pair.high_rate, 'rate')} against {show(pair.low_rate, 'rate')}"
    title = f"{capital(high)} and {low} do not differ significantly in default rate: {rates}"
    closest, corrected = "", f", corrected for {pair.pairs} pairs" if pair.pairs > 1 else ""
    if not pair.ci_low <= 0 <= pair.ci_high:
        ratio = f"{pair.high_rate / pair.low_rate:.1f}" if pair.low_rate > 0 else "1.0"
        title = f"{capital(high)} default {_TIMES.get(ratio, f'{ratio} times as often as')} {low}: {rates}"
    elif pair.pairs > 1:
        title = f"No two {of.levels} differ significantly in default rate"
        closest = f"closest to it: {high} and {low}, {rates}; "
    ends = pair.difference, pair.ci_low, pair.ci_high
    text = f"{title} ({closest}{difference(*ends, pair.confidence)}{corrected}; n = {pair.n:,})."
    return Finding(of.name, title, text, *ends, pair.n)


def difference(value: float, low: float, high: float, confidence: float) -> str:
    """Return a difference of two rates with its interval, in percentage points, with true minus signs."""
    # What rounds to nothing has no sign.
    middle, first, last = (f"{round(100 * one, 1) + 0.0:.1f}".replace("-", "−") for one in (value, low, high))
    return f"difference {middle} points, {percent(confidence)} CI {first} to {last}"
