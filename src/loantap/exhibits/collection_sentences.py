"""The titles of what a collections team reads."""

import pandas as pd

from loantap.exhibits.heads import level
from loantap.exhibits.words import interval, listed, of_confidence, show
from loantap.watchlist.concentration import ALL as WHOLE
from loantap.watchlist.concentration import NOT_KNOWN
from loantap.watchlist.standing import BUCKETS, CURRENT, TO_29
from loantap.watchlist.vintages import EVENTS

_LATE, _DEFAULT = EVENTS
EVENT_WORDS = {_LATE: "ever 30 or more days late", _DEFAULT: "ever in default"}
SIGNAL_WORDS = {
    "dti": "level of debt-to-income (%)", "revol_util": "level of utilisation (%)", "dti_trend": "rise of debt-to-income (points a month)",
    "util_trend": "rise of utilisation (points a month)", "dti_acceleration": "acceleration of debt-to-income (points a month)",
    "util_acceleration": "acceleration of utilisation (points a month)", "probability_change": "rise of the probability of default",
    "days_past_due": "days past due of loans that are not late already", "payment_shortfall": "share of the installment not paid",
    "inquiries": "credit inquiries",
}  # fmt: skip
FLOORS = {"amber": "floor of amber: days past due", "red": "floor of red: days past due"}
_VERBS = {
    "rolls to a worse bucket": "rolled to a worse bucket", "returns to current": "returned to current",
    "leaves default after probation": "left default after their probation",
}  # fmt: skip


def transitions_title(matrix: pd.DataFrame, *, months: str, confidence: float) -> str:
    """Return what became of current loans, and of those furthest behind that are enough to tell."""
    current = {str(row["now"]): row for row in matrix[matrix["before"] == BUCKETS[CURRENT]].to_dict("records")}
    stayed, late = current[BUCKETS[CURRENT]], current[BUCKETS[TO_29]]
    if pd.isna(stayed["share"]):
        return f"How loans moved between buckets, {months}"
    stays = (
        f"{show(stayed['share'], 'rate')} of current loans stayed current {months} ({of_confidence(confidence)}"
        f"{interval(stayed['share_low'], stayed['share_high'], 'rate')})"
    )
    if pd.isna(late["share"]) or not late["share"]:
        return stays
    return f"{stays}; {show(late['share'], 'rate')} became 1 to 29 days late"


def rates_title(rates: pd.DataFrame, *, month: str, against: str) -> str:
    """Return which rates are shown to have changed, or that none is."""
    moved = [
        f"of loans {row['bucket'] if row['bucket'] in ('current', 'in default') else row['bucket'] + ' days late'}, {show(row['share'], 'rate')} "
        f"{_VERBS[row['rate']]} ({show(row['share_before'], 'rate')} before)"
        for row in rates[rates["change"] != "open"].to_dict("records")
    ]
    if moved:
        return f"Changed in {month} against {against}: {'; '.join(moved)}"
    if not rates["difference"].notna().any():
        return f"Roll and cure rates of {month}: too few loans to compare them with {against}"
    return f"No roll or cure rate of {month} is shown to differ from {against}"


def vintages_title(curves: pd.DataFrame, *, confidence: float) -> str:
    """Return how vintages that are seen from their beginning compare at the greatest age that most of them reach."""
    whole = curves[(curves["since"] <= 0) & (curves["event"] == EVENT_WORDS[_DEFAULT])]
    if whole.empty:
        return "Loans late or in default by months on book, from the age at which each vintage is first seen"
    reached = whole.groupby("age")["vintage"].nunique()
    age = int(reached[reached >= min(2, reached.max())].index.max())
    parts = [
        f"{show(row['share'], 'rate')} of those of {row['vintage']} ({of_confidence(confidence)}"
        f"{interval(row['share_low'], row['share_high'], 'rate')})"
        for row in whole[whole["age"] == age].sort_values("vintage").tail(2).to_dict("records")
    ]
    return f"In default by {age} months on book: {listed(parts)}"


def states_title(table: pd.DataFrame, name: str, *, month: str) -> str:
    """Return which states hold a share of the loans that is shown to differ from the month before."""
    moved = [
        f"{level(row['level'])} {show(row['share'], 'rate')} ({show(row['share_before'], 'rate')} before)"
        for row in table[table["change"] != "open"].to_dict("records")
    ]
    whole = table.iloc[-1]
    sums = f"{show(whole['exposure'], 'money')} of exposure in {month}, {show(whole['exposure_before'], 'money')} the month before"
    if moved:
        return f"{sums}; shares of loans that changed: {listed(moved)}"
    return f"{sums}; no share of loans by {name} is shown to have changed"


def concentration_title(table: pd.DataFrame, name: str, *, attention: str, month: str) -> str:
    """Return where most exposure and most expected loss stand, and which levels need more or less attention than the month before."""
    if not table["exposure"].sum():
        return f"No exposure by {name} in {month}"
    # What is pooled is large because it is pooled.
    levels = table[~table["level"].isin([WHOLE, NOT_KNOWN]) & ~table["level"].str.contains("(pooled)", regex=False)]
    if levels.empty or not levels["exposure"].sum():
        return f"Exposure by {name} in {month}"
    most = levels.iloc[int(levels["exposure"].argmax())]
    largest = f"By {name}, {level(most['level'])} holds the largest share of exposure in {month} ({show(most['share_of_exposure'], 'rate')})"
    if "expected_loss" in levels and levels["expected_loss"].sum() > 0:
        lost = levels.iloc[int(levels["expected_loss"].argmax())]
        share = lost["expected_loss"] / table.loc[table["level"] == WHOLE, "expected_loss"].iloc[0]
        same = lost["level"] == most["level"]
        largest += f" and {'' if same else level(lost['level']) + ' '}the largest share of the expected loss ({show(share, 'rate')})"
    moved = [
        f"{level(row['level'])} ({show(row['flagged_share'], 'rate')}, {show(row['flagged_share_before'], 'rate')} the month before)"
        for row in levels[levels["change"] != "open"].to_dict("records")
    ]
    return largest + (f"; the share {attention} changed in {listed(moved)}" if moved else "")


def settings_title(table: pd.DataFrame) -> str:
    """Return which threshold finds most by itself, and which finds most that no other one does."""
    signals = table[table["floor"] == ""]
    known = signals[signals["defaults"] > 0]
    if known.empty:
        return "What each threshold would have flagged"
    best, alone = (known.iloc[int(known[name].argmax())] for name in ("recall", "caught_alone"))
    of_best, of_alone = (row["signal"].partition(" (")[0] for row in (best, alone))  # without the unit
    rest = f"the {of_alone} finds most that no other does ({show(alone['caught_alone'], 'count')})"
    return (
        f"Besides days past due, the {of_best} finds most defaults by itself ({show(best['recall'], 'rate')}, {show(best['by_chance'], 'rate')} "
        f"by chance) with {show(best['flagged_per_1000'], 'count')} of 1,000 loans flagged a month; "
        f"{rest if alone['caught_alone'] else 'none finds what no other does'}"
    )
