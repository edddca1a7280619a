"""Performance before outcomes are known: what calibrated probabilities let expect."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, fbeta_score, precision_score, recall_score, roc_auc_score

from loantap.errors import InputError
from loantap.watchlist import live_performance
from loantap.watchlist.live_performance import MEASURES, expected_performance

THRESHOLD, LEVEL, DRAWS, TIMES = 0.25, 0.9, 200, 200


def probabilities(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(1.5, 6, n)


def test_what_is_expected_follows_from_the_probabilities():
    p = probabilities(2_000)
    found = expected_performance(p, threshold=THRESHOLD, random_state=0).set_index("measure")
    flags = p >= THRESHOLD
    # Mean and standard deviation of the number of defaults are known; 1,000 draws leave a 32nd of the deviation.
    spread = np.sqrt((p * (1 - p)).sum()) / len(p)
    assert found.loc["default_rate", "expected"] == pytest.approx(p.mean(), abs=4 * spread / np.sqrt(1_000))
    assert found.loc["precision", "expected"] == pytest.approx(p[flags].mean(), abs=0.003)
    assert found.loc["recall", "expected"] == pytest.approx(p[flags].sum() / p.sum(), abs=0.003)
    assert found.loc["brier", "expected"] == pytest.approx((p * (1 - p)).mean(), abs=0.001)
    # The normal approximation of a sum of 2,000 is good to a few percent of the width.
    width = found.loc["default_rate", "high"] - found.loc["default_rate", "low"]
    assert width == pytest.approx(2 * 1.96 * spread, rel=0.1)
    assert ((found["low"] < found["expected"]) & (found["expected"] < found["high"])).all()


def test_sums_over_many_loans_are_drawn_as_normal(monkeypatch: pytest.MonkeyPatch):
    p = probabilities(5_000)
    monkeypatch.setattr(live_performance, "REPETITIONS", 4_000)
    exact = expected_performance(p, threshold=THRESHOLD, random_state=0)
    monkeypatch.setattr(live_performance, "MANY", 1)
    normal = expected_performance(p, threshold=THRESHOLD, random_state=0)
    width = exact["high"] - exact["low"]
    # A quantile of 4,000 draws at 2.5% has a standard error of 2% of the width.
    for name in ("expected", "low", "high"):
        assert ((exact[name] - normal[name]).abs() < 0.1 * width).all(), name


def test_intervals_cover_what_comes_out_at_their_level_where_the_calibration_holds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_performance, "REPETITIONS", DRAWS)
    rng, p = np.random.default_rng(7), probabilities(300)
    flags, inside = p >= THRESHOLD, dict.fromkeys(MEASURES, 0)
    for seed in range(TIMES):
        found = expected_performance(p, threshold=THRESHOLD, random_state=seed, confidence=LEVEL)
        outcome = (rng.random(300) < p).astype(int)
        came = {
            "default_rate": outcome.mean(), "auc": roc_auc_score(outcome, p), "precision": precision_score(outcome, flags),
            "recall": recall_score(outcome, flags), "f2": fbeta_score(outcome, flags, beta=2), "brier": brier_score_loss(outcome, p),
        }  # fmt: skip
        for row in found.to_dict("records"):
            inside[row["measure"]] += row["low"] - 1e-12 <= came[row["measure"]] <= row["high"] + 1e-12
    for measure, covered in inside.items():
        # Between the level and a little more, since counts are discrete; 1 in 10,000 by chance.
        assert binomtest(covered, TIMES, LEVEL, alternative="less").pvalue > 1e-4, measure
        assert covered / TIMES < 0.97, measure


def test_loans_that_are_not_known_are_left_out_and_counted():
    p = probabilities(100)
    with_gaps = np.append(p, [np.nan] * 7)
    known, found = (expected_performance(one, threshold=THRESHOLD, random_state=0) for one in (p, with_gaps))
    pd.testing.assert_frame_equal(known.drop(columns="unknown"), found.drop(columns="unknown"))
    assert (found["n"].iloc[0], found["unknown"].iloc[0]) == (100, 7)


def test_a_measure_without_meaning_has_no_value():
    p = np.full(50, 1e-4)  # hardly ever a default, and nobody flagged
    found = expected_performance(p, threshold=THRESHOLD, random_state=0).set_index("measure")
    assert found.loc[["auc", "precision", "recall"], ["expected", "low", "high"]].isna().all(axis=None)


def test_the_same_seed_gives_the_same_table():
    one, other = (expected_performance(probabilities(50), threshold=0.2, random_state=5) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_nobody_of_known_probability_is_refused():
    with pytest.raises(InputError, match="got none"):
        expected_performance(np.array([np.nan]), threshold=THRESHOLD, random_state=0)
