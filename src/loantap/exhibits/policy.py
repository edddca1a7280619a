"""What a lending policy does, costs and rests on: tables and figures with their words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits import policy_sentences as say
from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.words import columns, interval, percent, plain, show

if TYPE_CHECKING:
    from loantap.decisions.policy.limits import Found
    from loantap.decisions.policy.pincode import PincodeTiers


@dataclass(frozen=True)
class Basis:
    """What the numbers rest on.

    Attributes:
        training: Loans that limits and levers were chosen on.
        test: Loans that their effects are measured on.
        confidence: Of every interval.
        sampled: Whether both are of a stratified sample.
    """

    training: int
    test: int
    confidence: float
    sampled: bool = False

    @property
    def words(self) -> dict[str, str]:
        """The parts of a caption: trained, tested, level and judged."""
        of = " of a stratified sample" if self.sampled else ""
        level = percent(self.confidence)
        trained, tested = (f"n = {show(n, 'count')} {which} loans{of}" for n, which in ((self.training, "training"), (self.test, "test")))  # fmt: skip
        return {"trained": trained, "tested": tested, "level": level, "judged": f"{tested}; {level} bootstrap intervals"}  # fmt: skip


def tornado_title(swings: pd.DataFrame) -> str:
    """Return how far the assumption with the widest swing moves profit."""
    first = swings.iloc[0]
    return (
        f"Of the assumptions, each between the ends of its range, the {first['label']} moves the expected profit of these loans most: "
        f"{show(first['profit_low'], 'number')} to {show(first['profit_high'], 'number')} per 100 lent"
    )


def curve_title(curve: pd.DataFrame, level: str) -> str:
    """Return what the thresholds of the model earned on the test loans, from the least to the most, beside approving all.

    Args:
        curve: One row per threshold, one of which approves all: approved, profit with profit_low and profit_high.
        level: Confidence of the intervals in words, as from `words.percent`.
    """
    whole = curve.sort_values("approved").iloc[-1]
    return (
        f"Thresholds of the model earned from {interval(curve['profit'].min(), curve['profit'].max(), 'number')} per 100 on these loans; "
        f"approving all earned {show(whole['profit'], 'number')} ({level} interval {interval(whole['profit_low'], whole['profit_high'], 'number')})"
    )


def limits_title(caps: Mapping[str, "Found"]) -> str:
    """Return where the fit of expected profit turns negative, what loans beyond realised, and why other numbers have no limit."""
    turning, without = [], []
    for name, one in caps.items():
        if one.lever is None:
            without.append(f"no limit on {name}: {one.finding}")
            continue
        beyond = one.evidence.iloc[0]
        realised = interval(beyond["realised_low"], beyond["realised_high"], "number")
        turning.append(
            f"{name} above {beyond['limit']:g} (realised there {show(beyond['realised'], 'number')} per 100 lent, {realised})"
        )
    found = [f"the fit of expected profit turns negative for {' and for '.join(turning)}"] if turning else []
    said = "; ".join([*found, *without])
    return said[:1].upper() + said[1:]


def steps_title(steps: pd.DataFrame) -> str:
    """Return how many levers were adopted; those have the reason ADOPTED."""
    taken = steps.loc[steps["reason"] == say.ADOPTED, "lever"]
    return f"{len(taken)} of {len(steps)} levers are adopted: {', '.join(taken) or 'none'}"


def segments_title(products: pd.DataFrame, level: str) -> str:
    """Return how many products are shown to earn and to lose at a level in words."""
    counts = products["verdict"].value_counts()
    words = {"earns": ("earns", "earn"), "loses": ("loses money", "lose money")}
    told = [f"{counts[name]} {one if counts[name] == 1 else many}" for name, (one, many) in words.items() if name in counts]  # fmt: skip
    shown = " and ".join(told) or "none is shown to earn or to lose money"
    return f"Of {len(products)} products {shown}, at {level} after correction for their number"


PINCODES = "May a lender go by pincodes?"
_Title = str | Callable[[Any, str], str]  # a name, or what says the finding from a table and the level of its intervals
_MARGIN = ("n", "expected with interval", "realised with interval", "verdict")
_EFFECT = ("policy", "approved", "defaults_avoided with interval", "good_refused with interval", "default_rate_approved", "profit", "profit_change with interval")  # fmt: skip
_EFFECT_CAPTION = "Profit per 100 of money asked for; change: from approving all; {judged}."
_TABLES: dict[str, tuple[_Title, str, dict[str, str]]] = {
    "assumptions": (
        "What profit rests on besides the loans",
        "Each value is an assumption; the range is what a lender might call plausible.",
        columns("meaning", "low", "default", "high", "source"),
    ),
    "tornado": (
        lambda swings, _: tornado_title(swings),
        "Expected profit per 100 lent if every loan is granted, one assumption at a time at the ends of its range. Of the predicted "
        "default rate, default is the mean prediction, and low and high are the ends of the {level} interval of the rate seen; {tested}.",
        columns("label", "low", "default", "high", "profit_low", "profit_high", profit_low="number", profit_high="number"),
    ),
    "thresholds": (
        "What the thresholds of the model do to people and money",
        _EFFECT_CAPTION,
        columns(*_EFFECT),
    ),
    "levers": (
        "Every lever by itself: the limit found, and what it does",
        "Limits from {trained}; effects: {judged}; profit per 100 of money asked for.",
        columns("lever", "finding", "n_refused", "defaults_avoided", "good_refused", "profit_change with interval"),
    ),
    "steps": (
        lambda steps, _: steps_title(steps),
        "Marginal gain in profit per 100 of money asked for, on the training loans that chose it; {level} bootstrap intervals; adopted where the gain allows for all levers tried; {trained}.",
        columns("lever", "reason", "n_refused", "expected_gain", "realised_gain with interval"),
    ),
    "combined": ("What the levers do together, step by step", _EFFECT_CAPTION, columns(*_EFFECT)),
    "trade-off": (
        curve_title,
        "Default rate of the approved and profit per 100 asked for, against approvals, by thresholds of the model a percentage point apart; "
        "marks: other policies; {judged}.",
        columns("threshold", "approved", "default_rate_approved", "defaults_avoided", "good_refused", "profit with interval"),
    ),
    "segments": (
        segments_title,
        "Amount, term and purpose; profit per 100 lent; verdict after Holm's correction; small segments are pooled; {judged}.",
        columns("product", "n", "default_rate", *_MARGIN[1:]),
    ),
    "groups": (
        "Good customers refused, by group",
        "Of the loans that were repaid; {level} Wilson intervals; small groups are pooled; {tested}.",
        columns("rule", "attribute", "group", "n", "refused", "rate with interval", "approval_ratio", refused="count"),
    ),
    "gaps": (
        say.gap_title,
        "Highest less lowest share of good customers refused; {level} intervals corrected for picking the widest of all groups; {tested}.",
        columns("rule", "attribute", "highest", "lowest", "gap with interval"),
    ),
    "pincodes": (
        "Tiers of pincodes, from confidence bounds",
        "{level} Wilson intervals of the default rate, corrected for the number of pincodes; {trained}.",
        columns("pincode", "n", "default_rate with interval", "tier", "separation"),
    ),
}  # fmt: skip
# What is drawn of a table, and what those see who cannot see it.
_FIGURES: dict[str, tuple[Callable[..., Any], str]] = {
    "tornado": (
        plots.plot_tornado,
        "Bars left and right of the profit at the default assumptions, one row per assumption, the widest on top.",
    ),
    "trade-off": (
        plots.plot_trade_off,
        "Two panels of a line with a band against the share of applications approved, with marks of the policies compared.",
    ),
    "gaps": (plots.plot_gaps, "Panels by kind of group; one row per policy with a dot and an interval of the widest gap."),
}  # fmt: skip
# Evidence of limits by level, and the table that shows it.
EVIDENCE = {
    "amount_by_grade": "amounts-grade", "amount_by_risk_tier": "amounts-tier", "term_by_grade": "terms-grade", "term_by_risk_tier": "terms-tier",
    "exclude_home_ownership": "tiers-home-ownership", "exclude_profession_group": "tiers-profession",
}  # fmt: skip


def table(name: str, rows: pd.DataFrame, basis: Basis, *, text: str = "", **drawn: Any) -> Exhibit:
    """Show one of the tables by its name, such as levers or segments, under a text, and with its figure where it has one.

    Args:
        name: Of the table.
        rows: The table; its title follows from it.
        basis: What it rests on.
        text: What is said above it.
        drawn: What its drawing in `plots.policy` takes besides.
    """
    title, caption, shown = _TABLES[name]
    draw, alt = _FIGURES.get(name, (None, ""))
    return Exhibit(
        f"policy-{name}",
        title if isinstance(title, str) else title(rows, basis.words["level"]),
        caption.format(**basis.words),
        alt,
        plain(text),
        table=rows,
        columns=shown,
        figure=draw(rows, **drawn) if draw else None,
    )


def limits(caps: Mapping[str, "Found"], basis: Basis) -> Exhibit:
    """Draw where profit turns negative along the numbers that a cap may bound, by the names of their columns."""
    ends: dict[str, float | None] = {name: getattr(one.lever, "limit", None) for name, one in caps.items()}
    capped = [name for name, end in ends.items() if end is not None]
    drawn = f"a dashed line marks the proposed cap on {' and '.join(capped)}" if capped else "no cap is proposed"
    caption = "Profit per 100 lent by bins of equally many loans: realised with {level} intervals, and the isotonic fit of expected profit; {trained}."
    return Exhibit(
        "policy-limits",
        limits_title(caps),
        caption.format(**basis.words),
        f"A panel each for {' and '.join(caps)}, with dots, their intervals and a step line that never rises; {drawn}.",
        figure=plots.plot_limits({name: one.bins for name, one in caps.items()}, limits=ends),
    )


def evidence(found: Mapping[str, "Found"], basis: Basis) -> Exhibits:
    """Show the profit of each level that an amount, a term or an exclusion may limit, by the ids of their levers."""
    caption = "Profit per 100 lent, expected and realised, {level} intervals; verdict after Holm's correction; small levels are pooled or left out; {trained}."
    shown = columns("level", "limit", *_MARGIN, "expected_if_short")
    return together(
        *(
            Exhibit(
                f"policy-{name}",
                f"{found[lever].title[:1].upper()}{found[lever].title[1:]}: {found[lever].finding}",
                caption.format(**basis.words),
                table=(table := found[lever].evidence),
                columns={column: kind for column, kind in shown.items() if column in table},
            )
            for lever, name in EVIDENCE.items()
        )
    )


def pincodes(tiers: "PincodeTiers", basis: Basis) -> Exhibits:
    """Show the tiers of pincodes with the warning that belongs to them, and the gain they feign."""
    warned = Exhibit(text=plain(say.pincode_sentence(tiers, basis.confidence)), notice=Notice(PINCODES, tiers.warning))
    return together(warned, table("pincodes", tiers.table, basis))


def recommendation(result: Mapping[str, Any]) -> Exhibit:
    """Say what to do, what that costs and what it rests on, from `policy_sentences.policy_result`."""
    told = [f"**{plain(result['recommendation'])}**", plain(result["caveat"]), plain(result["plain_sentence"])]
    return Exhibit(text="\n\n".join(told))


def with_product(products: pd.DataFrame) -> pd.DataFrame:
    """Return the segments with their amount, term and purpose in a few words in front."""
    purpose = [
        name if name.count(" or ") < 2 else f"{name.count(' or ') + 1} small purposes" for name in products["purpose"]
    ]
    words = products["amount"] + ", " + products["term"] + ", " + purpose
    named = products.copy()
    named.insert(0, "product", words.str.replace("_", " "))
    return named
