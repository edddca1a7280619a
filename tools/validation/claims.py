"""What the validation claims, and how a simulated number is held against its goal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from validation.counts import ALPHA, MIN_CELL

COVERAGE = (0.94, 0.96)
SAFE = (0.94, 1.0)
FALSE = (0.0, ALPHA)
NO_SHARES = {"log_width", "log_error", "unadjusted_log_error", "width", "error", "difference", "published"}
_CERTAINTY = 0.05  # one minus the confidence of Monte Carlo intervals


@dataclass(frozen=True)
class Claim:
    """What is held against a goal: a measure's mean over the cells that `where` chooses, or its largest (`worst`)."""

    quantity: str
    scenario: str
    measure: str
    goal: tuple[float, float]
    where: str = "index >= 0"
    worst: bool = False


_ENOUGH = f"expected >= {MIN_CELL}"
_FINITE = "rate > 0 and rate < 1"
CLAIMS = (
    Claim("Odds ratio: coverage, ten or more of both outcomes expected", "odds", "covered", COVERAGE, _ENOUGH),
    Claim("Odds ratio: coverage, fewer expected", "odds", "covered", SAFE, f"not {_ENOUGH}"),
    Claim("Odds ratio: coverage among levels that are published", "odds", "covered_shown", COVERAGE, _ENOUGH),
    Claim("Odds ratio: coverage among levels that are published, fewer expected", "odds", "covered_shown", SAFE, f"not {_ENOUGH}"),
    Claim("Odds ratio: coverage, rare outcome in a small level", "rare", "covered", SAFE, _FINITE),
    Claim("Odds ratio: coverage where 0.5 was added to the cells", "rare", "covered_corrected", SAFE, _FINITE),
    Claim("Adjusted odds ratio: coverage, confounded factor", "adjusted", "covered", COVERAGE, "setting == 'confounded'"),
    Claim("Adjusted odds ratio: coverage, no confounding", "adjusted", "covered", COVERAGE, "setting == 'independent'"),
    Claim("No effect: any level called different (Holm), worst factor", "families", "holm", FALSE, worst=True),
    Claim("No effect: any level called different (BH), worst factor", "families", "bh", FALSE, worst=True),
    Claim("No effect: chi-square test significant, worst factor", "families", "chi2", FALSE, worst=True),
    Claim("No effect, adjusted: any level called different (Holm)", "adjusted_null", "adjusted_false", FALSE, worst=True),
    Claim("Some effects: any other level called different (Holm), worst factor", "effects", "holm_false", FALSE, worst=True),
    Claim("Some effects: share of false verdicts (BH), worst factor", "effects", "bh_share_false", FALSE, worst=True),
    Claim("Power at the smallest detectable odds ratio", "power", "found", (0.77, 0.83), f"kind != 'stated' and {_ENOUGH}"),
    Claim("Power at stated odds ratios: simulated less computed", "power", "difference", (-0.03, 0.03), "kind == 'stated'"),
    Claim("Cramér's V: coverage, weak to moderate association", "cramers_v", "covered", COVERAGE, "0.01 < true_v < 0.5"),
    Claim("Cramér's V: coverage, no association", "cramers_v", "covered", SAFE, "true_v <= 0.01"),
    Claim("Cramér's V: coverage, strong association", "cramers_v", "covered", SAFE, "true_v >= 0.5"),
    Claim("Default rate: coverage, ten or more of both outcomes expected", "wilson", "covered", COVERAGE, _ENOUGH),
    Claim("Default rate: coverage, fewer expected", "wilson", "covered", SAFE, f"not {_ENOUGH}"),
)  # fmt: skip


def estimate(values: np.ndarray, *, share: bool, certainty: float = _CERTAINTY) -> tuple[float, float, float]:
    """Return the mean of all values that are not missing, and its Monte Carlo interval.

    Rows (repetitions) are independent, columns need not be: the standard error is that of a ratio of row sums. Shares
    have Wilson's interval at the number of independent trials with that standard error.
    """
    known = ~np.isnan(values)
    total = int(known.sum())
    if total == 0:
        return np.nan, np.nan, np.nan
    mean = float(values[known].sum() / total)
    error = float(np.sqrt((np.where(known, values - mean, 0).sum(axis=1) ** 2).sum()) / total)
    if not share:
        half = stats.norm.isf(certainty / 2) * error
        return mean, mean - half, mean + half
    trials = min(mean * (1 - mean) / error**2, total) if error > 0 else int(known.any(axis=1).sum())
    low, high = proportion_confint(mean * trials, trials, alpha=certainty, method="wilson")
    return mean, min(float(low), mean), max(float(high), mean)  # rounding at 0 and 1


def judge(claim: Claim, cells: pd.DataFrame, measures: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Hold a claim against its goal: the columns of `Validation.verdicts`.

    A cell lies outside the goal beyond chance if its interval does, at a confidence that holds for all cells at once.
    The verdict is "met"; "met within Monte Carlo error" if the goal is missed by less than chance explains; "met on
    average" if the mean is within the goal and some cells are beyond chance not; or "not met".
    """
    places = cells.query(claim.where).index.to_numpy()
    share = claim.measure not in NO_SHARES
    values = measures[claim.measure][:, places]
    each = np.array([estimate(v[:, np.newaxis], share=share, certainty=_CERTAINTY / len(places)) for v in values.T])
    if np.isnan(each[:, 0]).all():
        found: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    else:
        found = tuple(each[np.nanargmax(each[:, 0])]) if claim.worst else estimate(values, share=share)
    low, high = claim.goal
    below, above = each[:, 2] < low, each[:, 1] > high
    if low <= found[0] <= high:
        verdict = "met" if not (below | above).any() else "met on average"
    else:
        touches = found[1] <= high and found[2] >= low
        verdict = "met within Monte Carlo error" if touches else "not met"
    known = each[~np.isnan(each[:, 0]), 0]
    return {
        "quantity": claim.quantity,
        "scenario": claim.scenario,
        "measure": claim.measure,
        "share": share,
        "goal_low": low,
        "goal_high": high,
        "found": float(found[0]),
        "found_low": float(found[1]),
        "found_high": float(found[2]),
        "cells": len(known),
        "least": float(known.min()) if len(known) else np.nan,
        "most": float(known.max()) if len(known) else np.nan,
        "below": int(below.sum()),
        "above": int(above.sum()),
        "outside": places[below | above].tolist(),
        "verdict": verdict,
    }
