"""What a lending policy does, costs and rests on: tables and figures with their words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.decisions.policy.verdicts import COMBINED, OWN_PRICE, RISK_CUT_OFF
from loantap.exhibits import policy_sentences as say
from loantap.exhibits import policy_titles as titles
from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.words import columns, percent, plain, show

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


PINCODES = "May a lender go by pincodes?"
_Title = str | Callable[[Any, str], str]  # a name, or what says the finding from a table and the level of its intervals
_MARGIN = ("n", "expected with interval", "realised with interval", "verdict")
_EFFECT = ("policy", "refused", "good_refused with interval", "defaults_avoided with interval", "default_rate_approved", "profit_per_100", "per_year", "gain with interval")  # fmt: skip
_EFFECT_CAPTION = "Realised profit: per 100 lent; per year, per 100 of average balance above the cost of money; gain: in currency, against refusing nobody; {judged}"
_COMPARED = ("threshold_f2", "threshold_capacity", OWN_PRICE, RISK_CUT_OFF, "required_return", COMBINED)
_AT_ONCE = ", those of gains for all rows at once."
_TABLES: dict[str, tuple[_Title, str, dict[str, str]]] = {
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
    "sheet": (
        lambda sheet, _: titles.sheet(sheet),
        _EFFECT_CAPTION + _AT_ONCE,
        columns(*_EFFECT, "verdict"),
    ),
    "surety": (
        "How sure each gain is",
        "Gain in currency against refusing nobody; interval for all policies at once; least and most while one assumption moves over its range; worst corner: all "
        "assumptions at the ends that suit the policy least; later loans: the gain on the last loans of the same policy made from earlier ones; {tested}.",
        columns("policy", "gain with interval", "gain_least", "gain_most", "worst_corner", "later_loans", "verdict", "because"),
    ),
    "scenarios": (
        "At which value of an assumption a gain is gone",
        "Gain in currency, the same refusals; low and high are the ends of the range; {tested}.",
        columns("policy", "label", "low", "default", "high", "gain_low", "gain_default", "gain_high", "turns_at", gain_low="money", gain_high="money"),
    ),
    "composition": (
        lambda who, _: titles.composition(who),
        "Share of each level that a policy refuses; {tested}. Levels add up to all loans; the last row is all loans.",
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
        "Limits from {trained}. " + _EFFECT_CAPTION + _AT_ONCE,
        columns("lever", "finding", *_EFFECT[1:]),
    ),
    "steps": (
        lambda steps, _: titles.steps(steps),
        "Marginal gain in profit per 100 of money asked for, on the training loans that chose it; {level} bootstrap intervals; adopted where the gain allows for all levers tried; {trained}.",
        columns("lever", "reason", "n_refused", "expected_gain", "realised_gain with interval"),
    ),
    "combined": ("What the levers do together, step by step", _EFFECT_CAPTION + _AT_ONCE, columns(*_EFFECT)),
    "trade-off": (
        lambda curve, _: titles.curve(curve),
        "Line: thresholds of the model a percentage point apart; marks: the policies; {judged}.",
        columns("threshold", "refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100 with interval"),
    ),
    "segments": (
        titles.segments,
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
        "Highest less lowest share of good customers refused, and the ratio of their approvals; {level} intervals corrected for picking the widest of all groups; {tested}.",
        columns("rule", "attribute", "highest", "lowest", "gap with interval", "approval_ratio with interval"),
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
        plots.plot_frontier,
        "A curve of the defaults avoided against the good customers refused, with a named mark for each policy.",
    ),
    "gaps": (plots.plot_ratios, "Panels by kind of group; one row per policy with a dot and an interval of the lowest approval ratio, and a line at four fifths."),
    "surety": (plots.plot_gains, "One row per policy: a dot and an interval of the gain, over a wide pale bar for the range over the assumptions."),
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
        titles.limits(caps),
        caption.format(**basis.words),
        f"A panel each for {' and '.join(caps)}, with dots, their intervals and a step line that never rises; {drawn}.",
        figure=plots.plot_limits({name: one.bins for name, one in caps.items()}, limits=ends),
    )


def evidence(found: Mapping[str, "Found"], basis: Basis) -> Exhibits:
    """Show the profit of each level that an amount, a term or an exclusion limits, by the ids of their levers.

    A lever that changes nothing has its line in the table of levers, and no table here.
    """
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
            if found[lever].lever is not None
        )
    )


def sheet(entries: Sequence[Mapping[str, Any]], basis: Basis, *, curve: pd.DataFrame) -> Exhibits:
    """Show the decision sheet: what each policy does, what it costs in people, how sure its gain is, and whom it refuses."""
    flat = pd.DataFrame([_flat(entry) for entry in entries])
    refusing = flat[flat["n_refused"] > 0]
    parts = [table("sheet", flat, basis), table("trade-off", curve, basis, points=flat)]
    if len(refusing):
        parts += [table("surety", refusing, basis), composition_table(entries, basis)]
    return together(*parts)


def composition_table(entries: Sequence[Mapping[str, Any]], basis: Basis) -> Exhibit:
    """Show whom the policies refuse, one column each, those that refuse the same loans as one before left out."""
    kept: dict[tuple[float, float], Mapping[str, Any]] = {}
    for entry in entries:
        if entry["n_refused"] and entry["name"] in _COMPARED:
            kept.setdefault((entry["n_refused"], entry["gain"]), entry)
    first = entries[0]["composition"]
    rows = [
        (attribute.replace("_", " "), row["level"], row["n"]) for attribute, levels in first.items() for row in levels
    ]
    who = pd.DataFrame(rows, columns=["group", "level", "loans"])
    for entry in kept.values():
        who[entry["title"]] = [row["refused"] for levels in entry["composition"].values() for row in levels]
    told = table("composition", who, basis)
    return replace(
        told, columns=columns("group", "level", "loans", *who.columns[3:], **dict.fromkeys(who.columns[3:], "rate"))
    )


def by_policy(
    name: str, rows: pd.DataFrame, entries: Sequence[Mapping[str, Any]], basis: Basis, *, only: Sequence[str] = ()
) -> Exhibit:
    """Show a table with one or more rows per policy, under the policies' titles; `only` names those that are shown."""
    titles = {entry["name"]: entry["title"] for entry in entries if not only or entry["name"] in only}
    return table(name, rows[rows["name"].isin(titles)].assign(policy=rows["name"].map(titles)), basis)


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    later = entry["out_of_time"]
    because = [*entry["reasons"], *entry["conditions"]]
    told = {name: value for name, value in entry.items() if not isinstance(value, list | dict | tuple)}
    return told | {
        "policy": entry["title"],
        "worst_corner": entry["worst_corner"]["gain"],
        "later_loans": later["gain"] if later else float("nan"),
        "because": " ".join(because),
    }


def pincodes(tiers: "PincodeTiers", basis: Basis) -> Exhibits:
    """Show the tiers of pincodes with the warning that belongs to them, and the gain they feign."""
    warned = Exhibit(text=plain(say.pincode_sentence(tiers, basis.confidence)), notice=Notice(PINCODES, tiers.warning))
    return together(warned, table("pincodes", tiers.table, basis))


def recommendation(result: Mapping[str, Any]) -> Exhibit:
    """Say what may be recommended, whom it refuses and what it rests on, from `policy_sentences.policy_result`."""
    said = ("against_risk", "thresholds_sentence", "fairness", "caveat")
    told = [f"**{plain(result['recommendation'])}**", *(plain(result[name]) for name in said if result[name])]
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
