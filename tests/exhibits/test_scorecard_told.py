"""The card as people read it: bins in words, and a cost that its interval shows."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import diagnostics
from loantap.exhibits.scorecard import bin_in_words, cost


def a_bin(feature: str, low: float = np.nan, high: float = np.nan, **more: Any) -> dict[str, Any]:
    return {"feature": feature, "low": low, "high": high, "levels": [], "missing": False, "unknown": False, **more}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (a_bin("open_acc", high=9.5), "up to 9"),
        (a_bin("open_acc", 9.5, 14.5), "10 to 14"),
        (a_bin("open_acc", 14.5, unknown=True), "15 or more, or not known"),
        (a_bin("dti", 10.55, 14.15), "10.6% to below 14.2%"),
        (a_bin("sub_grade", 5.5, 6.5), "B2"),
        (a_bin("sub_grade", high=2.5), "up to A3"),
        (a_bin("loan_amnt", 6_012.5, 7_362.5), "6,013 to 7,362"),
        (a_bin("home_ownership", levels=["RENT", "OWN"]), "rent or own"),
        (a_bin("dti", missing=True), "not known"),
    ],
)
def test_a_bin_reads_as_a_person_would_say_it(row: dict[str, Any], words: str):
    assert bin_in_words(row) == words


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0.01, 0.004, 0.016), "costs 0.010 of ROC-AUC"),
        ((-0.01, -0.016, -0.004), "gains 0.010 of ROC-AUC"),
        ((0.01, -0.002, 0.022), "is not shown to cost ranking"),
    ],
)
def test_a_card_costs_what_its_interval_shows(ends: tuple[float, ...], words: str):
    names = ("difference", "difference_low", "difference_high")
    paired = {f"roc_auc_{name}": value for name, value in zip(names, ends, strict=True)}
    ladder = pd.DataFrame([{"name": "scorecard", **dict.fromkeys(names, 0.0)}])
    tested: Any = SimpleNamespace(score="f2", confidence=0.9, sampled=False, test={"n": 900, "roc_auc": 0.69})
    told = cost(tested, tested, ladder, paired)
    assert f"A points scorecard {words} against the champion" in told
    assert "the same 900 test loans" in told


def test_more_loans_help_where_the_last_step_is_shown_to():
    row = {"roc_auc": 0.7, "roc_auc_low": 0.6, "roc_auc_high": 0.8, "gain": 0.01}
    table = pd.DataFrame([{"n": 100, **row, "gain_low": -0.01, "gain_high": 0.03}, {"n": 200, **row, "gain_low": 0.002, "gain_high": 0.02}])  # fmt: skip
    told = diagnostics.learning(table, inputs="without_pincode", confidence=0.95)
    assert told.title.startswith("More loans still help: from 100 to 200")
    told = diagnostics.learning(table.assign(gain_low=-0.01), inputs="without_pincode", confidence=0.95)
    assert told.title.startswith("More loans are not shown to help")


def test_inputs_that_overlap_are_named():
    table = pd.DataFrame({"feature": ["sub_grade", "dti"], "columns": 1, "likelihood_ratio": 9.0, "p_adjusted": [0.01, 0.2], "inflation": [22.0, 1.2]})  # fmt: skip
    told = diagnostics.likelihoods(table, inputs="without_pincode", rows=10, confidence=0.95)
    assert told.title == "1 of 2 inputs are shown to add to the others; much overlap: sub-grade"
