"""The sentences on the lending policy, made from results, and the result that holds them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.decisions.policy.pincode import FAIR_LENDING, HIGH, WITHOUT_PURE
from loantap.exhibits.economics import assumption_table, told
from loantap.exhibits.words import interval, percent, show

if TYPE_CHECKING:
    from loantap.decisions.policy.book import Book
    from loantap.decisions.policy.combine import Combination
    from loantap.decisions.policy.design import Policy
    from loantap.decisions.policy.pincode import PincodeTiers

Result = Mapping[Any, Any]
ADOPTED, COMBINED = "adopted", "levers combined"  # what steps and rules are called
KEEP_OUT = "Keep the pincode out of every model and policy."


def policy_result(
    *,
    test: "Book",
    training: "Book",
    synthetic: bool,
    confidence: float,
    score: str,
    thresholds: Mapping[str, float],
    effects: pd.DataFrame,
    designed: "Policy",
    levers: pd.DataFrame,
    steps: pd.DataFrame,
    combined: pd.DataFrame,
    plain: pd.DataFrame,
    gaps: pd.DataFrame,
    segments: pd.DataFrame,
    swings: pd.DataFrame,
    break_even: pd.DataFrame,
    pincodes: "PincodeTiers",
) -> dict[str, Any]:
    """Return what was found, with the sentences on it, as `results/policy.json` holds it.

    Args are what the functions of the policy return, each by the name of its notebook's variable: `effects`, `combined` and `plain`
    from `simulate`, `gaps` and `segments` as those functions name them, `swings` from `tornado`.
    """
    by_name, economics = rows(effects), test.economics
    result = {
        "n": len(test.loans),
        "n_training": len(training.loans),
        "synthetic": synthetic,
        "confidence": confidence,
        "assumptions": assumption_table(economics),
        "assumed": told(economics),
        "thresholds": thresholds,
        "effects": by_name,
        "levers": levers,
        "steps": steps,
        "combined": rows(combined),
        "plain": _last(designed.plain, plain),
        "recommended": _last(designed.combination, combined),
        "thresholds_sentence": threshold_sentence(by_name, score, confidence),
        "f2_sentence": f2_sentence(by_name["threshold_f2"], score, confidence),
        "gap": gap_title(gaps, percent(confidence)),
        "gaps": gaps,
        "segments": segments,
        "sensitivity": swings,
        "break_even": break_even_sentence(break_even),
        "pincode": {
            "pure": pincodes.pure,
            "warning": pincodes.warning,
            "effects": pincodes.effects,
            "sentence": pincode_sentence(pincodes, confidence),
            "advice": pincode_advice(pincodes.pure),
        },
    }
    result["plain_sentence"] = plain_sentence(result)
    result["recommendation"] = recommendation(result)
    result["caveat"] = caveat(result)
    return result


def _last(combination: "Combination", effects: pd.DataFrame) -> dict[str, Any]:
    return {"rules": [lever.rule for lever in combination.adopted], "effect": list(rows(effects).values())[-1]}


def recommendation(result: Result) -> str:
    """Return what to do and its price, in one sentence, as far as the test loans bear it out."""
    policy = result["recommended"]
    if not policy["rules"]:
        return (
            "Leave the lending policy as it is: of all levers tried on the training loans, none is shown to add to profit, "
            f"{_corrected(result)}, under the assumptions below (n = {show(result['n'], 'count')} test loans)."
        )
    effect, rules, n = policy["effect"], "; ".join(policy["rules"]), show(result["n"], "count")
    price = (
        f"avoids {_share(effect, 'defaults_avoided')} of the defaults, and costs {_share(effect, 'refused')} of the approvals and "
        f"{_share(effect, 'good_refused')} of the good customers."
    )
    if not effect["profit_change_low"] > 0:
        return (
            f"Leave the lending policy as it is: on n = {n} test loans, what the training loans suggest ({rules}) "
            f"{_verdict(effect, result['confidence'])}; it {price}"
        )
    return f"{_capital(rules)}: on n = {n} test loans that {_verdict(effect, result['confidence'])}, {price}"


def caveat(result: Result) -> str:
    """Return what the recommendation rests on, and whom it touches."""
    made = "These are synthetic loans, so none of this is about a real portfolio. " if result["synthetic"] else ""
    return f"{made}Assumed: {result['assumed']}. {result['break_even']} {result['gap']}."


def threshold_sentence(effects: Mapping[str, Result], score: str, confidence: float) -> str:
    """Return what the model's own threshold, best for a score such as F2, and the one for profit do side by side."""
    parts: list[str] = []
    for name, words in (("threshold_f2", f"best for {score}"), ("threshold_profit", "best for profit")):
        row = effects[name]
        parts.append(
            f"the threshold {words} approves {_share(row, 'approved', None if parts else confidence)}, avoids {_share(row, 'defaults_avoided')} of the defaults, "
            f"refuses {_share(row, 'good_refused')} of the good customers and changes profit by "
            f"{show(row['profit_change'], 'number')} per 100 ({interval(row['profit_change_low'], row['profit_change_high'], 'number')})"
        )
    return f"{_capital('; '.join(parts))}."


def f2_sentence(row: Result, score: str, confidence: float) -> str:
    """Return what refusing at the threshold for a score does to money and people, and advice against it where it loses money."""
    advice = f"Do not let {score} set the approval threshold: at" if row["profit_change_high"] < 0 else "At"
    return (
        f"{advice} the threshold that is best for {score}, {_share(row, 'approved', confidence)} of the applications are approved, "
        f"{_share(row, 'good_refused')} of the good customers refused, and profit changes by {_change(row)}."
    )


def plain_sentence(result: Result) -> str:
    """Return what rules that need no model reach."""
    policy = result["plain"]
    if not policy["rules"]:
        return f"Rules that need no model: none of them is shown to add to profit, {_corrected(result)}."
    effect = policy["effect"]
    return (
        f"Rules that need no model ({'; '.join(policy['rules'])}) change profit by {_change(effect, result['confidence'])} and refuse "
        f"{_share(effect, 'refused')} of the applications."
    )


def break_even_sentence(table: pd.DataFrame) -> str:
    """Return where granting every loan stops to pay, one assumption at a time."""
    parts = [
        f"at a {row['label']} of {show(row['break_even'], 'rate')} rather than {show(row['value'], 'rate')}"
        for row in table.dropna(subset=["break_even"]).to_dict("records")
        if row["assumption"] in ("loss_given_default", "default_rate")
    ]
    if not parts:
        return "No value of the loss given default or of the default rate takes all profit away."
    return f"Granting every loan would earn nothing {', or '.join(parts)}."


def pincode_advice(pure: Sequence[str]) -> str:
    """Return what to do about the pincode: keep it out where some of `pure` give the outcome away, else what to think of."""
    return KEEP_OUT if pure else FAIR_LENDING


def pincode_sentence(pincodes: "PincodeTiers", confidence: float) -> str:
    """Return what refusing by pincode seems to gain, and what is left of it without the pure ones."""
    if not (pincodes.table["tier"] == HIGH).any():
        return f"No pincode is in the {HIGH} tier, so refusing that tier refuses nobody."
    effects = [row for row in pincodes.effects.to_dict("records") if pincodes.pure or row["name"] != WITHOUT_PURE]
    parts = [f"{row['name']}: {_change(row, None if place else confidence)}" for place, row in enumerate(effects)]
    worth = ", and worth nothing" if pincodes.pure else ""
    return f"Simulated on the test loans{worth}: {'; '.join(parts)}."


def gap_title(gaps: pd.DataFrame, level: str) -> str:
    """Return the widest gap between groups of good customers that the levers combined leave, with its interval.

    Args:
        gaps: One row per rule and attribute: rule, attribute, highest, lowest, gap with gap_low and gap_high, which allow for
            picking any gap of a rule.
        level: Confidence of the intervals in words, as from `words.percent`.
    """
    known = gaps[gaps["rule"] == COMBINED].dropna(subset=["gap"]).sort_values("gap", ascending=False, kind="stable")
    if known.empty:
        return f"Too few good customers are refused, or approved, to compare groups under the {COMBINED}"
    if known["gap"].max() == 0:
        return f"The {COMBINED} refuse no group of good customers more often than another"
    shown = known[known["gap_low"] > 0]
    worst = (known if shown.empty else shown).iloc[0]
    by = str(worst["attribute"]).replace("_", " ")
    told = (
        f"{worst['highest']} {_points(worst['gap'])} points more often than {worst['lowest']} "
        f"({level} interval {_points(worst['gap_low'])} to {_points(worst['gap_high'])} points)"
    )
    if shown.empty:
        return f"No gap between groups of good customers is shown for the {COMBINED}; the widest by {by}: {told}"
    return f"The {COMBINED} refuse good customers unevenly, by {by}: {told}"


def rows(effects: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """Return the effects by name, each with the share refused and its interval, as the sentences take them."""
    table = effects.assign(refused=1 - effects["approved"], refused_low=1 - effects["approved_high"], refused_high=1 - effects["approved_low"])  # fmt: skip
    return {str(row["name"]): row for row in table.to_dict("records")}


def _verdict(effect: Result, confidence: float) -> str:
    if effect["profit_change_high"] < 0:  # said as an amount: lowering by less than nothing would be raising
        turned = {
            "profit_change": "profit_change",
            "profit_change_low": "profit_change_high",
            "profit_change_high": "profit_change_low",
        }
        return f"lowers profit by {_change({name: -effect[of] for name, of in turned.items()}, confidence)}"
    if effect["profit_change_low"] > 0:
        return f"raises profit by {_change(effect, confidence)}"
    return f"changes profit by {_change(effect, confidence)}, which may be nothing"


def _change(row: Result, confidence: float | None = None) -> str:
    told = f"{show(row['profit_change'], 'number')} per 100 of money asked for"
    return f"{told} ({_ends(row, 'profit_change', 'number', confidence)})"


def _share(row: Result, name: str, confidence: float | None = None) -> str:
    return f"{show(row[name], 'rate')} ({_ends(row, name, 'rate', confidence)})"


def _ends(row: Result, name: str, kind: str, confidence: float | None) -> str:
    """Return an interval, with its confidence where that is given: a sentence says it once."""
    level = "" if confidence is None else f"{percent(confidence)} interval "
    return f"{level}{interval(row[f'{name}_low'], row[f'{name}_high'], kind)}"


def _corrected(result: Result) -> str:
    return f"at {percent(result['confidence'])} after correction for the number of levers tried"


def _points(share: float) -> str:
    return show(share, "rate").removesuffix(" %")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
