"""Probability of default of live loans in the months ahead, with early repayment competing: hazards from the lender's own snapshots.

From every month a live loan is followed for up to twelve (landmarking: van Houwelingen, Scandinavian Journal of Statistics 34 (2007),
70-85; with competing events: Nicolaie, van Houwelingen, de Witte and Putter, Statistics in Medicine 32 (2013), 2031-2047). In each month
it defaults with a hazard d; if not, it is repaid early with a hazard r. Both are logistic in the months ahead by delinquency
bucket, months on book and COVARIATES. The probability of default in H months is the cumulative incidence: the sum over h of d(h) times
the product over k < h of (1 - d(k)) (1 - r(k)).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.special import expit

from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist import hazard_regression as regression
from loantap.watchlist.landmarks import (
    QUARTER,
    Borrowers,
    Landmarks,
    can_be_followed,
    draw_loans,
    landmarks,
    seen_defaults,
)
from loantap.watchlist.standing import Standing

HORIZON = 12  # months of the probability
MIN_MONTHS, MIN_DEFAULTS = 12, 50  # below, nothing is fitted: the last months ahead, or the numbers, would be guesses
MOST = 400_000  # landmarks that are fitted to: some 10,000 loans that default, and twice as many others
_PIECE = 50_000  # loans at a time
_SEEN = 30  # loan-months at an age below which it does not count as observed
_SPREAD = 2.0  # of log-odds, behind a ridge that matters only in cells where it always or never happens


@dataclass(frozen=True)
class Hazards:
    """Hazards of default and of early repayment, fitted."""

    default: np.ndarray  # coefficients of default, shape (K,)
    repaid: np.ndarray  # the same of early repayment
    # What each loan, and last the ridge, adds to both, shape (L + 2 K, 2 K): the square of it is their variance, robust to what the
    # months of a loan share.
    influence: np.ndarray
    mean: np.ndarray  # what is taken from each covariate, shape (p,)
    scale: np.ndarray  # by what it is then divided, shape (p,)
    loans: int  # followed
    defaults: int  # that were seen from a month before
    repayments: int  # loans repaid early, likewise; estimated where not all loans were fitted to
    fitted_to: int  # loans that were fitted to, of `loans`
    oldest: int  # months on book up to which enough loans were seen
    months: tuple[np.datetime64, np.datetime64]  # first and last month of the snapshots

    def probability(self, marks: Landmarks, *, months: int = HORIZON, confidence: float = CONFIDENCE) -> pd.DataFrame:
        """Return of each live loan: pd, pd_low and pd_high, and repaid_early, the probability that it is repaid early.

        The intervals tell how well the hazards are known; they hold for loans that are alike, not for the fate of one.
        """
        parts = [self.valued(marks.only(rows), months) for rows in _pieces(len(marks.row))]
        total, error = np.vstack([part[0] for part in parts]), np.concatenate([self.error(part[1]) for part in parts])
        low, high = regression.log_odds_interval(total[:, 0], error, confidence)
        return pd.DataFrame({"pd": total[:, 0], "pd_low": low, "pd_high": high, "repaid_early": total[:, 1]})

    def group_means(
        self, marks: Landmarks, group: np.ndarray, *, months: int = HORIZON, confidence: float = CONFIDENCE
    ) -> pd.DataFrame:
        """Return the mean probability of each group of live loans: loans, pd with pd_low and pd_high, pd_error, repaid_early.

        Args:
            marks: k live loans.
            group: Which group each is in, from 0, shape (k,).
            months: How many months ahead.
            confidence: Of the intervals.
        """
        groups = int(group.max()) + 1
        loans = np.bincount(group, minlength=groups)
        mean, gradient = np.zeros((groups, 2)), np.zeros((groups, 2 * len(self.default)))
        for rows in _pieces(len(marks.row)):
            for sums, values in zip((mean, gradient), self.valued(marks.only(rows), months), strict=True):
                sums += regression.sum_rows(values, group[rows], groups) / np.maximum(loans, 1)[:, np.newaxis]
        mean[loans == 0], error = np.nan, self.error(gradient)
        low, high = regression.log_odds_interval(mean[:, 0], error, confidence)
        told = {"loans": loans, "pd": mean[:, 0], "pd_low": low, "pd_high": high, "pd_error": error}
        return pd.DataFrame(told | {"repaid_early": mean[:, 1]})

    def valued(
        self, marks: Landmarks, months: int, *, value: np.ndarray | float = 1.0, odds: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what defaults add up to, and the probability of early repayment, shape (k, 2), with the gradient of the first.

        Args:
            marks: k live loans.
            months: How many months ahead; beyond those that loans were followed for, the hazards of the last of them go on.
            value: What a default in each of them counts, shape (k, months).
            odds: What the odds of default are multiplied by, of each month.
        """
        x, codes = (regression.slopes(marks) - self.mean) / self.scale, regression.stratum(marks)
        value, ahead = np.broadcast_to(value, (len(marks.row), months)), np.arange(1, months + 1)
        size, total = len(self.default), np.zeros((len(marks.row), 2))
        gradient, q = np.zeros((len(marks.row), 2 * size)), size - x.shape[1]
        for g, rows in regression.strata(codes, np.argsort(codes, kind="stable")):
            here = regression.cells(np.array([g]), months)[0]
            inside = ahead <= marks.end[rows, np.newaxis]  # until the last installment
            d, r = (
                expit((x[rows] @ theta[q:])[:, np.newaxis] + here @ theta[:q] + shift) * inside
                for theta, shift in ((self.default, np.log(odds)), (self.repaid, 0.0))
            )
            before = regression.survival(d, r)
            total[rows] = np.stack([(before * d * value[rows]).sum(axis=1), (before * (1 - d) * r).sum(axis=1)], axis=1)
            for place, (slope, hazard) in enumerate(
                zip(regression.incidence_slopes(d, r, value[rows]), (d, r), strict=True)
            ):
                by_log_odds = slope * ((1 - hazard) * hazard)
                part = np.hstack([by_log_odds @ here, by_log_odds.sum(axis=1, keepdims=True) * x[rows]])
                gradient[rows, place * size : (place + 1) * size] = part
        return total, gradient

    def error(self, gradient: np.ndarray) -> np.ndarray:
        """Return the standard error of what has these gradients, one per row."""
        covariance = self.influence.T @ self.influence
        return np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance, gradient, optimize=True))


def why_not(panel: Panel, stands: Standing) -> str:
    """Return why a panel allows no hazards; empty if it does."""
    begin = "No probability over time: "
    if panel.days_past_due is None:
        return f"{begin}the snapshots do not tell days past due, so nobody knows which loans defaulted."
    if len(panel.months) < MIN_MONTHS:
        return f"{begin}it needs {MIN_MONTHS} months of snapshots or more, the panel has {len(panel.months)}."
    if (seen := seen_defaults(panel, stands)) < MIN_DEFAULTS:
        return f"{begin}it needs {MIN_DEFAULTS} loans seen to default or more, the panel has {seen}."
    return ""


def fit_hazards(panel: Panel, stands: Standing, known: Borrowers, *, random_state: int = 0) -> Hazards:
    """Return hazards of default and early repayment, of a panel that `why_not` says nothing against.

    Loans are followed from the fourth month of the panel on: before, nobody knows what has changed within a quarter. Where there are
    more than MOST landmarks, loans are drawn: those that default up to half of them, the others for the rest, each with the
    weight of those it stands for.

    Args:
        panel: Snapshots of n loans in m months.
        stands: Where each loan stands, of the same panel.
        known: What is known of each loan since it was granted.
        random_state: Seed of the draw.
    """
    months, bad = can_be_followed(panel, stands)[:, QUARTER:-1].sum(axis=1), stands.in_default.any(axis=1)
    rows, weight = draw_loans(months, np.asarray(bad), MOST, np.random.default_rng(random_state))
    ends = range(QUARTER, len(panel.months) - 1)
    marks = landmarks(panel.only(rows), stands.only(rows), known.only(rows), ends).within(HORIZON)
    marks = marks.only((marks.followed >= 1) & ~marks.defaulted_before)
    x = regression.slopes(marks)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    _, cluster = np.unique(marks.row, return_inverse=True)
    codes, place = np.unique(regression.stratum(marks), return_inverse=True)
    bad, early = marks.outcome == 1, marks.outcome == 2
    # Who defaults in a month cannot be repaid in it: that month is not at risk.
    default, repaid = (
        regression.fit_stacked_logit(
            regression.Stack(
                (x - mean) / scale, place, regression.cells(codes, HORIZON), cluster, weight[marks.row], at_risk, event
            ),
            spread=_SPREAD,
        )
        for at_risk, event in ((marks.followed, bad), (marks.followed - bad, early))
    )
    influence = [
        one.influence * _small_sample(len(np.unique(marks.row[event])), len(one.coefficients))
        for one, event in ((default, bad), (repaid, early))
    ]
    return Hazards(
        default.coefficients,
        repaid.coefficients,
        np.vstack([np.hstack(influence), block_diag(default.held, repaid.held)]),
        mean,
        scale,
        loans=int((months > 0).sum()),
        defaults=seen_defaults(panel, stands),
        repayments=round(float(weight[np.unique(marks.row[early])].sum())),
        fitted_to=len(rows),
        oldest=int(np.flatnonzero(np.bincount(np.maximum(marks.age + marks.followed, 0)) >= _SEEN).max(initial=0)),
        months=(panel.months[0], panel.months[-1]),
    )


def _pieces(size: int) -> list[np.ndarray]:
    """Return positions in pieces, so that what is computed on the way stays small."""
    return np.array_split(np.arange(size), max(1, -(-size // _PIECE)))


def _small_sample(events: int, coefficients: int) -> float:
    """Return what errors are multiplied by since coefficients were fitted to the same loans: as with n - k, but n are those that tell most."""
    return float(np.sqrt(max(events, 1) / max(events - coefficients, events / 2, 1)))
