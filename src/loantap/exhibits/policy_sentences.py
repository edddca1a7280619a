"""The sentences on the lending policy, made from results, and the result that holds them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits import decision
from loantap.exhibits.decision_advice import recommendation
from loantap.exhibits.economics import assumption_table
from loantap.exhibits.economics import told as assumed
from loantap.exhibits.exhibit import Exhibits
from loantap.exhibits.words import by_name, interval, listed, of_confidence, percent, show
from loantap.policy.book import Book
from loantap.policy.pincode import FAIR_LENDING, HIGH, HIGH_REFUSED, NO_PINCODE, PincodeTiers
from loantap.policy.verdicts import APPROVE_ALL, COMBINED, OWN_PRICE, PLAIN, Choice

Result = Mapping[Any, Any]
ADOPTED = "adopted"  # what a step is called
KEEP_OUT = "Keep the pincode out of every model and policy."


def policy_result(
    *, test: Book, training: Book, synthetic: bool, confidence: float, score: str, thresholds: Mapping[str, float],
    entries: Sequence[Result], choice: Choice, levers: pd.DataFrame, steps: pd.DataFrame, combined: pd.DataFrame, evidence: Exhibits,
    gaps: pd.DataFrame, segments: pd.DataFrame, swings: pd.DataFrame, years: pd.DataFrame, break_even: pd.DataFrame, pincodes: PincodeTiers,
) -> dict[str, Any]:  # fmt: skip
    """Return what was found, with the sentences on it, as `results/policy.json` holds it.

    Args are what the functions of the policy return, each by the name of its notebook's variable: `entries` from `decision.records`,
    `combined` from `simulate`, `gaps` and `segments` as those functions name them, `swings` from `tornado`, `years` from `vintages`;
    `evidence` what `policy.evidence` shows, of which the names are kept.
    """
    by_policy, economics = decision.entries_by_name(entries), test.economics
    without_model = by_policy.get(PLAIN)
    result = {
        "n": len(test.loans), "n_training": len(training.loans), "synthetic": synthetic, "confidence": confidence,
        "assumptions": assumption_table(economics), "assumed": assumed(economics), "thresholds": thresholds, "policies": entries,
        "recommended": decision.recommended(entries, choice), "recommendation": recommendation(choice, entries, confidence),
        # Whom expected profit declines is told beside the cut-off by risk.
        "who": decision.who(by_policy[choice.name]) if choice.name not in (None, OWN_PRICE) else "",
        "against_risk": decision.against_risk(entries),
        "fairness": decision.fair(by_policy.get(choice.name or COMBINED, by_policy[OWN_PRICE])),
        "effects": {name: decision.numbers(entry) for name, entry in by_policy.items()},
        "levers": levers, "steps": steps, "combined": by_name(combined), "evidence": [shown.name for shown in evidence],
        "plain": {"rules": [without_model["rule"]] if without_model else [], "effect": decision.numbers(without_model or by_policy[APPROVE_ALL])},
        "plain_sentence": plain_sentence(without_model, confidence), "thresholds_sentence": thresholds_sentence(by_policy, score),
        "f2_sentence": f2_sentence(by_policy["threshold_f2"], score, confidence), "gap": gap_title(gaps), "gaps": gaps, "segments": segments,
        "sensitivity": swings, "vintages": years, "break_even": break_even_sentence(break_even),
        "pincode": {
            "pure": pincodes.pure, "warning": pincodes.warning, "effects": pincodes.effects,
            "sentence": pincode_sentence(pincodes, confidence), "advice": KEEP_OUT if pincodes.pure else FAIR_LENDING,
        },
    }  # fmt: skip
    return result | {"caveat": caveat(result)}


def caveat(result: Result) -> str:
    """Return what the recommendation rests on."""
    synthetic = "These are synthetic loans, so none of this is about a real portfolio. " if result["synthetic"] else ""
    return f"{synthetic}Assumed: {result['assumed']}. {result['break_even']}"


def thresholds_sentence(effects: Mapping[str, Result], score: str) -> str:
    """Return what the thresholds of the model do side by side: how many applications each refers comes first."""
    names = {"threshold_f2": score, "threshold_profit": "profit", "threshold_capacity": "capacity"}
    refers, avoided, declined = (
        [show(share, "rate") if (share := effects[name][of]) else "none" for name in names]
        for of in ("refused", "defaults_avoided", "good_refused")
    )
    where = [f"{share} at the {word} threshold" for share, word in zip(refers, names.values(), strict=True)]
    return (
        f"Of all applications the model refers {listed(where)}. Declining what is referred would avoid {listed(avoided)} of defaults, "
        f"and decline {listed(declined)} of good customers."
    )


def f2_sentence(row: Result, score: str, confidence: float) -> str:
    """Return what declining at the threshold for a score does to money and people, and advice against it where it loses money."""
    advice = f"As an approval threshold, {score} is one choice"
    if row["profit_change_high"] < 0:
        advice = f"Do not let {score} set the approval threshold"
    return (
        f"{advice}: it would approve {show(row['approved'], 'rate')} of applications, decline {show(row['good_refused'], 'rate')} of good "
        f"customers and change profit by {_change(row, confidence)}."
    )


def plain_sentence(policy: Result | None, confidence: float) -> str:
    """Return what rules that need no model reach."""
    if policy is None:
        tried = f"{percent(confidence)} confidence, corrected for the number of limits tried"
        return f"No limit that works without the model is shown to add profit ({tried})."
    return (
        f"Limits that work without the model ({policy['rule']}) change profit by {_change(policy, confidence)} and decline "
        f"{show(policy['refused'], 'rate')} of applications."
    )


def break_even_sentence(table: pd.DataFrame) -> str:
    """Return where granting every loan stops to pay, one assumption at a time."""
    parts = [
        f"at a {row['label']} of {show(row['break_even'], 'rate')} instead of {show(row['value'], 'rate')}"
        for row in table.dropna(subset=["break_even"]).to_dict("records")
        if row["assumption"] in ("loss_given_default", "default_rate")
    ]
    if not parts:
        return "No value of the loss given default or of the default rate takes all profit away."
    return f"Approving everyone would earn nothing {', or '.join(parts)}."


def pincode_sentence(pincodes: PincodeTiers, confidence: float) -> str:
    """Return what declining by pincode seems to gain, and what is left of it without the pure ones."""
    if pincodes.warning.startswith(NO_PINCODE):
        return NO_PINCODE.strip()
    if not (pincodes.table["tier"] == HIGH).any():
        return f"No pincode is in the {HIGH} tier, so declining that tier declines nobody."
    parts: list[str] = []
    for row in pincodes.effects.to_dict("records"):
        level = None if parts else confidence
        if row["name"] == HIGH_REFUSED:
            parts.append(f"On the test loans, declining the {HIGH} tier changes profit by {_change(row, level)}.")
        elif pincodes.pure:
            left = f"it changes profit by {_change(row, level)}" if row["refused"] else "that tier declines nobody"
            parts.append(f"Without the pincodes that give the outcome away, {left}.")
    return " ".join(parts)


def gap_title(gaps: pd.DataFrame) -> str:
    """Return the lowest approval ratio that any policy leaves between groups, with its interval, which allows for picking any two."""
    known = gaps.dropna(subset=["approval_ratio"]).sort_values("approval_ratio", kind="stable")
    if known.empty:
        return "Too few good customers are declined, or approved, to compare groups"
    worst = known.iloc[0]
    less, more = (decision.group(worst["attribute"], str(worst[which])) for which in ("highest", "lowest"))
    ends = interval(worst["approval_ratio_low"], worst["approval_ratio_high"], "ratio")
    ratio = f"approval ratio {show(worst['approval_ratio'], 'ratio')}, {ends}"
    if worst["approval_ratio_high"] < 1:
        return f"“{worst['rule']}” approves good customers with {less} less often than those with {more} ({ratio})"
    return f"No policy is shown to treat groups unequally; “{worst['rule']}” comes nearest, {less} against {more} ({ratio})"


def _change(row: Result, confidence: float | None = None) -> str:
    ends = interval(row["profit_change_low"], row["profit_change_high"], "number")
    return f"{show(row['profit_change'], 'number')} per 100 of money asked for ({of_confidence(confidence)}{ends})"
