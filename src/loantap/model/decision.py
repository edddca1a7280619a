"""What a threshold costs and saves: people refused, defaults avoided, money not lent."""

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
    columns = np.column_stack(
        [
            np.ones(len(amount)),
            refused,
            outcome,
            outcome * refused,
            (1 - outcome) * refused,
            amount,
            amount * outcome * refused,
            amount * (1 - outcome) * refused,
        ]
    ).astype(float)
    draws = pd.DataFrame(
        _shares(sums) for sums in drawn_sums(columns, repetitions=repetitions, random_state=random_state)
    )
    estimate = _shares(columns.sum(axis=0))
    return {
        name: Share(value, *map(float, percentile_interval(draws[name].to_numpy(), level=confidence)))
        for name, value in estimate.items()
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
