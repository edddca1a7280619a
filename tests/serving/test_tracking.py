"""Runs in MLflow: all that is promised is there, once, without loans and without a pickle."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import pytest
from absences import absent
from finished_runs import RUN_ID, other_model

from loantap.data.applications import FIELDS
from loantap.data.cleaning import clean_loans
from loantap.data.contract import check_loans
from loantap.data.synthetic import generate_loans
from loantap.errors import InputError, MissingToolError, SourceError
from loantap.model.persistence import load_model, model_version
from loantap.model.seal import SMOTE
from loantap.runs.results import RunFolder
from loantap.settings import how_to_add
from loantap_serving import tracking_store
from loantap_serving.registry import CANDIDATE, CHAMPION, REGISTERED, example, point_champion, registered_version
from loantap_serving.tracking import Tracked, track_run
from loantap_serving.tracking_store import URI_VARIABLE, server_command, tracking_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@pytest.fixture(scope="module", autouse=True)
def mlflow_is_there() -> None:
    if not tracking_store.has_mlflow():
        absent("MLflow")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a SQLite store that the environment names."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URI_VARIABLE, f"sqlite:///{folder / 'mlflow.db'}")
        yield folder


@pytest.fixture(scope="module")
def tracked(store: Path, finished_run: Path) -> Tracked:
    return track_run(finished_run)


@pytest.fixture(scope="module")
def client(tracked: Tracked) -> "Iterator[MlflowClient]":
    with tracking_client() as client:
        yield client


@pytest.fixture(scope="module")
def logged(client: "MlflowClient", tracked: Tracked) -> "Run":
    return client.get_run(tracked.run_id)


@pytest.fixture(scope="module")
def card(finished_run: Path) -> dict[str, Any]:
    return load_model(finished_run / "model").card


def runs_in(client: "MlflowClient") -> "list[Run]":
    return list(client.search_runs([client.get_experiment_by_name("loantap").experiment_id]))


def test_scores_have_both_ends_of_their_intervals(logged: "Run", card: dict[str, Any]):
    for name, (low, high) in card["test"]["ci"].items():
        found = [logged.data.metrics[f"test.{name}{end}"] for end in ("", ".ci_low", ".ci_high")]
        assert found == [card["test"][name], low, high]
    assert logged.data.metrics["later.roc_auc"] == card["out_of_time"]["test"]["roc_auc"]
    assert logged.data.metrics["test.confusion.tp"] == card["test"]["confusion"]["tp"]


def test_threshold_calibration_and_fold_scores_are_there(
    logged: "Run", client: "MlflowClient", card: dict[str, Any], finished_run: Path
):
    metrics, cv = logged.data.metrics, RunFolder(finished_run).result("model")["without_pincode"]["cv"]
    for name in ("threshold", "profit_threshold", "capacity_threshold"):
        assert (metrics[name], metrics[f"referred.{name}"]) == (card[name], card["referred"][name])
    assert logged.data.params["model.capacity"] == "0.1"
    assert metrics["calibration.slope"] == card["calibration"]["slope"]
    assert (metrics["cv.f2_mean"], metrics["cv.f2_sd"]) == (cv["f2_mean"], cv["f2_sd"])
    deciles = client.get_metric_history(logged.info.run_id, "decile.predicted")
    assert [point.value for point in deciles] == [line["predicted"] for line in card["calibration"]["deciles"]]


def test_parameters_data_and_code_are_named(logged: "Run", card: dict[str, Any], finished_run: Path):
    parameters, manifest = logged.data.params, RunFolder(finished_run).manifest()
    assert (parameters["model.penalty"], parameters["model.C"], parameters["run.seed"]) == ("l2", "0.3", "1")
    assert parameters["data.sha256"] == manifest["data"]["sha256"]
    assert logged.data.tags["git_commit"] == (manifest["git_commit"] or "unknown")
    assert logged.data.tags["loantap.run_id"] == logged.info.run_name == RUN_ID
    assert logged.data.tags["loantap.model_version"] == model_version(finished_run / "model")
    assert logged.data.tags["loantap.synthetic"] == "yes"
    assert logged.info.status == "FINISHED"


def test_exhibits_report_card_and_environment_are_files_of_the_run(store: Path, tracked: Tracked):
    files = store / "mlflow-artifacts" / tracked.run_id / "artifacts"
    for name in (
        "figures/grades.svg", "tables/grades.csv", "results/model.json", "report/index.html", "report/report.pdf",
        "model_card/model_card.json", "model_card/model_card.html",
    ):  # fmt: skip
        assert (files / name).is_file(), name
    assert json.loads((files / "environment" / "packages.json").read_text())["scikit-learn"]


def test_each_point_of_the_searches_is_a_nested_run(client: "MlflowClient", tracked: Tracked):
    nested = [run for run in runs_in(client) if run.data.tags.get("mlflow.parentRunId") == tracked.run_id]
    kinds = [run.data.tags["loantap.kind"] for run in nested]
    assert (kinds.count("grid point"), kinds.count("candidate")) == (3, 2)
    point = next(run for run in nested if run.data.params.get("C") == "0.01")
    assert (point.data.params["penalty"], point.data.metrics["f2_mean"]) == ("l2", 0.5)
    folds = client.get_metric_history(point.info.run_id, "f2_fold")
    assert [(fold.step, fold.value) for fold in folds] == [(1, 0.4), (2, 0.6)]
    candidate = next(run for run in nested if run.info.run_name == "plain, SMOTE")
    assert candidate.data.metrics == {"f2": 0.57}


def test_the_model_is_registered_as_the_candidate(client: "MlflowClient", tracked: Tracked, finished_run: Path):
    version = client.get_model_version_by_alias(REGISTERED, CANDIDATE)
    assert str(version.version) == tracked.number
    assert version.tags["loantap.model_version"] == tracked.model_version == model_version(finished_run / "model")
    assert version.run_id == tracked.run_id


def test_mlflow_loads_the_model_with_the_same_probabilities(client: "MlflowClient", finished_run: Path):
    import mlflow

    loaded, own = mlflow.pyfunc.load_model(f"models:/{REGISTERED}@{CANDIDATE}"), load_model(finished_run / "model")
    raw = generate_loans(200, seed=9)
    checked, failures = check_loans(raw)
    assert failures.empty
    expected = own.probability(clean_loans(checked))
    answers = loaded.predict(raw)
    np.testing.assert_allclose(answers["probability_of_default"], expected, rtol=0, atol=1e-12)
    assert (answers["decision"] == np.where(expected >= own.threshold, "refer", "approve")).all()


def test_signature_and_example_come_from_the_codebook(client: "MlflowClient"):
    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{REGISTERED}@{CANDIDATE}")
    assert loaded.metadata.signature.inputs.input_names() == [field.name for field in FIELDS]
    assert loaded.metadata.signature.outputs.input_names() == ["probability_of_default", "decision"]
    pd.testing.assert_frame_equal(loaded.input_example, example(), check_dtype=False)
    assert loaded.predict(loaded.input_example)["probability_of_default"].between(0, 1).all()


def test_the_files_of_the_model_are_its_own_and_no_pickle(store: Path, tracked: Tracked, finished_run: Path):
    [folder] = (store / "mlflow-artifacts" / "models").glob("*/artifacts")
    assert load_model(folder / "data" / "model").version == tracked.model_version
    assert (finished_run / "model" / SMOTE).is_dir()
    assert not (folder / "data" / "model" / SMOTE).exists()
    assert not [path for path in store.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert "loantap" not in (folder / "requirements.txt").read_text()


def test_no_loan_is_logged(store: Path, tracked: Tracked, finished_run: Path):
    loans = RunFolder(finished_run).loans(["installment", "revol_bal", "dti"])

    def holds_a_loan(text: str) -> bool:
        numbers = {float(word) for word in re.findall(r"(?<![\w.])\d{1,9}(?:\.\d{1,6})?(?![\w.])", text)}
        return bool(loans.isin(numbers).all(axis=1).any())

    assert holds_a_loan(loans.iloc[[7]].to_csv())
    assert holds_a_loan(loans.iloc[[7]].to_json())
    files = [path for path in store.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if path.suffix in (".parquet", ".ipynb", ".gz")]
    assert not [path for path in files if holds_a_loan(path.read_bytes().decode("latin-1"))]


def test_tracking_twice_is_tracking_once(client: "MlflowClient", tracked: Tracked, finished_run: Path):
    before = len(runs_in(client))
    again = track_run(finished_run)
    assert (again.run_id, again.number, again.new) == (tracked.run_id, tracked.number, False)
    assert len(runs_in(client)) == before


def test_a_run_that_changed_takes_the_place_of_its_former_self(
    client: "MlflowClient", tracked: Tracked, finished_run: Path, tmp_path: Path
):
    run = shutil.copytree(finished_run, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text()) | {"run_id": "20260102-030406"}
    (run / "manifest.json").write_text(json.dumps(manifest))
    first, before = track_run(run), len(runs_in(client))
    assert first.number == tracked.number  # the same model is not registered again
    (run / "manifest.json").write_text(json.dumps(manifest | {"finished_at": "2026-01-02T04:00:00+00:00"}))
    second = track_run(run)
    assert second.new
    assert second.run_id != first.run_id
    assert len(runs_in(client)) == before
    assert client.get_run(first.run_id).info.lifecycle_stage == "deleted"


def test_a_run_whose_tracking_was_killed_is_tracked_anew(
    client: "MlflowClient", tracked: Tracked, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = shutil.copytree(finished_run, tmp_path / "run")
    manifest = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(manifest.replace(RUN_ID, "20260102-030407"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    before = len(runs_in(client))
    with monkeypatch.context() as patch:
        patch.setattr("loantap_serving.tracking._log_files", killed)
        with pytest.raises(KeyboardInterrupt):
            track_run(run)
    track_run(run)
    assert len(runs_in(client)) == before + 6
    assert {one.info.status for one in runs_in(client)} == {"FINISHED"}


def test_the_champions_alias_moves_with_promotion_and_back(
    client: "MlflowClient", tracked: Tracked, finished_run: Path, tmp_path: Path
):
    run = shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("model"))
    other_model(finished_run / "model", run / "model")
    manifest = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(manifest.replace(RUN_ID, "20260102-030408"))
    other = track_run(run)
    assert other.number != tracked.number
    for version, number in ((tracked.model_version, tracked.number), (other.model_version, other.number)) * 2:
        assert point_champion(version) == number
        assert str(client.get_model_version_by_alias(REGISTERED, CHAMPION).version) == number
    assert point_champion("0123456789ab") is None
    assert CHAMPION not in client.get_registered_model(REGISTERED).aliases
    client.set_registered_model_alias(REGISTERED, CANDIDATE, tracked.number)


def test_an_unfinished_run_is_not_tracked(client: "MlflowClient", finished_run: Path, tmp_path: Path):
    run = shutil.copytree(finished_run, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "partial"}))
    before = len(runs_in(client))
    with pytest.raises(InputError, match="expected a finished run, it is partial"):
        track_run(run)
    assert len(runs_in(client)) == before


def test_without_mlflow_the_extra_is_named(finished_run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingToolError, match=re.escape(how_to_add("mlflow"))):
        track_run(finished_run)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_is_named_without_its_password(finished_run: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://user:opensesame@127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(SourceError, match=r"MLflow at http://user:\*\*\*@127\.0\.0\.1") as error:
            track_run(finished_run, uri)
    assert "opensesame" not in str(error.value)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_never_answers_is_given_up_soon(finished_run: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(SourceError, match="Check MLFLOW_TRACKING_URI"):
            track_run(finished_run, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - started < 10


def test_the_time_outs_are_short_and_the_environment_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    monkeypatch.setattr(tracking_store, "runs_dir", lambda: tmp_path / "runs")
    with tracking_client():
        pass
    assert URI_VARIABLE not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 15


def test_the_default_store_is_local_quiet_and_made_at_need(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In a process of its own, where nothing has set up logging."""
    program = (
        "import sys; from pathlib import Path; from loantap_serving import tracking, tracking_store\n"
        "tracking_store.runs_dir = lambda: Path(sys.argv[2])\n"
        "tracking.track_run(Path(sys.argv[1]))\n"
    )
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    words = [sys.executable, "-c", program, str(finished_run), str(tmp_path / "runs")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mlflow-artifacts", "mlflow.db"]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_pages_are_opened_on_the_store_for_this_machine_only(store: Path, tracked: Tracked):
    words, environment, address = server_command(5050)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--port") + 1] == "5050"
    assert environment["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{store / 'mlflow.db'}"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert address.startswith("http://127.0.0.1:5050/#/experiments/1/runs?workflowType=machine_learning&")


def test_the_page_of_the_runs_has_the_scores_that_a_model_is_judged_by_as_columns(
    client: "MlflowClient", logged: "Run"
):
    view = server_command(5050)[2].partition("viewStateShareKey=")[2]
    state = json.loads(client.get_experiment(logged.info.experiment_id).tags[f"mlflow.sharedViewState.{view}"])
    columns = [re.fullmatch("metrics.`(.*)`", column)[1] for column in state["selectedColumns"]]
    assert {"test.f2", "test.roc_auc", "threshold"} <= set(columns) <= set(logged.data.metrics)


def test_the_pages_take_no_more_processes_than_the_command_and_its_server(store: Path, tracked: Tracked):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words, environment, _ = server_command(port)
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 90
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < end, "it does not start"
                    time.sleep(0.2)
            time.sleep(1)
            assert len(psutil.Process(process.pid).children(recursive=True)) == 1
        finally:
            process.terminate()


def test_a_deleted_experiment_is_told_with_the_way_back(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path / 'mlflow.db'}")
    with tracking_client() as client:
        number = client.create_experiment("loantap")
        client.delete_experiment(number)
    for use in (lambda: track_run(finished_run), lambda: server_command(5050)):
        with pytest.raises(InputError, match=rf"was deleted.*mlflow experiments restore --experiment-id {number}"):
            use()


def test_a_server_has_pages_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(URI_VARIABLE, "https://user:opensesame@mlflow.example")
    with pytest.raises(InputError, match="its pages are at https://user") as error:
        server_command(5000)
    assert "opensesame" not in str(error.value)


def test_a_model_that_was_never_tracked_has_no_number(client: "MlflowClient"):
    assert registered_version(client, "ffffffffffff") is None
