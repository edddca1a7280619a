"""How good predictions are: every metric from one sort, with bootstrap intervals; and their calibration."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval

BETA = 2.0  # of the F-beta score that models are tuned for, unless a caller says otherwise
CALIBRATION_BINS, RANKING_BINS = 10, 2_000
CELLS = ("tn", "fp", "fn", "tp")
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

    def curve(self) -> pd.DataFrame:
        """Return one row per distinct probability used as the threshold: flagged defaults, flagged repaid, F-beta.

        Columns: threshold, true_positives, false_positives, precision, recall, false_positive_rate, and the score, such
            as f2.
        """
        true_positives = np.cumsum(self.outcome)[self.last_of_tie]
        flagged = self.last_of_tie + 1.0
        false_positives = flagged - true_positives
        defaults, repaid = true_positives[-1], false_positives[-1]
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

    def metrics(self, threshold: float) -> dict[str, float]:
        """Return every metric of METRICS, and F-beta for another beta; a loan is flagged at and above the threshold.

        ROC-AUC, average precision, KS and Gini do not depend on the threshold; Gini is 2 AUC - 1 and KS the
        largest distance between the two cumulative distributions. The expected calibration error is the mean
        distance between predicted and observed default rate over deciles of the prediction.
        """
        return {name: float(value[0]) for name, value in self._exact(threshold).items() if name not in CELLS}

    def confusion(self, threshold: float) -> dict[str, int]:
        """Return the counts tn, fp, fn, tp at a threshold."""
        exact = self._exact(threshold)
        return {name: int(exact[name][0]) for name in CELLS}

    def draws(self, threshold: float, *, repetitions: int, random_state: int) -> pd.DataFrame:
        """Return the metrics, and tn, fp, fn and tp, of loans drawn again with replacement: one row per repetition.

        A seed draws the same loans whatever the score, so a decision has one interval wherever it is told. Many distinct
        probabilities are ranked by bins, of which the threshold is an edge, and moved by what bins change in the loans as
        they are.
        """
        ends = self._bin_ends(threshold)
        columns = self._columns(ends)
        drawn = self._scores(drawn_sums(columns, repetitions=repetitions, random_state=random_state), ends, threshold)
        binned, exact = self._scores(columns.sum(axis=0), ends, threshold), self._exact(threshold)
        return pd.DataFrame({name: values + (exact[name] - binned[name]) for name, values in drawn.items()})

    def intervals(
        self, threshold: float, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE
    ) -> dict[str, tuple[float, float]]:
        """Return a percentile bootstrap interval of each metric, and of tn, fp, fn and tp.

        Drawing again adds noise to every bin, and noise can only raise the calibration error: its percentiles are
        shifted by the bootstrap's own bias. The error as estimated holds such noise already, so its lower end is 0
        wherever a model that is right about every loan would show as large a one by chance in 1 - confidence of all
        samples (the consistency bars of Bröcker and Smith, Weather and Forecasting 22 (2007), 651-661).
        """
        draws = self.draws(threshold, repetitions=repetitions, random_state=random_state)
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

    def _bin_ends(self, threshold: float) -> np.ndarray:
        """Return the last position of each bin of about equally many loans; equal probabilities share one."""
        if len(self.last_of_tie) <= RANKING_BINS:
            return self.last_of_tie
        places = np.linspace(0, len(self.outcome) - 1, RANKING_BINS)
        ends = self.last_of_tie[np.searchsorted(self.last_of_tie, places)]
        flagged = int((self.probability >= threshold).sum())
        return np.unique(np.append(ends, flagged - 1)) if flagged else np.unique(ends)

    def _columns(self, ends: np.ndarray) -> sparse.csr_array:
        """Return what is summed over loans, one row per loan as they came: by bin and outcome 1, by decile and in all its error."""
        n, width, error = len(self.order), 2 * len(ends), self.probability - self.outcome
        ranked = 2 * np.searchsorted(ends, np.arange(n)) + self.outcome.astype(int)
        columns = np.column_stack([ranked, width + self.bin, np.full(n, width + CALIBRATION_BINS)])
        values = np.column_stack([np.ones(n), error, error**2])
        back = np.argsort(self.order)
        starts = np.arange(0, 3 * n + 1, 3)
        return sparse.csr_array(
            (values[back].ravel(), columns[back].ravel(), starts), shape=(n, width + CALIBRATION_BINS + 1)
        )

    def _exact(self, threshold: float) -> dict[str, np.ndarray]:
        return self._scores(self._columns(self.last_of_tie).sum(axis=0), self.last_of_tie, threshold)

    def _scores(self, sums: np.ndarray, ends: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
        """Return each metric, and the confusion counts, of sums over loans, shape (repetitions, columns) or (columns,)."""
        sums = np.atleast_2d(sums)
        seen = np.cumsum(sums[:, : 2 * len(ends)].reshape(len(sums), -1, 2), axis=1)
        (repaid, defaults), flagged = seen[:, -1].T, int((self.probability[ends] >= threshold).sum())
        fp, tp = seen[:, flagged - 1].T if flagged else np.zeros((2, len(sums)))
        total, above = repaid + defaults, seen.sum(axis=2)
        with np.errstate(invalid="ignore"):  # where few loans are drawn, one outcome may be absent
            rates = np.insert(seen / seen[:, -1:], 0, 0.0, axis=1)
            false_rate, recall = rates[..., 0], rates[..., 1]
            hit_share = tp / defaults
        auc = np.trapezoid(recall, false_rate, axis=1)
        return {
            "accuracy": (tp + repaid - fp) / total,
            "precision": _ratio(tp, tp + fp),
            "recall": hit_share,
            **{fbeta_name(b): _f_beta(tp, tp + fp, defaults, b) for b in (1.0, 2.0, self.beta)},
            "roc_auc": auc,
            "average_precision": np.sum(np.diff(recall, axis=1) * _ratio(seen[..., 1], above), axis=1),
            "brier": sums[:, -1] / total,
            "expected_calibration_error": np.abs(sums[:, 2 * len(ends) : -1]).sum(axis=1) / total,
            "ks": np.max(recall - false_rate, axis=1),
            "gini": 2 * auc - 1,
            **dict(zip(CELLS, (repaid - fp, fp, defaults - tp, tp), strict=True)),
        }

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
    intervals = predictions.intervals(threshold, **drawn)
    return {
        "n": len(predictions.outcome),
        **predictions.metrics(threshold),
        "confusion": predictions.confusion(threshold),
        "confusion_ci": {name: tuple(round(end) for end in intervals.pop(name)) for name in CELLS},
        "ci": intervals,
    }


def _f_beta(hits: np.ndarray | float, flagged: np.ndarray | float, defaults: float, beta: float) -> np.ndarray | float:
    return (1 + beta**2) * hits / (beta**2 * defaults + flagged)


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole, dtype=float)), where=np.asarray(whole) > 0)
