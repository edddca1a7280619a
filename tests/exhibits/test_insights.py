"""The first page's sentences are made of a run's results, whichever factors it tested, and are true of the tables beside them."""

import json
from pathlib import Path

import pandas as pd

from loantap.analysis.association import analyse
from loantap.exhibits import association, insights
from loantap.runs.page import Page
from loantap.runs.results import RunFolder

DRIVERS = [{"id": "term", "text": "Long loans default more often (n = 9)."}]
SCORES = {"roc_auc": 0.6, "f2": 0.59, "f0.5": 0.31}
TEST = {
    "n": 100,
    **SCORES,
    "ci": dict.fromkeys(SCORES, (0.3, 0.7)),
    "confusion": {"tn": 40, "fp": 40, "fn": 5, "tp": 15},
}
REFUSAL = ("refused", "defaults_avoided", "good_refused", "amount_defaults_avoided", "amount_good_refused")
MODEL = {
    "without_pincode": {
        "test": TEST, "smote": {"test": TEST}, "beta": 2.0, "confidence": 0.9, "threshold": 0.12, "profit_threshold": 0.5, "capacity": 0.1,
        "capacity_threshold": 0.4, "referred": {"threshold": 0.69, "profit_threshold": 0.03, "capacity_threshold": 0.1},
        "refusal": {name: {"estimate": 0.4, "ci_low": 0.3, "ci_high": 0.5} for name in REFUSAL}, "profit_sentence": "It pays.",
    }, "with_pincode": {"test": TEST},
    "application_only": {"test": TEST, "confidence": 0.9},
    "baselines": [{"name": "grade", "test": TEST}],
}  # fmt: skip


def page(folder: Path, *factors: str, confidence: float = 0.95, alpha: float = 0.05) -> Page:  # type: ignore[assignment]
    """Return the page of a run with these factors, each of whose levels differ."""
    stages = [{"name": "ingest"}, *({"name": f"association-{factor}"} for factor in factors), {"name": "claims"}]
    (folder / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": {"kind": "file"}, "stages": stages}))
    run = RunFolder(folder)
    shape = {"n": 9_000, "default_rate": 0.2, "ci_low": 0.19, "ci_high": 0.21}
    run.write_result("eda", {"shape": shape, "settings": {"confidence": confidence}, "findings": DRIVERS})
    run.write_result("leaks", {"columns": [], "alpha": alpha})
    run.write_result("model", MODEL)
    for factor in factors:
        counts = pd.DataFrame({"level": ["a", "b", "c"], "n": [3_000] * 3, "defaults": [300, 600, 900]})
        found = analyse(counts, factor=factor)
        run.write_result(f"association_{factor}", found.to_dict() | {"warning": ""})
        run.publish(association.levels(found))
    return Page(run)


def test_a_factor_that_was_left_out_is_said_to_be(tmp_path: Path):
    shown = page(tmp_path, "grade", "home_ownership")
    assert (
        insights.made_by(shown, "grade")
        == "How this was computed: [the notebook on grade](notebooks/association-grade.ipynb)."
    )
    told = insights.made_by(shown, "pincode")
    assert told.startswith("This run did not test pincode: it tested grade and home ownership.")
    assert "-P factors=grade,home_ownership,pincode" in told


def test_the_notice_on_the_pincode_asks_and_the_result_answers(tmp_path: Path):
    shown = page(tmp_path, "pincode")
    shown.run.write_result("association_pincode", {"warning": "No pincode is pure in these loans."})
    assert "Does the pincode give the outcome away?" in insights.warning(shown)
    assert "No pincode is pure in these loans." in insights.warning(shown)


def test_synthetic_titles_are_not_called_the_real_portfolios_own(tmp_path: Path):
    shown = page(tmp_path)
    data = {"kind": "synthetic", "period": ["2010-01", "2016-12"], "rows_read": 9, "rows": 9, "unfinished": 0, "duplicates": 0, "quarantined": 0}  # fmt: skip
    shown.data = data
    told = insights.provenance(shown)
    assert "but for free texts, such as job titles, most of which are synthetic and say nothing of default" in told


def test_models_are_compared_in_the_score_of_the_run(tmp_path: Path):
    shown = page(tmp_path, "grade")
    assert "F2 0.590" in insights.pricing(shown)
    shown.run.write_result("model", MODEL | {"without_pincode": MODEL["without_pincode"] | {"beta": 0.5}})
    told = insights.pricing(Page(shown.run))
    assert "F0.5 0.310" in told
    assert "F2" not in told


def test_the_share_referred_at_all_three_thresholds_comes_first_where_their_price_is_told(
    tmp_path: Path,
):
    shown = page(tmp_path, "grade")
    told = (
        "Of all applications the model refers 69.0% at the F2 threshold (12.0%), 3.0% at the profit threshold (50.0%) and 10.0% at the "
        "threshold for a capacity of 10% (40.0%); n = 100 test loans."
    )
    assert insights.at_f2(shown).startswith(
        f"**{told}** If nobody looked at what is referred, the threshold for F2 would have declined 40.0%"
    )
