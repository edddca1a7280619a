"""A model's claimed scores, tested where the model flags as many loans as the claim implies."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from loantap.analysis.claim_tests import Effect, doubled

METRICS = ("accuracy", "precision", "recall", "f2")
_DRAWS = 2_000


def metric_effect(
    deciles: Mapping[str, pd.DataFrame],
    metric: str,
    *,
    claimed: float,
    recall: float,
    precision: float,
    margin: float,
    alpha: float,
    random_state: int = 0,
) -> Effect:
    """Test that a model reaches a claimed score where it flags as many loans as the claim implies.

    The claimed threshold applies to probabilities that nobody else has; the share of loans it flagged follows from the
    claimed recall and precision and the default rate. The test loans are flagged from the highest predicted decile
    down to that share, the last decile by lot in part, which can only understate the model.

    Args:
        deciles: loans, defaults by decile of the prediction, lowest risk first; of the model to test under
            "with_pincode", and of the one to compare with under "without_pincode".
        metric: One of METRICS.
        claimed: The claimed score.
        recall: The claimed recall.
        precision: The claimed precision.
        margin: How far below the claim still counts as reaching it.
        alpha: One minus the confidence of the interval: bootstrap, defaults drawn within deciles.
        random_state: Its seed.
    """
    table = deciles["with_pincode"]
    n, defaults = table["loans"].to_numpy(), table["defaults"].to_numpy()
    share = recall * defaults.sum() / n.sum() / precision
    value = scores_at_share(defaults, n, share)[metric]
    drawn = np.random.default_rng(random_state).binomial(n, defaults / n, size=(_DRAWS, len(n)))
    draws = scores_at_share(drawn, n, share)[metric]
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    distance, error = float(value) - (claimed - margin), max(float(np.std(draws)), 1e-12)
    other = deciles["without_pincode"]
    without = scores_at_share(other["defaults"].to_numpy(), other["loans"].to_numpy(), share)[metric]
    return Effect(
        effect=f"{metric} on the test loans, with the pincode",
        kind="rate",
        n=int(n.sum()),
        estimate=float(value),
        ci_low=float(low),
        ci_high=float(high),
        p_value=doubled(stats.norm.sf(distance / error)),
        p_against=doubled(stats.norm.sf(-distance / error)),
        null=claimed,
        facts={"flagged_share": float(share), "without_pincode": float(without)},
    )


def scores_at_share(defaults: np.ndarray, n: np.ndarray, share: float) -> dict[str, np.ndarray]:
    """Return accuracy, precision, recall and F2 where the riskiest `share` of the loans is flagged.

    Args:
        defaults: Defaults by decile, lowest risk first, shape (..., deciles).
        n: Loans by decile, shape (deciles,).
        share: Share of all loans to flag; where it ends inside a decile, that decile's loans are flagged by lot.
    """
    riskier = np.append(np.cumsum(n[::-1])[::-1][1:], 0)
    part = np.clip((share * n.sum() - riskier) / n, 0, 1)
    hits, flagged, bad = (defaults * part).sum(axis=-1), (n * part).sum(), defaults.sum(axis=-1)
    return {
        "accuracy": 1 - (flagged - hits + bad - hits) / n.sum(),
        "precision": hits / flagged,
        "recall": hits / np.maximum(bad, 1),
        "f2": 5 * hits / (4 * bad + flagged),
    }


def implied_scores(recall: float, precision: float, default_rate: float) -> dict[str, float]:
    """Return the accuracy and F2 that a recall and a precision make at a default rate."""
    hits = recall * default_rate
    return {
        "accuracy": 1 - (default_rate - hits) - (hits / precision - hits),
        "f2": 5 * precision * recall / (4 * precision + recall),
    }
