"""Probabilities of default from earlier months against the defaults that came, by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.analysis.odds import wilson
from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.hazard_regression import aalen_johansen
from loantap.watchlist.hazards import HORIZON, MIN_MONTHS, Hazards, fit_hazards, why_not
from loantap.watchlist.landmarks import Borrowers, Landmarks, landmarks
from loantap.watchlist.standing import BUCKETS, CURRENT, Standing

TENTHS = 10
EVERYBODY = "all live loans"
FEW = 10  # loans below which a group is not told


@dataclass(frozen=True)
class HazardBacktest:
    """What hazards of earlier months let expect at a month, and what came."""

    fitted_until: np.datetime64  # last month that the hazards know of; from it the loans are followed
    horizon: int  # months for which they are
    # One row per group: kind (all, bucket, tenth), group, loans, expected_rate with its low and high, defaults, observed_rate with its
    # low and high (shares that default within the horizon), agrees.
    groups: pd.DataFrame
    hazards: Hazards  # fitted to the months until then
    confidence: float  # of the intervals


def backtest_hazards(
    panel: Panel, stands: Standing, known: Borrowers, *, random_state: int = 0, confidence: float = CONFIDENCE
) -> HazardBacktest | None:
    """Return how probabilities from the months up to one agree with the defaults of the next, or None where `why_no_backtest` says why.

    Groups are all loans, the delinquency buckets, and tenths of probability of the loans that are not late. A group agrees where what was observed
    lies as near to what was expected as both intervals together let expect.

    Args:
        panel: Snapshots of n loans in m months.
        stands: Where each loan stands, of the same panel.
        known: What is known of each loan since it was granted.
        random_state: Seed, as in `fit_hazards`.
        confidence: Of the intervals.
    """
    if why_no_backtest(panel, stands):
        return None
    t = _cut(len(panel.months))
    hazards = fit_hazards(panel.until(panel.months[t]), stands.until(t), known, random_state=random_state)
    horizon = min(HORIZON, len(panel.months) - 1 - t)
    marks = landmarks(panel, stands, known, [t]).within(horizon)
    marks = marks.only(~marks.defaulted_before)
    chance = hazards.probability(marks, months=horizon, confidence=confidence)["pd"]
    current = marks.bucket == CURRENT
    tenth = np.minimum(chance[current].rank(pct=True).to_numpy() * TENTHS, TENTHS - 1).astype(np.int64)
    parts = {
        "all": (marks, np.zeros(len(chance), dtype=np.int64), [EVERYBODY]),
        "bucket": (marks, marks.bucket, BUCKETS),
        "tenth": (marks.only(current), tenth, [str(one + 1) for one in range(TENTHS)]),
    }
    groups = [
        _compare(hazards, some, group, names, horizon, confidence).assign(kind=kind)
        for kind, (some, group, names) in parts.items()
    ]
    return HazardBacktest(panel.months[t], horizon, pd.concat(groups, ignore_index=True), hazards, confidence)


def why_no_backtest(panel: Panel, stands: Standing) -> str:
    """Return why probabilities cannot be held against what came; empty if they can."""
    if said := why_not(panel, stands):
        return said
    t = _cut(len(panel.months))
    if t + 1 < MIN_MONTHS:
        return (
            f"No back-test of the probability over time: {MIN_MONTHS} months to fit to and {HORIZON // 2} to look at afterwards "
            f"are needed, the panel has {len(panel.months)}."
        )
    earlier = why_not(panel.until(panel.months[t]), stands.until(t))
    return earlier and f"No back-test of the probability over time, for the months until {panel.months[t]}. {earlier}"


def by_group(
    hazards: Hazards, marks: Landmarks, group: np.ndarray, *, names: Sequence[str], confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return the mean probabilities of all live loans and of each group: group, loans, pd with pd_low and pd_high, repaid_early.

    Groups of fewer than FEW loans are left out.

    Args:
        hazards: Fitted.
        marks: k live loans.
        group: Position of each loan's group in `names`, shape (k,).
        names: What the groups are called.
        confidence: Of the intervals.
    """
    if not len(group):
        return pd.DataFrame(columns=["group", "loans", "pd", "pd_low", "pd_high", "repaid_early"])
    whole, table = (hazards.group_means(marks, one, confidence=confidence) for one in (np.zeros_like(group), group))
    table = pd.concat([whole, table], ignore_index=True).drop(columns="pd_error")
    table.insert(0, "group", [EVERYBODY, *names[: len(table) - 1]])
    return table[table["loans"] >= FEW].reset_index(drop=True)


def _compare(
    hazards: Hazards, marks: Landmarks, group: np.ndarray, names: Sequence[str], months: int, confidence: float
) -> pd.DataFrame:
    """Return what was expected and what came, by group of landmarks that were followed; groups of fewer than FEW loans are left out.

    What came is the cumulative incidence after Aalen and Johansen (Scandinavian Journal of Statistics 5 (1978), 141-150), since some
    loans are not followed to the end; its interval is Wilson's for as many loans as would have its variance. A group agrees where
    expected and observed lie within the root of the sum of their squared reaches towards each other.
    """
    table, rows = hazards.group_means(marks, group, months=months, confidence=confidence), []
    for place, told in enumerate(table.to_dict("records")):
        if told["loans"] < FEW:
            continue
        inside, expected = group == place, told["pd"]
        observed, error = incidence(marks.only(inside), months=months)
        alike = observed * (1 - observed) / error**2 if error > 0 else float(inside.sum())
        ends = wilson(pd.Series([observed * alike]), pd.Series([alike]), alpha=1 - confidence)
        low, high = (float(end[0]) for end in ends)
        below = (high - observed, expected - told["pd_low"])  # less came than was expected
        reach = np.hypot(*(below if observed < expected else (observed - low, told["pd_high"] - expected)))
        rows.append({
            "group": names[place], "loans": inside.sum(), "expected_rate": expected,
            "expected_rate_low": told["pd_low"], "expected_rate_high": told["pd_high"],
            "defaults": int((marks.outcome[inside] == 1).sum()), "observed_rate": observed,
            "observed_rate_low": low, "observed_rate_high": high, "agrees": abs(observed - expected) <= reach,
        })  # fmt: skip
    return pd.DataFrame(rows)


def incidence(marks: Landmarks, *, months: int) -> tuple[float, float]:
    """Return the share of landmarks that default within some months, and its standard error.

    A loan whose last installment came due is not lost from sight: nothing can happen to it any more.
    """
    over = (marks.outcome == 0) & (marks.followed >= marks.end)
    return aalen_johansen(np.where(over, months, marks.followed), marks.outcome, months=months)


def _cut(months: int) -> int:
    """Return the position of the month from which the loans are followed: as long as the horizon, where the panel is long enough."""
    return max(months - 1 - HORIZON, min(MIN_MONTHS - 1, months - 1 - HORIZON // 2))
