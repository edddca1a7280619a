"""What thresholds cost, save and earn; the one that earns most, and the one that people have room for."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval


@dataclass(frozen=True)
class Share:
    """An estimated share with its interval."""

    estimate: float
    ci_low: float
    ci_high: float


def price_of_refusal(
    amount: np.ndarray,
    outcome: np.ndarray,
    refused: np.ndarray,
    *,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
) -> dict[str, Share]:
    """Return what refusing some loans does, as shares with percentile bootstrap intervals.

    Args:
        amount: Amount of each loan, shape (n,).
        outcome: 1 for default, 0 for repaid, shape (n,).
        refused: Whether each loan would have been refused, shape (n,).
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Returns:
        refused: of all loans; defaults_avoided: of the defaults; good_refused: of the loans repaid;
        default_rate_approved: of the loans still approved; amount_defaults_avoided and amount_good_refused: of
        all money lent. What a default loses is not in the data, so this is money lent, not money lost.
    """
    hits, false_alarms = outcome * refused, (1 - outcome) * refused
    sums = [np.ones(len(amount)), refused, outcome, hits, false_alarms, amount, amount * hits, amount * false_alarms]
    columns = np.column_stack(sums).astype(float)
    drawn = drawn_sums(columns, repetitions=repetitions, random_state=random_state)
    low, high = percentile_interval(pd.DataFrame(map(_shares, drawn)).to_numpy(), level=confidence)
    estimates = _shares(columns.sum(axis=0))
    return {
        name: Share(*map(float, numbers))
        for name, *numbers in zip(estimates, estimates.values(), low, high, strict=True)
    }


def _shares(totals: np.ndarray) -> dict[str, float]:
    loans, refused, defaults, hits, false_alarms, lent, lent_hits, lent_false_alarms = totals
    approved = loans - refused
    return {
        "refused": refused / loans,
        "defaults_avoided": hits / defaults if defaults else float("nan"),
        "good_refused": false_alarms / (loans - defaults) if loans > defaults else float("nan"),
        "default_rate_approved": (defaults - hits) / approved if approved else float("nan"),
        "amount_defaults_avoided": lent_hits / lent,
        "amount_good_refused": lent_false_alarms / lent,
    }


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
    """Return the smallest probability at and above which at most a share of the out-of-fold predictions lies.

    Above 1 if even the largest prediction is that of too many.
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
