"""The sentences about models say what the numbers say, whichever way they fall."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import comparisons, scores
from loantap.exhibits.tuning import (
    ablation,
    grid,
    search,
    weighing,
)
from loantap.exhibits.tuning_sentences import challenger_sentence, champion_sentence, features_sentence, smote_sentence
from loantap.model.ablation import Candidate, Champion
from loantap.model.economics import Economics
from loantap.model.groups import Gap
from loantap.model.paired import fbeta_differences
from loantap.model.recipe import Recipe
from loantap.model.tuning import Tuned

REFERENCE, SMOTE = "plain, no resampling", "plain, SMOTE"


def chosen(
    recipe: Recipe = Recipe("without_pincode", "plain", "none"),  # noqa: B008
    *,
    able: tuple[str, ...] = (REFERENCE, SMOTE),
    behind: tuple[str, ...] = (),
    level: int = 2,
    ranked: int = 2,
    beta: float = 2.0,
    confidence: float = 0.95,
) -> Champion:
    champion = Candidate(recipe.name, recipe, 0.3, pd.DataFrame())
    return Champion(
        champion,
        recipe,
        0.3,
        able[0],
        [*able[:level]],
        [*able[:ranked]],
        [*able],
        [*behind],
        folds=5,
        repeats=2,
        beta=beta,
        confidence=confidence,
    )


def competition(difference: float, p: float, *, score: str = "f2") -> pd.DataFrame:
    row = {f"{score}_at_half": 0.5, "brier_uncalibrated": 0.2, "roc_auc": 0.7, score: 0.58}
    for name in (score, "roc_auc"):
        row |= {
            f"{name}_difference": difference,
            f"{name}_difference_low": difference - 0.001,
            f"{name}_difference_high": difference + 0.001,
            f"{name}_p_adjusted": p,
        }
    none = {f"{name}_{end}": float("nan") for name in (score, "roc_auc") for end in ("difference", "p_adjusted")}
    rest = {"C": 0.3, f"{score}_low": 0.5, f"{score}_high": 0.6, "brier": 0.1}
    return pd.DataFrame([{"name": REFERENCE, **row, **none, **rest}, {"name": SMOTE, **row, **rest}])


@pytest.mark.parametrize(
    ("difference", "p", "words"),
    [
        (-0.01, 0.001, "lowers F2"),
        (0.01, 0.001, "improves F2"),
        (-0.01, 0.2, "does not detectably improve F2"),
        (0.01, 0.2, "does not detectably improve F2"),
    ],
)
def test_what_smote_buys_follows_sign_and_corrected_p_value(difference: float, p: float, words: str):
    table = competition(difference, p)
    assert f"SMOTE {words}" in smote_sentence(chosen(), table)
    assert f"SMOTE {words}" in ablation(chosen(), table, inputs="without_pincode", rows=1_000).parts[0].title


def test_a_corrected_verdict_beside_an_uncorrected_interval_says_that_it_is():
    table = competition(-0.01, 0.2)  # by itself the interval leaves 0 out
    assert table["f2_difference_high"].iloc[1] < 0
    told, figure = (
        smote_sentence(chosen(), table),
        ablation(chosen(), table, inputs="without_pincode", rows=9).parts[0],
    )
    assert "The interval is for this comparison alone; the verdict is corrected for all." in told
    assert "for this comparison alone" not in smote_sentence(chosen(), competition(-0.01, 0.001))
    assert "it may claim less than an interval shows" in figure.caption


@pytest.mark.parametrize(("sampler", "words"), [("SMOTE", "It uses SMOTE."), ("none", "It does not use SMOTE.")])
def test_the_champion_is_said_to_be_smote_or_not(sampler: Any, words: str):
    told = champion_sentence(chosen(Recipe("without_pincode", "plain", sampler), ranked=1))
    assert words in told
    assert told.startswith(
        "Two candidates tie on F2; we kept the only one not clearly beaten on ROC-AUC, **plain features with"
    )


@pytest.mark.parametrize(
    ("level", "ranked", "words"),
    [
        (2, 2, "Two candidates tie on F2; we kept the simplest, **plain features without resampling**."),
        (
            1,
            1,
            "The champion is **plain features without resampling**: of 2 candidates it alone is not clearly beaten on F2.",
        ),
    ],
)
def test_a_tie_is_told_as_one(level: int, ranked: int, words: str):
    assert champion_sentence(chosen(level=level, ranked=ranked)).startswith(words)


def test_who_ran_the_first_repeat_only_is_named():
    told = champion_sentence(chosen(behind=(SMOTE,)))
    assert "Plain features with SMOTE ran the first repeat only: clearly beaten there." in told


def test_candidates_that_tie_in_one_score_only_are_counted_apart():
    told = champion_sentence(chosen(able=("a, x", "b, x", "c, x"), level=3, ranked=2))
    assert told.startswith("Three candidates tie on F2, two of them on ROC-AUC too; we kept the simplest, ")


def test_a_black_box_is_called_better_only_where_its_interval_says_so():
    def answer(*ends: tuple[float, float]) -> str:
        rows = [
            {"name": f"forest {place}", "roc_auc": 0.7, "roc_auc_difference": (low + high) / 2, "roc_auc_difference_low": low, "roc_auc_difference_high": high}
            for place, (low, high) in enumerate(ends)
        ]  # fmt: skip
        return challenger_sentence(chosen(), pd.DataFrame(rows))

    asked = "Would a black-box model do better?"
    assert answer((-0.02, -0.01), (-0.03, -0.02)).startswith(f"{asked} No. ")
    assert answer((-0.02, -0.01), (-0.01, 0.02)).startswith(f"{asked} Not detectably. ")
    assert answer((-0.02, -0.01), (0.01, 0.02)).startswith(f"{asked} In ROC-AUC, forest 1 would. ")
    assert "forest 0 -0.015 (95% interval -0.020 to -0.010)" in answer((-0.02, -0.01))


def test_where_one_candidate_competes_nothing_is_compared():
    table = competition(0.1, 0.001).tail(1).assign(f2_difference=float("nan"))
    choice = chosen(Recipe("without_pincode", "plain", "SMOTE"), able=(SMOTE,), level=1, ranked=1)
    assert (
        champion_sentence(choice)
        == "The champion is **plain features with SMOTE**; nothing else competed. It uses SMOTE."
    )
    assert "did not compete with another sampler" in smote_sentence(choice, table)
    assert "only plain ones did" in features_sentence(choice, table)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.03, "beats"), (-0.03, -0.01, "loses to"), (-0.01, 0.01, "is neither shown to beat nor to lose to")],
)
def test_the_champion_stands_against_a_rule_as_the_paired_interval_says(low: float, high: float, words: str):
    row = {
        "name": "reject all",
        "rule": "refuse",
        "difference": (low + high) / 2,
        "difference_low": low,
        "difference_high": high,
    }
    told = comparisons.baseline_sentence(pd.DataFrame([row]), SimpleNamespace(score="f2"), ["reject_all"])  # type: ignore[arg-type]
    assert f"champion {words} the rule *refuse*" in told


def test_rules_that_refuse_the_same_loans_are_beaten_once():
    outcome = np.tile([1, 0, 0, 0], 100)
    half, everybody = np.tile([1, 1, 0, 0], 100), np.ones(400)
    flagged = {"champion": outcome, "reject_all": everybody, "pincode": everybody, "grade": half}
    differences = fbeta_differences(outcome, flagged, repetitions=50, random_state=0)
    table = differences.assign(
        name=differences["name"].str.replace("_", " "), rule=["", "all", "by pincode", "by grade"]
    )
    rules = ["reject_all", "pincode", "grade"]
    told = comparisons.baseline_sentence(table, SimpleNamespace(score="f2"), rules)  # type: ignore[arg-type]
    assert told.count("beats") == 2
    assert "beats the same decisions by *all* or *by pincode* (" in told
    assert "beats the rule *by grade* (" in told


def test_no_more_earlier_loans_are_told_of_than_there_are():
    scored = {"n": 9, "brier": 0.1, "f2": 0.5, "roc_auc": 0.6, "ci": {"f2": (0.4, 0.6), "roc_auc": (0.5, 0.7)}}
    facts = {"test": scored, "default_rate": 0.2, "predicted": 0.2}
    evaluation: Any = SimpleNamespace(**facts, score="f2", confidence=0.95, inputs="without_pincode")
    found: Any = SimpleNamespace(**facts, first_month=pd.Timestamp("2015-05-01"), train_rows=4_321)
    told = [comparisons.later(evaluation, found, most_rows=most, rows=5_000).caption for most in (10_000, 1_000)]
    assert "and 4,321 earlier loans below" in told[0]
    assert "and 1,000 earlier loans below" in told[1]


@pytest.mark.parametrize(
    ("threshold", "low", "high", "words"),
    [
        (0.4, 0.01, 0.03, "more than approving everyone"),
        (0.4, -0.03, -0.01, "would earn less than approving everyone"),
        (0.4, -0.01, 0.01, "is not shown to earn more or less than approving everyone"),
        (1.1, 0.0, 0.0, "approving everyone would have earned most on the training loans"),
    ],
)
def test_profit_is_claimed_only_where_the_interval_allows(threshold: float, low: float, high: float, words: str):
    row = {
        "name": "profit threshold", "threshold": threshold, "refused": 0.1, "difference": (low + high) / 2,
        "difference_low": low, "difference_high": high,
    }  # fmt: skip
    assert words in scores.profit_sentence(pd.DataFrame([row]), economics=Economics())


def test_too_few_later_loans_are_said_to_be_too_few():
    assert "Too few loans" in comparisons.later_title({"roc_auc": 0.7}, None)


@pytest.mark.parametrize(("ci_low", "words"), [(0.01, "Good customers flagged: 5.0% (1.0 to 99.0%) in Grade A, but 90.0%"), (-0.01, "No group is shown to have its good customers flagged more often, not even Grade A and Grade G, the groups farthest apart")])  # fmt: skip
def test_a_gap_between_groups_is_told_as_far_as_it_is_more_than_chance(ci_low: float, words: str):
    ends = {"false_positive_rate_low": 0.01, "false_positive_rate_high": 0.99}
    low, high = (
        {"factor": "grade", "group": name, "false_positive_rate": rate, **ends}
        for name, rate in (("A", 0.05), ("G", 0.9))
    )
    assert scores.groups_title(Gap(low, high, ci_low, 0.9)).startswith(words)


def test_groups_that_cannot_be_compared_are_not():
    assert scores.groups_title(None) == "No two groups are large enough to be compared"


@pytest.mark.parametrize(("settings", "words"), [(1, "only penalty l2 and C = 0.1 were tried"), (2, "the simplest within one standard error of the best: penalty l2 and C = 0.1")])  # fmt: skip
def test_a_grid_of_one_has_no_simplest(settings: int, words: str):
    table = pd.DataFrame(
        {"penalty": "l2", "C": [0.1, 1.0], "f0.5_mean": 0.4, "f0.5_sd": 0.01, "fold_1": 0.4, "fold_2": 0.4}
    )
    tuned = Tuned(table.head(settings), {"penalty": "l2", "C": 0.1}, 0.5, np.zeros(1_234))
    shown = grid(tuned, inputs="application_only")
    assert shown.title == f"SMOTE model, {words}"
    assert shown.caption.startswith("Mean F0.5 over 2 folds")
    assert "n = 1,234" in shown.caption
    assert search(tuned)["f0.5_mean"] == 0.4


@pytest.mark.parametrize(("beta", "words"), [(2, "F2 weighs recall above precision: it counts a missed default 4 times"), (0.5, "F0.5 weighs precision above recall: it counts a missed default 0.25 times"), (1, "F1 weighs recall and precision alike")])  # fmt: skip
def test_a_score_is_told_by_its_weights(beta: float, words: str):
    assert words in weighing(beta)
