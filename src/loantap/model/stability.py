"""Whether a model holds from vintage to vintage: its calibration, its ranking and the mix of its scores."""

import numpy as np
import pandas as pd
from scipy.stats import chi2

from loantap.analysis.summaries import simultaneous, vintage_rates, with_intervals
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.groups import delong_interval

MIN_CELL = 20  # loans of either outcome in a vintage
SHIFTED = 0.25  # of a stability index: a shift that matters, by custom
_CELLS = 10


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the population stability index, the sum over cells of (a - e) ln(a / e), of shares above 0 as from `shares`.

    Symmetric, 0 or more, and 0 only for equal shares. (Jeffreys' divergence; Siddiqi, Credit Risk Scorecards, 2006.)
    """
    e, a = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    return float(np.sum((a - e) * np.log(a / e)))


def shares(counts: np.ndarray) -> np.ndarray:
    """Return the share of each cell, with half a loan added to every cell so that no share is 0 (Laplace's rule with Jeffreys' half)."""
    counts = np.asarray(counts, dtype=float)
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


def by_vintage(
    loans: pd.DataFrame, probability: np.ndarray, reference: np.ndarray, *, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return how a model does on the test loans of each year of funding.

    Args:
        loans: Test loans, with `issue_d` and `default`; years with fewer than `MIN_CELL` loans of either outcome are
            merged with their neighbours.
        probability: Calibrated probabilities of default of these loans.
        reference: Those of the training loans.
        confidence: With which the intervals of all vintages hold at once (Bonferroni).

    Returns:
        vintage, n, defaults, default_rate with ci_low and ci_high (Wilson), predicted, roc_auc with its ends (DeLong); psi
        of the vintage's scores against those of the training loans, in tenths of these, and chance_high, what chance
        alone gives at most where nothing has shifted: about chi-squared with 9 degrees of freedom, times 1/n + 1/N. Then
        calibrated, ranks and steady: whether the predicted rate lies within the interval, whether the interval of the
        ROC-AUC reaches that of all test loans, and whether psi stays below `SHIFTED` or within chance.
    """
    y = loans["default"].to_numpy()
    counts = loans.groupby("issue_d")["default"].agg(n="size", defaults="sum").reset_index()
    vintages = vintage_rates(counts, period="year", min_cell=MIN_CELL)
    each = simultaneous(confidence, len(vintages))
    overall, _, _ = delong_interval(y, probability)
    edges, rows = np.quantile(reference, np.linspace(0, 1, _CELLS + 1)[1:-1]), []
    before = np.bincount(np.searchsorted(edges, reference), minlength=_CELLS)
    for line in with_intervals(vintages, confidence=each).to_dict("records"):
        inside = loans["issue_d"].between(line["start"], line["end"]).to_numpy()
        auc, auc_low, auc_high = delong_interval(y[inside], probability[inside], confidence=each)
        predicted = float(probability[inside].mean())
        now = np.bincount(np.searchsorted(edges, probability[inside]), minlength=_CELLS)
        shift = psi(shares(before), shares(now))
        by_chance = float(chi2.ppf(each, _CELLS - 1) * (1 / now.sum() + 1 / before.sum()))
        rows.append(
            {"vintage": line["level"], **{name: line[name] for name in ("n", "defaults", "default_rate", "ci_low", "ci_high")}}
            | {"predicted": predicted, "roc_auc": auc, "roc_auc_low": auc_low, "roc_auc_high": auc_high}
            | {"psi": shift, "chance_high": by_chance, "calibrated": line["ci_low"] <= predicted <= line["ci_high"]}
            | {"ranks": auc_high >= overall, "steady": shift <= max(SHIFTED, by_chance)}
        )  # fmt: skip
    return pd.DataFrame(rows)
