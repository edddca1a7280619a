"""The sentences about models say what the numbers say, whichever way they fall."""

import pandas as pd
import pytest

from loantap.exhibits.tuning import (
    ablation_title,
    baseline_sentence,
    champion_sentence,
    groups_title,
    out_of_time_title,
    profit_sentence,
    smote_sentence,
)
from loantap.model.economics import Economics

REFERENCE, SMOTE = "plain, no resampling", "plain, SMOTE"


def competition(difference: float, p: float) -> pd.DataFrame:
    row = {"f2_at_half": 0.5, "brier_uncalibrated": 0.2, "roc_auc": 0.7, "f2": 0.58}
    for score in ("f2", "roc_auc"):
        row |= {
            f"{score}_difference": difference,
            f"{score}_difference_low": difference - 0.001,
            f"{score}_difference_high": difference + 0.001,
            f"{score}_p_adjusted": p,
        }
    none = {f"{score}_{end}": float("nan") for score in ("f2", "roc_auc") for end in ("difference", "p_adjusted")}
    return pd.DataFrame([{"name": REFERENCE, **row, **none}, {"name": SMOTE, **row}])


@pytest.mark.parametrize(
    ("difference", "p", "words"),
    [(-0.01, 0.001, "costs F2"), (0.01, 0.001, "brings F2"), (-0.01, 0.2, "buys no F2"), (0.01, 0.2, "buys no F2")],
)
def test_what_smote_buys_follows_sign_and_corrected_p_value(difference: float, p: float, words: str):
    table = competition(difference, p)
    assert f"SMOTE {words}" in smote_sentence(table, reference=REFERENCE, smote=SMOTE)
    assert f"SMOTE {words}" in ablation_title(table, {"reference": REFERENCE, "champion": REFERENCE})


@pytest.mark.parametrize(("uses", "words"), [(True, "It uses SMOTE."), (False, "It is not the SMOTE model.")])
def test_the_champion_is_said_to_be_smote_or_not(uses: bool, words: str):
    facts = {
        "champion": SMOTE, "uses_smote": uses, "best_f2": REFERENCE, "eligible": 8, "level_in_f2": [SMOTE, REFERENCE],
        "level_in_ranking": [SMOTE],
    }  # fmt: skip
    told = champion_sentence(facts)
    assert words in told
    assert "it is the only one left" in told
    assert "2 of 8 candidates" in told


@pytest.mark.parametrize(
    ("low", "high", "words"), [(0.01, 0.03, "beats"), (-0.03, -0.01, "loses to"), (-0.01, 0.01, "is level with")]
)
def test_the_champion_stands_against_a_rule_as_the_paired_interval_says(low: float, high: float, words: str):
    ladder = pd.DataFrame(
        [
            {
                "name": "reject all",
                "rule": "refuse",
                "difference": (low + high) / 2,
                "difference_low": low,
                "difference_high": high,
            }
        ]
    )
    assert f"champion {words} the rule *refuse*" in baseline_sentence(ladder, ["reject_all"])


@pytest.mark.parametrize(
    ("threshold", "low", "high", "words"),
    [
        (0.4, 0.01, 0.03, "more than granting every loan"),
        (0.4, -0.03, -0.01, "would earn less than granting every loan"),
        (0.4, -0.01, 0.01, "could not be told from granting every loan"),
        (1.1, 0.0, 0.0, "granting every loan would have earned most on the training loans"),
    ],
)
def test_profit_is_claimed_only_where_the_interval_allows(threshold: float, low: float, high: float, words: str):
    row = {
        "name": "best profit", "threshold": threshold, "refused": 0.1, "difference": (low + high) / 2,
        "difference_low": low, "difference_high": high,
    }  # fmt: skip
    assert words in profit_sentence(pd.DataFrame([row]), economics=Economics())


def test_too_few_later_loans_are_said_to_be_too_few():
    assert "Too few loans" in out_of_time_title({"roc_auc": 0.7}, None)


def test_the_widest_gap_between_groups_is_named():
    groups = pd.DataFrame(
        {
            "factor": ["grade", "grade", "home_ownership", "home_ownership"],
            "group": ["A", "G", "RENT", "OWN"],
            "false_positive_rate": [0.05, 0.9, 0.5, 0.6],
        }
    ).assign(false_positive_rate_low=0.01, false_positive_rate_high=0.99)
    assert groups_title(groups).startswith("Of those who repay, 5.0 % (1.0 to 99.0 %) in A are flagged, and 90.0 %")
