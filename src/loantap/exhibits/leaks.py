"""What gives the outcome away, in sentences: the pincode's codes, any other column, and what that means."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.association import Association
from loantap.analysis.leaks import UNKNOWN, LeakReport
from loantap.exhibits import heads
from loantap.exhibits.exhibit import Exhibit, Finding, Notice
from loantap.exhibits.words import capital, columns, estimate, interval, percent, plain, show

_SHOWN = ("column", "known", "levels", "pure_levels", "loans_in_pure", "auc with interval", "auc_ceiling", "verdict")
_ENDS = {"all_default": "all defaulted in", "none_default": "none defaulted in"}
_NAMED = 10


def leak_text(association: Association) -> str:
    """Return the warning about the pincode in words; empty for other factors."""
    if association.factor != "pincode":
        return ""
    pure, why = association.leaks(), "In no pincode did every loan end the same way. "
    if len(pure):
        why = (
            f"In {len(pure)} of {len(association.levels)} pincodes every loan ended the same way: {_ends(pure)} "
            f"({show(pure['n'].sum() / association.n, 'rate')} of all loans). No real place does that: the publisher made the addresses up "
            "after the outcome was known. The pincode is data leakage, and a lender must not use it, in a policy or in a model. "
        )
    return f"{why}Where a borrower lives is also a fair-lending question, since it can stand for race or origin."


def leak_warning(association: Association) -> Notice | None:
    """Return `leak_text` as the notice that stands beside every exhibit of the pincode; None for other factors."""
    return Notice("Does the pincode give the outcome away?", text) if (text := leak_text(association)) else None


def search(report: LeakReport, *, note: str = "") -> Exhibit:
    """Show which columns give the outcome away, what that means, and what could not be found; `note` says which loans were searched."""
    title, named = _title(report), report.leaks()
    text = " ".join([
        *(_leak(report, row) for _, row in named.iterrows()),
        _strongest(report),
        f"A level shows a leak from {report.smallest_all_default:,} loans on where all defaulted, and from "
        f"{report.smallest_none_default:,} where none did; a leak in smaller levels may go unseen.",
        *([note] if note else []),
    ])  # fmt: skip
    caption = (
        f"n = {report.n:,} loans. AUC of each column alone, out of fold; {percent(round(1 - report.alpha, 9))} Hanley–McNeil intervals for "
        "all columns at once (Bonferroni). A column leaks the outcome if its AUC lies above the ceiling, or a level's odds of default are "
        f"more than {report.odds_ceiling:g} times the portfolio's or less than one {report.odds_ceiling:g}th, beyond chance. {note}".rstrip()
    )
    auc, low, high = named.iloc[0][["auc", "auc_low", "auc_high"]] if len(named) else (None, None, None)
    shown = columns(*_SHOWN, confidence=round(1 - report.alpha, 9))
    findings = (Finding("leaks", title, text, auc, low, high, report.n),)
    return Exhibit("eda-leaks", title, caption, "", plain(text), report.columns, shown, findings=findings)


def rules(result: Mapping[str, Any], *, roc_auc: float) -> str:
    """Return how columns that give the outcome away are found, from `results/leaks.json` and the model's ROC-AUC, as Markdown."""
    ceilings = [row["auc_ceiling"] for row in result["columns"]]
    text = (
        "Every column is examined by itself, also those that the codebook does not know, and is named as a leak by either of two "
        f"rules. By its levels: the odds of default at a level lie more than {show(result['odds_ceiling'], 'count')} times above or "
        "below the portfolio's, by more than chance, corrected for all levels of all columns that are large enough to be named "
        "(Tarone). That is further than the lender's own sub-grades reach in the published portfolio, so that neither a good grade "
        "nor a few loans that ended alike raise an alarm. By its AUC: alone and out of fold it lies above a ceiling of "
        f"{show(max(ceilings), 'score')}, by more than chance; the model below, of all columns it may use, reaches "
        f"{show(roc_auc, 'score')}. "
    )
    if min(ceilings) < max(ceilings):
        price = max(row["auc"] for row in result["columns"] if row["known"] == "pricing" and row["auc"] is not None)
        text += (
            f"For a column known by the time of funding the ceiling is {show(min(ceilings), 'score')} here: a little above the upper "
            f"end of the strongest price's AUC (estimated as {show(price, 'score')}), because the price was set with that column in "
            "hand. "
        )
    return f"{text}Numbers are examined value by value and in bins, a missing value is a level, and texts count as they are written."


def _title(report: LeakReport) -> str:
    names, of = report.leaks()["column"].map(heads.label).tolist(), f"of {len(report.columns)} columns"
    if not names:
        return f"None {of} gives the outcome away by itself"
    return f"{len(names)} {of} {'gives' if len(names) == 1 else 'give'} the outcome away: {', '.join(names)}"


def _leak(report: LeakReport, row: pd.Series) -> str:
    name = row["column"]
    levels = report.levels.loc[report.levels["column"] == name]
    pure, near = levels.dropna(subset=["separation"]), levels.loc[levels["separation"].isna()]
    parts = []
    if len(pure):
        chance = show(pure["p_chance"].max(), "p")
        parts.append(
            f"in {len(pure)} of {row['levels']:,} levels every loan ended the same way ({_ends(pure)}; "
            f"{show(pure['n'].sum() / report.n, 'rate')} of all loans; by chance p {chance if chance.startswith('<') else f'= {chance}'})"
        )
    if len(near):
        rates = interval(near["default_rate"].min(), near["default_rate"].max(), "rate")
        of = f"{len(near)} of {row['levels']:,} levels"
        parts.append(f"in {of} nearly every loan did: {_listed(near)} (default rates {rates})")
    auc = estimate(row["auc"], row["auc_low"], row["auc_high"], kind="score")
    above = f", above the ceiling of {show(row['auc_ceiling'], 'score')}" if row["auc_low"] > row["auc_ceiling"] else ""
    parts.append(f"by itself it has an AUC of {auc}{above}")
    return f"{capital(heads.label(name))} gives the outcome away: {'. '.join([parts[0], *map(capital, parts[1:])])}. {_meaning(report, row)}"


def _meaning(report: LeakReport, row: pd.Series) -> str:
    if row["column"] == "pincode":
        states = report.columns.loc[report.columns["column"] == "state"]
        noise = ""
        # Out of fold, levels without meaning fall a little below one half.
        if len(states) and states["auc_low"].iloc[0] <= 1 / 2:
            noise = f"The state in the same address says nothing of default ({_of_auc(states.iloc[0])}). "
        return (
            f"{noise}No real place does that: the addresses were made up after the outcome was known. A lender must "
            "not use the pincode, in a policy or in a model. Geography is also a fair-lending question."
        )
    when = f"It is said to be known at {row['known']}, which this contradicts"
    if row["known"] == UNKNOWN:
        when = "The codebook does not know when its value comes to exist"
    return f"{when}: until that is settled, a lender must not use it, in a policy or in a model."


def _strongest(report: LeakReport) -> str:
    quiet = report.columns.loc[report.columns["verdict"] != "leak"]
    if quiet.empty or quiet["auc"].isna().all():
        return "No other column was left to compare."
    best = quiet.sort_values("auc", kind="stable").iloc[-1]
    if best["auc_low"] <= 1 / 2:
        return f"No other column predicts default significantly; {heads.label(best['column'])} comes closest ({_of_auc(best)})."
    return f"The strongest legitimate predictor of default is {heads.label(best['column'])} ({_of_auc(best)}, out of fold)."


def _of_auc(row: pd.Series) -> str:
    return f"AUC {show(row['auc'], 'score')}, {interval(row['auc_low'], row['auc_high'], 'score')}"


def _ends(separated: pd.DataFrame) -> str:
    by_end = {kind: separated.loc[separated["separation"] == kind] for kind in _ENDS}
    return " and ".join(f"{_ENDS[kind]} {_listed(levels)}" for kind, levels in by_end.items() if len(levels))


def _listed(levels: pd.DataFrame) -> str:
    names = levels["level"].map(heads.level).tolist()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
