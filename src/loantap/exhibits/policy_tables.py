"""The tables of the lending policy, made from results, and which columns of them are shown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

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


def lever_table(found: Mapping[str, Any], effects: pd.DataFrame) -> pd.DataFrame:
    """Return one row per lever: what was found on the training loans, and what it does to the test loans.

    Args:
        found: What each search found: title and finding, by the id of the lever.
        effects: Effects of the levers there are, by name.
    """
    told = pd.DataFrame({"name": list(found), "lever": [one.title for one in found.values()], "finding": [one.finding for one in found.values()]})  # fmt: skip
    return told.merge(effects, on="name", how="left", validate="one_to_one")


def named(effects: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return the effects with the policy's name in words in front."""
    table = effects.copy()
    table.insert(0, "policy", [titles.get(str(name), str(name)) for name in table["name"]])
    return table


def steps(combination: Any) -> pd.DataFrame:
    """Return the levers adopted, in order, then those left out with the reason."""
    both = pd.concat([combination.steps.assign(reason="adopted"), combination.left_out], ignore_index=True)
    return both.rename(columns={"title": "lever"})


def points(effects: pd.DataFrame, combined: pd.DataFrame, levers: pd.DataFrame) -> pd.DataFrame:
    """Return the policies that the trade-off marks: the thresholds, caps that were found, and all levers together."""
    marked = levers[levers["name"].isin(["cap_dti", "cap_revol_util"])]
    together = combined.tail(1).assign(name="recommended")
    table = pd.concat([effects, marked, together], ignore_index=True)
    table["name"] = table["name"].str.replace("_", " ")
    return table.drop_duplicates("name")


def with_product(products: pd.DataFrame) -> pd.DataFrame:
    """Return the segments with their amount, term and purpose in a few words in front."""
    purpose = [
        name if name.count(" or ") < 2 else f"{name.count(' or ') + 1} small purposes" for name in products["purpose"]
    ]
    words = [f"{amount}, {term}, {name}".replace("_", " ") for amount, term, name in zip(products["amount"], products["term"], purpose, strict=True)]  # fmt: skip
    table = products.copy()
    table.insert(0, "product", words)
    return table
