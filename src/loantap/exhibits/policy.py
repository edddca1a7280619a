"""What a lending policy does, costs and rests on: tables and figures with their words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from loantap.data.declarations import readable_level
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.decision import group, numbers
from loantap.exhibits.economics import rounded, rounded_range
from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import policy as plots
from loantap.exhibits.policy_tables import EVIDENCE, FIGURES, MARGIN, TABLES, limits_title
from loantap.exhibits.words import ABSENT, capital, columns, percent, plain, show
from loantap.policy.groupings import words_of
from loantap.policy.levers import Lever
from loantap.policy.limits import Found
from loantap.policy.pincode import PincodeTiers
from loantap.policy.verdicts import APPROVE_ALL, COMBINED, OWN_PRICE, RISK_CUT_OFF


@dataclass(frozen=True)
class Basis:
    """What the numbers rest on."""

    training: int  # loans that limits and levers were chosen on
    test: int  # loans that their effects are measured on
    confidence: float  # of every interval
    sampled: bool = False  # whether both are of a stratified sample

    @property
    def words(self) -> dict[str, str]:
        """The parts of a caption: trained, tested, level and judged."""
        of = " of a stratified sample" if self.sampled else ""
        level = percent(self.confidence)
        trained, tested = (f"n = {show(n, 'count')} {which} loans{of}" for n, which in ((self.training, "training"), (self.test, "test")))  # fmt: skip
        return {"trained": trained, "tested": tested, "level": level, "judged": f"{tested}; {level} bootstrap intervals"}  # fmt: skip


_TEXTS = ("lever", "finding", "reason", "label", "meaning", "source", "product")  # begin with a capital in a table
_COMPARED = ("threshold_f2", "threshold_capacity", OWN_PRICE, RISK_CUT_OFF, "required_return", COMBINED)


def table(name: str, rows: pd.DataFrame, basis: Basis, *, text: str = "", **drawn: Any) -> Exhibit:
    """Show one of the tables by its name, such as levers or segments, and with its figure, which may take more than the table."""
    title, caption, shown = TABLES[name]
    cells = rows.assign(**{one: rows[one].map(capital, na_action="ignore") for one in _TEXTS if one in rows})
    title, below = title if isinstance(title, str) else title(rows), caption.format(**basis.words)
    draw, alt = FIGURES.get(name, (None, ""))
    figure = draw(rows, **drawn) if draw else None
    return Exhibit(f"policy-{name}", title, below, alt, plain(text), cells, shown, figure)


def limits(caps: Mapping[str, Found], basis: Basis) -> Exhibit:
    """Draw where profit turns negative along the numbers that a cap may bound, by the names of their columns."""
    bins = {words_of(name): one.bins for name, one in caps.items()}
    ends: dict[str, float | None] = {words_of(name): getattr(one.lever, "limit", None) for name, one in caps.items()}
    capped = " and ".join(name for name, end in ends.items() if end is not None)
    drawn = f"a dashed line marks the proposed cap on {capped}" if capped else "no cap is proposed"
    caption = (
        f"Profit per 100 lent by bins of equally many loans: dots for realised profit with {basis.words['level']} intervals, a line for expected "
        f"profit, which may only fall; {basis.words['trained']}."
    )
    panels = f"A panel each for {' and '.join(bins)}"
    alt = f"{panels}, with dots, their intervals and a step line that never rises; {drawn}."
    return Exhibit("policy-limits", limits_title(caps), caption, alt, figure=plots.plot_limits(bins, limits=ends))


def evidence(by_lever: Mapping[str, Found], basis: Basis) -> Exhibits:
    """Show the profit of each level that an amount, a term or an exclusion limits, by the ids of their levers.

    A lever that changes nothing has its line in the table of levers, and no table here.
    """
    caption = "Profit per 100 lent, expected and realised, {level} intervals; verdict after Holm's correction; small levels are pooled or left out; {trained}."
    shown = columns("level", "limit", *MARGIN, "expected_if_short")
    parts = []
    for lever, name in EVIDENCE.items():
        if (one := by_lever[lever]).lever is not None:
            known = {column: kind for column, kind in shown.items() if column in one.evidence}
            title, below = f"{capital(one.title)}: {one.finding}", caption.format(**basis.words)
            parts.append(Exhibit(f"policy-{name}", title, below, table=one.evidence, columns=known))
    return together(*parts)


def sheet(entries: Sequence[Mapping[str, Any]], basis: Basis, *, curve: pd.DataFrame) -> Exhibits:
    """Show the decision sheet: what each policy does, what it costs in people, how sure its gain is, and whom it declines."""
    flat = pd.DataFrame([_flat(entry) for entry in entries])
    refusing = flat[flat["n_refused"] > 0]
    judged = flat.assign(verdict=flat["verdict"].where(flat["n_refused"] > 0, "declines nobody"))
    parts = [table("sheet", judged, basis), table("trade-off", curve, basis, points=flat)]
    if len(refusing):
        parts += [table(name, refusing, basis) for name in ("surety", "verdicts", "intervals")]
        parts.append(composition_table(entries, basis))
    return together(*parts)


def combined(effects: pd.DataFrame, adopted: Sequence[Lever], basis: Basis) -> Exhibit:
    """Show what limits do together, step by step: `simulate` of what declines before the first step and after each."""
    titles = {APPROVE_ALL: APPROVE_ALL} | {one.id: one.title for one in adopted}
    return table("combined", effects.assign(policy=effects["name"].map(titles).map(capital)), basis)


def composition_table(entries: Sequence[Mapping[str, Any]], basis: Basis) -> Exhibit:
    """Show whom the policies decline, one column each, those that decline the same loans as one before left out."""
    kept: dict[tuple[float, float], Mapping[str, Any]] = {}
    for entry in entries:
        if entry["n_refused"] and entry["name"] in _COMPARED:
            kept.setdefault((entry["n_refused"], entry["gain"]), entry)
    who = pd.DataFrame(
        {"attribute": attribute, "level": row["level"], "who": _who(attribute, row["level"]), "loans": row["n"]}
        for attribute, levels in entries[0]["composition"].items() for row in levels
    )  # fmt: skip
    refused = {
        capital(one["title"]): [row["refused"] for rows in one["composition"].values() for row in rows]
        for one in kept.values()
    }
    kinds: Any = dict.fromkeys(refused, "rate")
    shown = table("composition", who.assign(**refused), basis)
    return replace(shown, columns=columns("who", "loans", *refused, **kinds))


def details(tables: Mapping[str, pd.DataFrame], entries: Sequence[Mapping[str, Any]], basis: Basis) -> Exhibits:
    """Show what stands behind the sheet, each table under the titles of the policies: scenarios, stress, turns, expected-loss, gaps, groups."""
    titles = {entry["name"]: capital(entry["title"]) for entry in entries}
    shown = {APPROVE_ALL: titles[APPROVE_ALL]} | {name: titles[name] for name in _COMPARED if name in titles}
    parts = []
    for name, rows in tables.items():
        if "rule" in rows:
            parts.append(table(name, titled(rows, entries), basis))
            continue
        kept = {key: title for key, title in shown.items() if name != "scenarios" or key != APPROVE_ALL}
        some = rows[rows["name"].isin(kept)].assign(policy=rows["name"].map(kept))
        parts.append(table(name, some, basis))
        if name == "stress":
            parts.append(_by_shift(some, basis))
    return together(*parts)


def _by_shift(stress: pd.DataFrame, basis: Basis) -> Exhibit:
    """Show what each policy earns per 100 lent under each shift, a column each."""
    earned = stress.pivot(index="policy", columns="label", values="profit_per_100")
    earned = earned.loc[stress["policy"].unique(), stress["label"].unique()]
    wide = earned.rename(columns=capital).rename_axis(columns=None).reset_index()
    shown = columns(*wide, **dict.fromkeys(wide.columns[1:], "number"))
    return replace(table("stress", stress, basis), name="policy-stress-sheet", table=wide, columns=shown)


def titled(rows: pd.DataFrame, entries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a table of fairness with the titles of the policies as its rules, those that decline nobody left out."""
    titles = {entry["name"]: capital(entry["title"]) for entry in entries if entry["n_refused"]}
    named = rows[rows["rule"].isin(titles)]
    for shown, of in (("who", "group"), ("declined_most", "highest"), ("declined_least", "lowest")):
        if of in named:
            named = named.assign(**{shown: [_who(*one) for one in zip(named["attribute"], named[of], strict=True)]})
    policy = named["rule"].map(titles)
    return named.assign(rule=policy, policy=policy, attribute=named["attribute"].str.replace("_", " "))


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    because = capital(" ".join([*entry["reasons"], *entry["conditions"]]))
    ends, later = (entry["gain_low"], entry["gain_high"]), entry["out_of_time"]
    money = dict.fromkeys(("gain_range", "gain_told", "corner_told", "later_told"), ABSENT)
    if entry["n_refused"]:  # in figures that the interval bears
        money |= {
            "gain_range": rounded_range(entry["gain_least"], entry["gain_most"]),
            "gain_told": f"{rounded(entry['gain'], *ends)} ({rounded_range(*ends)})",
            "corner_told": rounded(entry["worst_corner"]["gain"], *ends),
        }
        if later:
            money["later_told"] = rounded(later["gain"], later["gain_low"], later["gain_high"])
    return numbers(entry) | {
        "policy": capital(entry["title"]), "worst_corner": entry["worst_corner"]["gain"],
        "later_loans": later["gain"] if later else float("nan"), "because": because, **money,
    }  # fmt: skip


def _who(attribute: str, level: str) -> str:
    """Return a group as the row of a table names it."""
    if attribute.startswith("home"):
        return f"Home: {readable_level(level)}"
    return f"{level} months" if attribute == "term" else capital(group(attribute, level))


def pincodes(tiers: PincodeTiers, basis: Basis) -> Exhibits:
    """Show the tiers of pincodes with the warning that belongs to them, and the gain they feign."""
    warned = Exhibit(
        text=plain(say.pincode_sentence(tiers, basis.confidence)),
        notice=Notice("May a lender use pincodes?", tiers.warning),
    )
    return together(warned, table("pincodes", tiers.table, basis))


def recommendation(result: Mapping[str, Any]) -> Exhibit:
    """Say what may be recommended, whom it declines and what it rests on, from `policy_sentences.policy_result`."""
    others = (result[name] for name in ("who", "against_risk", "thresholds_sentence", "fairness", "caveat"))
    first = f"**{plain(result['recommendation'])}**"
    return Exhibit(text="\n\n".join([first, *(plain(text) for text in others if text)]))


def with_product(products: pd.DataFrame) -> pd.DataFrame:
    """Return the segments with their amount, term and purpose in a few words in front."""
    several = products["purpose"].str.count(" or ") + 1
    purpose = products["purpose"].where(several < 3, several.astype(str) + " small purposes")
    words = products["amount"] + ", " + products["term"] + ", " + purpose
    return pd.concat([words.str.replace("_", " ").rename("product"), products], axis=1)
