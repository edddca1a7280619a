"""What is declared is looked at, and nothing is changed by looking."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.cli.common import console
from loantap.data.columns import NAMES
from loantap.data.synthetic import generate_loans
from loantap.errors import LoanTapError, SchemaError
from loantap_sources.connectors.config import read_config
from loantap_sources.probe import probe_source, probe_warehouse


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    generate_loans(300, seed=1).assign(loan_id=range(300)).to_csv(tmp_path / "loans.csv", index=False)
    source = {"kind": "file", "path": "loans.csv", "columns": list(NAMES)}
    absent = {"kind": "sql", "url": "sqlite:///absent.db", "query": "SELECT 1", "columns": ["branch"]}
    config = {"sources": {"loans": source, "absent": absent}, "warehouse": {"url": "sqlite:///folder/w.db"}}
    path = tmp_path / "loantap.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def test_a_source_is_counted_with_its_columns_and_newest_month(declared: Path):
    found = probe_source(read_config(declared), "loans")
    assert (found.kind, found.rows, len(found.columns)) == ("file", 300, len(NAMES) + 1)
    months = generate_loans(300, seed=1)["issue_d"]
    assert found.newest == max(f"{month[4:]}-{NUMBERS[month[:3]]}" for month in months)


NUMBERS = {
    name: f"{place:02d}"
    for place, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}


def test_a_query_that_brings_a_column_twice_is_told(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'loans.db'}"
    engine = sa.create_engine(url)
    pd.DataFrame({"loan_id": [1], "grade": ["A"]}).to_sql("loans", engine, index=False)
    source = {
        "kind": "sql",
        "url": url,
        "query": "SELECT s.*, s.grade FROM loans AS s",
        "key": "loan_id",
        "columns": ["grade"],
    }
    (tmp_path / "loantap.yml").write_text(yaml.safe_dump({"sources": {"loans": source}}))
    with pytest.raises(SchemaError, match="each column once, these stand more than once: grade"):
        probe_source(read_config(tmp_path / "loantap.yml"), "loans")


def test_a_warehouse_that_is_not_there_yet_is_not_made(declared: Path):
    found = probe_warehouse(read_config(declared))
    assert found.rows == 0
    assert "no table 'loans' yet" in found.notes[0]
    assert not (declared.parent / "folder").exists()


def test_every_source_is_tried_and_the_failures_are_told(declared: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(console, "_width", 200)
    before = sorted(path.name for path in declared.parent.rglob("*"))
    done = CliRunner().invoke(app, ["sources", "check", "--config", str(declared)])
    assert done.exit_code == 2
    assert "loans (file): 300 rows, 28 columns, newest" in done.output
    assert "absent: failed" in done.output
    assert "expected a SQLite file, found nothing" in done.output
    assert "warehouse (warehouse): 0 rows" in done.output
    assert sorted(path.name for path in declared.parent.rglob("*")) == before


def test_what_is_wrong_with_the_declaration_is_told(tmp_path: Path):
    (tmp_path / "loantap.yml").write_text("sources: {}")
    done = CliRunner().invoke(app, ["sources", "check", "--config", str(tmp_path / "loantap.yml")])
    assert isinstance(done.exception, LoanTapError)
    assert "expected sources or a warehouse" in str(done.exception)
