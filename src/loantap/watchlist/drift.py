"""Whether live loans still look like the training loans, and default as often as the model says.

The limits of a stability index are a custom of scorecard builders and no test: with few loans chance alone exceeds them, with many
a change that matters stays below. What chance gives stands beside each value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta, chi2

from loantap.data.panel import CLOSED, Panel
from loantap.errors import InputError
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.stability import psi, shares

PROBABILITY = "probability"
AMBER, RED = 0.10, 0.25  # of a stability index, by custom
TOLERANCE = (0.8, 1.25)  # ratios of observed to expected defaults that need no action
FIRST_MONTHS = 6  # which the later ones are compared with
_BINS = 10


def drift(
    panel: Panel, training: Mapping[str, Any], *, probability: np.ndarray | None = None, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Compare the live loans of each month with the training loans, one variable at a time.

    Cells are tenths of the training loans by their quantiles (a value that more than a tenth share is a cell of its own), and one for
    missing values. A cell without any loan of either is left out.

    Args:
        panel: The n loans in m months.
        training: Values of the training loans, by variable: dti and revol_util (percent), probability.
        probability: The model's probability of default with each month's snapshot, shape (n, m); loans with NaN in a month are left
            out, since what they lack is seen in its own variable.
        confidence: Of chance's own level: the quantile that chance_high is.

    Returns:
        One row per month and variable: month, variable, n (live loans), missing (share without a value), psi; chance, chance_high and
        chance_95 (mean, the quantile at `confidence` and that at 0.95 of psi if both came from one population: (1/n + 1/training loans) times
        chi-square with B - 1 degrees of freedom for B cells, Yurdakul, Statistical Properties of Population Stability Index, 2018); light:
        red from RED, amber from AMBER, green below or where chance_high is not exceeded. NaN and "" without live loans.
    """
    given = {"dti": panel.dti, "revol_util": panel.revol_util, PROBABILITY: probability}
    alive, rows = _live(panel), []
    for name, values in training.items():
        known, live = np.asarray(values, dtype=float), given[name]
        assert live is not None  # noqa: S101 (where probabilities are compared, they are given)
        cells = _cells(known)
        before = _count(known, cells)
        for position, month in enumerate(panel.months):
            now = live[alive[:, position], position]
            now = now[~np.isnan(now)] if name == PROBABILITY else now
            rows.append({"month": month, "variable": name} | _stability(before, _count(now, cells), confidence))
    return pd.DataFrame(rows).sort_values("month", kind="stable", ignore_index=True)


def calibration_drift(
    panel: Panel, probability: np.ndarray, term: np.ndarray, *, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Compare the defaults of each month with those that the model lets expect.

    A loan defaults in the first month that finds it 90 or more days past due. At risk are loans that were live in an earlier month and are
    live or default in this one. The model says how likely default is at all, not when. An assumption fills in: the same hazard in every
    month of the term, 1 - (1 - p)^(1 / term). Defaults come earlier or later in truth, and a loan 90 days past due may recover, so the
    level of observed to expected says little; its change says more, as long as loans of all ages are among those at risk.

    Args:
        panel: The n loans in m months, with days past due.
        probability: The model's probability p of default over the term, shape (n,); loans with NaN are left out.
        term: Months of each loan, shape (n,).
        confidence: Of the intervals.

    Returns:
        One row per month: month, n (loans at risk), defaults, expected, ratio (defaults to expected) with ci_low, ci_high (exact Poisson)
        and light; change (the ratio against that of the FIRST_MONTHS with loans at risk together) with change_low, change_high (exact, given
        the defaults of both) and change_light; NaN and "" in the first months and where nothing is expected. A light is green if the
        interval holds 1 or the value lies within TOLERANCE, red if the whole interval lies outside of it, and amber otherwise.
    """
    positions, end, alive = np.arange(len(panel.months)), panel.default_month(), _live(panel)
    known = alive.any(axis=1) & ~np.isnan(probability)
    hazard = 1 - (1 - np.where(known, probability, 0.0)) ** (1 / np.asarray(term, dtype=float))
    after_first = (positions > alive.argmax(axis=1)[:, np.newaxis]) & known[:, np.newaxis]
    at_risk = (alive | (positions == end[:, np.newaxis])) & after_first
    n, expected = at_risk.sum(axis=0), np.array([hazard[inside].sum() for inside in at_risk.T])
    counted = end < len(positions)
    defaults = np.bincount(end[counted][at_risk[counted, end[counted]]], minlength=len(positions))
    first = np.flatnonzero(expected > 0)[:FIRST_MONTHS]
    compared = (expected > 0) & (positions > first.max(initial=-1)) & (defaults[first].sum() > 0)
    ratio = _to_expected(defaults, expected, confidence)
    sides = defaults[first].sum(), expected[first].sum(), defaults, np.where(compared, expected, np.nan)
    change = _rate_ratio(*sides, confidence)
    table = pd.DataFrame({"month": panel.months, "n": n, "defaults": defaults, "expected": expected})
    table = table.assign(**dict(zip(("ratio", "ci_low", "ci_high"), ratio, strict=True)), light=_ratio_lights(*ratio))
    changes = dict(zip(("change", "change_low", "change_high"), change, strict=True))
    return table.assign(**changes, change_light=_ratio_lights(*change))


def poisson_interval(count: np.ndarray, *, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact interval of a Poisson mean from a count (Garwood, Biometrika 28, 1936, 437-442)."""
    count, tail = np.asarray(count, dtype=float), (1 - confidence) / 2
    low = np.where(count > 0, chi2.ppf(tail, 2 * np.maximum(count, 1)) / 2, 0.0)
    return low, chi2.ppf(1 - tail, 2 * count + 2) / 2


def _to_expected(count: np.ndarray, expected: np.ndarray, confidence: float) -> list[np.ndarray]:
    """Return counts to those expected with the ends of their exact intervals, NaN where nothing is expected."""
    expected = np.where(expected > 0, expected, np.nan)
    return [values / expected for values in (count, *poisson_interval(count, confidence=confidence))]


def _rate_ratio(
    first: np.ndarray, expected_first: np.ndarray, count: np.ndarray, expected: np.ndarray, confidence: float
) -> list[np.ndarray]:
    """Return how many times the ratio of defaults to those expected is that of the first months, with the ends of its exact interval.

    Given the defaults of both, those of the later months are binomial: odds of their share are the ratio of the two rates.
    """
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        odds = expected_first / expected
        low = np.where(count > 0, beta.ppf(tail, count, first + 1), 0.0)
        high = beta.ppf(1 - tail, count + 1, first)
        return [odds * count / first, odds * low / (1 - low), odds * high / (1 - high)]


def _live(panel: Panel) -> np.ndarray:
    alive = panel.delivered & (panel.default_month()[:, np.newaxis] > np.arange(len(panel.months)))
    return alive if panel.status is None else alive & (panel.status != CLOSED)


def _cells(values: np.ndarray) -> np.ndarray:
    """Return the edges between cells."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        raise InputError("training: expected a variable with values, got missing ones only.")
    edges, times = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS), return_counts=True)
    # A value that is several quantiles is a cell of its own, or values below it would count as if they were the same.
    return np.union1d(edges, np.nextafter(edges[times > 1], -np.inf))


def _count(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the loans in each cell; the last is for missing values."""
    gone = np.isnan(values)
    codes = np.searchsorted(cells, values[~gone], side="left")
    return np.append(np.bincount(codes, minlength=len(cells) + 1), gone.sum())


def _stability(before: np.ndarray, now: np.ndarray, confidence: float) -> dict[str, Any]:
    n, filled = int(now.sum()), (before + now) > 0
    if n == 0:
        return {"n": 0, **dict.fromkeys(("missing", "psi", "chance", "chance_high", "chance_95"), np.nan), "light": ""}
    index, scale, freedom = psi(shares(before[filled]), shares(now[filled])), 1 / n + 1 / before.sum(), filled.sum() - 1
    # What others read is the level of 95%, whatever is asked for.
    chance_high, chance_95 = (float(scale * chi2.ppf(one, freedom)) if freedom else 0.0 for one in (confidence, 0.95))
    light = "green" if index < AMBER or index <= chance_high else "amber" if index < RED else "red"
    chance = {"chance": scale * freedom, "chance_high": chance_high, "chance_95": chance_95}
    return {"n": n, "missing": now[-1] / n, "psi": index, **chance, "light": light}


def _ratio_lights(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the light of ratios with the ends of their intervals, as `calibration_drift` says; "" for NaN."""
    near, far = TOLERANCE
    green = ((low <= 1) & (high >= 1)) | ((value >= near) & (value <= far))
    return np.select([np.isnan(value), green, (low > far) | (high < near)], ["", "green", "red"], "amber")


@dataclass(frozen=True)
class CalibrationLevel:
    """Observed against expected defaults of all months with loans at risk."""

    defaults: int
    expected: float  # defaults that the model lets expect
    ratio: tuple[float, float, float]  # the first over the second, with its exact Poisson interval; NaN of nothing
    light: str  # of the ratio, as in `calibration_drift`; "" where there is none
    # The ratio of the later months over that of the first ones, with the ends of its exact interval given the defaults of both; NaN
    # without later months, or without defaults in the first ones.
    change: tuple[float, float, float]
    change_light: str


def calibration_level(outcomes: pd.DataFrame, *, confidence: float = CONFIDENCE) -> CalibrationLevel:
    """Return how the defaults of all months of `calibration_drift` meet those expected; its months without a change are the first."""
    at_risk = outcomes[outcomes["expected"] > 0]
    later = at_risk["change_high"].notna()
    sums = [part[["defaults", "expected"]].sum() for part in (at_risk, at_risk[~later], at_risk[later])]
    whole, first, last = ((np.array(int(d)), np.array(float(e))) for d, e in sums)
    ratio = change = [np.array(np.nan)] * 3
    if whole[1] > 0:
        ratio = _to_expected(*whole, confidence)
    if first[0] and later.any():
        change = _rate_ratio(*first, *last, confidence)
    lights = [str(_ratio_lights(*ends)) for ends in (ratio, change)]
    (a, b, c), (d, e, f) = (map(float, ends) for ends in (ratio, change))
    return CalibrationLevel(int(whole[0]), float(whole[1]), (a, b, c), lights[0], (d, e, f), lights[1])
