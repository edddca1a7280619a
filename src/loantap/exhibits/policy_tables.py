"""The tables of the policy: their titles, each computed from its table, captions and columns, and what is drawn of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from loantap.exhibits import policy_sentences as say
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.plots.frontier import plot_frontier
from loantap.exhibits.words import capital, columns, interval, listed, show
from loantap.policy.groupings import words_of
from loantap.policy.limits import Found
from loantap.policy.segments import EARNS, LOSES
from loantap.policy.verdicts import APPROVE_ALL, DEPENDS, FOUR_FIFTHS, SHOWN


def tornado_title(swings: pd.DataFrame) -> str:
    """Return how far the assumption with the widest swing moves profit."""
    first = swings.iloc[0]
    return (
        f"The {first['label']} moves profit most: from {show(first['profit_low'], 'number')} to "
        f"{show(first['profit_high'], 'number')} per 100 lent over its range"
    )


def curve_title(curve: pd.DataFrame) -> str:
    """Return how many defaults declining one in ten of the good customers avoids, along the thresholds of the model."""
    near = curve.iloc[(curve["good_refused"] - 0.1).abs().argmin()]
    return f"Avoiding {show(near['defaults_avoided'], 'rate')} of defaults by risk means declining {show(near['good_refused'], 'rate')} of good customers"


def sheet_title(sheet: pd.DataFrame) -> str:
    """Return how many of the policies are shown to gain, and how many depend on an assumption."""
    tried = sheet[sheet["n_refused"] > 0] if "n_refused" in sheet else sheet
    counts = tried["verdict"].value_counts()
    gains, depends = (int(counts.get(verdict, 0)) for verdict in (SHOWN, DEPENDS))
    rest = f"; for {depends} it depends on an assumption" if depends else ""
    shown = f"{gains} of {len(tried)} policies {_is_are(gains)}" if gains else f"None of {len(tried)} policies is"
    return f"{shown} shown to earn more than approving everyone{rest}"


def surety_title(gains: pd.DataFrame) -> str:
    """Return how many gains lie above nothing with their whole interval."""
    above = int((gains["gain_low"] > 0).sum())
    if above:
        return f"{above} of {len(gains)} gains {_is_are(above)} above zero with the whole interval"
    return "Every policy may lose money: no interval lies above zero"


def stress_title(shifts: pd.DataFrame) -> str:
    """Return which of the shifts takes most from approving everyone, and what is left."""
    everyone = shifts[shifts["name"] == APPROVE_ALL]
    worst = everyone.iloc[int(everyone["profit_per_100"].argmin())]
    return f"The worst of these years for approving everyone: {worst['label']} ({show(worst['profit_per_100'], 'number')} per 100 lent)"


def composition_title(who: pd.DataFrame) -> str:
    """Return which grade each policy of a table declines most; of grades declined alike, the last."""
    shares = who[who["attribute"] == "grade"].set_index("level").drop(columns=["attribute", "who", "loans"])
    if not len(shares.columns):
        return "None of the policies compared declines anybody"
    most = shares.iloc[::-1].idxmax()
    by_grade = [
        f"{level} by {listed(most.index[most == level].tolist())}" for level in shares.index if level in most.values
    ]
    return f"The grade declined most: {'; '.join(by_grade)}"


def expected_loss_title(losses: pd.DataFrame) -> str:
    """Return the expected loss of each policy's granted loans as a share of the money lent: of the first policy, and the least."""
    total = losses.groupby("policy", sort=False)[["expected_loss", "amount"]].sum()
    share = (total["expected_loss"] / total["amount"])[total["amount"] > 0]
    if share.empty:
        return "No policy lends anything, so none expects a loss"
    first = f"Expected loss: {show(share.iloc[0], 'rate')} of the money lent under “{share.index[0]}”"
    return (
        f"{first}, least under “{share.idxmin()}” ({show(share.min(), 'rate')})"
        if share.min() < share.iloc[0]
        else first
    )


def levers_title(levers: pd.DataFrame) -> str:
    """Return for how many levers a limit was found, and how many of those are shown to gain by themselves."""
    gains = int((levers["gain_low"] > 0).sum())
    shown = f"{gains} {_is_are(gains)}" if gains else "none is"
    return f"Limits one by one: {levers['gain'].notna().sum()} of {len(levers)} were found, {shown} shown to gain"


def limits_title(caps: Mapping[str, Found]) -> str:
    """Return where the fit of expected profit turns negative, what loans beyond realised, and why other numbers have no limit."""
    turning, without = [], []
    for name, one in caps.items():
        if one.lever is None:
            without.append(f"no limit on {words_of(name)}: {one.finding}")
            continue
        beyond = one.evidence.iloc[0]
        realised = interval(beyond["realised_low"], beyond["realised_high"], "number")
        turning.append(
            f"{words_of(name)} above {beyond['limit']:g} (realised there {show(beyond['realised'], 'number')} per 100 lent, {realised})"
        )
    limits = [f"expected profit turns negative for {' and for '.join(turning)}"] if turning else []
    return capital("; ".join([*limits, *without]))


def steps_title(steps: pd.DataFrame) -> str:
    """Return how many limits were adopted; those have the reason ADOPTED."""
    taken = steps.loc[steps["reason"] == say.ADOPTED, "lever"]
    return f"{len(taken) or 'None'} of {len(steps)} limits {_is_are(max(len(taken), 1))} adopted{': ' if len(taken) else ''}{', '.join(taken)}"


def segments_title(products: pd.DataFrame) -> str:
    """Return how many segments are shown to lose money and to earn."""
    count = {name: int((products["verdict"] == name).sum()) for name in (LOSES, EARNS)}
    loses = f"{count[LOSES]} of {len(products)} segments {_is_are(count[LOSES])}" if count[LOSES] else "No segment is"
    earns = f"{count[EARNS]} of {len(products)} {_is_are(count[EARNS])}" if count[EARNS] else "none is"
    return f"{loses} significantly loss-making; {earns} significantly profitable"


def _is_are(count: int) -> str:
    return "is" if count == 1 else "are"


_Title = str | Callable[[Any], str]  # a name, or what says the finding from a table
MARGIN = ("n", "expected with interval", "realised with interval", "verdict")
_DOES = ("refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100")
_EFFECT = ("refused", "good_refused", "defaults_avoided", "profit_per_100", "gain")
_EFFECT_CAPTION = "Shares of all applications, of good customers and of defaults; realised profit; gain in currency against approving everyone; {tested}."
TABLES: dict[str, tuple[_Title, str, dict[str, str]]] = {
    "assumptions": (
        "Profit rests on assumptions besides the loans",
        "Each value is an assumption; its range is what a lender might call plausible.",
        columns("meaning", "low", "default", "high", "source"),
    ),
    "tornado": (
        tornado_title,
        "Realised profit per 100 lent when everyone is approved, one assumption at a time at the ends of its range. The ends of the default rate are "
        "those of the best and of the worst year, against its prediction; {tested}.",
        columns("label", "low", "default", "high", "profit_low", "profit_high", profit_low="number", profit_high="number"),
    ),
    "sheet": (
        sheet_title,
        "Realised profit per 100 lent. Over the assumptions: the least and the most that the policy gains in currency against approving everyone, while one "
        "assumption at a time moves over its range. The risk cut-off declines as many training loans as expected profit does; {tested}.",
        columns("policy", *_DOES, "gain_range", "verdict"),
    ),
    "intervals": (
        "What each policy does, with intervals",
        "As in the decision sheet; {judged}, each policy by itself.",
        columns("policy", *(f"{name} with interval" for name in ("good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100"))),
    ),
    "surety": (
        surety_title,
        "Gain in currency against approving everyone, rounded to what its {level} interval bears, which holds for all policies at once. Worst corner: all assumptions "
        "at the ends that suit the policy least. Later loans: the same policy, made from earlier loans. Why: the first reason that holds; {tested}.",
        columns("policy", "gain_told", "corner_told", "later_told", "because"),
    ),
    "verdicts": (
        "Why a gain is shown, depends or is not shown",
        "The first reason that holds; {tested}.",
        columns("policy", "verdict", "because"),
    ),
    "scenarios": (
        "At which value of an assumption a gain is gone",
        "Gain in currency; the same applications are declined; {tested}.",
        columns("policy", "label", "low", "default", "high", "gain_low", "gain_high", "turns_at", gain_low="money", gain_high="money"),
    ),
    "composition": (
        composition_title,
        "Share of each group that a policy declines; {tested}.",
        {},
    ),
    "stress": (
        stress_title,
        "Profit per 100 lent, and gain in currency against approving everyone; the same applications are declined; {tested}.",
        columns("label", "policy", "profit_per_100", "gain"),
    ),
    "turns": (
        "How much worse things have to get until the gain is gone, or all profit where everyone is approved",
        "Odds: factor on every loan's odds of default; default rate: the mean probability then; {tested}.",
        columns("policy", "label", "turns_at", "default_rate", turns_at="number"),
    ),
    "expected-loss": (
        expected_loss_title,
        "Probability of default x loss given default x exposure, over the life of the loans granted; in currency, undiscounted; share of the money lent; {tested}.",
        columns("policy", "grade", "n_granted", "amount", "exposure", "expected_loss", "share", amount="money"),
    ),
    "levers": (
        levers_title,
        "Limits from {trained}. " + _EFFECT_CAPTION,
        columns("lever", "finding", *_EFFECT),
    ),
    "steps": (
        steps_title,
        "Gain in profit per 100 of money asked for that a limit adds to those before it; {level} bootstrap intervals; adopted where the gain holds after correction for all limits tried; {trained}.",
        columns("lever", "reason", "n_refused", "expected_gain", "realised_gain with interval"),
    ),
    "combined": ("What the limits do together, step by step", _EFFECT_CAPTION, columns("policy", *_EFFECT)),
    "trade-off": (
        curve_title,
        "Line: the model's thresholds. Dots: the policies; those that lie on one spot share a label. Dashed: declining at random; {tested}.",
        columns("threshold", "refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100 with interval"),
    ),
    "segments": (
        segments_title,
        "Amount, term and purpose; expected and realised profit per 100 lent; verdict at {level} after Holm's correction; small segments are pooled; {judged}.",
        columns("product", "n", "default_rate", *MARGIN[1:]),
    ),
    "groups": (
        "Good customers declined, by group",
        "Of the loans that were repaid; {level} Wilson intervals; small groups are pooled; {tested}.",
        columns("policy", "who", "n", "rate with interval", "approval_ratio"),
    ),
    "gaps": (
        say.gap_title,
        "Approval ratio: share of good customers approved in the group declined most, over that in the group declined least; {level} intervals corrected for picking the widest gap; {tested}.",
        columns("policy", "declined_most", "declined_least", "approval_ratio with interval"),
    ),
    "pincodes": (
        "Tiers of pincodes, by their default rates",
        "{level} Wilson intervals of the default rate, corrected for the number of pincodes; {trained}.",
        columns("pincode", "n", "default_rate with interval", "tier", "separation"),
    ),
}  # fmt: skip
# What is drawn of a table, and what those see who cannot see it.
FIGURES: dict[str, tuple[Callable[..., Any], str]] = {
    "tornado": (
        plots.plot_tornado,
        "Bars left and right of the profit at the default assumptions, one row per assumption, the widest on top.",
    ),
    "trade-off": (
        plot_frontier,
        "Defaults avoided against good customers declined: a curve for the model's thresholds, a dashed diagonal for chance, and a named dot for each policy, coloured by its verdict.",
    ),
    "gaps": (partial(plots.plot_ratios, mark=FOUR_FIFTHS), "Panels by kind of group; one row per policy with a dot and an interval of the lowest approval ratio, and a line at four fifths."),
    "surety": (plots.plot_gains, "One row per policy: a dot and an interval of the gain, over a wide pale bar for the range over the assumptions."),
}  # fmt: skip
# Evidence of limits by level, and the table that shows it.
EVIDENCE = {
    "amount_by_grade": "amounts-grade", "amount_by_risk_tier": "amounts-tier", "term_by_grade": "terms-grade", "term_by_risk_tier": "terms-tier",
    "exclude_home_ownership": "tiers-home-ownership", "exclude_profession_group": "tiers-profession",
}  # fmt: skip
