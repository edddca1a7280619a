"""What gives the outcome away, in sentences: the pincode's codes, any other column, and what that means."""

import pandas as pd

from loantap.analysis.association import Association
from loantap.analysis.leaks import UNKNOWN, LeakReport
from loantap.exhibits.exhibit import Notice
from loantap.exhibits.words import interval, show

LEAKS = {
    "column": "text", "known": "text", "levels": "count", "pure_levels": "count", "loans_in_pure": "count",
    "auc": "score", "auc_low": "score", "auc_high": "score", "auc_ceiling": "score", "verdict": "text",
}  # fmt: skip
_ENDS = {"all_default": "every loan defaulted in", "none_default": "no loan defaulted in"}
_NAMED = 10


def leak(association: Association) -> str:
    """Return which levels give the outcome away, as a sentence, or an empty text where none does."""
    separated = association.leaks()
    if separated.empty:
        return ""
    return (
        f"{len(separated)} of {len(association.levels)} {association.factor}s are pure: {_ends(separated)} "
        f"({show(separated['n'].sum() / association.n, 'rate')} of all loans)."
    )


def leak_text(association: Association) -> str:
    """Return the warning about the pincode in words; empty for other factors."""
    if association.factor != "pincode":
        return ""
    pure = leak(association)
    why = (
        f"{pure} No real place does that: the publisher of the data made the addresses up after the outcome was known. "
        "The pincode gives the outcome away: it is a leak, and a lender must not use it, neither as a policy nor as a "
        "model's feature. "
        if pure
        else "No pincode is pure in these loans. "
    )
    return f"{why}Where a borrower lives is also a fair-lending question: it can stand for race or origin."


def leak_warning(association: Association) -> Notice | None:
    """Return `leak_text` as the notice that stands beside every exhibit of the pincode; None for other factors."""
    return Notice("Does the pincode give the outcome away?", text) if (text := leak_text(association)) else None


def leaks_title(report: LeakReport) -> str:
    """Return which columns give the outcome away, fit for a title."""
    named = report.leaks()["column"].tolist()
    examined = f"{len(report.columns)} columns"
    if not named:
        return f"None of {examined} gives the outcome away by itself"
    return f"{len(named)} of {examined} {'gives' if len(named) == 1 else 'give'} the outcome away: {', '.join(named)}"


def leaks_text(report: LeakReport) -> str:
    """Return what was found about each leak, what it means, and what the search could not have found."""
    return " ".join(
        [
            *(_leak(report, row) for _, row in report.leaks().iterrows()),
            _strongest(report),
            f"By its levels a column is named from {report.smallest_all_default:,} loans at a level where all defaulted, or "
            f"{report.smallest_none_default:,} where none did; a leak in smaller levels may go unseen.",
        ]
    )


def leaks_caption(report: LeakReport) -> str:
    """Return the caption of the table of columns: finding, n, and what the intervals and ceilings are."""
    return (
        f"{leaks_title(report)}. n = {report.n:,} loans; AUC of each column alone, out of fold, with "
        f"{round(100 * (1 - report.alpha), 6):g} % intervals that hold for all columns at once (Hanley and McNeil, Bonferroni). A leak has levels with odds of default "
        f"more than {report.odds_ceiling:g} times or less than one {report.odds_ceiling:g}th of the portfolio's, beyond chance, "
        "or an AUC above its ceiling, beyond chance."
    )


def _leak(report: LeakReport, row: pd.Series) -> str:
    name = row["column"]
    levels = report.levels.loc[report.levels["column"] == name]
    pure, near = levels.dropna(subset=["separation"]), levels.loc[levels["separation"].isna()]
    parts = []
    if len(pure):
        chance = show(pure["p_chance"].max(), "p")
        parts.append(
            f"{_of_levels(row, len(pure))} pure: {_ends(pure)} ({show(pure['n'].sum() / report.n, 'rate')} of all loans; by "
            f"chance p {chance if chance.startswith('<') else f'= {chance}'})"
        )
    if len(near):
        rates = interval(near["default_rate"].min(), near["default_rate"].max(), "rate")
        parts.append(f"{_of_levels(row, len(near))} nearly so: {_listed(near)} (default rates {rates})")
    parts.append(f"alone it reaches an AUC of {_auc(row)}, against a ceiling of {show(row['auc_ceiling'], 'score')}")
    return f"{name} gives the outcome away: {'; '.join(parts)}. {_meaning(report, row)}"


def _meaning(report: LeakReport, row: pd.Series) -> str:
    if row["column"] == "pincode":
        states = report.columns.loc[report.columns["column"] == "state"]
        noise = [
            f"The state in the same address is noise, as far as these loans show (AUC {_auc(state)}). "
            for _, state in states.iterrows()
            if state["auc_low"] <= 1 / 2  # out of fold, levels without meaning fall a little below
        ]
        return (
            f"{''.join(noise)}No real place does that: the addresses were made up after the outcome was known. A lender must "
            "not use the pincode, neither as a policy nor as a model's feature, and geography is a fair-lending question besides."
        )
    when = (
        "The codebook does not know when its value comes to exist"
        if row["known"] == UNKNOWN
        else f"It is said to be known at {row['known']}, which this contradicts"
    )
    return f"{when}: until that is settled, a lender must not use it, neither as a policy nor as a model's feature."


def _strongest(report: LeakReport) -> str:
    quiet = report.columns.loc[report.columns["verdict"] != "leak"]
    if quiet.empty or quiet["auc"].isna().all():
        return "No other column was left to compare."
    best = quiet.sort_values("auc", kind="stable").iloc[-1]
    return f"The strongest column that is not named is {best['column']}, with an AUC of {_auc(best)}."


def _auc(row: pd.Series) -> str:
    return f"{show(row['auc'], 'score')} ({interval(row['auc_low'], row['auc_high'], 'score')})"


def _of_levels(row: pd.Series, count: int) -> str:
    return f"{count} of {row['levels']:,} levels {'is' if count == 1 else 'are'}"


def _ends(separated: pd.DataFrame) -> str:
    by_end = {kind: separated.loc[separated["separation"] == kind] for kind in _ENDS}
    return " and ".join(f"{_ENDS[kind]} {_listed(levels)}" for kind, levels in by_end.items() if len(levels))


def _listed(levels: pd.DataFrame) -> str:
    names = levels["level"].tolist()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
