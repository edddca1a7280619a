"""The job from declared sources: the results are those of one file, and no secret is left anywhere."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from command_line import loantap
from postgres import PASSWORD

from loantap.data.columns import NAMES
from loantap.data.synthetic import generate_loans
from loantap_sources.connectors.config import read_config
from loantap_sources.warehouse import open_warehouse

ROWS = 5_000
FEW = ["-P", "repetitions=100", "-P", "repeats=1", "-P", "folds=3", "--engine", "builtin"]


@pytest.mark.long
def test_the_whole_job_from_three_sources_gives_the_results_of_the_unsplit_loans(tmp_path: Path):
    split, whole = tmp_path / "split", tmp_path / "whole"
    done = loantap("demo", "sources", "--rows", ROWS, "--out", split, *FEW, LOANTAP_DEMO=str(tmp_path / "demo"))
    assert done.returncode == 0, done.stdout + done.stderr
    plain = loantap("run", "--rows", ROWS, "--out", whole, *FEW)
    assert plain.returncode == 0, plain.stdout + plain.stderr
    names = sorted(path.name for path in (whole / "results").glob("*.json"))
    assert "model.json" in names
    for name in names:
        if name != "ingest.json":
            assert (split / "results" / name).read_text() == (whole / "results" / name).read_text(), name
    manifest = json.loads((split / "manifest.json").read_text("utf-8"))
    assert manifest["data"]["kind"] == "warehouse"
    # Synthetic loans are said to be synthetic, wherever they were read from.
    assert "Synthetic data" in (split / "report" / "index.html").read_text("utf-8")
    methods = (split / "report" / "methods.html").read_text("utf-8")
    assert "3 sources were joined on declared keys" in methods
    assert [path for path in (split / "report").rglob("*.*") if str(tmp_path).encode() in path.read_bytes()] == []
    words = ("publish", split, "--config", tmp_path / "demo" / "loantap.yml")
    refused = loantap(*words, LOANTAP_DEMO=str(tmp_path / "demo"))
    assert (refused.returncode, "its loans are synthetic" in refused.stderr) == (2, True)
    published = loantap(*words, "--allow-synthetic", LOANTAP_DEMO=str(tmp_path / "demo"))
    assert published.returncode == 0, published.stderr
    with sa.create_engine(f"sqlite:///{tmp_path / 'demo' / 'warehouse.db'}").connect() as connection:
        scores = pd.read_sql_table("loantap_scores", connection)
        loans = pd.read_sql_table("loans", connection)
    assert sorted(scores["loan"]) == sorted(loans["loan_id"])
    assert scores["probability"].between(0, 1).all()
    assert 0 < scores["flagged"].mean() < 1


@pytest.fixture
def declared(tmp_path: Path, postgres: int) -> Path:
    """Loans in a file, their outcomes in PostgreSQL, which is the warehouse too."""
    loans = generate_loans(ROWS, seed=6)
    loans.insert(0, "loan_id", [f"L{number:05d}" for number in range(ROWS)])
    brought = [name for name in NAMES if name != "loan_status"]
    loans[["loan_id", *brought]].to_parquet(tmp_path / "loans.parquet")
    schema = f"s{os.urandom(4).hex()}"
    url = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{postgres}/postgres"
    config = {
        "sources": {
            "contracts": {"kind": "file", "path": "loans.parquet", "columns": brought},
            "outcomes": {
                "kind": "sql", "url": url, "query": f'SELECT * FROM {schema}."outcomes"', "columns": ["loan_status"],
            },
        },
        "warehouse": {"url": url, "schema": schema},
    }  # fmt: skip
    path = tmp_path / "loantap.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    with open_warehouse(read_config(path)).begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
        loans[["loan_id", "loan_status"]].to_sql("outcomes", connection, schema=schema, index=False)
    return path


def without_secret(folder: Path, done: subprocess.CompletedProcess) -> None:
    forms = {PASSWORD, quote(PASSWORD), quote(PASSWORD, safe="")}
    texts = {"stdout": done.stdout, "stderr": done.stderr}
    texts |= {str(path): path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()}
    for form in forms:
        assert [name for name, text in texts.items() if form in text] == []


def test_counting_in_postgresql_gives_what_reading_gives_and_no_secret_is_left(declared: Path, tmp_path: Path):
    words = ["run", "--sources", declared, "--only", "association", "--factor", "grade"]
    read = loantap(*words, "--out", tmp_path / "read")
    assert read.returncode == 0, read.stderr
    counted = loantap(*words, "--pushdown", "--out", tmp_path / "counted")
    assert counted.returncode == 0, counted.stderr
    name = "results/association_grade.json"
    assert (tmp_path / "read" / name).read_text() == (tmp_path / "counted" / name).read_text()
    without_secret(tmp_path / "read", read)
    without_secret(tmp_path / "counted", counted)
    checked = loantap("sources", "check", "--config", declared)
    assert checked.returncode == 0, checked.stderr
    assert f"outcomes (sql): {ROWS:,} rows, 2 columns" in checked.stdout
    assert f"warehouse (warehouse): {ROWS:,} rows" in checked.stdout
    without_secret(tmp_path / "read", checked)
    again = loantap("sources", "load", "--config", declared)
    assert "unchanged" in again.stdout, again.stderr


def test_a_failure_in_the_notebook_is_told_without_the_secret_and_can_be_resumed(declared: Path, tmp_path: Path):
    declared.write_text(declared.read_text().replace('"outcomes"', '"outcome"'))
    failed = loantap("run", "--sources", declared, "--only", "eda", "--out", tmp_path / "run")
    assert failed.returncode == 1
    assert "SourceError" in failed.stderr
    assert "does not exist" in failed.stderr
    assert "Traceback" not in failed.stderr
    without_secret(tmp_path / "run", failed)
    declared.write_text(declared.read_text().replace('"outcome"', '"outcomes"'))
    resumed = loantap("run", "--resume", tmp_path / "run", "--only", "ingest")
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pushdown"], "name the file that declares it with --sources"),
        (["--sources", "absent.yml"], "expected a file that declares the sources"),
        (["--sources", "loantap.yml", "--data", "loans.csv"], "either a file of loans or sources"),
        (["--sources", "loantap.yml", "--pushdown", "--quarantine"], "quarantine sets single rows aside"),
    ],
)
def test_options_that_exclude_each_other_are_refused_before_anything_runs(tmp_path: Path, words: list[str], told: str):
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    generate_loans(10, seed=0).to_csv(tmp_path / "loans.csv", index=False)
    placed = [str(tmp_path / word) if "." in word else word for word in words]
    done = loantap("run", *placed, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "run").exists()
