"""The line of every loan of a month's delivery, the list of those to look at, and what has changed since the month before.

Days past due set a floor, amber or red; forbearance sets amber. A signal has no point, one or two by its two thresholds; a light is
red with `red_points` or more, amber with `amber_points` or more. The light is the worse of both: no points undercut a floor.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.settings import SIGNALS, Settings
from loantap.watchlist.signals import signals
from loantap.watchlist.standing import OFF, Standing, carried
from loantap.watchlist.worklist import LISTED

GREEN, AMBER, RED = 0, 1, 2
LIGHTS = ("green", "amber", "red")
_WORDS = {
    "dti": "debt-to-income {value:.1f}%, above {threshold:g}%",
    "revol_util": "utilisation {value:.1f}%, above {threshold:g}%",
    "dti_trend": "debt-to-income rising by {value:.1f} points a month",
    "util_trend": "utilisation rising by {value:.1f} points a month",
    "dti_acceleration": "debt-to-income rising faster, by {value:.1f} points a month more",
    "util_acceleration": "utilisation rising faster, by {value:.1f} points a month more",
    "probability_change": "probability of default up by {value:.1f} points since the application",
    "payment_shortfall": "{value:.0f}% of the installment not paid",
    "inquiries": "{value:.0f} credit inquiries in six months",
}
_IN_WORDS = {"probability_change": 100.0, "payment_shortfall": 100.0}  # fractions are told in points

# Every loan of a delivery is in one of these lines, each with what is done about it; the first four are lights of live loans.
ACTIONS = {
    "red": "restructuring offer", "amber": "financial counselling", "unknown": "find out what is not known", "green": "none",
    "in default": "recovery", "charged off": "none", "closed": "none",
}  # fmt: skip
LINES = tuple(ACTIONS)
LIVE = LINES[:4]
_OVER = ("charged off", "closed")
COLUMNS = (
    "loan_id", "light", "points", "reasons", "dti", "dti_trend", "revol_util", "util_trend", "probability", "probability_change",
    "balance", "days_past_due",
)  # fmt: skip
CHANGES = {
    "new": "new on the list", "escalated": "worse: now red", "eased": "better: from red to amber", "resolved": "back to green",
    "unknown": "no longer known", "defaulted": "newly in default", "left default": "out of default after probation",
    "charged off": "charged off", "closed": "closed", "gone": "gone: not delivered", "open again": "open again after it had ended",
}  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """What has become of the loans since the month before."""

    counts: dict[
        str, int
    ]  # loans by change (the keys of CHANGES), and `unchanged`: listed in both months with the same light
    rows: (
        pd.DataFrame
    )  # loans that changed: loan_id, change, before and after (lines; empty where not delivered), words
    words: str  # the counts in one sentence


def assess(
    panel: Panel, t: int, *, settings: Settings, stands: Standing, with_reasons: bool = True, **known: np.ndarray | None
) -> pd.DataFrame:
    """Return every loan that is delivered for a month with its signals, points, light and reasons.

    Args:
        panel: Snapshots of n loans; only those up to the month count.
        t: Position of the month in the panel.
        settings: Thresholds and points.
        stands: Where the loans stand.
        with_reasons: Whether they are wanted.
        known: Probabilities and installments, as in `signals.signals`.
    """
    told = signals(panel, t, settings=settings, stands=stands, **known)
    loans = _with_unknown(evaluate(told, settings=settings, with_reasons=with_reasons))
    others = np.flatnonzero(panel.delivered[:, t] & (stands.ended(t) | stands.in_default[:, t]))
    if len(others) == 0:
        return loans
    off, ended = stands.bucket[others, t] == OFF, stands.ended(t)[others]
    light = np.select([off, ended], _OVER, "in default").astype(object)
    days, known_in = stands.days[others, t], stands.known_in(panel, t)[others]
    reasons = [
        "" if over else _in_default(late, month, good, settings.probation)
        for over, late, month, good in zip(ended, days, known_in, stands.good[others, t], strict=True)
    ]
    rest = {
        "loan_id": panel.loan_id[others], "balance": carried(panel.balance[others, : t + 1], settings.carry)[0],
        "known_in": known_in, "dti": panel.dti[others, t], "revol_util": panel.revol_util[others, t], "days_past_due": days,
        "points": 0, "light": light, "reasons": np.array(reasons, dtype=object),
    }  # fmt: skip
    return pd.concat([loans, pd.DataFrame(rest, index=others)]).sort_index()


def reasons_of(loans: pd.DataFrame, *, settings: Settings) -> list[str]:
    """Return the reasons of loans whose lines are known, one for each.

    Args:
        loans: As from `assess`, in any order, with good_months: how many months of a probation were good.
        settings: Thresholds and points.
    """
    words = pd.Series("", index=loans.index, dtype=object)
    is_live = loans["light"].isin(LIVE)
    live = loans[is_live].astype({"lost": object, "forbearance": bool, "arrears_told": bool})
    words[is_live] = _with_unknown(evaluate(live, settings=settings))["reasons"]
    defaults = loans[loans["light"] == "in default"]
    told = defaults[["days_past_due", "known_in", "good_months"]].itertuples(index=False)
    inside = [_in_default(days, month, int(good), settings.probation) for days, month, good in told]
    words[defaults.index] = np.array(inside, dtype=object)
    return words.tolist()


def evaluate(signals: pd.DataFrame, *, settings: Settings, with_reasons: bool = True) -> pd.DataFrame:
    """Return the signals with `points`, `light` (green, amber or red) and `reasons` (empty for green, or where nobody asks).

    Args:
        signals: As from `signals.signals`.
        settings: Thresholds and points.
        with_reasons: Whether they are wanted; they take longer than the lights.
    """
    points, floors = signal_points(signals, settings=settings), floor_codes(signals, settings=settings)
    codes = light_codes(points, floors, settings=settings)
    flagged, words = (codes > GREEN) & with_reasons, np.full(len(signals), "", dtype=object)
    words[flagged] = _reasons(signals[flagged], points[:, flagged], settings=settings)
    return signals.assign(points=points.sum(axis=0), light=np.array(LIGHTS, dtype=object)[codes], reasons=words)


def _in_default(days: float, known_in: str, good: int, probation: int) -> str:
    """Return why a loan is in default, in words."""
    late = "days past due no longer known" if np.isnan(days) else _late(days, known_in)
    return f"in default: {late}" + (f", month {good} of a probation of {probation}" if good else "")


def _with_unknown(loans: pd.DataFrame) -> pd.DataFrame:
    """Return `unknown` lights where a value was lost, unless red, and in the place of green where arrears never were known."""
    lost, never = loans["lost"] != "", ~loans["arrears_told"]
    unknown = (lost & (loans["light"] != "red")) | (never & (loans["light"] == "green"))
    words = ("no longer known: " + loans["lost"]).where(lost, "days past due never known")
    reasons = words.where(loans["reasons"] == "", words + "; " + loans["reasons"])
    return loans.assign(
        light=loans["light"].mask(unknown, "unknown"), reasons=loans["reasons"].mask(unknown | lost, reasons)
    )


def watchlist(assessed: pd.DataFrame) -> pd.DataFrame:
    """Return the assessed loans to look at: red first, then amber, unknown and in default, most points and balance first."""
    listed = assessed.loc[assessed["light"].isin(LISTED), list(COLUMNS)]
    place = listed["light"].map({light: place for place, light in enumerate(LISTED)})
    keys = (listed["loan_id"], -listed["balance"], -listed["points"], place)  # the last counts first
    return listed.iloc[np.lexsort(keys)].reset_index(drop=True)


def changes(before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """Return what has become of the loans since the month before, both as from `assess`."""
    sides = [frame.set_index("loan_id")["light"] for frame in (before, after)]
    both = pd.concat(sides, axis=1, keys=["before", "after"]).astype(object).fillna("").sort_index()
    was, now = both["before"], both["after"]
    looked_at, was_over, moved = was.isin(LISTED), was.isin(_OVER), was != now
    kinds = [
        ("defaulted", moved & (now == "in default")),
        ("left default", (was == "in default") & now.isin(LIVE)),
        ("charged off", moved & (now == "charged off")),
        ("closed", moved & (now == "closed") & (was != "")),
        ("gone", (now == "") & ~was_over),
        ("unknown", moved & (now == "unknown") & (was != "")),
        ("new", now.isin(("red", "amber", "unknown")) & ~looked_at & ~was_over),
        ("escalated", moved & (now == "red")),
        ("eased", (was == "red") & (now == "amber")),
        ("resolved", looked_at & (now == "green")),
        ("open again", was_over & now.isin(LIVE)),
        ("new", moved & (now == "amber")),  # known again after it was unknown
    ]
    change = np.select([holds for _, holds in kinds], [kind for kind, _ in kinds], default="")
    rows = both.assign(change=change)[change != ""].reset_index()[["loan_id", "change", "before", "after"]]
    rows["words"] = rows["change"].map(CHANGES)
    counts = {kind: int((change == kind).sum()) for kind in CHANGES} | {"unchanged": int((looked_at & ~moved).sum())}
    told = [f"{counts[kind]:,} {words}" for kind, words in CHANGES.items() if counts[kind]]
    return Changes(counts, rows, ", ".join([*told, f"{counts['unchanged']:,} on the list as before"]))


def signal_points(signals: pd.DataFrame, *, settings: Settings) -> np.ndarray:
    """Return the points of each signal, 0 to 2; rows are SIGNALS, columns the loans, shape (k, n)."""
    points = np.zeros((len(SIGNALS), len(signals)), dtype=np.int8)
    for row, name in zip(points, SIGNALS, strict=True):
        value, limits = signals[name].to_numpy(), settings.signals.of(name)
        row += (value > limits.amber).astype(np.int8) + (value > limits.red)
    return points


def floor_codes(signals: pd.DataFrame, *, settings: Settings) -> np.ndarray:
    """Return the light that each loan has at least, shape (n,): by days past due, and amber in forbearance."""
    days, limits = signals["days_past_due"].to_numpy(), settings.floors
    late = (days >= limits.amber).astype(np.int8) + (days >= limits.red)
    return np.maximum(late, signals["forbearance"].to_numpy(dtype=np.int8))


def light_codes(points: np.ndarray, floors: np.ndarray, *, settings: Settings) -> np.ndarray:
    """Return GREEN, AMBER or RED for each loan, shape (n,).

    Args:
        points: As from `signal_points`.
        floors: As from `floor_codes`.
        settings: The points of a light.
    """
    total = points.sum(axis=0)
    raised = (total >= settings.amber_points).astype(np.int8) + (total >= settings.red_points)
    return np.maximum(raised, floors)


def _reasons(signals: pd.DataFrame, points: np.ndarray, *, settings: Settings) -> list[str]:
    """Return for each loan why it has its light, in words: what sets its floor, then signals, the strongest first.

    Red signals come before amber ones, then what lies furthest above its red threshold in proportion.
    """
    texts: list[list[tuple[bool, float, str]]] = [[] for _ in range(len(signals))]
    for place, name in enumerate(SIGNALS):
        rows, limits = np.flatnonzero(points[place]), settings.signals.of(name)
        for row, value in zip(rows.tolist(), signals[name].to_numpy()[rows], strict=True):
            red = points[place, row] == RED
            shown, threshold = value * _IN_WORDS.get(name, 1.0), limits.red if red else limits.amber
            texts[row].append((not red, -value / limits.red, _WORDS[name].format(value=shown, threshold=threshold)))
    floors = zip(texts, signals["days_past_due"], signals["known_in"], signals["forbearance"], strict=True)
    return [
        "; ".join(
            [_late(days, known_in)] * (days >= settings.floors.amber)
            + ["in forbearance"] * bool(forborne)
            + [words for *_, words in sorted(signs, key=lambda sign: sign[:2])]
        )
        for signs, days, known_in, forborne in floors
    ]


def _late(days: float, known_in: str) -> str:
    """Return days past due in words, with the month they are of if it is an earlier one."""
    return f"{days:.0f} day{'' if days == 1 else 's'} past due" + (f" (known in {known_in})" if known_in else "")
