"""`loantap promote`, `export`, `track`, and `run --track`, as a user calls them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
import typer
from absences import absent
from finished_runs import conduct_judged_once, other_model
from sealed import seal_run
from typer.testing import CliRunner, Result

from loantap.cli.run import run as run_command
from loantap.errors import InputError, MissingToolError, PromotionError, SourceError
from loantap.model.persistence import load_model, model_version
from loantap.model.seal import SMOTE
from loantap.runs.record import HeldRun
from loantap.runs.results import RunFolder
from loantap.settings import how_to_add
from loantap_serving import tracking_store
from loantap_serving.commands import models as commands
from loantap_serving.gates import GATES
from loantap_serving.registry import CANDIDATE, CHAMPION, REGISTERED
from loantap_serving.store import ModelStore
from loantap_serving.tracking_store import URI_VARIABLE, tracking_client

APP = typer.Typer()
for command in (commands.promote, commands.export, commands.track, run_command):
    APP.command()(command)


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with conduct_judged_once():
        yield


@pytest.fixture
def other_run(finished_run: Path, tmp_path: Path) -> Path:
    """A run with another model, whose card is that of the first: of its gates only one fails."""
    run = shutil.copytree(finished_run, tmp_path / "other", ignore=shutil.ignore_patterns("model"))
    other_model(finished_run / "model", run / "model")
    manifest = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(manifest.replace("20260102-030405", "20260102-030406"))
    return seal_run(run)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the project's own runs and models."""
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    monkeypatch.setenv("LOANTAP_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(tracking_store, "runs_dir", lambda: tmp_path / "runs")


def call(*words: object) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words])


def said(*words: object) -> str:
    done = call(*words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_promotion_shows_gate_by_gate_and_makes_the_champion(finished_run: Path):
    output = said("promote", finished_run, "--allow-synthetic")
    for words in ("passed  sound model: model ", "passed  calibrated: error ", "let through by --allow-synthetic"):
        assert words in output
    champion = ModelStore().champion()
    assert champion is not None
    assert champion.name == model_version(finished_run / "model")
    assert f"The champion is {champion.name}" in output
    gates = ModelStore().history()[-1].gates
    assert [gate["gate"] for gate in gates] == [gate.name for gate in GATES]
    assert all(gate["passed"] for gate in gates)


def test_a_model_that_changed_after_its_run_is_not_read(finished_run: Path, tmp_path: Path):
    """Its own sums were made to fit; those of the run's manifest were not."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    other_model(finished_run / "model", tmp_path / "model")
    shutil.rmtree(run / "model")
    (tmp_path / "model").rename(run / "model")
    done = call("export", run, "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert "expected the model as the run wrote it, but:\n- model/SHA256SUMS was changed" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_failed_gate_changes_nothing(finished_run: Path):
    done = call("promote", finished_run)
    assert isinstance(done.exception, PromotionError)
    assert done.exception.exit_code == 1
    assert "does not pass real loans. The champion is what it was." in str(done.exception)
    assert "FAILED  real loans: made from synthetic loans" in done.output
    assert ModelStore().champion() is None


def test_the_tuned_smote_model_is_promoted_if_it_passes(finished_run: Path, monkeypatch: pytest.MonkeyPatch):
    done = call("promote", finished_run, "--allow-synthetic", "--smote")
    assert isinstance(done.exception, PromotionError)
    assert "FAILED  worse never scores better: 12 columns of " in done.output
    assert ModelStore().champion() is None
    monkeypatch.setattr("loantap_serving.gates.GATES", GATES[:2])
    said("promote", finished_run, "--smote")
    champion = ModelStore().champion()
    assert champion is not None
    assert champion.name == model_version(finished_run / "model" / SMOTE) != model_version(finished_run / "model")
    assert not load_model(champion).metadata.obeys


def test_the_champion_is_promoted_without_the_smote_model_beside_it(finished_run: Path):
    said("promote", finished_run, "--allow-synthetic")
    champion = ModelStore().champion()
    assert champion is not None
    assert {path.name for path in (finished_run / "model").iterdir()} - {path.name for path in champion.iterdir()} == {
        SMOTE
    }


def test_a_smote_model_that_changed_after_its_run_is_not_judged(finished_run: Path, tmp_path: Path):
    run = shutil.copytree(finished_run, tmp_path / "run")
    shutil.rmtree(run / "model" / SMOTE)
    other_model(finished_run / "model" / SMOTE, run / "model" / SMOTE)
    done = call("promote", run, "--smote")
    assert isinstance(done.exception, InputError)
    assert "model/smote/SHA256SUMS was changed" in str(done.exception)


def test_a_failed_gate_keeps_the_champion(finished_run: Path, other_run: Path):
    said("promote", finished_run, "--allow-synthetic")
    done = call("promote", other_run, "--allow-synthetic")
    assert isinstance(done.exception, PromotionError)
    assert "sound model, model card" in str(done.exception)
    champion = ModelStore().champion()
    assert champion is not None
    assert champion.name == model_version(finished_run / "model")


def test_promoting_the_champion_again_says_so(finished_run: Path):
    said("promote", finished_run, "--allow-synthetic")
    assert "is the champion already; nothing changed." in said("promote", finished_run, "--allow-synthetic")


def test_a_rollback_says_who_is_champion_again(finished_run: Path, other_run: Path):
    said("promote", finished_run, "--allow-synthetic")
    ModelStore().promote(other_run / "model", "r2", [])
    output = said("promote", "--rollback")
    assert f"The champion is {model_version(finished_run / 'model')} of run 20260102-030405 again" in output
    assert isinstance(call("promote", "--rollback").exception, PromotionError)


def test_a_store_can_be_named(finished_run: Path, tmp_path: Path):
    said("promote", finished_run, "--allow-synthetic", "--store", tmp_path / "elsewhere")
    assert ModelStore(tmp_path / "elsewhere").champion()
    assert ModelStore().champion() is None


def test_a_run_or_a_rollback_is_wanted_and_not_both(finished_run: Path):
    for words in ((), (finished_run, "--rollback")):
        done = call("promote", *words)
        assert isinstance(done.exception, InputError)
        assert "one of them" in str(done.exception)


def test_on_a_terminal_the_gates_are_a_table(
    finished_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from rich.console import Console

    monkeypatch.setattr(commands, "console", Console(force_terminal=True, width=120))
    with pytest.raises(PromotionError):
        commands.promote(finished_run)
    output = capsys.readouterr().out
    assert "gate and its rule" in output
    assert "beats simple rules" in output


def test_the_export_tells_how_a_pickle_is_read(finished_run: Path, tmp_path: Path):
    output = said("export", finished_run, "--out", tmp_path / "pickled")
    assert f"its sha256 to {tmp_path / 'pickled.sha256'}" in output
    assert "A pickle can run any code" in output
    sums = tmp_path / "pickled.sha256"
    assert load_model(tmp_path / "pickled", pickle_sums=sums).metadata == load_model(finished_run / "model").metadata
    done = subprocess.run(["sha256sum", "--check", sums.name], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    assert "expected nothing there" in str(call("export", finished_run, "--out", tmp_path / "pickled").exception)


def test_a_models_folder_can_be_exported_too(model_folder: Path, tmp_path: Path):
    said("export", model_folder, "--out", tmp_path / "pickled")
    assert "found none" in str(call("export", tmp_path, "--out", tmp_path / "more").exception)


def test_a_model_is_exported_as_a_statement_that_scores_the_runs_loans(finished_run: Path, tmp_path: Path):
    file = tmp_path / "model.sql"
    words = ["export", finished_run, "--sql", "--key", "row"]
    assert said(*words, "--out", file) == f"Wrote {file}\n"
    assert said(*words) == file.read_text("utf-8")
    loans = RunFolder(finished_run).loans()
    with duckdb.connect() as db:
        db.from_parquet(str(RunFolder(finished_run).loans_path)).create_view("loans")
        found = db.execute(file.read_text("utf-8")).df()
    assert found["row"].astype(int).tolist() == loans["row"].tolist()
    wanted = load_model(finished_run / "model").probability(loans)
    np.testing.assert_allclose(found["probability_of_default"], wanted, rtol=0, atol=1e-12)
    assert 'FROM "credit"."loans"' in said(*words, "--dialect", "postgres", "--table", "credit.loans")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "expected --out"),
        (["--sql", "--out", "work.csv"], "expected a file ending in .sql"),
        (["--sql", "--table", "loans; DROP TABLE loans"], "expected a name of letters"),
    ],
)
def test_an_export_without_a_place_for_it_is_refused(finished_run: Path, words: list[str], complaint: str):
    assert complaint in str(call("export", finished_run, *words).exception)


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow with a store of its own."""
    if not tracking_store.has_mlflow():
        absent("MLflow")
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path / 'mlflow.db'}")


def alias(name: str) -> str | None:
    with tracking_client() as client:
        number = client.get_registered_model(REGISTERED).aliases.get(name)
    return None if number is None else str(number)


@pytest.mark.usefixtures("mlflow")
def test_the_alias_follows_promotion_tracking_and_rollback(finished_run: Path, other_run: Path):
    assert "is loantap 1 (candidate)" in said("track", finished_run)
    assert "nothing changed" in said("track", finished_run)
    assert (alias(CANDIDATE), alias(CHAMPION)) == ("1", None)
    assert "loantap 1 has the alias champion" in said("promote", finished_run, "--allow-synthetic")
    assert alias(CHAMPION) == "1"
    ModelStore().promote(other_run / "model", "r2", [])
    assert "loantap 2 has the alias champion" in said("track", other_run)  # promoted before it was tracked
    assert (alias(CANDIDATE), alias(CHAMPION)) == ("2", "2")
    said("promote", "--rollback")
    assert alias(CHAMPION) == "1"


def test_a_promotion_stands_where_mlflow_does_not_answer(finished_run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    output = said("promote", finished_run, "--allow-synthetic")
    assert "the promotion stands, and MLflow's alias could not follow it" in output
    assert ModelStore().champion()


def test_a_promotion_needs_no_mlflow(finished_run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert "MLflow" not in said("promote", finished_run, "--allow-synthetic")


@pytest.fixture
def quick(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`loantap run` finishes at once with a run that is there; the list tells what it did."""
    done: list[str] = []

    def start(*_: object, **__: object) -> RunFolder:
        done.append("run")
        return RunFolder(finished_run)

    held = HeldRun(finished_run, finished_run.name)
    monkeypatch.setattr("loantap.runs.record.new_run", lambda _: nullcontext(held))
    monkeypatch.setattr("loantap.runs.sequence.start_run", start)
    here = sys.modules[run_command.__module__]
    monkeypatch.setattr(here, "render", lambda *_: done.append("report"))
    monkeypatch.setattr(here, "say_notices", lambda *_: None)
    return done


@pytest.mark.usefixtures("mlflow")
def test_a_run_is_tracked_after_its_report(quick: list[str], monkeypatch: pytest.MonkeyPatch):
    def tracked(folder: Path) -> SimpleNamespace:
        quick.append("tracking")
        return SimpleNamespace(new=True, run_id="ab", uri="a store", model_version="cd", number="7")

    monkeypatch.setattr("loantap_serving.tracking.track_run", tracked)
    assert "model cd is loantap 7 (candidate)" in said("run")  # the environment names a store
    assert quick == ["run", "report", "tracking"]
    monkeypatch.delenv(URI_VARIABLE)
    said("run", "--track")
    said("run")
    assert quick[3:] == ["run", "report", "tracking", "run", "report"]


@pytest.mark.usefixtures("mlflow")
def test_a_run_is_finished_and_kept_where_the_server_does_not_answer(
    quick: list[str], finished_run: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    done = call("run", "--track")
    assert isinstance(done.exception, SourceError)
    assert f"The run is finished and kept. Track it later: loantap track {finished_run}" in str(done.exception)
    assert quick == ["run", "report"]
    assert json.loads((finished_run / "manifest.json").read_text())["status"] == "done"


def test_without_mlflow_a_tracked_run_does_not_begin(quick: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = call("run", "--track")
    assert isinstance(done.exception, MissingToolError)
    assert how_to_add("mlflow") in str(done.exception)
    assert quick == []


def test_without_mlflow_a_run_works_and_says_how_to_add_it(quick: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:9")
    assert f"{how_to_add('mlflow')}, then: loantap track" in said("run")
    assert quick == ["run", "report"]


def test_one_stage_is_not_tracked(quick: list[str]):
    done = call("run", "--track", "--only", "ingest")
    assert isinstance(done.exception, InputError)
    assert "--track logs whole runs" in str(done.exception)
    assert quick == []
