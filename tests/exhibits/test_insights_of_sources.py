"""What pages say of loans that came from several sources, or were counted in a warehouse."""

import json
from pathlib import Path

import pytest

from loantap.exhibits.insights import provenance, sources
from loantap.runs.page import Page
from loantap.runs.results import RunFolder

BASE = {
    "kind": "warehouse", "location": "postgresql+psycopg://analyst:***@db.example/bank, table loans", "sha256": "ab" * 32,
    "rows": 9_000, "defaults": 1_800, "period": ["2010-01", "2016-12"], "rows_read": 10_000, "unfinished": 1_000,
    "duplicates": 0, "quarantined": 0,
}  # fmt: skip
MERGED = {
    "sources": [{"source": "contracts", "kind": "db2"}, {"source": "states", "kind": "sql"}],
    "warehouse": {"load_id": "0123456789abcdef"},
}
MERGE = {
    "base": 10_000, "rows": 10_000, "conflicts": [{"differ": 3}],
    "sources": [
        {"copies": 1, "superseded": 0, "loans_without": 0, "rows_without": 0},
        {"copies": 4, "superseded": 7, "loans_without": 2, "rows_without": 6},
    ],
}  # fmt: skip


def page(folder: Path, **data: object) -> Page:
    (folder / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": BASE | data}))
    run = RunFolder(folder)
    run.write_result("ingest", {"data": BASE | data, "merge": MERGE})
    return Page(run)


def test_merged_sources_are_named_with_their_load(tmp_path: Path):
    told = provenance(page(tmp_path, **MERGED))
    assert "Loans from** 2 merged sources: contracts (db2), states (sql), load `0123456789abcdef`" in told
    assert "10,000 records read, 9,000 finished loans analysed (1,000 not finished)" in told


def test_the_merge_is_told_in_numbers(tmp_path: Path):
    told = sources(page(tmp_path, **MERGED))
    assert "5 rows were copies" in told
    assert "7 gave way to a newer row" in told
    assert "2 loans lacked a row" in told
    assert "6 rows had no loan" in told
    assert "3 values were told differently" in told


def test_made_loans_are_called_synthetic_wherever_they_come_from(tmp_path: Path):
    assert provenance(page(tmp_path, **MERGED, synthetic=True)).startswith("**Synthetic loans**")
    assert page(tmp_path, **MERGED, synthetic=True).synthetic
    assert not page(tmp_path, **MERGED).synthetic


@pytest.mark.parametrize(("sampled", "said"), [(3_000, True), (9_000, False)])
def test_a_sample_is_told_where_it_is_one(tmp_path: Path, sampled: int, said: bool):
    (tmp_path / "data" / "counts").mkdir(parents=True)
    (tmp_path / "data" / "counts" / "grade.parquet").touch()
    shown = page(tmp_path, pushdown={"sampled": sampled, "load_id": None})
    told = provenance(shown)
    assert "counted** in the warehouse: bank, table loans." in told
    assert "analyst" not in told  # who may log in is nobody's business
    assert ("stratified sample of 3,000" in told) == said
    assert bool(shown.run.model_note()) == said
    assert "stratified sample of 3,000 of 9,000 loans" in shown.run.model_note() or not said


def test_a_single_file_has_nothing_to_tell(tmp_path: Path):
    assert sources(page(tmp_path, kind="file", location="/x/loans.csv")) == ""
    assert RunFolder(tmp_path).model_note() == ""
