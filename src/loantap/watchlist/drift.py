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
    panel: Panel,
    training: Mapping[str, Any],
    *,
    probability: np.ndarray | None = None,
    confidence: float = CONFIDENCE,
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
        chance_95 (mean, the quantile at `confidence` and that at 0.95 of psi if both came from one population); light: red from RED,
        amber from AMBER, green below or where chance_high is not exceeded. NaN and "" without live loans. Chance:
        (1/n + 1/training loans) times chi-square with B - 1 degrees of freedom for B cells (Yurdakul, Statistical
        Properties of Population Stability Index, 2018). It takes months one by one, and loans as independent of the
        training loans.
    """
    given = {"dti": panel.dti, "revol_util": panel.revol_util, PROBABILITY: probability}
    alive = _live(panel)
    rows = []
    for name, values in training.items():
        known, live = np.asarray(values, dtype=float), given[name]
        assert live is not None  # noqa: S101 (where probabilities are compared, they are given)
        cells = _cells(known)
        before = _count(known, cells)
        for position, month in enumerate(panel.months):
            now = live[:, position]
            here = alive[:, position] & ~np.isnan(now) if name == PROBABILITY else alive[:, position]
            rows.append({"month": month, "variable": name} | _stability(before, _count(now[here], cells), confidence))
    return pd.DataFrame(rows).sort_values("month", kind="stable", ignore_index=True)


def calibration_drift(
    panel: Panel,
    probability: np.ndarray,
    term: np.ndarray,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Compare the defaults of each month with those that the model lets expect.

    A loan defaults in the first month that finds it 90 or more days past due. At risk are loans that were live in an earlier month and
    are live or default in this one; so the panel's first month has none, and a loan that comes in default is not counted.

    The model says how likely default is at all, not when. An assumption fills in: the same hazard in every month of the term,
    1 - (1 - p)^(1 / term). Defaults come earlier or later in truth, and a loan 90 days past due may recover, so the level of observed to
    expected says little; its change against the first months says more, as long as loans of all ages are among those at risk.

    Args:
        panel: The n loans in m months, with days past due.
        probability: The model's probability p of default over the term, shape (n,); loans with NaN are left out.
        term: Months of each loan, shape (n,).
        confidence: Of the intervals.

    Returns:
        One row per month: month, n (loans at risk), defaults, expected, ratio (defaults to expected) with ci_low,
        ci_high (exact Poisson, Garwood 1936) and light; change (the ratio against that of the FIRST_MONTHS with loans at risk
        together) with change_low, change_high (exact, given the defaults of both) and change_light; NaN and "" in the
        first months and where nothing is expected. A light is green if the interval holds 1 or the value lies within
        TOLERANCE, red if the whole interval lies outside of it, and amber otherwise.
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
    observed_first, expected_first = defaults[first].sum(), expected[first].sum()
    later = (expected > 0) & (positions > first.max(initial=-1))
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = [
            values / np.where(expected > 0, expected, np.nan)
            for values in (defaults, *poisson_interval(defaults, confidence=confidence))
        ]
        # Given the defaults of both, those of a month are binomial: odds of its share are the ratio of the two rates.
        odds = np.where(later & (observed_first > 0), expected_first / expected, np.nan)
        low = np.where(defaults > 0, beta.ppf(tail, defaults, observed_first + 1), 0.0)
        high = beta.ppf(1 - tail, defaults + 1, observed_first)
        change = [odds * defaults / observed_first, odds * low / (1 - low), odds * high / (1 - high)]
    table = pd.DataFrame({"month": panel.months, "n": n, "defaults": defaults, "expected": expected})
    table = table.assign(**dict(zip(("ratio", "ci_low", "ci_high"), ratio, strict=True)), light=ratio_lights(*ratio))
    return table.assign(
        **dict(zip(("change", "change_low", "change_high"), change, strict=True)), change_light=ratio_lights(*change)
    )


def poisson_interval(count: np.ndarray, *, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact interval of a Poisson mean from a count (Garwood, Biometrika 28, 1936, 437-442)."""
    count, tail = np.asarray(count, dtype=float), (1 - confidence) / 2
    low = np.where(count > 0, chi2.ppf(tail, 2 * np.maximum(count, 1)) / 2, 0.0)
    return low, chi2.ppf(1 - tail, 2 * count + 2) / 2


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
    found, scale, freedom = psi(shares(before[filled]), shares(now[filled])), 1 / n + 1 / before.sum(), filled.sum() - 1
    # What others read is the level of 95%, whatever is asked for.
    chance_high, chance_95 = (float(scale * chi2.ppf(level, freedom)) if freedom else 0.0 for level in (confidence, 0.95))  # fmt: skip
    light = "green" if found < AMBER or found <= chance_high else "amber" if found < RED else "red"
    chance = {"chance": scale * freedom, "chance_high": chance_high, "chance_95": chance_95}
    return {"n": n, "missing": now[-1] / n, "psi": found, **chance, "light": light}


def ratio_lights(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the light of ratios with the ends of their intervals, as `calibration_drift` says; "" for NaN."""
    near, far = TOLERANCE
    conditions = [
        np.isnan(value),
        ((low <= 1) & (high >= 1)) | ((value >= near) & (value <= far)),
        (low > far) | (high < near),
    ]
    return np.select(conditions, ["", "green", "red"], "amber")


@dataclass(frozen=True)
class CalibrationLevel:
    """Observed against expected defaults of all months with loans at risk.

    Attributes:
        defaults: Defaults.
        expected: Defaults that the model lets expect.
        ratio: The first over the second, with the ends of its exact Poisson interval; NaN where nothing is expected.
        light: Of the ratio, as in `calibration_drift`; "" where there is none.
        change: The ratio of the later months over that of the first ones, with the ends of its exact interval given the defaults of
            both; NaN without later months, or without defaults in the first ones.
        change_light: Its light.
    """

    defaults: int
    expected: float
    ratio: tuple[float, float, float]
    light: str
    change: tuple[float, float, float]
    change_light: str


def calibration_level(outcomes: pd.DataFrame, *, confidence: float = CONFIDENCE) -> CalibrationLevel:
    """Return how the defaults of all months of `calibration_drift` together meet those expected; its months without a change are the first ones."""
    at_risk = outcomes[outcomes["expected"] > 0]
    later = at_risk["change_high"].notna()
    sums = [part[["defaults", "expected"]].sum() for part in (at_risk, at_risk[~later], at_risk[later])]
    (defaults, expected), (first, expected_first), (last, expected_last) = ((int(d), float(e)) for d, e in sums)
    ratio = change = (float("nan"),) * 3
    if expected > 0:
        ends = poisson_interval(np.array(defaults), confidence=confidence)
        ratio = (defaults / expected, float(ends[0]) / expected, float(ends[1]) / expected)
    if first and later.any():
        # Given the defaults of both, those of the later months are binomial: odds of their share are the ratio of the two rates.
        odds, tail = expected_first / expected_last, (1 - confidence) / 2
        low = float(beta.ppf(tail, last, first + 1)) if last else 0.0
        high = float(beta.ppf(1 - tail, last + 1, first))
        change = (odds * last / first, odds * low / (1 - low), odds * high / (1 - high))
    lights = [str(ratio_lights(*(np.array([value]) for value in values))[0]) for values in (ratio, change)]
    return CalibrationLevel(defaults, expected, ratio, lights[0], change, lights[1])
