"""How a group of loans differs from the others: one finding for each group, and the largest of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.drivers import difference
from loantap.exhibits.exhibit import Finding
from loantap.exhibits.words import capital, percent, plain, show


def small_print(what: str, table: pd.DataFrame, confidence: float) -> str:
    """Return the small print of a comparison of groups of loans with the others."""
    shown = int(table["n"].notna().sum())
    together_ = f" for all {shown} rows at once" if shown > 1 else ""
    return f"{what}; {percent(confidence)} intervals: Wilson for rates, Newcombe for differences{together_}."


def group_findings(
    name: str, table: pd.DataFrame, loans: str, total: Mapping[Any, int], confidence: float
) -> list[Finding]:
    """Return a finding for each row of groups, with the name and the loans in words filled from the row."""
    compared = int(table["n"].notna().sum())
    corrected = f" for {compared} comparisons at once" if compared > 1 else ""
    return [
        group_finding(
            name.format(**row), row, loans=loans.format(**row), total=int(total[row["column"]]), confidence=confidence, corrected=corrected
        )
        for row in ({str(key): value for key, value in one.items()} for one in table.to_dict(orient="records"))
    ]  # fmt: skip


def group_finding(
    name: str, row: Mapping[str, Any], *, loans: str, total: int, confidence: float, corrected: str = ""
) -> Finding:
    """Say how the loans in a group, such as 'loans without a value for job title', differ from the others; `total` is how many both are.

    `row` is one of `compare_groups`, without n if it was suppressed; `corrected` says what its interval allows for.
    """
    if pd.isna(row["n"]):
        text = f"There are too few {loans} to show a default rate"
        return Finding(name, text, f"{text}.")
    ends = float(row["difference"]), float(row["diff_low"]), float(row["diff_high"])
    rates = f"{show(row['default_rate'], 'rate')}, against {show(row['other_rate'], 'rate')} of the others"
    title = f"{capital(loans)} default at {rates}{'' if _differ(*ends[1:]) else ': no significant difference'}"
    text = f"{title} ({difference(*ends, confidence)}{corrected}; {int(row['n']):,} of {total:,} loans)."
    return Finding(name, title, text, *ends, total)


def largest(findings: list[Finding], none: Finding) -> Finding:
    """Return the largest difference of those beyond chance, or what is to be said if there is none."""
    apart = [one for one in findings if _differ(one.ci_low, one.ci_high)]
    return max(apart, key=lambda one: abs(one.estimate or 0), default=none)


def _differ(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= 0 <= high


def as_list(findings: list[Finding]) -> str:
    """Return the findings as a Markdown list."""
    return "\n".join(f"- {plain(finding.text)}" for finding in findings)
