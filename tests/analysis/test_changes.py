"""Two runs against each other: what changed, and what two halves of one portfolio show by chance."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from loantap.analysis.changes import compare_numbers, measured, shared_loans
from loantap.analysis.comparisons import rate_difference
from loantap.analysis.counts import FrameCounts
from loantap.analysis.strength import auc_interval, driver_strength

DRIVERS = ["loan_amnt", "int_rate", "dti", "annual_inc", "revol_util", "term", "sub_grade", "home_ownership", "purpose"]
CHANGED = "changed"


def run_of(loans: pd.DataFrame, factors: tuple[str, ...] = ("grade", "home_ownership", "purpose")) -> dict[str, Any]:
    """Return the results of some loans, as far as they are compared and quickly made."""
    found: dict[str, Any] = {
        "eda": {
            "shape": {"n": len(loans), "defaults": int(loans["default"].sum())},
            "settings": {"confidence": 0.95},
            "strength": driver_strength(FrameCounts(loans), DRIVERS).to_dict("records"),
        }
    }
    for factor in factors:
        counts = loans.groupby(factor, observed=True)["default"].agg(["size", "sum"])
        levels = [
            {"level": str(level), "n": int(n), "defaults": int(bad)} for level, (n, bad) in counts.iterrows() if n >= 10
        ]
        found[f"association_{factor}"] = {"factor": factor, "levels": levels}
    return found


def rates_of(**levels: tuple[int, int]) -> dict[str, Any]:
    """Return results that hold nothing but defaults and loans by grade."""
    return {
        "association_grade": {
            "factor": "grade", "levels": [{"level": name, "n": n, "defaults": bad} for name, (bad, n) in levels.items()],
        }
    }  # fmt: skip


def model_of(auc: float, low: float, high: float, *, confidence: float = 0.95) -> dict[str, Any]:
    refused = {"estimate": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    test = {"n": 1_000, "roc_auc": auc, "ci": {"roc_auc": [low, high]}}
    return {
        "model": {
            "without_pincode": {"test": test, "confidence": confidence, "beta": 2.0, "refusal": {"refused": refused}}
        }
    }


def test_two_random_halves_show_a_change_no_oftener_than_the_error_rate(loans: pd.DataFrame):
    rng, repetitions, wrong, loans = np.random.default_rng(0), 60, 0, loans.head(2_000)
    for _ in range(repetitions):
        first = rng.permutation(len(loans)) < len(loans) // 2
        table = compare_numbers(run_of(loans[first]), run_of(loans[~first]), same_loans=False)
        wrong += (table["verdict"] == CHANGED).any()
    # 5% of 60 are 3; 8 or more would come about once in a hundred times if the error rate held.
    assert wrong < 8


def test_rates_of_many_levels_keep_the_error_rate_over_all_of_them():
    rng, repetitions, wrong = np.random.default_rng(1), 400, 0
    for _ in range(repetitions):
        first, second = (
            rates_of(**{f"L{i}": (int(rng.binomial(n, 0.1)), n) for i, n in enumerate([40, 80, 200, 1_000, 5_000])}) for _ in range(2)
        )  # fmt: skip
        wrong += (compare_numbers(first, second, same_loans=False)["verdict"] == CHANGED).any()
    # Standard error of the share: 1.1 points.
    assert wrong / repetitions < 0.05 + 3 * 0.011


def test_a_planted_change_is_found_and_alone():
    first = rates_of(A=(50, 1_000), B=(100, 1_000), C=(200, 1_000))
    second = rates_of(A=(50, 1_000), B=(190, 1_000), C=(204, 1_000))
    table = compare_numbers(first, second, same_loans=False).set_index("name")
    assert table["verdict"].to_dict() == {"A": "not shown", "B": CHANGED, "C": "not shown"}
    assert table.loc["B", "difference"] == pytest.approx(0.09)


def test_a_rate_is_tested_as_a_table_of_two_by_two():
    table = compare_numbers(rates_of(A=(300, 2_000)), rates_of(A=(380, 2_100)), same_loans=False).iloc[0]
    reference = chi2_contingency([[300, 1_700], [380, 1_720]], correction=False)
    assert table["p_value"] == pytest.approx(reference.pvalue, rel=1e-9)
    apart, low, high = rate_difference((380, 2_100), (300, 2_000))
    assert (table["difference"], table["difference_low"], table["difference_high"]) == pytest.approx((apart, low, high))


def test_scores_differ_by_both_their_errors_whatever_their_confidence():
    narrow = 0.70 - 1.644854 / 1.959964 * 0.02  # the same error at 90%
    table = compare_numbers(model_of(0.70, 0.68, 0.72), model_of(0.76, 0.74, 0.78), same_loans=False).set_index("name")
    other = compare_numbers(
        model_of(0.70, narrow, 1.4 - narrow, confidence=0.9), model_of(0.76, 0.74, 0.78), same_loans=False
    ).set_index("name")
    error = np.hypot(0.02, 0.02)
    expected = (0.06, 0.06 - error, 0.06 + error)
    for found in (table, other):
        row = found.loc["roc_auc"]
        assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(expected, abs=1e-6)
        assert row["verdict"] == CHANGED


def test_the_interval_of_the_later_auc_is_scaled_to_the_confidence_of_the_comparison(loans: pd.DataFrame):
    results = run_of(loans)
    alone = results["eda"]["strength"][0]
    row = compare_numbers(results, results, same_loans=False, alpha=0.1).set_index("name").loc[alone["driver"]]
    defaults = int(loans.loc[loans[alone["driver"]].notna(), "default"].sum())
    low, high = auc_interval(alone["auc"], defaults, alone["n"] - defaults, confidence=0.9)
    assert (row["later_low"], row["later_high"]) == pytest.approx((low, high))


def test_on_the_same_loans_nothing_is_tested():
    table = compare_numbers(rates_of(A=(50, 1_000), B=(10, 100)), rates_of(A=(50, 1_000), B=(60, 100)), same_loans=True)
    assert table["verdict"].tolist() == ["equal", "differs"]
    assert table[["p_value", "p_adjusted", "difference_low", "difference_high"]].isna().all(axis=None)


def test_levels_that_only_one_run_has_are_not_compared():
    table = compare_numbers(rates_of(A=(5, 100), B=(5, 100)), rates_of(A=(5, 100), C=(9, 100)), same_loans=False)
    assert table["name"].tolist() == ["A"]


def test_pooled_levels_are_not_compared():
    results = rates_of(A=(5, 100), B=(5, 100))
    results["association_grade"]["pooled"] = {"B": ["F", "G"]}
    assert {name for _, name in measured(results)} == {"A"}


def test_levels_whose_loans_all_ended_alike_in_both_runs_did_not_change():
    table = compare_numbers(rates_of(A=(0, 100)), rates_of(A=(0, 90)), same_loans=False)
    assert table["p_value"].tolist() == [1.0]


def test_loans_in_both_runs_are_counted_wherever_they_stand(loans: pd.DataFrame):
    later = loans.iloc[100:300].sample(frac=1, random_state=0).assign(row=range(200))
    assert shared_loans(loans.iloc[:200], later) == 100
    assert shared_loans(loans.iloc[:100], later) == 0
