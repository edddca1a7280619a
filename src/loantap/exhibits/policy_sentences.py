"""The sentences on the lending policy, made from results, and the result that holds them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits.economics import assumption_table, told
from loantap.exhibits.words import interval, show

if TYPE_CHECKING:
    from loantap.decisions.policy.book import Book
    from loantap.decisions.policy.combine import Combination
    from loantap.decisions.policy.design import Policy
    from loantap.decisions.policy.pincode import PincodeTiers

Result = Mapping[Any, Any]
ADOPTED = "adopted"


def policy_result(
    *,
    test: "Book",
    training: "Book",
    synthetic: bool,
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

    Args:
        test: The loans that effects are measured on.
        training: The loans that the policy was designed on.
        synthetic: Whether the loans were made, not lent.
        thresholds: The model's thresholds: f2 and profit.
        effects: What approving all, both thresholds and own_price do.
        designed: The policy designed.
        levers: Every lever by itself.
        steps: The levers adopted and left out.
        combined: What the levers adopted do, step by step.
        plain: The same of those that need no model.
        gaps: Widest gaps in refusals by rule.
        segments: What products earn.
        swings: What assumptions move.
        break_even: Where lending stops to pay.
        pincodes: Tiers of pincodes.
    """
    by_name, economics = rows(effects), test.economics
    result = {
        "n": len(test.loans),
        "n_training": len(training.loans),
        "synthetic": synthetic,
        "assumptions": assumption_table(economics),
        "assumed": told(economics),
        "thresholds": thresholds,
        "effects": by_name,
        "levers": levers,
        "steps": steps,
        "combined": rows(combined),
        "plain": _last(designed.plain, plain),
        "recommended": _last(designed.combination, combined),
        "thresholds_sentence": threshold_sentence(by_name),
        "f2_sentence": f2_sentence(by_name["threshold_f2"]),
        "gap": gap_title(gaps),
        "gaps": gaps,
        "segments": segments,
        "sensitivity": swings,
        "break_even": break_even_sentence(break_even),
        "pincode": {
            "pure": pincodes.pure,
            "warning": pincodes.warning,
            "effects": pincodes.effects,
            "sentence": pincode_sentence(pincodes.effects),
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
            "Leave the lending policy as it is: of all levers tried on the training loans, none adds to profit beyond doubt "
            f"under the assumptions below (n = {show(result['n'], 'count')} test loans)."
        )
    effect = policy["effect"]
    return (
        f"{_capital('; '.join(policy['rules']))}: on n = {show(result['n'], 'count')} test loans that {_verdict(effect)}, avoids "
        f"{_share(effect, 'defaults_avoided')} of the defaults, and costs {_share(effect, 'refused')} of the approvals and "
        f"{_share(effect, 'good_refused')} of the good customers."
    )


def caveat(result: Result) -> str:
    """Return what the recommendation rests on, and whom it touches."""
    made = "These are synthetic loans, so none of this is about a real portfolio. " if result["synthetic"] else ""
    return f"{made}Assumed: {result['assumed']}. {result['break_even']} {result['gap']}."


def threshold_sentence(effects: Mapping[str, Result]) -> str:
    """Return what the two thresholds do side by side."""
    parts = []
    for name, words in (("threshold_f2", "best for F2"), ("threshold_profit", "best for profit")):
        row = effects[name]
        parts.append(
            f"the threshold {words} approves {_share(row, 'approved')}, avoids {_share(row, 'defaults_avoided')} of the defaults, "
            f"refuses {_share(row, 'good_refused')} of the good customers and changes profit by "
            f"{show(row['profit_change'], 'number')} per 100 ({interval(row['profit_change_low'], row['profit_change_high'], 'number')})"
        )
    return f"{_capital('; '.join(parts))}."


def f2_sentence(row: Result) -> str:
    """Return what refusing at the threshold for F2 does to money and people."""
    return (
        f"At the threshold that is best for F2, {_share(row, 'approved')} of the applications are approved, "
        f"{_share(row, 'good_refused')} of the good customers refused, and profit changes by {_change(row)}."
    )


def plain_sentence(result: Result) -> str:
    """Return what rules that need no model reach."""
    policy = result["plain"]
    if not policy["rules"]:
        return "Rules that need no model: none of them adds to profit beyond doubt."
    effect = policy["effect"]
    return (
        f"Rules that need no model ({'; '.join(policy['rules'])}) change profit by {_change(effect)} and refuse "
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


def pincode_sentence(effects: pd.DataFrame) -> str:
    """Return the gain that refusing by pincode feigns, and what is left of it without the pure ones."""
    parts = [f"{row['name']}: {_change(row)}" for row in effects.to_dict("records")]
    return f"Simulated on the test loans, and worth nothing: {'; '.join(parts)}."


def gap_title(gaps: pd.DataFrame) -> str:
    """Return the widest gap between groups of good customers that the rule "recommended" leaves, with its interval.

    Args:
        gaps: One row per rule and attribute: rule, attribute, highest, lowest, gap with gap_low and gap_high.
    """
    rows = gaps[gaps["rule"] == "recommended"].dropna(subset=["gap"])
    if rows.empty:
        return "Too few good customers are refused, or approved, to compare groups under the recommended policy"
    if rows["gap"].max() == 0:
        return "The recommended policy refuses no group of good customers more often than another"
    worst = rows.sort_values("gap", ascending=False, kind="stable").iloc[0]
    doubt = "" if worst["gap_low"] > 0 else ", which may be chance"
    return (
        f"The recommended policy refuses good customers most unevenly by {str(worst['attribute']).replace('_', ' ')}: "
        f"{worst['highest']} {_points(worst['gap'])} points more often than {worst['lowest']} "
        f"({_points(worst['gap_low'])} to {_points(worst['gap_high'])} points{doubt})"
    )


def tornado_title(table: pd.DataFrame) -> str:
    """Return which assumption moves profit most."""
    first = table.iloc[0]
    return (
        f"Profit depends most on the {first['label']}: {show(first['profit_low'], 'number')} to {show(first['profit_high'], 'number')} per "
        "100 lent between the ends of its range"
    )


def curve_title(curve: pd.DataFrame) -> str:
    """Return at which approval rate thresholds of the model earn most on the test loans.

    Args:
        curve: One row per threshold, one of which approves all: approved, profit.
    """
    best, whole = (curve.sort_values(name, ascending=False, kind="stable").iloc[0] for name in ("profit", "approved"))
    if best["profit"] <= whole["profit"]:
        return f"No threshold earns more than approving all: {show(whole['profit'], 'number')} per 100"
    return (
        f"Approving {show(best['approved'], 'rate')} earns most of all thresholds, {show(best['profit'], 'number')} per 100; approving all earns "
        f"{show(whole['profit'], 'number')}"
    )


def limits_title(limits: Mapping[str, float | None]) -> str:
    """Return where profit turns negative along the numbers that a cap may bound."""
    parts = [f"{name} {'never' if limit is None else f'above {limit:g}'}" for name, limit in limits.items()]
    return f"Expected profit turns negative: {', '.join(parts)}"


def steps_title(steps: pd.DataFrame) -> str:
    """Return how many levers were adopted; the reason of those is 'adopted'."""
    taken = steps.loc[steps["reason"] == ADOPTED, "lever"]
    return f"{len(taken)} of {len(steps)} levers are adopted: {', '.join(taken) or 'none'}"


def segments_title(products: pd.DataFrame) -> str:
    """Return how many products earn and lose beyond doubt."""
    counts = products["verdict"].value_counts()
    words = {"earns": ("earns", "earn"), "loses": ("loses money", "lose money")}
    told = [f"{counts[name]} {one if counts[name] == 1 else many}" for name, (one, many) in words.items() if name in counts]  # fmt: skip
    return f"Of {len(products)} products {' and '.join(told) or 'none earns or loses'} beyond doubt"


def rows(effects: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """Return the effects by name, each with the share refused and its interval, as the sentences take them."""
    table = effects.assign(refused=1 - effects["approved"], refused_low=1 - effects["approved_high"], refused_high=1 - effects["approved_low"])  # fmt: skip
    return {str(row["name"]): row for row in table.to_dict("records")}


def _verdict(effect: Result) -> str:
    if effect["profit_change_high"] < 0:  # said as an amount: lowering by less than nothing would be raising
        low, high = -effect["profit_change_high"], -effect["profit_change_low"]
        return f"lowers profit by {_change({'profit_change': -effect['profit_change'], 'profit_change_low': low, 'profit_change_high': high})}"
    if effect["profit_change_low"] > 0:
        return f"raises profit by {_change(effect)}"
    return f"changes profit by {_change(effect)}, which may be nothing"


def _change(row: Result) -> str:
    return (
        f"{show(row['profit_change'], 'number')} per 100 of money asked for "
        f"({interval(row['profit_change_low'], row['profit_change_high'], 'number')})"
    )


def _share(row: Result, name: str) -> str:
    return f"{show(row[name], 'rate')} ({interval(row[f'{name}_low'], row[f'{name}_high'], 'rate')})"


def _points(share: float) -> str:
    return show(share, "rate").removesuffix(" %")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
