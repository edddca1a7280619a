import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, roc_auc_score

from loantap.model.paired import paired_differences


def two_models(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(int)
    known = rng.normal(0.8 * y, 1)
    first, second = (norm.cdf(known + rng.normal(0, spread, n) - 0.7) for spread in (0.3, 0.6))
    return y, first, second


def test_differences_are_those_of_scikit_learns_scores():
    y, first, second = two_models(400)
    found = paired_differences(y, first, second)
    assert found["roc_auc_difference"] == pytest.approx(roc_auc_score(y, first) - roc_auc_score(y, second), abs=1e-12)
    assert found["brier_difference"] == pytest.approx(
        brier_score_loss(y, first) - brier_score_loss(y, second), abs=1e-12
    )


def test_paired_intervals_agree_with_the_bootstrap_of_loans():
    y, first, second = two_models(600)
    found, rng = paired_differences(y, first, second), np.random.default_rng(1)
    draws = []
    for _ in range(1_000):
        rows = rng.integers(0, len(y), len(y))
        auc = roc_auc_score(y[rows], first[rows]) - roc_auc_score(y[rows], second[rows])
        draws.append((auc, np.mean((first[rows] - y[rows]) ** 2 - (second[rows] - y[rows]) ** 2)))
    for name, ends in zip(("roc_auc", "brier"), np.quantile(draws, [0.025, 0.975], axis=0).T, strict=True):
        width = ends[1] - ends[0]  # 1,000 draws leave an end uncertain by about a twentieth of it
        told = [found[f"{name}_difference_{end}"] for end in ("low", "high")]
        assert told == pytest.approx(list(ends), abs=0.12 * width), name


def test_a_model_beside_itself_differs_by_nothing_and_the_order_turns_the_sign():
    y, first, second = two_models(200)
    assert set(paired_differences(y, first, first).values()) == {0.0}
    one, other = paired_differences(y, first, second), paired_differences(y, second, first)
    assert one["roc_auc_difference_low"] == pytest.approx(-other["roc_auc_difference_high"], abs=1e-12)
