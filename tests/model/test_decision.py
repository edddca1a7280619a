import numpy as np
import pytest

from loantap.model.decision import price_of_refusal

AMOUNT = np.array([1_000.0, 2_000.0, 3_000.0, 4_000.0])
OUTCOME = np.array([1, 0, 1, 0])


def price(refused: list[bool]) -> dict[str, float]:
    found = price_of_refusal(AMOUNT, OUTCOME, np.array(refused), repetitions=20, random_state=0)
    return {name: share.estimate for name, share in found.items()}


def test_shares_by_hand():
    assert price([True, True, False, False]) == pytest.approx(
        {
            "refused": 2 / 4,
            "defaults_avoided": 1 / 2,
            "good_refused": 1 / 2,
            "default_rate_approved": 1 / 2,
            "amount_defaults_avoided": 1_000 / 10_000,
            "amount_good_refused": 2_000 / 10_000,
        }
    )


def test_refusing_nobody_changes_nothing():
    found = price([False] * 4)
    assert found["default_rate_approved"] == 0.5
    assert found["refused"] == found["defaults_avoided"] == found["amount_good_refused"] == 0


def test_the_interval_of_a_share_is_the_binomial_one():
    rng = np.random.default_rng(0)
    n = 5_000
    outcome = (rng.random(n) < 0.2).astype(int)
    refused = rng.random(n) < 0.3
    share = price_of_refusal(np.ones(n), outcome, refused, repetitions=400, random_state=0)["refused"]
    # 400 repetitions scatter a percentile interval's width by about 5%.
    width = 2 * 1.96 * np.sqrt(refused.mean() * (1 - refused.mean()) / n)
    assert share.ci_high - share.ci_low == pytest.approx(width, rel=0.2)
    assert share.ci_low < refused.mean() < share.ci_high
