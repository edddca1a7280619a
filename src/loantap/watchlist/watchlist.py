"""The month's list of loans to look at, and what has changed since the month before."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.rule import LIGHTS, judge
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import signals

COLUMNS = (
    "loan_id", "light", "points", "reasons", "dti", "dti_trend", "revol_util", "util_trend", "probability", "probability_change",
    "balance", "days_past_due",
)  # fmt: skip
CHANGES = {
    "new": "new on the list",
    "escalated": "from amber to red",
    "eased": "from red to amber",
    "resolved": "back to green",
    "gone": "no longer live or without a snapshot",
}


@dataclass(frozen=True)
class Changes:
    """What has become of the lights since the month before.

    Attributes:
        counts: Loans by change (the keys of CHANGES), and `unchanged`: on the list in both months with the same light.
        rows: One row per loan that changed: loan_id, change, before and after (lights; empty where not live), words.
        words: The counts in one sentence.
    """

    counts: dict[str, int]
    rows: pd.DataFrame
    words: str


def assess(
    panel: Panel,
    t: int,
    *,
    settings: Settings,
    probability_then: np.ndarray | None = None,
    probability_now: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return every loan that is live at a month with its signals, points, light and reasons.

    It follows from snapshots up to that month, the settings and the probabilities alone, so it comes out the same whenever it is
    computed.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month in the panel.
        settings: Thresholds and points.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation as in the month's snapshot, shape (n,).
    """
    found = signals(
        panel, t, settings=settings, probability_then=probability_then, probability_now=probability_now
    )  # fmt: skip
    return judge(found, settings=settings)


def watchlist(assessed: pd.DataFrame) -> pd.DataFrame:
    """Return the amber and red loans with their COLUMNS: red first, then most points, then most balance at risk.

    Args:
        assessed: As from `assess`.
    """
    listed = assessed.loc[assessed["light"] != LIGHTS[0], list(COLUMNS)]
    keys = (
        listed["loan_id"],
        -listed["balance"],
        -listed["points"],
        listed["light"] != LIGHTS[2],
    )  # the last counts first
    return listed.iloc[np.lexsort(keys)].reset_index(drop=True)


def changes(before: pd.DataFrame, after: pd.DataFrame, *, defaulted: np.ndarray) -> Changes:
    """Return what has become of the lights since the month before.

    Args:
        before: As from `assess`, for the month before.
        after: The same for the month.
        defaulted: loan_id of the loans that defaulted in the month, to tell them from loans that are gone otherwise.
    """
    codes = {light: code for code, light in enumerate(LIGHTS)}
    sides = [frame.set_index("loan_id")["light"].map(codes) for frame in (before, after)]
    both = pd.concat(sides, axis=1, keys=["before", "after"]).sort_index()
    was, now = both["before"].to_numpy(dtype=float), both["after"].to_numpy(dtype=float)  # NaN where not live
    kinds = {
        "new": (now > 0) & ~(was > 0),
        "escalated": (was == 1) & (now == 2),
        "eased": (was == 2) & (now == 1),
        "resolved": (was > 0) & (now == 0),
        "gone": (was > 0) & np.isnan(now),
    }
    change = np.select(list(kinds.values()), list(kinds), default="")
    names = both.apply(lambda side: side.map(dict(enumerate(LIGHTS))).astype(object).fillna(""))
    rows = names.assign(change=change)[change != ""].reset_index()[["loan_id", "change", "before", "after"]]
    lost = rows["loan_id"].isin(defaulted)
    rows["words"] = rows["change"].map(CHANGES).mask(lost, "in default")
    counts = {kind: int(inside.sum()) for kind, inside in kinds.items()} | {
        "unchanged": int(((was > 0) & (was == now)).sum())
    }
    words = ", ".join(f"{counts[kind]:,} {told}" for kind, told in CHANGES.items())
    return Changes(counts, rows, f"{words} ({int(lost.sum()):,} of them in default); {counts['unchanged']:,} unchanged")
