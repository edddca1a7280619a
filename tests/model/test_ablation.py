import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss

from loantap.model.ablation import (
    Candidate,
    choose_champion,
    comparison,
    compete,
    fold_scores,
    left_behind,
    race,
    recipes,
    resampled_interval,
)
from loantap.model.calibration import SigmoidCalibration
from loantap.model.evaluation import Predictions
from loantap.model.folds import fold_splits, out_of_fold
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe

rng = np.random.default_rng(0)
NOISE = rng.standard_normal((8, 10))


def candidate(recipe: Recipe | None, *, f2: float, roc_auc: float, noise: float = 0.001, row: int = 0) -> Candidate:
    scores = {"f2": f2 + noise * NOISE[row], "roc_auc": roc_auc + noise * NOISE[row + 1]}
    rest = dict.fromkeys(
        ("average_precision", "brier", "expected_calibration_error", "brier_uncalibrated", "f2_at_half", "flagged"), 0.1
    )
    name = recipe.name if recipe else f"challenger {row}"
    return Candidate(name, recipe, 1.0 if recipe else None, pd.DataFrame(scores).assign(**rest))


PLAIN, WEIGHTS, SMOTE = (Recipe("without_pincode", "plain", sampler) for sampler in ("none", "class_weights", "SMOTE"))
SPLINES = Recipe("without_pincode", "splines", "none")


def names(**chosen: list[str]) -> list[str]:
    everything = {
        "samplers": ["SMOTENC", "SMOTE", "none", "class_weights"],
        "encodings": ["ratios", "splines", "plain"],
    }
    return [recipe.name for recipe in recipes("without_pincode", **everything | chosen)]


def test_the_simplest_recipe_comes_first_in_whatever_order_they_are_named():
    assert names() == [
        "plain, no resampling", "plain, class weights", "plain, SMOTE", "plain, SMOTENC", "splines, no resampling",
        "ratios, no resampling", "splines, SMOTE",
    ]  # fmt: skip


def test_what_is_not_named_does_not_compete():
    assert names(samplers=["SMOTE"], encodings=["plain"]) == ["plain, SMOTE"]
    assert names(samplers=["SMOTE"], encodings=["splines", "plain"]) == ["plain, SMOTE", "splines, SMOTE"]
    assert names(samplers=["SMOTE", "none"], encodings=["splines"]) == ["splines, no resampling", "splines, SMOTE"]
    assert names(samplers=["class_weights"], encodings=["ratios", "plain"]) == [
        "plain, class weights",
        "ratios, class weights",
    ]


def test_less_confidence_calls_more_differences_clear():
    candidates = [candidate(PLAIN, f2=0.58, roc_auc=0.70), candidate(SMOTE, f2=0.581, roc_auc=0.70, row=2)]
    sure, unsure = (choose_champion(candidates, folds=5, confidence=confidence) for confidence in (0.999, 0.5))
    assert (len(sure.level), len(unsure.level)) == (2, 1)
    wide, narrow = (
        comparison(candidates, reference=candidates[0].name, folds=5, confidence=confidence)
        .set_index("name")
        .loc["plain, SMOTE"]
        for confidence in (0.95, 0.5)
    )
    assert wide["f2_difference_high"] > narrow["f2_difference_high"] > wide["f2_difference"]


def test_a_clear_winner_in_f2_is_champion_whatever_its_complexity():
    found = choose_champion(
        [candidate(PLAIN, f2=0.58, roc_auc=0.70), candidate(SMOTE, f2=0.60, roc_auc=0.70, row=2)], folds=5
    )
    assert found.candidate.name == "plain, SMOTE"
    assert found.level == ["plain, SMOTE"]


def test_a_tie_goes_to_the_simpler():
    candidates = [candidate(WEIGHTS, f2=0.5801, roc_auc=0.70, row=2), candidate(PLAIN, f2=0.58, roc_auc=0.70)]
    found = choose_champion(candidates, folds=5)
    assert (found.candidate.name, found.best) == ("plain, no resampling", "plain, class weights")
    assert set(found.level) == set(found.ranked) == {"plain, no resampling", "plain, class weights"}


def test_level_in_f2_but_beaten_in_ranking_is_no_tie():
    candidates = [candidate(PLAIN, f2=0.58, roc_auc=0.700), candidate(SPLINES, f2=0.58, roc_auc=0.705, row=2)]
    found = choose_champion(candidates, folds=5)
    assert found.candidate.name == "splines, no resampling"
    assert len(found.level) == 2
    assert found.ranked == ["splines, no resampling"]


def test_only_what_is_clearly_worse_is_left_behind():
    # One repeat of five folds of equally good candidates, ten thousand times: at 99.9 % in two scores, at most two in a thousand fall.
    draws = np.random.default_rng(1).standard_normal((10_000, 2, 2, 5))
    fallen = 0
    for ours, theirs in draws:
        pair = [
            Candidate(name, PLAIN, 1.0, pd.DataFrame({"f2": f2, "roc_auc": auc}))
            for name, (f2, auc) in (("a", ours), ("b", theirs))
        ]
        fallen += bool(left_behind(pair, folds=5))
    assert fallen <= 33  # more would happen once in a thousand times
    clear = [candidate(PLAIN, f2=0.6, roc_auc=0.7), candidate(SMOTE, f2=0.59, roc_auc=0.65, row=2)]
    assert left_behind(clear, folds=5) == [SMOTE.name]


def test_who_is_left_behind_is_compared_over_the_first_repeat_and_not_chosen():
    ahead, behind = candidate(WEIGHTS, f2=0.6, roc_auc=0.7), candidate(PLAIN, f2=0.6, roc_auc=0.7, row=2)
    behind = Candidate(behind.name, PLAIN, 1.0, behind.scores.head(5))
    choice = choose_champion([behind, ahead], folds=5)
    assert (choice.recipe, choice.behind, choice.able) == (WEIGHTS, [PLAIN.name], [PLAIN.name, WEIGHTS.name])
    told = comparison([behind, ahead], reference=WEIGHTS.name, folds=5).set_index("name").loc[PLAIN.name]
    first = comparison(
        [behind, Candidate(WEIGHTS.name, WEIGHTS, 1.0, ahead.scores.head(5))], reference=WEIGHTS.name, folds=5
    )
    pd.testing.assert_series_equal(told, first.set_index("name").loc[PLAIN.name])


def test_a_race_gives_the_scores_of_the_whole_competition(loans: pd.DataFrame):
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    splits = fold_splits(y, folds=3, repeats=2, random_state=0)
    free = Recipe("without_pincode", "plain", "none", obeys=False)
    raced = race(X, y, recipes=[PLAIN, free], splits=splits, folds=3, Cs=[0.01, 1.0], random_state=0)
    for one, recipe in zip(raced, (PLAIN, free), strict=True):
        whole = compete(X, y, recipe=recipe, splits=splits, Cs=[one.C], random_state=0)
        # A path of penalties and a single one end within the solver's tolerance of each other.
        pd.testing.assert_frame_equal(one.scores, whole.scores, atol=2e-3)


def test_a_challenger_cannot_become_champion():
    candidates = [candidate(None, f2=0.9, roc_auc=0.9, row=2), candidate(PLAIN, f2=0.58, roc_auc=0.70)]
    assert choose_champion(candidates, folds=5).candidate.name == "plain, no resampling"


def test_what_does_not_obey_cannot_become_champion():
    free = Recipe("without_pincode", "plain", "SMOTE", obeys=False)
    candidates = [candidate(free, f2=0.9, roc_auc=0.9, row=2), candidate(PLAIN, f2=0.58, roc_auc=0.70)]
    found = choose_champion(candidates, folds=5)
    assert found.candidate.name == "plain, no resampling"
    assert found.able == ["plain, no resampling"]


CS = (0.001, 0.01, 0.1, 1.0)


@pytest.fixture(scope="module")
def matrix(loans: pd.DataFrame) -> pd.DataFrame:
    return feature_frame(loans.head(2_000), inputs="without_pincode")


def entered(X: pd.DataFrame, y: np.ndarray, *, seed: int = 0, Cs: tuple[float, ...] = CS) -> Candidate:
    splits = fold_splits(y, folds=5, repeats=2, random_state=seed)
    return compete(X, y, recipe=PLAIN, splits=splits, Cs=Cs, random_state=0)


def brier_by_strength(X: pd.DataFrame, y: np.ndarray) -> tuple[list, dict[float, np.ndarray]]:
    """Return the splits, and each strength's Brier score by fold, computed anew."""
    splits = fold_splits(y, folds=5, repeats=2, random_state=0)
    paths = out_of_fold(X, y, recipe=PLAIN, splits=splits, penalties=["l2"], Cs=CS, random_state=0)
    found = {}
    for (_, C), log_odds in paths.items():
        whole = [SigmoidCalibration.fit(row, y)(row) for row in log_odds]
        found[C] = np.array([brier_score_loss(y[fold], whole[k // 5][fold]) for k, (_, fold) in enumerate(splits)])
    return splits, found


@pytest.mark.slow
def test_on_noise_the_strongest_penalty_is_chosen(matrix: pd.DataFrame, loans: pd.DataFrame):
    chosen = []
    for seed in range(6):
        mixed = np.random.default_rng(seed).permutation(loans["default"].to_numpy()[: len(matrix)])
        found = entered(matrix, mixed, seed=seed)
        assert found.tried == CS
        chosen.append(found.C)
    # By chance another one is better by more than a standard error in about one draw of six.
    assert chosen.count(min(CS)) >= 4, chosen


@pytest.mark.slow
def test_a_clear_signal_is_shrunk_no_further_than_one_standard_error_of_the_best(matrix: pd.DataFrame):
    rate = (matrix["int_rate"] - matrix["int_rate"].mean()) / matrix["int_rate"].std()
    debt = (matrix["dti"] - matrix["dti"].mean()) / matrix["dti"].std()
    log_odds = 1.5 * (rate > 0.3) + 1.2 * debt + 0.8 * (matrix["purpose"] == "credit_card") - 1.5
    y = (np.random.default_rng(0).random(len(matrix)) < 1 / (1 + np.exp(-log_odds))).astype(int)
    splits, briers = brier_by_strength(matrix, y)
    found = entered(matrix, y)
    best = min(briers, key=lambda C: briers[C].mean())
    assert min(CS) < found.C
    for C, own in briers.items():
        worse = own - briers[best]
        within = worse.mean() <= worse.std(ddof=1) / np.sqrt(len(splits))
        assert within or found.C != C  # what is chosen is within one error
        assert not within or found.C <= C  # and no stronger penalty is
    assert briers[found.C].mean() < briers[min(CS)].mean()


@pytest.mark.slow
def test_a_single_strength_is_the_one_and_its_scores_are_those_of_its_folds(matrix: pd.DataFrame, loans: pd.DataFrame):
    y = loans["default"].to_numpy()[: len(matrix)]
    found = entered(matrix, y, Cs=(0.3,))
    assert (found.C, found.tried, found.name) == (0.3, (0.3,), "plain, no resampling")
    splits = fold_splits(y, folds=5, repeats=2, random_state=0)
    paths = out_of_fold(matrix, y, recipe=PLAIN, splits=splits, penalties=["l2"], Cs=[0.3], random_state=0)
    pd.testing.assert_frame_equal(found.scores, fold_scores(y, paths["l2", 0.3], splits))


def test_the_interval_is_wider_than_folds_taken_as_independent():
    values = NOISE[0]
    mean, low, high, p = resampled_interval(values, held_out_share=0.2)
    error = np.std(values, ddof=1) * np.sqrt(1 / 10 + 0.25)  # by hand: J = 10 folds of a fifth
    assert (mean, high - mean) == pytest.approx((values.mean(), 2.2621571628 * error))  # t with 9 degrees of freedom
    assert mean - low == pytest.approx(high - mean)
    assert (p < 0.05) == (low > 0 or high < 0)


def test_equal_scores_differ_by_nothing():
    assert resampled_interval(np.zeros(10), held_out_share=0.2) == (0.0, 0.0, 0.0, 1.0)


def test_comparison_adjusts_for_the_number_of_candidates():
    candidates = [
        candidate(PLAIN, f2=0.58, roc_auc=0.70),
        candidate(SMOTE, f2=0.579, roc_auc=0.70, row=2),
        candidate(SPLINES, f2=0.581, roc_auc=0.71, row=4),
    ]
    table = comparison(candidates, reference="plain, no resampling", folds=5).set_index("name")
    assert table.loc["plain, no resampling", ["f2_difference", "f2_p_adjusted"]].isna().all()
    difference = candidates[1].scores["f2"] - candidates[0].scores["f2"]
    *_, p = resampled_interval(difference.to_numpy(), held_out_share=0.2)
    assert p <= table.loc["plain, SMOTE", "f2_p_adjusted"] <= 2 * p + 1e-12
    assert table.loc["plain, SMOTE", "f2_difference"] == pytest.approx(difference.mean())


def test_a_folds_threshold_and_calibration_come_from_the_other_folds():
    draws = np.random.default_rng(2)
    y = (draws.random(600) < 0.3).astype(int)
    log_odds = draws.standard_normal((2, 600)) + y
    splits = fold_splits(y, folds=3, repeats=2, random_state=0)
    found = fold_scores(y, log_odds, splits)
    others, fold = splits[4]
    row = log_odds[1]  # the second repeat
    calibrate = SigmoidCalibration.fit(row[others], y[others])
    threshold = Predictions.of(y[others], calibrate(row[others])).best_threshold()
    expected = Predictions.of(y[fold], calibrate(row[fold])).metrics(threshold)
    assert found.loc[4, "f2"] == expected["f2"]
    assert found.loc[4, "brier"] == expected["brier"]
    # A fold's own outcomes move its scores, and nothing that was chosen for it: flags and calibration stay.
    changed = y.copy()
    changed[fold] = 1 - changed[fold]
    again = fold_scores(changed, log_odds, splits)
    assert again.loc[4, "flagged"] == found.loc[4, "flagged"]
    assert again.loc[4, "f2"] != found.loc[4, "f2"]
