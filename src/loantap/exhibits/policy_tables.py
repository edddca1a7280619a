"""The tables of the policy: their titles, captions and columns, and what is drawn of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from loantap.exhibits import policy_sentences as say
from loantap.exhibits import policy_titles as titles
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.plots.frontier import plot_frontier
from loantap.exhibits.words import columns
from loantap.policy.verdicts import FOUR_FIFTHS

_Title = str | Callable[[Any, str], str]  # a name, or what says the finding from a table and the level of its intervals
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
        lambda swings, _: titles.tornado(swings),
        "Realised profit per 100 lent when everyone is approved, one assumption at a time at the ends of its range. The ends of the default rate are "
        "those of the best and of the worst year, against its prediction; {tested}.",
        columns("label", "low", "default", "high", "profit_low", "profit_high", profit_low="number", profit_high="number"),
    ),
    "sheet": (
        lambda sheet, _: titles.sheet(sheet),
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
        lambda gains, _: titles.surety(gains),
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
        lambda who, _: titles.composition(who),
        "Share of each group that a policy declines; {tested}.",
        {},
    ),
    "stress": (
        lambda shifts, _: titles.stress(shifts),
        "Profit per 100 lent, and gain in currency against approving everyone; the same applications are declined; {tested}.",
        columns("label", "policy", "profit_per_100", "gain"),
    ),
    "turns": (
        "How much worse things have to get until the gain is gone, or all profit where everyone is approved",
        "Odds: factor on every loan's odds of default; default rate: the mean probability then; {tested}.",
        columns("policy", "label", "turns_at", "default_rate", turns_at="number"),
    ),
    "expected-loss": (
        lambda losses, _: titles.expected_loss(losses),
        "Probability of default x loss given default x exposure, over the life of the loans granted; in currency, undiscounted; share of the money lent; {tested}.",
        columns("policy", "grade", "n_granted", "amount", "exposure", "expected_loss", "share", amount="money"),
    ),
    "levers": (
        lambda levers, _: titles.levers(levers),
        "Limits from {trained}. " + _EFFECT_CAPTION,
        columns("lever", "finding", *_EFFECT),
    ),
    "steps": (
        lambda steps, _: titles.steps(steps),
        "Gain in profit per 100 of money asked for that a limit adds to those before it; {level} bootstrap intervals; adopted where the gain holds after correction for all limits tried; {trained}.",
        columns("lever", "reason", "n_refused", "expected_gain", "realised_gain with interval"),
    ),
    "combined": ("What the limits do together, step by step", _EFFECT_CAPTION, columns("policy", *_EFFECT)),
    "trade-off": (
        lambda curve, _: titles.curve(curve),
        "Line: the model's thresholds. Dots: the policies; those that lie on one spot share a label. Dashed: declining at random; {tested}.",
        columns("threshold", "refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100 with interval"),
    ),
    "segments": (
        lambda products, _: titles.segments(products),
        "Amount, term and purpose; expected and realised profit per 100 lent; verdict at {level} after Holm's correction; small segments are pooled; {judged}.",
        columns("product", "n", "default_rate", *MARGIN[1:]),
    ),
    "groups": (
        "Good customers declined, by group",
        "Of the loans that were repaid; {level} Wilson intervals; small groups are pooled; {tested}.",
        columns("policy", "who", "n", "rate with interval", "approval_ratio"),
    ),
    "gaps": (
        lambda gaps, _: say.gap_title(gaps),
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
