"""Notebooks that read counts run without the loans behind them, and say what comes from a sample."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import papermill
import pytest
from nbformat import NotebookNode

from loantap.analysis import summaries
from loantap.analysis.counts import FrameCounts
from loantap.data.columns import COLUMNS
from loantap.runs.bench import DRAFT_VARIABLE
from loantap.runs.results import RunFolder
from loantap.settings import notebooks_dir

SAMPLE = 1_500
CUBES = {
    "02_eda.ipynb": [
        *((name,) for name in sorted({*summaries.drivers(), *(column.name for column in COLUMNS if column.missing)})),
        ("issue_d", "term"),
        ("issue_d", "earliest_cr_line"),
    ],
    "03_association.ipynb": [("emp_title",), ("emp_title", "grade"), ("purpose",), ("purpose", "grade")],
}


@pytest.fixture
def run(loans: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv(DRAFT_VARIABLE, str(tmp_path))  # as in a run of record, whose folder this is to be
    run = RunFolder(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": {"kind": "file", "rows": len(loans)}}))
    run.counts_dir.mkdir(parents=True)
    loans.groupby("default").sample(frac=SAMPLE / len(loans), random_state=0).to_parquet(run.loans_path)
    return run


def execute(run: RunFolder, loans: pd.DataFrame, notebook: str, **parameters: str) -> NotebookNode:
    for columns in CUBES[notebook]:
        FrameCounts(loans).by(*columns).to_parquet(run.counts_dir / f"{'+'.join(columns)}.parquet")
    return papermill.execute_notebook(
        notebooks_dir() / notebook, None, {"run_dir": str(run.path), **parameters}, progress_bar=False
    )


def test_the_exploratory_analysis_needs_no_loans_but_for_pairs_of_columns(run: RunFolder, loans: pd.DataFrame):
    shown = execute(run, loans, "02_eda.ipynb")
    eda = run.result("eda")
    assert (eda["shape"]["n"], eda["shape"]["defaults"]) == (len(loans), loans["default"].sum())
    assert all(sum(level["n"] for level in driver["levels"]) == len(loans) for driver in eda["drivers"])
    assert eda["correlations"][0]["n"] == SAMPLE
    note = "From a stratified sample of 1,500 of 4,000 loans."
    told = {path.stem for path in (run.path / "results").rglob("*.json") if note in path.read_text("utf-8")}
    assert told == {"eda", "leaks", "eda-leaks", "eda-correlation", "eda-pairs"}
    kinds = Counter(
        kind for cell in shown.cells for output in cell.get("outputs", []) for kind in output.get("data", {})
    )
    figures = len([*(run.path / "results" / "figures").glob("eda-*.svg")])
    assert kinds["image/png"] == figures, "every figure shows itself where it is published"
    assert kinds["text/markdown"] > figures, "captions and tables show themselves"


def test_associations_need_loans_for_the_regression_only(run: RunFolder, loans: pd.DataFrame):
    execute(run, loans, "03_association.ipynb", factor="profession")
    found = run.result("association_profession")
    assert (found["n"], found["defaults"]) == (len(loans), loans["default"].sum())
    assert found["adjusted"]["n"] <= SAMPLE
    note = (
        f"Adjusted odds ratios: n = {found['adjusted']['n']:,} loans. From a stratified sample of 1,500 of 4,000 loans."
    )
    told = {path.stem for path in (run.path / "results").rglob("*.json") if note in path.read_text("utf-8")}
    assert told == {"association-profession-odds", "association-profession-adjusted"}


def test_any_factor_can_be_tested_and_shows_what_it_publishes(run: RunFolder, loans: pd.DataFrame):
    executed = execute(run, loans, "03_association.ipynb", factor="purpose")
    assert run.result("association_purpose")["n"] == len(loans)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", []) if "data" in output]
    kinds = [kind for output in outputs for kind in output["data"]]
    assert kinds.count("image/png") == len(list((run.path / "results" / "figures").glob("*.svg"))) == 3
    tables = [output for output in outputs if "|:--" in output["data"].get("text/markdown", "")]
    assert len(tables) == len(list((run.path / "results" / "tables").glob("*.csv"))) == 3
    assert not [output for output in outputs if ":::" in output["data"].get("text/plain", "")]


def test_what_is_no_factor_is_named_with_all_that_are(run: RunFolder, loans: pd.DataFrame):
    with pytest.raises(papermill.PapermillExecutionError, match=r"expected one of pincode, state, .* got 'int_rate'"):
        execute(run, loans, "03_association.ipynb", factor="int_rate")
