"""The decision sheet: one entry per policy with all that is known of it, and the sentences on whom a policy declines."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.data.declarations import readable_level
from loantap.exhibits import decision_advice as advice
from loantap.exhibits.decision_advice import named
from loantap.exhibits.economics import rounded
from loantap.exhibits.words import by_name, capital, interval, listed, show
from loantap.policy import verdicts as rule
from loantap.policy.groupings import words_of
from loantap.policy.levers import Lever
from loantap.policy.verdicts import APPROVE_ALL, DEPENDS, FOUR_FIFTHS, NOT_SHOWN, OWN_PRICE, RISK_CUT_OFF, SHOWN, Choice

Record = Mapping[str, Any]


def records(
    policies: Mapping[str, Lever], *, effects: pd.DataFrame, verdicts: pd.DataFrame, composition: pd.DataFrame, scenarios: pd.DataFrame,
    corners: pd.DataFrame, later: pd.DataFrame | None, first_month: str | None, stress: pd.DataFrame, turns: pd.DataFrame,
    expected_loss: pd.DataFrame, gaps: pd.DataFrame,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one entry per policy, as `results/policy.json` holds it: what each function of the policy returned, by its name."""
    judged = by_name(effects.merge(verdicts, on="name", validate="one_to_one"))
    after, worst = {} if later is None else by_name(later), by_name(corners)
    parts = {"scenarios": scenarios, "stress": stress, "turns": turns, "expected_loss": expected_loss}
    known = gaps[gaps["approval_ratio"].notna() & (gaps["gap"] > 0)].sort_values("approval_ratio", kind="stable")
    entries = []
    for name, lever in policies.items():
        entry: dict[str, Any] = {"title": lever.title, "rule": lever.rule, **judged[name]}
        entry |= {part: _of(table, name) for part, table in parts.items()}
        for end, furthest in (("least", min), ("most", max)):
            entry[f"gain_{end}"] = furthest(row[f"gain_{end}"] for row in entry["scenarios"])
        corner = {key: value for key, value in worst[name].items() if key != "name"}
        entry["worst_corner"] = {"gain": corner.pop("gain"), "values": corner}
        entry["composition"] = {str(attribute): _of(rows, name, "attribute") for attribute, rows in composition.groupby("attribute", sort=False)}  # fmt: skip
        entry["approval_ratio"] = None
        for row in known[known["rule"] == name].head(1).to_dict("records"):
            ends = {f"ratio{end}": float(row[f"approval_ratio{end}"]) for end in ("", "_low", "_high")}
            entry["approval_ratio"] = {
                "attribute": row["attribute"],
                "group": row["highest"],
                "against": row["lowest"],
                **ends,
            }
        kept = ("n", "n_refused", "gain", "gain_low", "gain_high")
        entry["out_of_time"] = None
        if name in after:
            entry["out_of_time"] = {"first_month": first_month, **{key: after[name][key] for key in kept}}
        entry["reasons"] = _reasons(entry)
        entry["conditions"] = [condition(row) for row in entry["scenarios"] if row["assumption"] in entry["turning"]]
        entries.append(entry)
    return entries


def recommended(entries: Sequence[Record], choice: Choice) -> dict[str, Any]:
    """Return what may be recommended: rules only where the gain is shown, a candidate with its conditions where it depends."""
    by_policy = entries_by_name(entries)
    chosen = by_policy.get(choice.name or "", by_policy[APPROVE_ALL])
    named = {key: chosen[key] for key in ("name", "title", "rule")}
    return {
        "verdict": choice.verdict, "name": choice.name, "rules": [chosen["rule"]] if choice.verdict == SHOWN else [],
        "candidate": named if choice.verdict == DEPENDS else None, "conditions": chosen["conditions"], "effect": chosen,
        "short": advice.short(choice, entries), "ask": advice.ask(choice, entries),
    }  # fmt: skip


def numbers(entry: Record) -> dict[str, Any]:
    """Return what an entry says in single values: its names, counts, shares and amounts."""
    return {name: value for name, value in entry.items() if not isinstance(value, list | dict | tuple)}


def entries_by_name(entries: Sequence[Record]) -> dict[str, Record]:
    """Return the entries by their names."""
    return {entry["name"]: entry for entry in entries}


def condition(row: Record) -> str:
    """Return where an assumption has to lie for a gain: its name, a side, the value at which it turns, the one assumed and the range."""
    side = "above" if row["turns_at"] < row["default"] else "below"
    ends = interval(row["low"], row["high"], "rate")
    # It falls to nothing without a turn, or turns on both sides.
    if pd.isna(row["turns_at"]) or max(row["gain_low"], row["gain_high"]) <= 0:
        return f"{row['label']} close to {show(row['default'], 'rate')}, which is assumed (plausible {ends})"
    return f"{row['label']} {side} {show(row['turns_at'], 'rate')} (assumed {show(row['default'], 'rate')}, plausible {ends})"


def who(entry: Record) -> str:
    """Return whom a policy declines: how much of the best and of the worst grade, and of each term."""
    grades, terms = (entry["composition"][name] for name in ("grade", "term"))
    parts = [f"{show(row['refused'], 'rate')} of {group('grade', row['level'])}" for row in (grades[0], grades[-1])]
    parts += [f"{show(row['refused'], 'rate')} of {row['level']}-month loans" for row in terms]
    return f"{named(entry)} declines {listed(parts)}."


def against_risk(entries: Sequence[Record]) -> str:
    """Return what declining as many loans by risk would do instead of declining those that lose money at their own price."""
    price, risk = (entries_by_name(entries).get(name) for name in (OWN_PRICE, RISK_CUT_OFF))
    if not (price and risk and price["n_refused"]):
        return ""
    pairs = [
        f"{verb} {show(risk[name], kind)}{of} (not {show(price[name], kind)})"
        for verb, name, kind, of in (
            ("avoid", "defaults_avoided", "rate", " of defaults"), ("decline", "good_refused", "rate", " of good customers"),
            ("earn", "profit_per_100", "number", " per 100 lent"),
        )
    ]  # fmt: skip
    best, worst = price["composition"]["grade"][0], price["composition"]["grade"][-1]
    safe = ""
    if best["refused"] > worst["refused"]:
        safe = f" {named(price)} declines safe loans that earn too little ({group('grade', best['level'])}), not the risky ones."
    return f"{who(price)} A cut-off by risk that declines as many would {listed(pairs)}.{safe}"


def fair(entry: Record) -> str:
    """Return which group a policy approves least often, beside the four-fifths mark."""
    ratio = entry["approval_ratio"]
    if ratio is None:
        return f"{named(entry)} declines or approves too few good customers to compare groups."
    ends = interval(ratio["ratio_low"], ratio["ratio_high"], "ratio")
    less, more = (group(ratio["attribute"], ratio[which]) for which in ("group", "against"))
    side = "That is below" if ratio["ratio"] < FOUR_FIFTHS else "That is not below"
    if ratio["ratio_high"] < FOUR_FIFTHS:
        side = "The whole interval is below"
    return (
        f"{named(entry)} approves good customers with {less} less often than those with {more}: the approval ratio is "
        f"{show(ratio['ratio'], 'ratio')} ({ends}). {side} the four-fifths mark, which is a screening mark and no law by itself."
    )


def group(attribute: str, level: str) -> str:
    """Return a level of an attribute as a sentence names it: grade A, income up to 45,000, home ownership rent."""
    level = readable_level(level) if attribute.startswith("home") else level
    return f"{words_of(attribute.removesuffix('_band'))} {level}"


def _reasons(entry: Record) -> list[str]:
    """Return why a gain is not shown; nothing where it is, or depends."""
    later, ends = entry["out_of_time"], (entry["gain_low"], entry["gain_high"])
    reasons = {
        rule.NOBODY: "It declines nobody.",
        rule.NO_GAIN: f"Its gain may be a loss: the interval goes down to {rounded(ends[0], *ends)}.",
        rule.NOT_LATER: "It could not be judged on later loans, or earlier loans do not suggest it.",
        rule.LATER_LOSES: later and f"{capital(advice.on_later(later))}.",
    }
    if ends[1] < 0:
        reasons[rule.NO_GAIN] = f"It loses money: the interval goes up to {rounded(ends[1], *ends)} only."
    return [reasons[entry["why"]]] if entry["verdict"] == NOT_SHOWN else []


def _of(table: pd.DataFrame, name: str, *more: str) -> list[dict[str, Any]]:
    rows = table[table["name"] == name].drop(columns=["name", *more])
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
