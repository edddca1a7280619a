"""Rules that any model must beat, and how far models and rules lie apart on the same loans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval
from loantap.model.evaluation import BETA, Predictions, evaluate


@dataclass(frozen=True)
class Rule:
    """A rule that learnt from training loans, applied to others."""

    name: str  # its name
    words: str  # what it does
    threshold: float  # loans are refused at and above it
    score: np.ndarray  # a number per loan, shape (n,)

    @property
    def refused(self) -> np.ndarray:
        """Whether each loan is refused."""
        return self.score >= self.threshold


def baseline_rules(train: pd.DataFrame, test: pd.DataFrame, *, beta: float = BETA) -> list[Rule]:
    """Return three rules for the test loans; each learns from the training loans only.

    Args:
        train: Training loans with `default`, `pincode` and `grade`.
        test: Test loans; their outcomes are not looked at.
        beta: Of the F-beta score that thresholds are chosen for.
    """
    any_default = train.groupby("pincode", observed=True)["default"].max().astype(float)
    rates = train.groupby("grade", observed=True)["default"].mean()
    known = _looked_up(train["grade"], rates)
    threshold = Predictions.of(train["default"].to_numpy(), known, beta=beta).best_threshold()
    by_pincode = "decline all but the pincodes in which no training loan defaulted"
    by_grade = "decline the grades at and above the threshold in default rate"
    return [
        Rule("reject_all", "decline every application", 0.5, np.ones(len(test))),
        Rule("pincode", by_pincode, 0.5, _looked_up(test["pincode"], any_default)),
        Rule("grade", by_grade, threshold, _looked_up(test["grade"], rates)),
    ]


def score_baselines(
    rules: Sequence[Rule],
    outcome: np.ndarray,
    *,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int = 500,
    random_state: int,
) -> list[dict]:
    """Return one dict per rule: name, rule (in words), threshold, and `test` as in `evaluate`."""
    drawn: Any = {"beta": beta, "confidence": confidence, "repetitions": repetitions, "random_state": random_state}
    return [
        {
            "name": rule.name,
            "rule": rule.words,
            "threshold": rule.threshold,
            "test": evaluate(outcome, rule.score, threshold=rule.threshold, **drawn),
        }
        for rule in rules
    ]


def fbeta_differences(
    outcome: np.ndarray,
    flagged: Mapping[str, np.ndarray],
    *,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
) -> pd.DataFrame:
    """Return how far the F-beta of each rival lies from that of the first, on the same loans.

    The loans are drawn again with replacement, the same ones for all rivals; models and rules stay as they are.

    Args:
        outcome: 1 for default, 0 for repaid, shape (n,).
        flagged: For each rival whether it flags each loan; the first is compared with.
        beta: Of F-beta.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Returns:
        name, difference (first less rival) with difference_low and difference_high, a percentile interval;
        missing for the first itself.
    """
    flags = np.column_stack(list(flagged.values())).astype(float)
    columns = np.column_stack([outcome, flags, flags * np.asarray(outcome)[:, np.newaxis]])
    rivals = len(flagged)

    def score(totals: np.ndarray) -> np.ndarray:
        defaults, called, hits = totals[0], totals[1 : rivals + 1], totals[rivals + 1 :]
        return (1 + beta**2) * hits / (beta**2 * defaults + called)

    drawn = drawn_sums(columns, repetitions=repetitions, random_state=random_state)
    draws = np.array([score(totals) for totals in drawn])
    estimate = score(columns.sum(axis=0))
    low, high = percentile_interval(draws[:, :1] - draws, level=confidence)
    table = pd.DataFrame(
        {
            "name": list(flagged),
            "difference": estimate[0] - estimate,
            "difference_low": low,
            "difference_high": high,
        }
    )
    table.loc[0, ["difference", "difference_low", "difference_high"]] = np.nan
    return table


def _looked_up(levels: pd.Series, values: pd.Series) -> np.ndarray:
    # A level that no training loan had is refused: nothing speaks for it.
    return levels.astype("object").map(values).fillna(1.0).to_numpy(dtype=float)
