"""The tables of the policy: their titles, captions and columns, and what is drawn of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from loantap.decisions.policy.verdicts import FOUR_FIFTHS
from loantap.exhibits import policy_sentences as say
from loantap.exhibits import policy_titles as titles
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.words import columns

_Title = str | Callable[[Any, str], str]  # a name, or what says the finding from a table and the level of its intervals
MARGIN = ("n", "expected with interval", "realised with interval", "verdict")
_EFFECT = ("refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100", "per_year", "gain")
_EFFECT_CAPTION = (
    "Shares of all applications, of the good customers and of the defaults; default rate of the granted; realised profit per 100 lent, and per 100 of average balance and "
    "year above the cost of money; gain: in currency, against refusing nobody; {tested}."
)
TABLES: dict[str, tuple[_Title, str, dict[str, str]]] = {
    "assumptions": (
        "What profit rests on besides the loans",
        "Each value is an assumption; the range is what a lender might call plausible.",
        columns("meaning", "low", "default", "high", "source"),
    ),
    "tornado": (
        lambda swings, _: titles.tornado(swings),
        "Realised profit per 100 lent if nobody is refused, one assumption at a time at the ends of its range. Of the default rate, low and high "
        "are what the best and the worst year's loans had against their prediction; {tested}.",
        columns("label", "low", "default", "high", "profit_low", "profit_high", profit_low="number", profit_high="number"),
    ),
    "sheet": (lambda sheet, _: titles.sheet(sheet), _EFFECT_CAPTION, columns("policy", *_EFFECT, "verdict")),
    "intervals": (
        "The same with intervals",
        "As in the decision sheet; {judged}, one policy at a time.",
        columns("policy", *(f"{name} with interval" for name in ("good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100"))),
    ),
    "surety": (
        "How sure each gain is",
        "Gain in currency against refusing nobody; {level} interval for all policies at once; least and most while one assumption moves over its range; worst corner: all "
        "assumptions at the ends that suit the policy least; later loans: the gain on the last loans of the same policy made from earlier ones; {tested}.",
        columns("policy", "gain with interval", "gain_least", "gain_most", "worst_corner", "later_loans"),
    ),
    "verdicts": (
        "Why a gain is shown, depends or is not shown",
        "The first reason that holds; {tested}.",
        columns("policy", "verdict", "because"),
    ),
    "scenarios": (
        "At which value of an assumption a gain is gone",
        "Gain in currency, the same refusals; low and high are the ends of the range; {tested}.",
        columns("policy", "label", "low", "default", "high", "gain_low", "gain_default", "gain_high", "turns_at", gain_low="money", gain_default="money", gain_high="money"),
    ),
    "composition": (
        lambda who, _: titles.composition(who),
        "Share of each level that a policy refuses; of each kind the levels add up to all loans; {tested}.",
        {},
    ),
    "stress": (
        "What a worse year does",
        "Profit of the granted per 100 lent, and gain in currency against refusing nobody, the same refusals; {tested}.",
        columns("label", "policy", "profit_per_100", "gain"),
    ),
    "turns": (
        "How far things have to shift until a gain is gone, or, where nobody is refused, all profit",
        "Odds: factor on the odds of default of every loan; default rate: the mean probability then; {tested}.",
        columns("policy", "label", "turns_at", "default_rate", turns_at="number"),
    ),
    "expected-loss": (
        lambda losses, _: titles.expected_loss(losses),
        "PD x LGD x EAD over the life of the granted loans, in currency, undiscounted; share: of the money lent; {tested}.",
        columns("policy", "grade", "n_granted", "amount", "exposure", "expected_loss", "share", amount="money"),
    ),
    "levers": (
        lambda levers, _: titles.levers(levers),
        "Limits from {trained}. " + _EFFECT_CAPTION,
        columns("lever", "finding", *_EFFECT),
    ),
    "steps": (
        lambda steps, _: titles.steps(steps),
        "Marginal gain in profit per 100 of money asked for, on the training loans that chose it; {level} bootstrap intervals; adopted where the gain allows for all levers tried; {trained}.",
        columns("lever", "reason", "n_refused", "expected_gain", "realised_gain with interval"),
    ),
    "combined": ("What the levers do together, step by step", _EFFECT_CAPTION, columns("policy", *_EFFECT)),
    "trade-off": (
        lambda curve, _: titles.curve(curve),
        "Line: thresholds of the model a percentage point apart; marks: the policies; {tested}.",
        columns("threshold", "refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100 with interval"),
    ),
    "segments": (
        titles.segments,
        "Amount, term and purpose; profit per 100 lent; verdict after Holm's correction; small segments are pooled; {judged}.",
        columns("product", "n", "default_rate", *MARGIN[1:]),
    ),
    "groups": (
        "Good customers refused, by group",
        "Of the loans that were repaid; {level} Wilson intervals; small groups are pooled; {tested}.",
        columns("rule", "attribute", "group", "n", "refused", "rate with interval", "approval_ratio", refused="count"),
    ),
    "gaps": (
        lambda gaps, _: say.gap_title(gaps),
        "Approvals of the good customers of the group refused most over those of the group refused least; {level} intervals corrected for picking the widest of all groups; {tested}.",
        columns("rule", "attribute", "highest", "lowest", "approval_ratio with interval"),
    ),
    "pincodes": (
        "Tiers of pincodes, from confidence bounds",
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
        plots.plot_frontier,
        "A curve of the defaults avoided against the good customers refused, with a named mark for each policy.",
    ),
    "gaps": (partial(plots.plot_ratios, mark=FOUR_FIFTHS), "Panels by kind of group; one row per policy with a dot and an interval of the lowest approval ratio, and a line at four fifths."),
    "surety": (plots.plot_gains, "One row per policy: a dot and an interval of the gain, over a wide pale bar for the range over the assumptions."),
}  # fmt: skip
# Evidence of limits by level, and the table that shows it.
EVIDENCE = {
    "amount_by_grade": "amounts-grade", "amount_by_risk_tier": "amounts-tier", "term_by_grade": "terms-grade", "term_by_risk_tier": "terms-tier",
    "exclude_home_ownership": "tiers-home-ownership", "exclude_profession_group": "tiers-profession",
}  # fmt: skip
