"""The decision sheet as rows of texts, in the same columns wherever policies stand side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits.decision import group
from loantap.exhibits.economics import rounded, rounded_range
from loantap.exhibits.heads import head
from loantap.exhibits.words import ABSENT, capital, columns, estimate, percent, show
from loantap.policy.verdicts import DEPENDS, SHOWN

POLICY = "Policy"
_KINDS = columns("refused", "good_refused", "defaults_avoided", "default_rate_approved", "profit_per_100", "per_year")
_SHARES = {head(name): (name, kind) for name, kind in _KINDS.items()}
DOES = (POLICY, *_SHARES)  # what it does; the other columns say how sure its gain is

LEGEND = (
    "Gain: realised profit in currency against approving everyone, with its interval; over the assumptions: its least and its most while one at a "
    "time moves over its range. Profit per 100 of balance and year is above the cost of money. Worst approval ratio: of good customers, in the "
    "group approved least often."
)


def sheet_rows(entries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row of texts per entry of the decision sheet; LEGEND says what the columns hold."""
    return pd.DataFrame([_row(entry) for entry in entries])


def refused_rows(entries: Sequence[Mapping[str, Any]], attribute: str) -> pd.DataFrame:
    """Return the share of each level, such as of grade, that each policy declines; those that decline nobody, or the same, are left out."""
    kept: dict[tuple[int, ...], dict[str, str]] = {}
    for entry in entries:
        levels = entry["composition"][attribute]
        cells = {
            POLICY: capital(entry["title"]),
            **{str(row["level"]): show(row["refused"], "rate") for row in levels},
        }
        if entry["n_refused"]:
            kept.setdefault(tuple(row["n_refused"] for row in levels), cells)
    return pd.DataFrame(list(kept.values()))


def why(entry: Mapping[str, Any]) -> str:
    """Return the verdict on a policy with what it comes from: why nothing is shown, or what it depends on."""
    if entry["verdict"] == SHOWN:
        return f"Verdict: {SHOWN}, on these loans, on later loans, and under every single assumption."
    because = f"It gains only with {'; '.join(entry['conditions'])}." if entry["verdict"] == DEPENDS else ""
    return f"Verdict: {entry['verdict']}. {because}{' '.join(entry['reasons'])}".strip()


def basis(sheet: Mapping[str, Any]) -> str:
    """Return what the rows of a run's decision sheet (`results/policy.json`) rest on."""
    return (
        f"On n = {show(sheet['n'], 'count')} test loans, which had no part in making the model; {percent(sheet['confidence'])} bootstrap intervals, which "
        f"hold for all policies at once. {LEGEND}"
    )


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    cells = {title: show(entry[name], kind) for title, (name, kind) in _SHARES.items()}
    gain, least_most, verdict = ABSENT, ABSENT, "declines nobody"
    if entry["n_refused"]:
        ends, verdict = (entry["gain_low"], entry["gain_high"]), entry["verdict"]
        gain = show(entry["gain"], "money")
        if None not in ends:
            gain = f"{rounded(entry['gain'], *ends)} ({rounded_range(*ends)})"
        least_most = rounded_range(entry["gain_least"], entry["gain_most"])
    ratio = ABSENT
    if worst := entry["approval_ratio"]:
        value = estimate(worst["ratio"], worst["ratio_low"], worst["ratio_high"], kind="ratio")
        ratio = f"{value}, {group(worst['attribute'], worst['group'])}"
    return {
        POLICY: capital(entry["title"]), **cells, "Gain": gain, "Gain over the assumptions": least_most, "Worst approval ratio": ratio,
        "Verdict": verdict,
    }  # fmt: skip
