import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from loantap.model.bootstrap import drawn_counts
from loantap.model.decision import price_of_refusal
from loantap.model.evaluation import CELLS, METRICS, Predictions, evaluate

pytestmark = pytest.mark.slow

EXACT = 1e-12  # closed forms of the same numbers


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    outcome = (rng.random(3_000) < 0.2).astype(int)
    # Rounded, so that many probabilities are equal.
    return outcome, np.round(np.clip(0.2 + 0.15 * outcome + 0.2 * rng.standard_normal(3_000), 0, 1), 2)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5])
def test_metrics_equal_those_of_scikit_learn(scored: tuple[np.ndarray, np.ndarray], threshold: float):
    outcome, probability = scored
    flags = probability >= threshold
    false_rate, recall, _ = metrics.roc_curve(outcome, probability)
    expected = {
        "accuracy": metrics.accuracy_score(outcome, flags),
        "precision": metrics.precision_score(outcome, flags),
        "recall": metrics.recall_score(outcome, flags),
        "f1": metrics.f1_score(outcome, flags),
        "f2": metrics.fbeta_score(outcome, flags, beta=2),
        "roc_auc": metrics.roc_auc_score(outcome, probability),
        "average_precision": metrics.average_precision_score(outcome, probability),
        "brier": metrics.brier_score_loss(outcome, probability),
        "ks": (recall - false_rate).max(),
        "gini": 2 * metrics.roc_auc_score(outcome, probability) - 1,
    }
    found = Predictions.of(outcome, probability).metrics(threshold)
    assert set(found) == set(METRICS)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=EXACT)


def test_a_draw_is_scored_as_its_loans_are_by_scikit_learn(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    drawn = Predictions.of(outcome, probability).draws(0.3, repetitions=3, random_state=5)
    for (_, found), weight in zip(drawn.iterrows(), drawn_counts(3_000, repetitions=3, random_state=5), strict=True):
        for name, function in (
            ("roc_auc", metrics.roc_auc_score),
            ("average_precision", metrics.average_precision_score),
            ("brier", metrics.brier_score_loss),
        ):
            assert found[name] == pytest.approx(function(outcome, probability, sample_weight=weight), abs=EXACT), name
        counts = metrics.confusion_matrix(outcome, probability >= 0.3, sample_weight=weight).ravel()
        assert list(found[list(CELLS)]) == list(counts)


def test_bins_leave_the_intervals_of_many_distinct_probabilities_as_they_are(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(2)
    probability = rng.beta(2, 8, 12_000)
    predictions = Predictions.of((rng.random(12_000) < probability).astype(int), probability)
    binned = predictions.draws(0.25, repetitions=40, random_state=0)
    monkeypatch.setattr("loantap.model.evaluation.RANKING_BINS", 20_000)
    exact = predictions.draws(0.25, repetitions=40, random_state=0)
    ranked = ["roc_auc", "average_precision", "ks", "gini"]
    pd.testing.assert_frame_equal(binned.drop(columns=ranked), exact.drop(columns=ranked), rtol=EXACT)
    # The standard errors are about 0.005: bins move a draw by a hundredth of that, KS by a tenth.
    assert (binned[ranked] - exact[ranked]).abs().max().to_dict() == pytest.approx(dict.fromkeys(ranked, 0), abs=6e-4)
    assert (binned["roc_auc"] - exact["roc_auc"]).abs().max() < 5e-5


def test_confusion_counts_are_those_of_scikit_learn(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    (tn, fp), (fn, tp) = metrics.confusion_matrix(outcome, probability >= 0.3)
    assert Predictions.of(outcome, probability).confusion(0.3) == {"tn": tn, "fp": fp, "fn": fn, "tp": tp}


def test_the_best_threshold_has_the_largest_f2_of_all(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    best = Predictions.of(outcome, probability).best_threshold()
    scores = {t: metrics.fbeta_score(outcome, probability >= t, beta=2) for t in np.unique(probability)}
    assert scores[best] == max(scores.values())


def test_calibration_error_by_hand():
    # Ten loans at 0.1 of which two default, ten at 0.6 of which five default: (0.1 * 10 + 0.1 * 10) / 20.
    probability = np.repeat([0.1, 0.6], 10)
    outcome = np.concatenate([np.repeat([1, 0], [2, 8]), np.repeat([1, 0], [5, 5])])
    predictions = Predictions.of(outcome, probability)
    assert predictions.metrics(0.5)["expected_calibration_error"] == pytest.approx(0.1, abs=EXACT)
    table = predictions.calibration()
    assert list(table["predicted"]) == pytest.approx([0.1, 0.6])
    assert list(table["default_rate"]) == pytest.approx([0.2, 0.5])


def test_a_constant_prediction_ranks_nothing():
    found = Predictions.of(np.array([0, 1, 0, 1, 0]), np.full(5, 0.4)).metrics(0.5)
    assert found["roc_auc"] == 0.5
    assert found["precision"] == found["f2"] == 0


def test_one_outcome_is_refused():
    with pytest.raises(ValueError, match="both outcomes"):
        Predictions.of(np.zeros(5), np.linspace(0, 1, 5))


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_loans_does_not_matter(seed: int):
    rng = np.random.default_rng(seed)
    outcome = np.append((rng.random(60) < 0.3).astype(int), [0, 1])
    probability = np.round(rng.random(62), 1)
    shuffled = rng.permutation(62)
    first = Predictions.of(outcome, probability).metrics(0.4)
    second = Predictions.of(outcome[shuffled], probability[shuffled]).metrics(0.4)
    assert first == pytest.approx(second, abs=EXACT)


def test_intervals_hold_the_estimate_and_are_reproducible(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    first = evaluate(outcome, probability, threshold=0.3, repetitions=100, random_state=0)
    assert first == evaluate(outcome, probability, threshold=0.3, repetitions=100, random_state=0)
    for name, (low, high) in first["ci"].items():
        assert low <= first[name] <= high, name
    for name, (low, high) in first["confusion_ci"].items():
        assert low <= first["confusion"][name] <= high, name


def test_counts_scatter_as_a_share_of_all_loans_does(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    found = evaluate(outcome, probability, threshold=0.3, repetitions=2_000, random_state=0)
    n, hits = len(outcome), found["confusion"]["tp"]
    low, high = found["confusion_ci"]["tp"]
    # A binomial count: its standard deviation is known, and 2,000 draws leave it uncertain by about 2%.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(hits * (1 - hits / n)), rel=0.1, abs=1)


def test_an_interval_is_as_wide_as_theory_says():
    # The standard error of a mean of n squares is known; 500 repetitions scatter it by about 3%.
    rng = np.random.default_rng(1)
    probability = rng.random(4_000)
    outcome = (rng.random(4_000) < probability).astype(int)
    low, high = evaluate(outcome, probability, threshold=0.5, repetitions=500, random_state=0)["ci"]["brier"]
    expected = 2 * 1.96 * ((probability - outcome) ** 2).std() / np.sqrt(4_000)
    assert high - low == pytest.approx(expected, rel=0.15)


def test_the_interval_of_the_calibration_error_holds_zero_for_a_model_that_is_right():
    # 60 samples of a model whose probabilities are true: at 95%, fewer than 52 hits happen once in a thousand times.
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        probability = rng.beta(2, 8, 1_000)
        outcome = (rng.random(1_000) < probability).astype(int)
        low, _ = evaluate(outcome, probability, threshold=0.3, repetitions=60, random_state=0)["ci"][
            "expected_calibration_error"
        ]
        held += low == 0
    assert held >= 52


def test_the_interval_of_the_calibration_error_does_not_hold_zero_for_a_model_that_is_wrong():
    rng = np.random.default_rng(0)
    probability = rng.beta(2, 8, 2_000)
    outcome = (rng.random(2_000) < np.clip(probability + 0.08, 0, 1)).astype(int)
    found = evaluate(outcome, probability, threshold=0.3, repetitions=100, random_state=0)
    low, high = found["ci"]["expected_calibration_error"]
    assert 0.04 < low < 0.08 < high < 0.12


def test_one_decision_has_one_interval_whatever_score_it_comes_from(scored: tuple[np.ndarray, np.ndarray]):
    outcome, probability = scored
    rng, refused = np.random.default_rng(0), probability >= 0.3
    other = np.where(refused, 0.6, 0.1) + 0.3 * rng.random(len(refused))  # other ranks, the same loans refused
    drawn = {"repetitions": 100, "random_state": 4}
    first = evaluate(outcome, probability, threshold=0.3, **drawn)
    second = evaluate(outcome, other, threshold=0.6, **drawn)
    for name in ("accuracy", "precision", "recall", "f1", "f2"):
        assert first["ci"][name] == second["ci"][name], name
    assert first["confusion_ci"] == second["confusion_ci"]
    told = price_of_refusal(np.ones(len(outcome)), outcome, refused, **drawn)["defaults_avoided"]
    assert first["ci"]["recall"] == pytest.approx((told.ci_low, told.ci_high), abs=EXACT)
