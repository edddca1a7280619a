"""How well scores may be expected to do before outcomes are known.

A calibrated probability says by itself how often it will be wrong (confidence-based performance estimation). All of this rests on the
calibration still holding, which only outcomes can show (`calibration_level`, and the back-test of the hazards). Loans are taken as
independent given their probabilities, so a common shock, such as a recession, moves results further than the intervals say.
"""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from loantap.errors import InputError
from loantap.model.bootstrap import CONFIDENCE

MEASURES = ("default_rate", "auc", "precision", "recall", "f2", "brier")
REPETITIONS = 1_000
_AT_ONCE = 2_000_000  # draws held in memory
# Loans, and variance of the defaults among flagged ones, from which sums are drawn as normal.
MANY, _ENOUGH = 50_000, 100


def expected_performance(
    probability: np.ndarray, *, threshold: float, random_state: int, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return what performance the probabilities themselves let expect, if they are calibrated.

    Defaults are drawn from the probabilities, loan by loan (a parametric bootstrap: the number of defaults is Poisson-binomial), and
    each measure is computed on each draw. The interval is where the value that comes out will lie; it is no interval of a mean.

    Args:
        probability: Of default of each loan, shape (n,); NaN where it is not known, and left out.
        threshold: Probability from which a loan is flagged.
        random_state: Seed.
        confidence: Of the intervals.

    Returns:
        One row per measure (MEASURES; precision, recall and F2 of the flagged loans): measure, expected (mean of the draws), low,
        high, n (loans) and unknown (loans left out). NaN where a measure is undefined in more than 1 - confidence of the draws, as an
        AUC without defaults is.

    Raises InputError if no probability is known.
    """
    given = np.asarray(probability, dtype=float)
    known = given[~np.isnan(given)]
    if len(known) == 0:
        raise InputError("probability: expected loans whose probability is known, got none.")
    draws = _draws(known, threshold, REPETITIONS, random_state)
    tail, often = (1 - confidence) / 2, np.isnan(draws).mean(axis=0) <= round(1 - confidence, 9)
    table = pd.DataFrame(np.nan, index=range(len(MEASURES)), columns=["expected", "low", "high"])
    table.loc[often, "expected"] = np.nanmean(draws[:, often], axis=0)
    table.loc[often, ["low", "high"]] = np.nanquantile(draws[:, often], [tail, 1 - tail], axis=0).T
    table.insert(0, "measure", MEASURES)
    return table.assign(n=len(known), unknown=len(given) - len(known))


def _draws(probability: np.ndarray, threshold: float, repetitions: int, random_state: int) -> np.ndarray:
    """Return the measures of drawn outcomes, shape (repetitions, measures)."""
    rng, flagged = np.random.default_rng(random_state), (probability >= threshold).astype(float)
    # What is added up over the loans that default.
    columns = np.column_stack([np.ones_like(probability), flagged, rankdata(probability), 1 - 2 * probability])
    spread = probability * (1 - probability)
    if len(probability) >= MANY and flagged @ spread >= _ENOUGH:
        # Sums over so many independent loans are normal (Lyapunov): drawing them loan by loan would take minutes and change nothing.
        moments = probability @ columns, columns.T @ (spread[:, np.newaxis] * columns)
        return _measures(rng.multivariate_normal(*moments, repetitions), probability, threshold)
    at_once, parts = max(_AT_ONCE // len(probability), 1), []
    for start in range(0, repetitions, at_once):
        shape = (min(at_once, repetitions - start), len(probability))
        drawn = (rng.random(shape) < probability).astype(float)
        parts.append(_measures(drawn @ columns, probability, threshold))
    return np.concatenate(parts)


def _measures(sums: np.ndarray, probability: np.ndarray, threshold: float) -> np.ndarray:
    """Return MEASURES, shape (k, measures), from sums over the loans that default, shape (k, 4)."""
    defaults, hits, ranks, tilted = sums.T
    n, alerts = len(probability), int((probability >= threshold).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        measures = (
            defaults / n,
            (ranks - defaults * (defaults + 1) / 2) / (defaults * (n - defaults)),  # Mann and Whitney (1947)
            hits / alerts if alerts else np.full(len(defaults), np.nan),
            hits / defaults,
            5 * hits / (4 * defaults + alerts),
            (tilted + (probability**2).sum()) / n,  # (y - p)^2 = y (1 - 2 p) + p^2 for y of 0 or 1
        )
    return np.column_stack(measures)
