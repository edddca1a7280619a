import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from command_line import loantap
from typer.testing import CliRunner

from loantap import __version__, doctor
from loantap.cli.app import app
from loantap.data.columns import NAMES
from loantap.doctor import EXTRAS
from loantap.model import cluster
from loantap.settings import how_to_add, project_root

RUNNER = CliRunner()


def refused(*words: object) -> str:
    done = loantap(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_version_is_that_of_the_package():
    assert RUNNER.invoke(app, ["--version"]).output.strip() == __version__


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_synthetic_writes_the_raw_format(tmp_path: Path, suffix: str):
    path = tmp_path / f"loans{suffix}"
    assert RUNNER.invoke(app, ["synthetic", "--rows", "50", "--seed", "3", "--out", str(path)]).exit_code == 0
    frame = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
    assert list(frame.columns) == list(NAMES)
    assert len(frame) == 50


def test_synthetic_refuses_another_format(tmp_path: Path):
    assert ".csv" in refused("synthetic", "--rows", 50, "--out", tmp_path / "loans.xlsx")


def test_an_absent_file_is_refused_by_a_process_of_its_own(tmp_path: Path):
    words = [sys.executable, "-m", "loantap", "run", "--data", str(tmp_path / "no.csv"), "--out", str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "InputError" in done.stderr
    assert "no.csv" in done.stderr
    assert not (tmp_path / "run").exists()


def test_bad_loans_are_refused_and_leave_nothing(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.astype({"dti": "object"}).assign(dti="-3").to_csv(path, index=False)
    message = refused("run", "--data", path, "--out", tmp_path / "run")
    assert "2,000 of 2,000 rows break the contract" in message
    assert "--quarantine" in message
    assert not (tmp_path / "run").exists()


def test_a_misspelled_parameter_is_refused_before_anything_runs(tmp_path: Path):
    message = refused("run", "--out", tmp_path / "run", "-P", "tuning_row=5000")
    assert "Did you mean 'tuning_rows'?" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run", "-P", "seed"], "NAME=VALUE"),
        (["run", "--only", "nothing"], "--only expected one of"),
        (["run", "--factor", "grade"], "--only association"),
        (["run", "--only", "association", "--factor", "shoe"], "sub_grade, emp_length, home_ownership"),
        (["run", "--resume", "no-such-run"], "no-such-run"),
        (["report", "no-such-run"], "no-such-run"),
    ],
)
def test_wrong_options_say_what_to_do(words: list[str], hint: str):
    assert hint in refused(*words)


def test_resume_takes_no_other_data(tmp_path: Path):
    assert "--data" in refused("run", "--resume", tmp_path, "--data", "x.csv")


def test_the_doctor_names_what_is_there():
    output = RUNNER.invoke(app, ["doctor"]).output
    assert "extra [report] (the notebooks and the report)" in output
    assert "quarto" in output


def test_the_doctor_looks_for_every_extra():
    declared = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(EXTRAS) == set(declared["optional-dependencies"])


def test_a_missing_package_comes_with_a_command_for_the_environment_that_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "prefix", str(project_root() / ".venv"))
    assert how_to_add("api") == f"make -C {project_root()} extras"
    monkeypatch.setattr(sys, "prefix", "/opt/conda")
    monkeypatch.setattr(sys, "executable", "/opt/conda/bin/python")
    assert how_to_add("api") == f"/opt/conda/bin/python -m pip install -e '{project_root()}[api]'"
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1")
    assert {finding.remedy for finding in doctor.examine() if finding.name.startswith("extra [api]")} == {
        how_to_add("api")
    }


def test_help_names_every_command():
    output = RUNNER.invoke(app, ["--help"]).output
    for command in ("run", "report", "synthetic", "lab", "doctor"):
        assert command in output


def test_quarantine_keeps_the_good_and_shows_the_bad(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    frame = raw_loans.astype({"dti": "object"})
    frame.loc[frame.index[:3], "dti"] = "-3"
    frame.loc[frame.index[3], "loan_status"] = "Current"
    frame.assign(branch="north").to_csv(path, index=False)
    done = loantap("run", "--data", path, "--out", tmp_path / "run", "--quarantine", "--only", "ingest")
    assert done.returncode == 0, done.stderr
    aside = pd.read_csv(tmp_path / "run" / "data" / "quarantine.csv")
    assert list(aside["row"]) == [1, 2, 3]
    assert set(aside["reasons"]) == {"dti: below 0"}
    data = json.loads((tmp_path / "run" / "manifest.json").read_text())["data"]
    assert (data["rows_read"], data["rows"], data["quarantined"]) == (2_000, 1_996, 3)
    assert "Note: loans that have not ended, left out: 1" in done.stdout
    assert "Note: records set aside with their reasons: 3" in done.stdout
    assert done.stdout.count("branch") == 1


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path):
    (tmp_path / "file").touch()
    done = loantap("synthetic", "--rows", 10, "--out", tmp_path / "file" / "loans.csv")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Check the path" in done.stderr


def test_a_cluster_that_does_not_answer_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster, "_ANSWERS_WITHIN", "1s")
    message = refused("run", "--out", tmp_path / "run", "--cluster", "tcp://127.0.0.1:1")
    assert "expected a running Dask scheduler" in message
    assert not (tmp_path / "run").exists()
