"""The decision sheet as rows of texts, in the same columns wherever policies stand side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.decisions.policy.groupings import words_of
from loantap.decisions.policy.verdicts import DEPENDS, SHOWN
from loantap.exhibits.words import ABSENT, WITH_INTERVAL, interval, percent, show

POLICY = "Policy"
_DOES = {
    "Refused": ("refused", "rate"),
    "Good customers refused": ("good_refused", f"rate{WITH_INTERVAL}"),
    "Defaults avoided": ("defaults_avoided", f"rate{WITH_INTERVAL}"),
    "Default rate of the granted": ("default_rate_approved", "rate"),
    "Profit per 100 lent": ("profit_per_100", "number"),
    "Per 100 of balance and year": ("per_year", "number"),
    "Gain": ("gain", f"money{WITH_INTERVAL}"),
}
DOES = (POLICY, *(name for name in _DOES if name != "Gain"))  # what it does; the other columns say how sure its gain is

LEGEND = (
    "Gain: realised profit in currency against refusing nobody; over the assumptions: its least and its most while one at a time moves over its "
    "range. Per 100 of balance and year: above the cost of money. Worst approval ratio: of good customers, the group approved least often."
)


def sheet_rows(entries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row of texts per entry of the decision sheet.

    Returns:
        Policy, what it does with the intervals behind it, Gain, Gain over the assumptions (the least and the most while one
        assumption at a time moves over its range), Worst approval ratio with its group, and Verdict.
    """
    return pd.DataFrame([_row(entry) for entry in entries])


def refused_rows(entries: Sequence[Mapping[str, Any]], attribute: str) -> pd.DataFrame:
    """Return the share of each level that each policy refuses, as texts; policies that refuse nobody, or the same as one before, are left out.

    Args:
        entries: Of the decision sheet.
        attribute: Of its compositions, such as grade.
    """
    kept: dict[tuple[int, ...], dict[str, str]] = {}
    for entry in entries:
        levels = entry["composition"][attribute]
        told = {POLICY: entry["title"], **{str(row["level"]): show(row["refused"], "rate") for row in levels}}
        if entry["n_refused"]:
            kept.setdefault(tuple(row["n_refused"] for row in levels), told)
    return pd.DataFrame(list(kept.values()))


def why(entry: Mapping[str, Any]) -> str:
    """Return the verdict on a policy with what it comes from: why nothing is shown, or what it depends on."""
    if entry["verdict"] == SHOWN:
        return f"Verdict: {SHOWN}, here, on later loans, and under every assumption by itself."
    because = f"gains only with {'; '.join(entry['conditions'])}." if entry["verdict"] == DEPENDS else ""
    return f"Verdict: {entry['verdict']}. {because[:1].upper()}{because[1:]}{' '.join(entry['reasons'])}".strip()


def basis(sheet: Mapping[str, Any]) -> str:
    """Return what the rows of a run's decision sheet (`results/policy.json`) rest on."""
    return (
        f"On n = {show(sheet['n'], 'count')} test loans, which the model was not made from; {percent(sheet['confidence'])} bootstrap intervals, those of "
        f"gains for all policies at once. {LEGEND}"
    )


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    cells = {head: _cell(entry, name, kind) for head, (name, kind) in _DOES.items()}
    ends = interval(entry["gain_least"], entry["gain_most"], "money")
    return {POLICY: entry["title"], **cells, "Gain over the assumptions": ends, "Worst approval ratio": _ratio(entry), "Verdict": entry["verdict"]}  # fmt: skip


def _cell(entry: Mapping[str, Any], name: str, kind: str) -> str:
    base = kind.removesuffix(WITH_INTERVAL)
    told, ends = show(entry[name], base), ABSENT
    if base != kind and entry["n_refused"]:  # what refuses nobody does nothing, for sure
        ends = interval(entry[f"{name}_low"], entry[f"{name}_high"], base)
    return told if ABSENT in (told, ends) else f"{told} ({ends})"


def _ratio(entry: Mapping[str, Any]) -> str:
    ratio = entry["approval_ratio"]
    if ratio is None:
        return ABSENT
    ends = interval(ratio["ratio_low"], ratio["ratio_high"], "ratio")
    return f"{show(ratio['ratio'], 'ratio')} ({ends}), {words_of(ratio['attribute'])} {ratio['group']}"
