"""How good predictions are: every metric from one sort, with bootstrap intervals; and their calibration."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from loantap.model.bootstrap import CONFIDENCE, drawn_counts, percentile_interval

BETA = 2.0  # of the F-beta score that models are tuned for, unless a caller says otherwise
CALIBRATION_BINS = 10
METRICS = (
    "accuracy", "precision", "recall", "f1", "f2", "roc_auc", "average_precision", "brier",
    "expected_calibration_error", "ks", "gini",
)  # fmt: skip


def fbeta_name(beta: float) -> str:
    """Return the name of an F-beta score in results, such as 'f2' or 'f0.5'."""
    return f"f{beta:g}"


@dataclass(frozen=True)
class Predictions:
    """Outcomes with their predicted probabilities of default, sorted once from high to low."""

    outcome: np.ndarray  # 1 for default, 0 for repaid, shape (n,)
    probability: np.ndarray  # predicted probability of default, shape (n,), descending
    order: np.ndarray  # where each row stood before it was sorted, so that what is drawn does not depend on the score
    last_of_tie: np.ndarray  # positions of the last row of each run of equal probabilities
    bin: np.ndarray  # decile of predicted probability that each row falls in, for the calibration error
    beta: float = BETA  # of the F-beta score that thresholds are chosen for; F1 and F2 are told besides

    @classmethod
    def of(cls, outcome: np.ndarray, probability: np.ndarray, *, beta: float = BETA) -> "Predictions":
        """Sort outcomes by predicted probability; raises ValueError unless both outcomes occur."""
        outcome = np.asarray(outcome, dtype=float)
        if not 0 < outcome.sum() < len(outcome):
            raise ValueError("expected both outcomes, got one; use more loans")
        order = np.argsort(-np.asarray(probability, dtype=float), kind="stable")
        sorted_probability = np.asarray(probability, dtype=float)[order]
        last = np.append(np.flatnonzero(np.diff(sorted_probability)), len(order) - 1)
        # Equal probabilities share a bin, else the order of rows would matter.
        first = np.concatenate([[0], last[:-1] + 1])
        bins = np.repeat(first * CALIBRATION_BINS // len(order), last - first + 1)
        return cls(outcome[order], sorted_probability, order, last, bins, beta)

    def curve(self, weight: np.ndarray | None = None) -> pd.DataFrame:
        """Return one row per distinct probability used as the threshold: flagged defaults, flagged repaid, F-beta.

        Columns: threshold, true_positives, false_positives, precision, recall, false_positive_rate, and the score, such
            as f2.
        """
        weight = np.ones(len(self.outcome)) if weight is None else weight
        true_positives = np.cumsum(weight * self.outcome)[self.last_of_tie]
        false_positives = np.cumsum(weight * (1 - self.outcome))[self.last_of_tie]
        defaults, repaid = true_positives[-1], false_positives[-1]
        flagged = true_positives + false_positives
        return pd.DataFrame(
            {
                "threshold": self.probability[self.last_of_tie],
                "true_positives": true_positives,
                "false_positives": false_positives,
                "precision": _ratio(true_positives, flagged),
                "recall": true_positives / defaults,
                "false_positive_rate": false_positives / repaid,
                fbeta_name(self.beta): _f_beta(true_positives, flagged, defaults, self.beta),
            }
        )

    def metrics(self, threshold: float, weight: np.ndarray | None = None) -> dict[str, float]:
        """Return every metric of METRICS, and F-beta for another beta; a loan is flagged at and above the threshold.

        ROC-AUC, average precision, KS and Gini do not depend on the threshold; Gini is 2 AUC - 1 and KS the
        largest distance between the two cumulative distributions. The expected calibration error is the mean
        distance between predicted and observed default rate over deciles of the prediction.
        """
        weight = np.ones(len(self.outcome)) if weight is None else weight
        curve = self.curve(weight)
        total, defaults = weight.sum(), (weight * self.outcome).sum()
        flags = self.probability >= threshold
        flagged, hits = weight[flags].sum(), (weight * self.outcome)[flags].sum()
        recall, false_rate = (np.append(0.0, curve[name]) for name in ("recall", "false_positive_rate"))
        auc = float(np.trapezoid(recall, false_rate))
        gaps = np.abs(np.bincount(self.bin, weight * (self.probability - self.outcome), minlength=CALIBRATION_BINS))
        return {
            "accuracy": float((hits + (total - defaults) - (flagged - hits)) / total),
            "precision": float(_ratio(hits, flagged)),
            "recall": float(hits / defaults),
            **{fbeta_name(b): float(_f_beta(hits, flagged, defaults, b)) for b in (1.0, 2.0, self.beta)},
            "roc_auc": auc,
            "average_precision": float(np.sum(np.diff(recall) * curve["precision"])),
            "brier": float(np.average((self.probability - self.outcome) ** 2, weights=weight)),
            "expected_calibration_error": float(gaps.sum() / total),
            "ks": float(np.max(recall - false_rate)),
            "gini": 2 * auc - 1,
        }

    def confusion(self, threshold: float) -> dict[str, int]:
        """Return the counts tn, fp, fn, tp at a threshold."""
        flags = self.probability >= threshold
        tp = int(self.outcome[flags].sum())
        fp, defaults = int(flags.sum()) - tp, int(self.outcome.sum())
        return {"tn": len(self.outcome) - defaults - fp, "fp": fp, "fn": defaults - tp, "tp": tp}

    def confusion_intervals(
        self, threshold: float, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE
    ) -> dict[str, tuple[int, int]]:
        """Return a percentile bootstrap interval of each count of `confusion`; the number of loans is as it is."""
        flags, defaults = self.probability >= threshold, self.outcome == 1
        cells = np.column_stack([~flags & ~defaults, flags & ~defaults, ~flags & defaults, flags & defaults])
        draws = [drawn @ cells for drawn in self._drawn(repetitions, random_state)]
        ends = np.rint(percentile_interval(np.array(draws), level=confidence)).astype(int)
        return {name: (int(low), int(high)) for name, low, high in zip(("tn", "fp", "fn", "tp"), *ends, strict=True)}

    def intervals(
        self, threshold: float, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE
    ) -> dict[str, tuple[float, float]]:
        """Return a percentile bootstrap interval of each metric: loans are drawn again with replacement.

        A seed draws the same loans whatever the score, so a decision has one interval wherever it is told.

        Drawing again adds noise to every bin, and noise can only raise the calibration error: its percentiles are
        shifted by the bootstrap's own bias. The error as estimated holds such noise already, so its lower end is 0
        wherever a model that is right about every loan would show as large a one by chance in 1 - confidence of all
        samples (the consistency bars of Bröcker and Smith, Weather and Forecasting 22 (2007), 651-661).
        """
        drawn = self._drawn(repetitions, random_state)
        draws = pd.DataFrame(self.metrics(threshold, weight) for weight in drawn)
        lows, highs = percentile_interval(draws.to_numpy(), level=confidence)
        intervals = {str(name): (float(low), float(high)) for name, low, high in zip(draws, lows, highs, strict=True)}
        name = "expected_calibration_error"
        error, rng = self.metrics(threshold)[name], np.random.default_rng(random_state)
        # The error of a model whose probabilities are all right; a bin's defaults are near normal.
        variance = np.bincount(self.bin, self.probability * (1 - self.probability), minlength=CALIBRATION_BINS)
        noise = rng.standard_normal((repetitions, CALIBRATION_BINS)) * np.sqrt(variance)
        by_chance = np.quantile(np.abs(noise).sum(axis=1) / len(self.outcome), confidence)
        low, high = (max(end - (draws[name].mean() - error), 0.0) for end in intervals[name])
        intervals[name] = (0.0 if error <= by_chance else low, high)
        return intervals

    def _drawn(self, repetitions: int, random_state: int) -> Iterator[np.ndarray]:
        counts = drawn_counts(len(self.outcome), repetitions=repetitions, random_state=random_state)
        return (drawn[self.order].astype(float) for drawn in counts)

    def best_threshold(self) -> float:
        """Return the probability at which F-beta is largest; to be called on out-of-fold predictions only."""
        curve = self.curve()
        return float(curve["threshold"].iloc[int(curve[fbeta_name(self.beta)].to_numpy().argmax())])

    def calibration(self) -> pd.DataFrame:
        """Return predicted and observed default rate by decile of the prediction, lowest risk first.

        Columns: loans, defaults, predicted, default_rate.
        """
        table = pd.DataFrame({"bin": self.bin, "probability": self.probability, "outcome": self.outcome})
        grouped = table.groupby("bin").agg(
            loans=("outcome", "size"),
            defaults=("outcome", "sum"),
            predicted=("probability", "mean"),
            default_rate=("outcome", "mean"),
        )
        return grouped.iloc[::-1].reset_index(drop=True).astype({"defaults": int})


def evaluate(
    outcome: np.ndarray,
    probability: np.ndarray,
    *,
    threshold: float,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int = 500,
    random_state: int,
) -> dict:
    """Return the `test` part of the results: n, every metric, confusion counts, intervals (`ci`, `confusion_ci`)."""
    predictions = Predictions.of(outcome, probability, beta=beta)
    drawn: Any = {"repetitions": repetitions, "random_state": random_state, "confidence": confidence}
    return {
        "n": len(predictions.outcome),
        **predictions.metrics(threshold),
        "confusion": predictions.confusion(threshold),
        "confusion_ci": predictions.confusion_intervals(threshold, **drawn),
        "ci": predictions.intervals(threshold, **drawn),
    }


def _f_beta(hits: np.ndarray | float, flagged: np.ndarray | float, defaults: float, beta: float) -> np.ndarray | float:
    return (1 + beta**2) * hits / (beta**2 * defaults + flagged)


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole, dtype=float)), where=np.asarray(whole) > 0)


@dataclass(frozen=True)
class SigmoidCalibration:
    """Platt scaling: probability = 1 / (1 + exp(-(slope * log_odds + intercept)))."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, log_odds: np.ndarray, outcome: np.ndarray) -> "SigmoidCalibration":
        """Fit slope and intercept to out-of-fold log-odds, shape (n,), by maximum likelihood.

        The slope is 0 or more: log-odds that know nothing must not be turned round.
        """
        model = LogisticRegression(C=np.inf).fit(np.asarray(log_odds)[:, np.newaxis], outcome)
        if model.coef_[0, 0] <= 0:
            return cls(0.0, float(logit(np.mean(outcome))))
        return cls(float(model.coef_[0, 0]), float(model.intercept_[0]))

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of default."""
        return expit(self.slope * np.asarray(log_odds) + self.intercept)

    def one(self, log_odds: float) -> float:
        """Return the calibrated probability of default at one log-odds."""
        x = self.slope * log_odds + self.intercept
        return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))  # exp never overflows so
