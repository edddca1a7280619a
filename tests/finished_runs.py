"""A small finished run with a model, made as the notebooks do but in seconds; to be copied by tests that change it."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sealed import seal_run

from loantap.data.accounts import describe
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.exhibits.card import card_page, model_card
from loantap.exhibits.exhibit import Exhibit
from loantap.jsonable import jsonable
from loantap.model.baselines import baseline_rules
from loantap.model.economics import Economics, loan_profit
from loantap.model.evaluation import Predictions
from loantap.model.fitted import evaluate_out_of_time, fit_calibrated, fit_out_of_time
from loantap.model.inputs import feature_frame
from loantap.model.paired import fbeta_differences
from loantap.model.persistence import CARD, METADATA, SavedModel, save_model
from loantap.model.recipe import Recipe
from loantap.model.seal import SMOTE, SUMS, seal
from loantap.model.study import evaluate_model, model_result
from loantap.model.tuning import split_loans
from loantap.runs.manifest import StageRecord, new_manifest
from loantap.runs.notebook_model import run_facts
from loantap.runs.results import RunFolder
from loantap_serving import conduct_gates

RUN_ID = "20260102-030405"
ROWS = 24_000
_SPLIT = {"test_share": 0.5, "seed": 0}
_DRAWN: dict[str, Any] = {"repetitions": 30, "random_state": 0}
_RECIPE = Recipe("without_pincode", "plain", "none")
_SMOTE = Recipe("without_pincode", obeys=False, unknown="learned")
_GRID = [
    {"penalty": "l2", "C": C, "f2_mean": 0.5, "f2_sd": 0.1, "fold_1": 0.4, "fold_2": 0.6} for C in (0.01, 0.1, 1.0)
]
_CANDIDATES = [
    {"name": name, "C": 0.3, "f2": 0.57, "f2_difference": None} for name in ("plain, no resampling", "plain, SMOTE")
]


def make_finished_run(folder: Path) -> Path:
    """Make the run at `folder`, and return it."""
    run = RunFolder(folder)
    source = SyntheticLoans(ROWS, 1)
    summary = ingest(source, loans_path=run.loans_path, quarantine_path=None)
    data = describe(summary, source, loans_path=run.loans_path)["data"]
    manifest = new_manifest(RUN_ID, {"rows": ROWS, "seed": 1}, [StageRecord(name="ingest", notebook="01_ingest.ipynb")])
    manifest.status, manifest.finished_at, manifest.data = "done", manifest.started_at, jsonable(data)
    manifest.report = {"engine": "builtin", "html": "report/index.html", "pdf": "report/report.pdf", "seconds": 1.0}
    manifest.write(folder)
    columns = [{"column": "pincode", "verdict": "leak"}, {"column": "grade", "verdict": "clear"}]
    run.write_result("leaks", {"columns": columns})
    run.publish(Exhibit("grades", "Grades", "n = 10", table=pd.DataFrame({"level": ["A"], "n": [10]})))
    (folder / "results" / "figures").mkdir()
    (folder / "results" / "figures" / "grades.svg").write_text("<svg/>")
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("<p>The report</p>")
    (folder / "report" / "report.pdf").write_bytes(b"%PDF-")
    _model(run)
    return seal_run(folder)


@contextmanager
def conduct_judged_once() -> Iterator[None]:
    """Judge what a model does to people on few loans, and once: it depends on the model and its loans, whatever a card says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct_gates, "SAMPLE", 200)
        for name in ("worse_scores_no_better", "leaving_out_buys_nothing", "no_reason_against_a_direction", "holds_by_vintage"):  # fmt: skip
            patch.setattr(conduct_gates, name, _once(getattr(conduct_gates, name)))
        yield


def _once(gate: Callable[..., tuple[bool, str]]) -> Callable[..., tuple[bool, str]]:
    known: dict[tuple[str, int], tuple[bool, str]] = {}

    def judged(model: SavedModel, unseen: pd.DataFrame) -> tuple[bool, str]:
        key = repr(model.metadata), len(unseen)
        if key not in known:
            known[key] = gate(model, unseen)
        return known[key]

    return judged


def _model(run: RunFolder) -> None:
    loans = run.loans()
    train, test = (
        loans.iloc[rows]
        for rows in split_loans(loans["default"], test_share=_SPLIT["test_share"], random_state=int(_SPLIT["seed"]))
    )
    X, y = feature_frame(train, inputs="without_pincode"), train["default"].to_numpy()
    profit = loan_profit(train, Economics())
    fitted, smote = (
        fit_calibrated(X, y, profit, recipe=recipe, C=0.3, sample=np.arange(len(y)), folds=3, random_state=0)
        for recipe in (_RECIPE, _SMOTE)
    )
    evaluation, smote_evaluation = (
        evaluate_model(model, test, economics=Economics(), min_cell=10, **_DRAWN) for model in (fitted, smote)
    )
    outcome, rules = test["default"].to_numpy(), baseline_rules(train, test)
    calls = {"champion": evaluation.flagged, **{rule.name: rule.refused for rule in rules}}
    ladder, smote_ladder = _ladder(outcome, calls), _ladder(outcome, {"tuned SMOTE": smote_evaluation.flagged, **calls})
    refit = {"C": 0.3, "later_share": 0.2, "rows": 5_000, "folds": 3, "economics": Economics(), "random_state": _DRAWN["random_state"]}  # fmt: skip
    later, smote_later = (
        evaluate_out_of_time(fit_out_of_time(loans, recipe=recipe, **refit), loans, **_DRAWN)
        for recipe in (_RECIPE, _SMOTE)
    )
    result = model_result(evaluation) | {
        "economics": Economics(),
        "split": _SPLIT,
        "smote": model_result(smote_evaluation)
        | {
            "search": {"grid": _GRID},
            "rivals": smote_ladder,
            "groups": smote_evaluation.groups,
            "out_of_time": smote_later,
        },
        "competition": {"table": _CANDIDATES},
        "out_of_time": later,
    }
    run.write_result("model", {"without_pincode": result})
    for name, table in (("baselines", ladder), ("groups", evaluation.groups)):
        run.publish(Exhibit(f"model-{name}-without-pincode", name, "n = 10", table=table))
    card = model_card(run_facts(run), result, evaluation, ladder, list(X))
    save_model(run.path / "model", fitted, loans=train, card=card, page=card_page(card))
    card = model_card(run_facts(run), result | result["smote"], smote_evaluation, smote_ladder, list(X))
    save_model(run.path / "model" / SMOTE, smote, loans=train, card=card, page=card_page(card))


def _ladder(outcome: np.ndarray, flagged: dict[str, np.ndarray]) -> pd.DataFrame:
    f2 = [Predictions.of(outcome, flags.astype(float)).metrics(0.5)["f2"] for flags in flagged.values()]
    ladder = fbeta_differences(outcome, flagged, **_DRAWN).assign(f2=f2, rule="a rule")
    return ladder.assign(name=ladder["name"].str.replace("_", " "))


def reseal(model: Path) -> None:
    """Write the sums of a model's files anew, as somebody would who wants a change to go unseen."""
    (model / SUMS).unlink()
    seal(model)


def change_card(run: Path, change: Callable[[dict[str, Any]], object], *, alone: bool = False) -> None:
    """Change the model card of a run and seal it again; the run's results say the same then, unless the card is changed alone."""
    path = run / "model" / CARD
    card = json.loads(path.read_text("utf-8"))
    change(card)
    path.write_text(json.dumps(card), "utf-8")
    reseal(run / "model")
    if not alone:
        _say_the_same(RunFolder(run), card)


def _say_the_same(run: RunFolder, card: dict[str, Any]) -> None:
    told = {name: card[name] for name in ("test", "out_of_time") if name in card}
    run.update_result("model", without_pincode=run.result("model")["without_pincode"] | told)
    for name, part in (("baselines", "rivals"), ("groups", "groups")):
        if card.get(part):
            run.publish(Exhibit(f"model-{name}-without-pincode", name, "n = 10", table=pd.DataFrame(card[part])))


def other_model(model: Path, out: Path) -> Path:
    """Write a copy of a model with another threshold, and so of another version."""
    shutil.copytree(model, out)
    facts = json.loads((out / METADATA).read_text("utf-8"))
    facts["threshold"] += 0.01
    (out / METADATA).write_text(json.dumps(facts), "utf-8")
    reseal(out)
    return out
