"""The sentences and tables of the lending policy, made from results."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.report.tables import interval, show

Result = Mapping[str, Any]
APPROVE_ALL = "approve all"
ASSUMPTION_COLUMNS = {"meaning": "text", "low": "rate", "default": "rate", "high": "rate", "source": "text"}
EFFECT_COLUMNS = {
    "policy": "text", "approved": "rate", "defaults_avoided": "rate with interval", "good_refused": "rate with interval",
    "default_rate_approved": "rate", "profit": "number", "profit_change": "number with interval",
}  # fmt: skip
LEVER_COLUMNS = {
    "lever": "text", "finding": "text", "n_refused": "count", "defaults_avoided": "rate", "good_refused": "rate",
    "profit_change": "number with interval",
}  # fmt: skip
STEP_COLUMNS = {
    "lever": "text", "reason": "text", "n_refused": "count", "expected_gain": "number", "realised_gain": "number with interval",
}  # fmt: skip
MARGIN_COLUMNS = {
    "level": "text", "n": "count", "expected": "number with interval", "realised": "number with interval", "verdict": "text",
}  # fmt: skip
LIMIT_COLUMNS = {"level": "text", "limit": "money"} | {
    name: kind for name, kind in MARGIN_COLUMNS.items() if name != "level"
}
TERM_COLUMNS = MARGIN_COLUMNS | {"expected_if_short": "number"}
CURVE_COLUMNS = {
    "threshold": "rate", "approved": "rate", "default_rate_approved": "rate", "defaults_avoided": "rate", "good_refused": "rate",
    "profit": "number with interval",
}  # fmt: skip
SEGMENT_COLUMNS = {
    "product": "text", "n": "count", "default_rate": "rate", "expected": "number with interval", "realised": "number with interval",
    "verdict": "text",
}  # fmt: skip
GAP_COLUMNS = {"rule": "text", "attribute": "text", "highest": "text", "lowest": "text", "gap": "rate with interval"}
GROUP_COLUMNS = {
    "rule": "text", "attribute": "text", "group": "text", "n": "count", "refused": "count", "rate": "rate with interval",
    "approval_ratio": "ratio",
}  # fmt: skip
PINCODE_COLUMNS = {
    "pincode": "text",
    "n": "count",
    "default_rate": "rate with interval",
    "tier": "text",
    "separation": "text",
}
# Evidence of limits by level, and the table that shows it.
EVIDENCE = {
    "amount_by_grade": "policy-amounts-grade", "amount_by_risk_tier": "policy-amounts-tier", "term_by_grade": "policy-terms-grade",
    "term_by_risk_tier": "policy-terms-tier", "exclude_home_ownership": "policy-tiers-home-ownership",
    "exclude_profession_group": "policy-tiers-profession",
}  # fmt: skip


def recommendation(result: Result) -> str:
    """Return what to do and its price, in one sentence, as far as the test loans bear it out."""
    policy = result["recommended"]
    if not policy["rules"]:
        return (
            "Leave the lending policy as it is: of all levers tried on the training loans, none adds to profit beyond doubt "
            f"under the assumptions below (n = {show(result['n'], 'count')} test loans)."
        )
    effect = policy["effect"]
    change = _change(effect)
    verdict = (
        f"raises profit by {change}"
        if effect["profit_change_low"] > 0
        else f"lowers profit by {change}"
        if effect["profit_change_high"] < 0
        else f"changes profit by {change}, which may be nothing"
    )
    return (
        f"{_capital('; '.join(policy['rules']))}: on n = {show(result['n'], 'count')} test loans that {verdict}, avoids "
        f"{_share(effect, 'defaults_avoided')} of the defaults, and costs {_share(effect, 'refused')} of the approvals and "
        f"{_share(effect, 'good_refused')} of the good customers."
    )


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


def gap_title(gaps: pd.DataFrame, rule: str) -> str:
    """Return the widest gap that the recommended rule leaves, with its interval."""
    rows = gaps[gaps["rule"] == rule].dropna(subset=["gap"])
    if rows.empty or rows["gap"].max() == 0:
        return "No rule is recommended, so no group of good customers is refused more often than another"
    worst = rows.loc[rows["gap"].idxmax()]
    return (
        f"The recommended policy refuses good customers most unevenly by {str(worst['attribute']).replace('_', ' ')}: "
        f"{worst['highest']} {show(worst['gap'], 'rate').removesuffix(' %')} points more often than {worst['lowest']} "
        f"({interval(worst['gap_low'], worst['gap_high'], 'rate')})"
    )


def tornado_title(table: pd.DataFrame) -> str:
    """Return which assumption moves profit most."""
    first = table.iloc[0]
    return (
        f"Profit depends most on the {first['label']}: {show(first['profit_low'], 'number')} to {show(first['profit_high'], 'number')} per "
        "100 lent between the ends of its range"
    )


def curve_title(curve: pd.DataFrame) -> str:
    """Return at which approval rate thresholds of the model earn most on the test loans."""
    best = curve.loc[curve["profit"].idxmax()]
    return (
        f"Approving {show(best['approved'], 'rate')} earns most of all thresholds, {show(best['profit'], 'number')} per 100; approving all earns "
        f"{show(curve.loc[curve['approved'].idxmax(), 'profit'], 'number')}"
    )


def lever_table(found: Mapping[str, Any], effects: pd.DataFrame) -> pd.DataFrame:
    """Return one row per lever: what was found on the training loans, and what it does to the test loans.

    Args:
        found: What each search found: title and finding, by the id of the lever.
        effects: Effects of the levers there are, by name.
    """
    told = pd.DataFrame({"name": list(found), "lever": [one.title for one in found.values()], "finding": [one.finding for one in found.values()]})  # fmt: skip
    return told.merge(effects, on="name", how="left", validate="one_to_one")


def rows(effects: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the effects by name, each with the share refused and its interval."""
    table = effects.assign(refused=1 - effects["approved"], refused_low=1 - effects["approved_high"], refused_high=1 - effects["approved_low"])  # fmt: skip
    return {str(row["name"]): row for row in table.to_dict("records")}


def named(effects: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return the effects with the policy's name in words in front."""
    table = effects.copy()
    table.insert(0, "policy", [titles.get(str(name), str(name)) for name in table["name"]])
    return table


def _share(row: Result, name: str) -> str:
    return f"{show(row[name], 'rate')} ({interval(row[f'{name}_low'], row[f'{name}_high'], 'rate')})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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


def caveat(result: Result) -> str:
    """Return what the recommendation rests on, and whom it touches."""
    made = "These are synthetic loans, so none of this is about a real portfolio. " if result["synthetic"] else ""
    return f"{made}Assumed: {result['assumed']}. {result['break_even']} {result['gap']}."


def limits_title(limits: Mapping[str, float | None]) -> str:
    """Return where profit turns negative along the numbers that a cap may bound."""
    parts = [f"{name} {'never' if limit is None else f'above {limit:g}'}" for name, limit in limits.items()]
    return f"Expected profit turns negative: {', '.join(parts)}"


def steps(combination: Any) -> pd.DataFrame:
    """Return the levers adopted, in order, then those left out with the reason."""
    both = pd.concat([combination.steps.assign(reason="adopted"), combination.left_out], ignore_index=True)
    return both.rename(columns={"title": "lever"})


def steps_title(combination: Any) -> str:
    """Return how many levers were adopted."""
    taken = len(combination.steps)
    return f"{taken} of {taken + len(combination.left_out)} levers are adopted: {', '.join(combination.steps['title']) or 'none'}"


def points(effects: pd.DataFrame, combined: pd.DataFrame, levers: pd.DataFrame) -> pd.DataFrame:
    """Return the policies that the trade-off marks: the thresholds, caps that were found, and all levers together."""
    marked = levers[levers["name"].isin(["cap_dti", "cap_revol_util"])]
    together = combined.tail(1).assign(name="recommended")
    table = pd.concat([effects, marked, together], ignore_index=True)
    table["name"] = table["name"].str.replace("_", " ")
    return table.drop_duplicates("name")


def _change(row: Result) -> str:
    return (
        f"{show(row['profit_change'], 'number')} per 100 of money asked for "
        f"({interval(row['profit_change_low'], row['profit_change_high'], 'number')})"
    )


def segments_title(products: pd.DataFrame) -> str:
    """Return how many products earn and lose beyond doubt."""
    counts = products["verdict"].value_counts()
    told = [f"{counts[name]} {words}" for name, words in (("earns", "earn"), ("loses", "lose money")) if name in counts]
    return f"Of {len(products)} products {' and '.join(told) or 'none earns or loses'} beyond doubt"


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


def with_product(products: pd.DataFrame) -> pd.DataFrame:
    """Return the segments with their amount, term and purpose in a few words in front."""
    purpose = [
        name if name.count(" or ") < 2 else f"{name.count(' or ') + 1} small purposes" for name in products["purpose"]
    ]
    words = [f"{amount}, {term}, {name}".replace("_", " ") for amount, term, name in zip(products["amount"], products["term"], purpose, strict=True)]  # fmt: skip
    table = products.copy()
    table.insert(0, "product", words)
    return table
