"""The threshold that earns most, the one that people have room for, and what thresholds earn."""

import numpy as np
import pandas as pd

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval

CAPACITY = 0.1  # share of the applications that people can look at


def best_profit_threshold(probability: np.ndarray, profit: np.ndarray) -> float:
    """Return the probability at and above which refusing earns most; to be called on out-of-fold predictions only.

    Above 1 if granting every loan earns most.
    """
    order = np.argsort(probability, kind="stable")
    ascending = probability[order]
    first = np.append(0, np.flatnonzero(np.diff(ascending)) + 1)  # first loan of each run of equal probabilities
    granted = np.concatenate([[0.0], np.cumsum(profit[order])])
    options = np.append(granted[first], granted[-1])
    thresholds = np.append(ascending[first], np.nextafter(1.0, 2.0))
    return float(thresholds[int(options.argmax())])


def capacity_threshold(probability: np.ndarray, capacity: float) -> float:
    """Return the smallest probability at and above which at most a share of the loans lies; for out-of-fold predictions only.

    Above 1 if even the largest prediction is that of too many.

    Args:
        probability: Calibrated probabilities of default, shape (n,).
        capacity: The share, 0 to 1.
    """
    values, counts = np.unique(probability, return_counts=True)
    referred = np.cumsum(counts[::-1])[::-1] / len(probability)
    fitting = values[referred <= capacity]
    return float(fitting[0] if len(fitting) else np.nextafter(1.0, 2.0))


def profit_table(
    probability: np.ndarray,
    profit: np.ndarray,
    amount: np.ndarray,
    thresholds: dict[str, float],
    *,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
) -> pd.DataFrame:
    """Return what each threshold earns, as a share of all money asked for.

    Args:
        probability: Calibrated probabilities of default, shape (n,).
        profit: Profit of each loan if granted, as from `loan_profit`.
        amount: Amount of each loan.
        thresholds: Thresholds by name; a loan is refused at and above its threshold.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Returns:
        name, threshold, refused (share of the loans), profit (share of all money asked for) with ci_low and
        ci_high, and difference (from the first threshold's profit) with its ends: percentile bootstrap intervals
        over loans, the same draws for all.
    """
    granted = np.column_stack([probability < threshold for threshold in thresholds.values()])
    columns = np.column_stack([amount, granted * profit[:, np.newaxis]])
    draws = drawn_sums(columns, repetitions=repetitions, random_state=random_state)
    total = columns.sum(axis=0)
    earned, drawn = total[1:] / total[0], draws[:, 1:] / draws[:, :1]
    low, high = percentile_interval(drawn, level=confidence)
    difference_low, difference_high = percentile_interval(drawn - drawn[:, :1], level=confidence)
    return pd.DataFrame(
        {
            "name": list(thresholds),
            "threshold": list(thresholds.values()),
            "refused": 1 - granted.mean(axis=0),
            "profit": earned,
            "ci_low": low,
            "ci_high": high,
            "difference": earned - earned[0],
            "difference_low": difference_low,
            "difference_high": difference_high,
        }
    )
