"""Loans that were split into three sources and merged again are the loans that were split."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from stand_ins import three_sources as demo

from loantap.data.ingest import ingest
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.data.synthetic import write_loans
from loantap.errors import InputError
from loantap.settings import project_root
from loantap_sources.connectors.config import read_config
from loantap_sources.gather import gather


def merged(config_path: Path, folder: Path) -> pd.DataFrame:
    gather(read_config(config_path), loans_path=folder / "merged.parquet", quarantine_path=None)
    return pd.read_parquet(folder / "merged.parquet").drop(columns="loan_id")


def unsplit(source: object, folder: Path) -> pd.DataFrame:
    ingest(source, loans_path=folder / "unsplit.parquet", quarantine_path=None)  # type: ignore[arg-type]
    return pd.read_parquet(folder / "unsplit.parquet")


def test_synthetic_loans_come_together_again(tmp_path: Path):
    with demo.three_sources(None, rows=2_000, seed=4, folder=tmp_path / "demo") as config:
        found = merged(config, tmp_path)
        assert read_config(config).synthetic
    pd.testing.assert_frame_equal(found, unsplit(SyntheticLoans(2_000, 4), tmp_path))


def test_a_file_comes_together_again(tmp_path: Path):
    write_loans(tmp_path / "loans.csv", 1_500, seed=2)
    with demo.three_sources(tmp_path / "loans.csv", rows=1, seed=0, folder=tmp_path / "demo") as config:
        found = merged(config, tmp_path)
        assert not read_config(config).synthetic
    pd.testing.assert_frame_equal(found, unsplit(open_loans(tmp_path / "loans.csv"), tmp_path))


def test_the_real_sample_comes_together_again(tmp_path: Path, real_file: Path):
    with demo.three_sources(real_file, rows=1, seed=0, folder=tmp_path / "demo") as config:
        found = merged(config, tmp_path)
    expected = unsplit(open_loans(real_file), tmp_path)
    pd.testing.assert_frame_equal(found.drop(columns="row"), expected.drop(columns="row"))


def test_without_the_connector_the_stand_in_is_a_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    with demo.three_sources(None, rows=1_000, seed=0, folder=tmp_path / "demo") as config:
        assert {source.kind for source in read_config(config).sources.values()} == {"db2", "sql"}
        assert len(merged(config, tmp_path)) == 1_000


def test_the_sources_have_their_quirks(tmp_path: Path):
    with demo.three_sources(None, rows=1_000, seed=0, folder=tmp_path / "demo") as config:
        gathered = gather(read_config(config), loans_path=tmp_path / "loans.parquet", quarantine_path=None)
    contracts, applications, servicing = gathered.report.sources
    assert gathered.staged[0].facts["drop"] == "CONTRACTS_20161231.csv"
    line = (tmp_path / "demo" / "db2" / "CONTRACTS_20161231.csv").read_bytes().decode("cp037").split("\x85")[1]
    assert line.startswith("L0001;+")
    assert "36 months   ;" in line or "60 months   ;" in line
    assert (contracts.copies, applications.copies) == (0, 0)
    assert servicing.copies > 0
    assert servicing.superseded > 0
    assert [conflict.column for conflict in gathered.report.conflicts] == ["loan_amnt"]
    assert gathered.report.conflicts[0].differ == 0


def test_the_environment_is_as_before_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DATABRICKS_TOKEN", raising=False)
    monkeypatch.setenv("DATABRICKS_HOST", "mine")
    with demo.three_sources(None, rows=1_000, seed=0, folder=tmp_path / "demo"):
        assert os.environ["DATABRICKS_HOST"] != "mine"
    assert os.environ["DATABRICKS_HOST"] == "mine"
    assert "DATABRICKS_TOKEN" not in os.environ


def test_a_second_demonstration_does_not_take_the_sources_away(tmp_path: Path):
    with demo.three_sources(None, rows=1_000, seed=0, folder=tmp_path / "demo") as config:
        with (
            pytest.raises(InputError, match="another demonstration is running there"),
            demo.three_sources(None, rows=1_000, seed=1, folder=tmp_path / "demo"),
        ):
            pass
        assert len(merged(config, tmp_path)) == 1_000


def test_the_file_that_stays_is_read_without_the_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with demo.three_sources(None, rows=1_000, seed=0, folder=tmp_path / "demo") as config:
        during = merged(config, tmp_path)
    monkeypatch.chdir(tmp_path)
    pd.testing.assert_frame_equal(merged(config, tmp_path), during)
    assert read_config(config).sources["applications"].kind == "sql"


def test_the_committed_example_is_what_the_demonstration_runs():
    config = read_config(project_root() / "loantap.yml")
    assert {source.kind for source in config.sources.values()} == {"db2", "databricks", "sql"}
    assert config.warehouse is not None


def test_the_command_runs_a_stage_from_the_sources_and_says_what_it_made(tmp_path: Path):
    words = ["demo", "sources", "--rows", "2000", "--only", "ingest", "--out", str(tmp_path / "run")]
    environment = os.environ | {"LOANTAP_DEMO": str(tmp_path / "demo")}
    done = subprocess.run(
        [sys.executable, "-m", "loantap", *words], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Three sources made" in done.stdout
    loans = unsplit(SyntheticLoans(2_000, 0), tmp_path)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "run" / "data" / "loans.parquet").drop(columns="loan_id"), loans
    )
    manifest = (tmp_path / "run" / "manifest.json").read_text("utf-8")
    data = json.loads(manifest)["data"]
    assert data["kind"] == "warehouse"
    assert data["synthetic"]
    assert [source["kind"] for source in data["sources"]] == ["db2", "databricks", "sql"]
    assert data["sources"][0]["files"][0].keys() == {"file", "size", "sha256", "rows"}
    assert data["warehouse"]["written"]
