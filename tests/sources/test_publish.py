"""A run's results as tables that others read."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from loantap.errors import InputError
from loantap.exhibits.exhibit import Exhibit
from loantap.runs.manifest import StageRecord, new_manifest
from loantap.runs.results import RunFolder
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.publish import publish_run
from loantap_sources.tables import columns_there
from loantap_sources.warehouse import open_warehouse

LEVEL = {
    "level": "A'); DROP TABLE loantap_runs; --", "n": 10, "defaults": 2, "default_rate": 0.2, "ci_low": 0.05, "ci_high": 0.5,
    "odds_ratio": None, "or_low": None, "or_high": None, "p_adjusted": 0.4, "separation": None,
}  # fmt: skip
CLAIM = {
    "id": "c1", "claim": "A claim", "verdict": "contradicted", "effect": "difference", "estimate": 0.1, "ci_low": 0.0,
    "ci_high": 0.2, "p_adjusted": 0.5, "n": 12,
}  # fmt: skip

LISTED = pd.DataFrame(
    {
        "loan_id": ["L1", "L2"], "light": ["red", "amber"], "points": [9, 4], "reasons": ["late'); --", "utilisation 90.0%"],
        "dti": [30.0, 20.0], "probability": [0.5, None], "balance": [2000.0, 500.25], "mainly": "late",
    }
)  # fmt: skip


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


def watched_run(folder: Path, run_id: str, listed: pd.DataFrame = LISTED, *, synthetic: bool = False) -> Path:
    run = RunFolder(finished_run(folder, run_id))
    run.write_result("early_warning", {"month": "2018-12", "synthetic": synthetic})
    run.publish(Exhibit("watchlist", "t", "c", table=listed))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    return read_config(tmp_path / "loantap.yml")


@pytest.fixture(params=["sqlite", "databricks"])
def anywhere(
    request: pytest.FixtureRequest, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Config]:
    """A warehouse with transactions, and Databricks' connector before a stand-in."""
    if request.param == "sqlite":
        yield config
        return
    pytest.importorskip("databricks.sqlalchemy")
    server = pytest.importorskip("stand_ins.databricks_server")
    monkeypatch.setenv("TOKEN", "a-token")
    with server.DatabricksStandIn(tmp_path / "d.db", token="a-token", volume=tmp_path / "volume") as running:
        url = f"databricks://token:${{TOKEN}}@{running.uri.removeprefix('http://')}?http_path={running.http_path}"
        declared = {"warehouse": {"url": url, "volume": "/Volumes/main/credit/loantap"}}
        (tmp_path / "d.yml").write_text(yaml.safe_dump(declared))
        yield read_config(tmp_path / "d.yml")
    assert [path for path in (tmp_path / "volume").rglob("*") if path.is_file()] == []


def table(config: Config, name: str) -> pd.DataFrame:
    with open_warehouse(config).connect() as connection:
        found = connection.execute(sa.select(sa.text("*")).select_from(sa.table(name)))
        return pd.DataFrame(found.fetchall(), columns=list(found.keys()))


def test_levels_and_claims_are_written_with_the_run(anywhere: Config, tmp_path: Path):
    written = publish_run(finished_run(tmp_path / "run", "r1"), anywhere)
    assert written == {"loantap_runs": 1, "loantap_association_levels": 2, "loantap_claims": 1}
    levels = table(anywhere, "loantap_association_levels")
    assert set(levels["run_id"]) == {"r1"}
    assert levels["level"].tolist() == [LEVEL["level"]] * 2
    assert table(anywhere, "loantap_claims")["verdict"].tolist() == ["contradicted"]
    assert table(anywhere, "loantap_runs")["sha256"].tolist() == ["ab"]


def test_publishing_again_changes_nothing(anywhere: Config, tmp_path: Path):
    run = finished_run(tmp_path / "run", "r1")
    publish_run(run, anywhere)
    before = table(anywhere, "loantap_association_levels")
    publish_run(run, anywhere)
    pd.testing.assert_frame_equal(table(anywhere, "loantap_association_levels"), before)


def test_other_runs_stay(anywhere: Config, tmp_path: Path):
    publish_run(finished_run(tmp_path / "one", "r1", levels=3), anywhere)
    publish_run(finished_run(tmp_path / "two", "r2"), anywhere)
    assert table(anywhere, "loantap_association_levels")["run_id"].value_counts().to_dict() == {"r1": 3, "r2": 2}


def test_a_run_that_has_not_ended_is_refused(config: Config, tmp_path: Path):
    folder = finished_run(tmp_path / "run", "r1")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"done"', '"failed"', 1))
    with pytest.raises(InputError, match="expected a finished run, it is failed"):
        publish_run(folder, config)


def test_synthetic_loans_go_into_a_warehouse_only_where_that_is_said(config: Config, tmp_path: Path):
    run = finished_run(tmp_path / "run", "r1")
    manifest = run / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"kind": "file"', '"kind": "synthetic"'))
    with pytest.raises(InputError, match=r"its loans are synthetic.*--allow-synthetic"):
        publish_run(run, config)
    assert not (tmp_path / "w.db").exists()
    assert publish_run(run, config, allow_synthetic=True)["loantap_runs"] == 1


def test_all_or_nothing_and_no_table_of_others_is_touched(config: Config, tmp_path: Path):
    with open_warehouse(config, create=True).begin() as connection:
        connection.execute(sa.text("CREATE TABLE loantap_claims (precious INTEGER)"))
    with pytest.raises(InputError, match="was not written by loantap"):
        publish_run(finished_run(tmp_path / "run", "r1"), config)
    assert sa.inspect(open_warehouse(config)).get_table_names() == ["loantap_claims"]


def test_databricks_touches_no_table_of_others_and_lists_no_run_whose_tables_are_not_whole(
    anywhere: Config, tmp_path: Path
):
    with open_warehouse(anywhere, create=True).connect() as connection:
        connection.exec_driver_sql("CREATE TABLE loantap_claims (precious INTEGER)")
        connection.commit()
    with pytest.raises(InputError, match="was not written by loantap"):
        publish_run(finished_run(tmp_path / "run", "r1"), anywhere)
    with open_warehouse(anywhere).connect() as connection:
        assert columns_there(connection, "loantap_claims", None) == {"precious"}
        assert columns_there(connection, "loantap_runs", None) is None


def test_the_watchlist_is_written_where_there_is_one(config: Config, tmp_path: Path):
    written = publish_run(watched_run(tmp_path / "run", "r1"), config)
    assert written["loantap_warnings"] == 2
    warnings = table(config, "loantap_warnings")
    assert list(warnings) == [
        "run_id", "month", "loan_id", "light", "points", "reasons", "probability", "balance", "synthetic",
    ]  # fmt: skip
    assert warnings.iloc[0].tolist() == ["r1", "2018-12", "L1", "red", 9, "late'); --", 0.5, 2000.0, False]
    assert warnings["probability"].isna().tolist() == [False, True]


def test_synthetic_snapshots_go_into_a_warehouse_only_where_that_is_said(config: Config, tmp_path: Path):
    run = watched_run(tmp_path / "run", "r1", synthetic=True)
    assert "loantap_warnings" not in publish_run(run, config)
    publish_run(run, config, allow_synthetic=True)
    assert table(config, "loantap_warnings")["synthetic"].tolist() == [True, True]


def test_a_watchlist_takes_the_place_of_its_runs_own_only(anywhere: Config, tmp_path: Path):
    one, two = watched_run(tmp_path / "one", "r1"), watched_run(tmp_path / "two", "r2", LISTED[1:])
    for run in (one, two, one):
        publish_run(run, anywhere)
    assert table(anywhere, "loantap_warnings")["run_id"].value_counts().to_dict() == {"r1": 2, "r2": 1}
    RunFolder(one).publish(Exhibit("watchlist", "t", "c", table=LISTED[:0]))
    assert publish_run(one, anywhere)["loantap_warnings"] == 0
    assert table(anywhere, "loantap_warnings")["run_id"].tolist() == ["r2"]


def test_an_empty_watchlist_makes_a_table_that_takes_others(config: Config, tmp_path: Path):
    publish_run(watched_run(tmp_path / "one", "r1", LISTED[:0]), config)
    kinds = {one["name"]: one["type"] for one in sa.inspect(open_warehouse(config)).get_columns("loantap_warnings")}
    assert isinstance(kinds["points"], sa.Integer)
    assert isinstance(kinds["balance"], sa.Float)
    assert publish_run(watched_run(tmp_path / "two", "r2"), config)["loantap_warnings"] == 2


def test_early_warning_without_its_list_writes_nothing_at_all(config: Config, tmp_path: Path):
    run = watched_run(tmp_path / "run", "r1")
    (run / "results" / "tables" / "watchlist.csv").unlink()
    with pytest.raises(InputError, match="expected a table"):
        publish_run(run, config)
    assert not (tmp_path / "w.db").exists()
