import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits.card import card_page, model_card
from loantap.exhibits.words import show
from loantap.model.economics import Economics
from loantap.runs.notebook_model import run_facts
from loantap.runs.results import RunFolder


class Evaluation:
    score = "f2"
    deciles = pd.DataFrame({"loans": [10], "defaults": [2], "predicted": [0.2], "default_rate": [0.2]})
    groups = pd.DataFrame(
        {
            "factor": ["grade"], "group": ["<b>A</b>"], "n": [10], "default_rate": [0.2], "recall": [0.5],
            "false_positive_rate": [0.1], "roc_auc": [float("nan")],
        }
    )  # fmt: skip


SCORES = {"n": 1_234, "f2": 0.5871, "roc_auc": 0.71, "ci": {"f2": [0.571, 0.601], "roc_auc": [0.7, 0.72]}}
RESULT = {
    "features": "splines", "sampler": "none", "obeys": True, "unknown": "risky", "without": ["pub_rec"], "best_params": {"penalty": "l2", "C": 0.3}, "train_rows": 4_936, "sample": "",
    "split": {"test_share": 0.2, "seed": 0}, "threshold": 0.1316, "threshold_rule": "largest F2", "profit_threshold": 0.4774,
    "capacity": 0.1, "capacity_threshold": 0.3519, "capacity_threshold_rule": "at most 10%",
    "referred": {"threshold": 0.687, "profit_threshold": 0.012, "capacity_threshold": 0.104},
    "profit_threshold_rule": "largest profit", "economics": vars(Economics()), "test": SCORES, "brier_uncalibrated": 0.2,
    "calibration": {"method": "sigmoid", "slope": 1.0, "intercept": 0.1}, "expected_calibration_error_uncalibrated": 0.1,
    "beta": 2.0, "confidence": 0.95, "out_of_time": {"first_month": "2015-05-01", "test": SCORES},
}  # fmt: skip
LADDER = pd.DataFrame(
    {
        "name": ["champion", "grade"], "rule": ["the model in use", "decline the grades"], "f2": [0.59, 0.57],
        "difference": [None, 0.0146], "difference_low": [None, 0.0059], "difference_high": [None, 0.0246],
    }
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    data = {
        "kind": "file",
        "location": "/somewhere/somebody/loans.csv",
        "sha256": "ab",
        "rows": 6_170,
        "defaults": 1_234,
    }
    manifest = {"run_id": "20260101-000000", "started_at": "2026-01-01", "git_commit": "abc", "data": data}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    RunFolder(tmp_path).write_result(
        "leaks", {"columns": [{"column": "pincode", "verdict": "leak"}, {"column": "dti", "verdict": "clear"}]}
    )
    return RunFolder(tmp_path)


def test_the_card_is_json_and_names_the_leak_but_no_path(run: RunFolder):
    card = json.loads(json.dumps(model_card(run_facts(run), RESULT, Evaluation, LADDER, ["dti"]), allow_nan=False))
    assert card["leaks"] == ["pincode"]
    assert (card["run_id"], card["data"]["sha256"], card["synthetic"]) == ("20260101-000000", "ab", False)
    assert {"address", "emp_title", "loan_status"} <= {line["column"] for line in card["not_features"]}
    assert "somebody" not in json.dumps(card)


def test_the_page_tells_what_the_card_says(run: RunFolder):
    page = card_page(model_card(run_facts(run), RESULT, Evaluation, LADDER, ["dti"]))
    for told in (
        "splines features, no resampling, penalty l2, C = 0.3",
        "1,234",
        "0.571",
        "ROC-AUC 0.710 (0.700 to 0.720)",
        "13.2%",
        "pincode",
        "no change for the worse lowers a probability",
        "does not use these inputs, of which nothing was left: derogatory records",
    ):
        assert told in page, told
    free = card_page(
        model_card(run_facts(run), RESULT | {"obeys": False, "unknown": "learned"}, Evaluation, LADDER, ["dti"])
    )
    assert "a change for the worse may lower a probability" in free
    assert show(0.0146, "score") in page
    assert "synthetic" not in page
    assert page.startswith("<!DOCTYPE html>")


def test_the_page_tells_the_share_referred_at_each_threshold(run: RunFolder):
    page = card_page(model_card(run_facts(run), RESULT, Evaluation, LADDER, ["dti"]))
    assert (
        "Of all applications the model refers 68.7% at the F2 threshold (13.2%), 1.2% at the profit threshold (47.7%) and 10.4% at the "
        "threshold for a capacity of 10% (35.2%); n = 1,234 test loans."
    ) in page


def test_markup_in_names_stays_text(run: RunFolder):
    page = card_page(model_card(run_facts(run), RESULT, Evaluation, LADDER, ["dti"]))
    assert "<b>A</b>" not in page
    assert "&lt;b&gt;A&lt;/b&gt;" in page


def test_a_model_of_synthetic_loans_says_so_and_a_run_without_search_for_leaks_too(tmp_path: Path):
    page = card_page(
        model_card(run_facts(RunFolder(tmp_path)), RESULT | {"out_of_time": None}, Evaluation, LADDER, ["dti"])
    )
    assert "Made from synthetic loans" in page
    assert "No search for leaks was made" in page


def test_a_threshold_that_refuses_nobody_is_no_probability(run: RunFolder):
    granting = RESULT | {"profit_threshold": float(np.nextafter(1.0, 2.0))}
    usual, page = (
        card_page(model_card(run_facts(run), one, Evaluation, LADDER, ["dti"])) for one in (RESULT, granting)
    )
    assert "at the profit threshold (47.7%)" in usual
    assert "none at the profit threshold" in page
    assert "100.0%" not in page
