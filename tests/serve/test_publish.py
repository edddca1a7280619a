"""A run's results as tables that others read."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from loantap.data.connectors.config import Config, read_config
from loantap.data.warehouse import open_warehouse
from loantap.errors import InputError
from loantap.report.manifest import StageRecord, new_manifest
from loantap.report.results import RunFolder
from loantap.serve.publish import publish_run

LEVEL = {
    "level": "A'); DROP TABLE loantap_runs; --", "n": 10, "defaults": 2, "default_rate": 0.2, "ci_low": 0.05, "ci_high": 0.5,
    "odds_ratio": None, "or_low": None, "or_high": None, "p_adjusted": 0.4, "separation": None,
}  # fmt: skip
CLAIM = {
    "id": "c1", "claim": "A claim", "verdict": "contradicted", "effect": "difference", "estimate": 0.1, "ci_low": 0.0,
    "ci_high": 0.2, "p_adjusted": 0.5, "n": 12,
}  # fmt: skip


def finished_run(folder: Path, run_id: str, *, levels: int = 2) -> Path:
    folder.mkdir()
    run = RunFolder(folder)
    run.write_result("association_grade", {"factor": "grade", "levels": [LEVEL] * levels})
    run.write_result("claims", [CLAIM])
    manifest = new_manifest(run_id, {}, [StageRecord(name="ingest", notebook="01_ingest.ipynb")])
    manifest.status, manifest.finished_at = "done", "2026-01-01T00:00:00+00:00"
    manifest.data = {"kind": "file", "location": "loans.csv", "sha256": "ab", "rows": 10, "defaults": 2}
    manifest.write(folder)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    return read_config(tmp_path / "loantap.yml")


def table(config: Config, name: str) -> pd.DataFrame:
    with open_warehouse(config).connect() as connection:
        return pd.read_sql_table(name, connection)


def test_levels_and_claims_are_written_with_the_run(config: Config, tmp_path: Path):
    written = publish_run(finished_run(tmp_path / "run", "r1"), config)
    assert written == {"loantap_runs": 1, "loantap_association_levels": 2, "loantap_claims": 1}
    levels = table(config, "loantap_association_levels")
    assert set(levels["run_id"]) == {"r1"}
    assert levels["level"].tolist() == [LEVEL["level"]] * 2
    assert table(config, "loantap_claims")["verdict"].tolist() == ["contradicted"]
    assert table(config, "loantap_runs")["sha256"].tolist() == ["ab"]


def test_publishing_again_changes_nothing(config: Config, tmp_path: Path):
    run = finished_run(tmp_path / "run", "r1")
    publish_run(run, config)
    before = table(config, "loantap_association_levels")
    publish_run(run, config)
    pd.testing.assert_frame_equal(table(config, "loantap_association_levels"), before)


def test_other_runs_stay(config: Config, tmp_path: Path):
    publish_run(finished_run(tmp_path / "one", "r1", levels=3), config)
    publish_run(finished_run(tmp_path / "two", "r2"), config)
    assert table(config, "loantap_association_levels")["run_id"].value_counts().to_dict() == {"r1": 3, "r2": 2}


def test_a_run_that_has_not_ended_is_refused(config: Config, tmp_path: Path):
    folder = finished_run(tmp_path / "run", "r1")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"done"', '"failed"', 1))
    with pytest.raises(InputError, match="expected a finished run, it is failed"):
        publish_run(folder, config)


def test_all_or_nothing_and_no_table_of_others_is_touched(config: Config, tmp_path: Path):
    with open_warehouse(config, create=True).begin() as connection:
        connection.execute(sa.text("CREATE TABLE loantap_claims (precious INTEGER)"))
    with pytest.raises(InputError, match="was not written by loantap"):
        publish_run(finished_run(tmp_path / "run", "r1"), config)
    assert sa.inspect(open_warehouse(config)).get_table_names() == ["loantap_claims"]
