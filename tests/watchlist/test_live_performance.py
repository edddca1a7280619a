"""Performance before outcomes are known: what calibrated probabilities let expect, and the catch-up when outcomes come."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, fbeta_score, precision_score, recall_score, roc_auc_score

from loantap.errors import InputError
from loantap.watchlist import live_performance
from loantap.watchlist.live_performance import MEASURES, catch_up, expected_performance

THRESHOLD, LEVEL, DRAWS, TIMES = 0.25, 0.9, 200, 300


def probabilities(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(1.5, 6, n)


def caught(p: np.ndarray, outcome: np.ndarray, **others) -> pd.DataFrame:
    known = {"threshold": THRESHOLD, "random_state": 0, "repetitions": DRAWS, "confidence": LEVEL}
    return catch_up(p, outcome, **(known | others)).set_index("measure")


def test_the_realised_measures_are_those_of_scikit_learn():
    p = probabilities(500).round(2)  # with ties
    outcome = (np.random.default_rng(1).random(500) < p).astype(int)
    flags = p >= THRESHOLD
    expected = {
        "default_rate": outcome.mean(), "auc": roc_auc_score(outcome, p), "precision": precision_score(outcome, flags),
        "recall": recall_score(outcome, flags), "f2": fbeta_score(outcome, flags, beta=2), "brier": brier_score_loss(outcome, p),
    }  # fmt: skip
    assert caught(p, outcome)["realised"].to_dict() == pytest.approx(expected, abs=1e-12)


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
    exact = expected_performance(p, threshold=THRESHOLD, random_state=0, repetitions=4_000)
    monkeypatch.setattr(live_performance, "MANY", 1)
    normal = expected_performance(p, threshold=THRESHOLD, random_state=0, repetitions=4_000)
    width = exact["high"] - exact["low"]
    # A quantile of 4,000 draws at 2.5% has a standard error of 2% of the width.
    for name in ("expected", "low", "high"):
        assert ((exact[name] - normal[name]).abs() < 0.1 * width).all(), name


@pytest.fixture(scope="module")
def calibrated() -> list[pd.DataFrame]:
    """Catch-ups of many sets of loans whose probabilities hold."""
    rng, p = np.random.default_rng(7), probabilities(300)
    return [caught(p, (rng.random(300) < p).astype(float), random_state=seed) for seed in range(TIMES)]


def test_intervals_cover_at_their_level_where_the_calibration_holds(calibrated: list[pd.DataFrame]):
    for measure in MEASURES:
        rows = pd.DataFrame([found.loc[measure] for found in calibrated])
        covered = int(rows["realised"].between(rows["low"] - 1e-12, rows["high"] + 1e-12).sum())
        # Between the level and a little more, since counts are discrete; 1 in 10,000 by chance.
        assert binomtest(covered, TIMES, LEVEL, alternative="less").pvalue > 1e-4, measure
        assert covered / TIMES < 0.97, measure


def test_null_data_are_not_said_to_differ_oftener_than_the_error_rate(calibrated: list[pd.DataFrame]):
    shown = sum((found["verdict"] == "shown").any() for found in calibrated)
    assert binomtest(shown, TIMES, 1 - LEVEL, alternative="greater").pvalue > 1e-3


def test_a_planted_shift_of_outcomes_is_shown():
    rng, p = np.random.default_rng(3), probabilities(3_000)
    odds = 2 * p / (1 - p)
    found = caught(p, (rng.random(3_000) < odds / (1 + odds)).astype(float))
    assert found.loc["default_rate", ["verdict", "direction"]].tolist() == ["shown", "higher"]
    assert found.loc["default_rate", "realised"] > found.loc["default_rate", "high"]
    # A ranking that is lost, at the same default rate, shows in the AUC.
    lost = caught(p, rng.permutation((rng.random(3_000) < p).astype(float)))
    assert lost.loc["auc", ["verdict", "direction"]].tolist() == ["shown", "lower"]
    assert lost.loc["default_rate", "verdict"] == "not shown"


def test_loans_that_are_not_known_are_left_out_and_counted():
    p = probabilities(100)
    with_gaps = np.append(p, [np.nan] * 7)
    known, found = (expected_performance(one, threshold=THRESHOLD, random_state=0) for one in (p, with_gaps))
    pd.testing.assert_frame_equal(known.drop(columns="unknown"), found.drop(columns="unknown"))
    assert (found["n"].iloc[0], found["unknown"].iloc[0]) == (100, 7)
    outcome = np.append(np.zeros(90), [np.nan] * 10)
    assert (caught(p, outcome)[["n", "unknown"]].iloc[0] == [90, 10]).all()


def test_a_measure_without_meaning_has_no_value_and_no_verdict():
    p = np.full(50, 1e-4)  # hardly ever a default, and nobody flagged
    found = caught(p, np.zeros(50))
    assert found.loc[["auc", "precision", "recall"], ["expected", "low", "high"]].isna().all(axis=None)
    assert (found.loc[["auc", "precision", "recall"], "verdict"] == "").all()
    assert found.loc["default_rate", "verdict"] == "not shown"


def test_the_same_seed_gives_the_same_table():
    one, other = (expected_performance(probabilities(50), threshold=0.2, random_state=5) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("p", "outcome", "others", "told"),
    [
        ([0.1, 20.0], [0, 1], {}, "within 0 to 1"),
        ([np.nan], [0], {}, "got none"),
        ([0.1, 0.2], [0, 2], {}, "expected 0 and 1"),
        ([0.1, 0.2], [0, 1], {"repetitions": 100}, "repetitions: expected more than 120"),
    ],
)
def test_what_makes_no_sense_is_refused(p: list[float], outcome: list[float], others: dict[str, int], told: str):
    with pytest.raises(InputError, match=told):
        caught(np.array(p), np.array(outcome), **others)
