"""The gates of promotion: a good model passes, and each gate can fail; those about conduct are tried in test_conduct_gates.py."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from finished_runs import change_card, conduct_judged_once, other_model, reseal

from loantap.errors import InputError
from loantap.model.persistence import CARD, METADATA, PAGE, PIPELINE
from loantap.model.seal import SMOTE
from loantap.runs.results import RunFolder
from loantap_serving.gates import GATES, Verdict, judge_run

CALIBRATION = "expected_calibration_error"


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with conduct_judged_once():
        yield


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(finished_run, tmp_path / "run")


def failed(folder: Path, *, allow_synthetic: bool = True, beside: str = "") -> dict[str, str]:
    """Return what was found by the gates that the run does not pass."""
    verdicts = judge_run(folder, allow_synthetic=allow_synthetic, beside=beside)
    assert [verdict.gate for verdict in verdicts] == [gate.name for gate in GATES]
    return {verdict.gate: verdict.found for verdict in verdicts if not verdict.passed}


def rewrite(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_a_good_model_passes_every_gate(finished_run: Path):
    assert failed(finished_run) == {}


def test_each_gate_says_its_rule_and_what_it_saw(finished_run: Path):
    for verdict in judge_run(finished_run):
        assert verdict.rule
        assert verdict.found
        assert Verdict(**verdict.plain()) == verdict


def test_a_model_of_made_loans_needs_the_switch(finished_run: Path):
    assert failed(finished_run, allow_synthetic=False) == {"real loans": "made from synthetic loans"}


@pytest.mark.parametrize("part", ["manifest", "card"])
def test_made_loans_are_seen_wherever_they_are_noted(part: str, run: Path):
    def lent(manifest: dict[str, Any]) -> None:
        manifest["data"] |= {"kind": "file", "synthetic": False}

    rewrite(run / "manifest.json", lent) if part == "card" else change_card(
        run, lambda card: card.update(synthetic=False)
    )
    assert "real loans" in failed(run, allow_synthetic=False)
    rewrite(run / "manifest.json", lent)
    change_card(run, lambda card: card.update(synthetic=False))
    assert failed(run, allow_synthetic=False) == {}


@pytest.mark.parametrize("status", ["running", "failed", "partial"])
def test_an_unfinished_run_fails(status: str, run: Path):
    rewrite(run / "manifest.json", lambda manifest: manifest.update(status=status))
    assert list(failed(run)) == ["finished run"]


def test_no_run_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="expected a run folder"):
        judge_run(tmp_path)


def test_a_tampered_model_fails_and_nothing_else_is_believed(run: Path):
    with (run / "model" / PIPELINE).open("ab") as file:
        file.write(b" ")
    found = failed(run)
    assert "sha256" in found["sound model"]
    assert set(found) == {gate.name for gate in GATES} - {"finished run"}
    assert found["calibrated"] == "not judged, since the model cannot be loaded"


def test_the_model_of_another_run_fails(run: Path):
    rewrite(run / "manifest.json", lambda manifest: manifest.update(run_id="another"))
    assert list(failed(run)) == ["sound model"]


def test_the_model_of_other_data_fails(run: Path):
    rewrite(run / "manifest.json", lambda manifest: manifest["data"].update(sha256="ab"))
    assert list(failed(run)) == ["sound model", "model card"]


@pytest.mark.parametrize("rule", ["reject all", "grade"])
def test_a_model_that_does_not_clearly_beat_a_simple_rule_fails(rule: str, run: Path):
    def level(card: dict[str, Any]) -> None:
        next(line for line in card["rivals"] if line["name"] == rule)["difference_low"] = 0.0

    change_card(run, level)
    assert list(failed(run)) == ["beats simple rules"]


def test_intervals_narrower_than_a_gate_asks_for_are_no_evidence(run: Path):
    change_card(run, lambda card: card.update(confidence=0.9))
    found = failed(run)
    assert set(found) == {"beats simple rules", "calibrated", "holds later"}
    assert all("expected intervals of 95% or more, the run has 90%" in told for told in found.values())


def test_a_rule_that_was_not_compared_with_is_not_beaten(run: Path):
    change_card(run, lambda card: card["rivals"].pop())
    assert "not judged: KeyError 'grade'" in failed(run)["beats simple rules"]


def test_the_pincode_which_is_a_leak_is_no_rule_to_beat(finished_run: Path):
    card = json.loads((finished_run / "model" / "model_card.json").read_text("utf-8"))
    against = {line["name"]: line["difference_low"] for line in card["rivals"]}
    assert against["pincode"] < 0
    assert failed(finished_run) == {}


def test_a_calibration_error_that_may_be_large_fails(run: Path):
    change_card(run, lambda card: card["test"]["ci"].update({CALIBRATION: [0.0, 0.031]}))
    assert list(failed(run)) == ["calibrated"]


def test_one_decile_may_miss_and_two_may_not(run: Path):
    def calibrated(*missed: int) -> Verdict:
        def miss(card: dict[str, Any]) -> None:
            for decile in missed:
                card["calibration"]["deciles"][decile]["predicted"] = 0.99

        change_card(run, miss)
        return {verdict.gate: verdict for verdict in judge_run(run)}["calibrated"]

    assert calibrated(0).passed
    assert calibrated(0).found.endswith("9 of 10 deciles")
    assert not calibrated(0, 1).passed


def test_a_decile_may_miss_by_a_point_however_many_loans_there_are(run: Path):
    def off_by(points: float) -> bool:
        def shift(card: dict[str, Any]) -> None:
            for decile in card["calibration"]["deciles"]:
                rate = decile["default_rate"]
                decile |= {"loans": 10**8, "defaults": round(rate * 10**8), "predicted": rate + points / 100}

        change_card(run, shift)
        return {verdict.gate: verdict for verdict in judge_run(run)}["calibrated"].passed

    assert off_by(0.9)
    assert not off_by(1.1)


def test_a_leak_behind_a_feature_fails(run: Path):
    """Of credit_history_months the source column is earliest_cr_line, which is no feature by that name."""
    rewrite(
        run / "results" / "leaks.json",
        lambda leaks: leaks["columns"].append({"column": "earliest_cr_line", "verdict": "leak"}),
    )
    found = failed(run)
    assert found["no leak column"] == "it looks at earliest_cr_line, which gives the outcome away"
    assert set(found) == {"no leak column", "model card"}  # whose list of leaks is another one


def test_without_a_search_for_leaks_nothing_is_known_of_them(run: Path):
    (run / "results" / "leaks.json").unlink()
    assert "leaks.json" in failed(run)["no leak column"]


def test_a_model_for_comparison_only_fails(run: Path):
    other_model(run / "model", run / "other")
    shutil.rmtree(run / "model")
    shutil.move(run / "other", run / "model")
    rewrite(run / "model" / METADATA, lambda facts: facts.update(inputs="with_pincode"))
    change_card(run, lambda card: card)
    assert "with_pincode" in failed(run)["no leak column"]


@pytest.mark.parametrize("part", ["limits", "misuses", "groups", "threshold_rule", "capacity_threshold", "referred"])
def test_a_card_that_lacks_a_part_fails(part: str, run: Path):
    change_card(run, lambda card: card.pop(part))
    assert failed(run) == {"model card": f"the card lacks {part}"}


@pytest.mark.parametrize("name", ["f2", "roc_auc", "brier", "recall"])
def test_a_number_that_was_made_better_by_hand_fails(name: str, run: Path):
    change_card(run, lambda card: card["test"].update({name: card["test"][name] + 1e-6}))
    assert failed(run)["model card"].endswith(f"test loans: {name}")


def test_a_confusion_that_was_made_better_by_hand_fails(run: Path):
    change_card(run, lambda card: card["test"]["confusion"].update(tp=card["test"]["confusion"]["tp"] + 1))
    assert failed(run)["model card"].endswith("confusion")


def test_a_share_referred_that_was_made_smaller_by_hand_fails(run: Path):
    change_card(run, lambda card: card["referred"].update(threshold=0.1))
    assert failed(run)["model card"].endswith("shares referred")


def test_a_decile_that_was_made_better_by_hand_fails(run: Path):
    change_card(run, lambda card: card["calibration"]["deciles"][3].update(predicted=0.2))
    assert failed(run)["model card"].endswith("deciles")


def test_a_threshold_moved_after_the_test_fails(run: Path):
    other_model(run / "model", run / "other")
    shutil.rmtree(run / "model")
    shutil.move(run / "other", run / "model")
    assert "threshold, confusion" in failed(run)["model card"]


def test_a_model_is_not_judged_on_other_loans_than_the_runs(run: Path):
    path = RunFolder(run).loans_path
    pd.read_parquet(path).iloc[:-100].to_parquet(path)
    assert "number of loans" in failed(run)["model card"]


def test_a_model_whose_loans_are_gone_cannot_be_judged(run: Path):
    RunFolder(run).loans_path.unlink()
    assert "expected the cleaned loans" in failed(run)["model card"]


def test_a_run_without_a_later_test_fails(run: Path):
    change_card(run, lambda card: card.update(out_of_time=None))
    assert failed(run) == {"holds later": "not judged: the run had too few later loans"}


@pytest.mark.parametrize("change", [{"roc_auc": 0.6, "ci": {"roc_auc": [0.58, 0.62]}}, {"ci": {"roc_auc": [0.5, 0.7]}}])
def test_a_ranking_that_is_lost_on_later_loans_fails(change: dict[str, Any], run: Path):
    change_card(run, lambda card: card["out_of_time"]["test"].update(change))
    assert list(failed(run)) == ["holds later"]


def test_a_card_of_another_form_fails_without_a_traceback(run: Path):
    change_card(run, lambda card: card.update(test=None, rivals=None, calibration=[]))
    assert {"beats simple rules", "calibrated", "model card"} <= set(failed(run))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("rivals", lambda card: card["rivals"][-1].update(difference_low=0.8)),
        ("test", lambda card: card["test"]["ci"].update({CALIBRATION: [0.0, 0.0001]})),
        ("out_of_time", lambda card: card["out_of_time"].update(default_rate=0.0)),
        ("groups", lambda card: card["groups"][0].update(false_positive_rate=0.0)),
        ("leaks", lambda card: card.update(leaks=["grade"])),
        ("data", lambda card: card["data"].update(rows=1)),
        ("calibration", lambda card: card["calibration"].update(slope=99.0)),
        ("recipe", lambda card: card["recipe"].update(obeys=False)),
    ],
)
def test_a_card_that_says_otherwise_than_the_results_fails(part: str, change: Callable, run: Path):
    change_card(run, change, alone=True)
    found = failed(run)["model card"]
    assert found.startswith("the card says otherwise than the run's results: ")
    assert part in found


@pytest.mark.parametrize("part", ["groups", "limits", "misuses", "rivals"])
def test_a_card_with_an_empty_part_fails(part: str, run: Path):
    change_card(run, lambda card: card.update({part: []}), alone=True)
    assert part in failed(run)["model card"]


def test_scores_that_are_no_numbers_fail(run: Path):
    def spoil(card: dict[str, Any]) -> None:
        card["test"] |= {name: float("nan") for name in ("f2", "brier", CALIBRATION)}

    change_card(run, spoil, alone=True)
    assert {"model card", "calibrated"} <= set(failed(run))


def test_the_tuned_smote_model_has_to_pass_the_same_gates(finished_run: Path):
    found = failed(finished_run, beside=SMOTE)
    assert set(found) == {
        "worse never scores better",
        "leaving out buys nothing",
        "no reason against a direction",
    }


def change_smote_card(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rewrite(run / "model" / SMOTE / CARD, change)
    reseal(run / "model" / SMOTE)


def test_the_smote_card_is_held_against_the_smote_models_own_results(run: Path):
    assert "model card" not in failed(run, beside=SMOTE)
    champion = json.loads((run / "model" / CARD).read_text("utf-8"))
    for part in ("rivals", "groups", "test"):
        change_smote_card(run, lambda card, part=part: card.update({part: champion[part]}))
    found = failed(run, beside=SMOTE)["model card"]
    assert found == "the card says otherwise than the run's results: test, rivals, groups"
    assert failed(run) == {}


def test_the_smote_card_says_that_nothing_binds_it(finished_run: Path):
    pages = {folder: (finished_run / "model" / folder / PAGE).read_text("utf-8") for folder in (".", SMOTE)}
    for words in ("Its signs are free", "whatever the reason was then"):
        assert words in pages[SMOTE]
        assert words not in pages["."]


def test_a_run_that_kept_no_smote_model_fails_without_a_traceback(run: Path):
    shutil.rmtree(run / "model" / SMOTE)
    assert failed(run) == {}
    found = failed(run, beside=SMOTE)
    assert "expected a part of a saved model, found nothing" in found["sound model"]
    assert set(found) == {gate.name for gate in GATES} - {"finished run"}
