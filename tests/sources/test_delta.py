"""Loans are written to Databricks through its official connector, before a stand-in: the table is the old one or the new one."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import sqlglot
import yaml
from checked_loans import checked_loans
from sqlglot import exp

from loantap.errors import InputError, SourceError
from loantap_sources import delta
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.sql_values import written
from loantap_sources.warehouse import LOADS, open_warehouse, write_loans, write_table

pytestmark = pytest.mark.slow

VOLUME = "/Volumes/main/credit/loantap"
pytest.importorskip("databricks.sqlalchemy")
server = pytest.importorskip("stand_ins.databricks_server")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TOKEN", "a-token")
    with server.DatabricksStandIn(tmp_path / "w.db", token="a-token", volume=tmp_path / "volume") as running:
        yield running


@pytest.fixture
def config(stand_in: Any, tmp_path: Path) -> Config:
    address = stand_in.uri.removeprefix("http://")
    url = f"databricks://token:${{TOKEN}}@{address}?http_path={stand_in.http_path}"
    path = tmp_path / "loantap.yml"
    path.write_text(yaml.safe_dump({"warehouse": {"url": url, "volume": VOLUME}}))
    return read_config(path)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    return partial(checked_loans, tmp_path_factory.mktemp("checked"))


def held(config: Config, table: str = "loans") -> pd.DataFrame:
    with open_warehouse(config).connect() as connection:
        found = connection.execute(sa.select(sa.text("*")).select_from(sa.table(table)))
        return pd.DataFrame(found.fetchall(), columns=list(found.keys()))


def test_the_table_holds_what_was_checked_and_its_load(
    config: Config, stand_in: Any, checked: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delta, "_PART", 200)
    load = write_loans(config, checked(500))
    assert load.written
    found, given = held(config).sort_values("row"), pd.read_parquet(checked(500))
    assert set(found.pop("load_id")) == {load.load_id}
    for name in given:
        if name in ("issue_d", "earliest_cr_line"):
            assert found[name].tolist() == given[name].dt.strftime("%Y-%m-%d").tolist()
        else:
            pd.testing.assert_series_equal(found[name].astype(given[name].dtype), given[name], check_index=False)
    assert held(config, LOADS)[["load_id", "table_name", "rows"]].to_numpy().tolist() == [[load.load_id, "loans", 500]]
    assert sum(text.startswith("PUT") for text, _ in stand_in.queries) == 3
    assert [path for path in (config.path.parent / "volume").rglob("*") if path.is_file()] == []


def test_the_same_loans_change_nothing_and_others_take_their_place(config: Config, checked: Callable[[int], Path]):
    assert write_loans(config, checked(500)).written
    assert not write_loans(config, checked(500)).written
    assert write_loans(config, checked(700)).written
    assert len(held(config)) == 700


def test_a_table_that_loantap_did_not_write_stays(config: Config, stand_in: Any, checked: Callable[[int], Path]):
    with open_warehouse(config).connect() as connection:
        connection.exec_driver_sql("CREATE TABLE loans (precious INT)")
        connection.exec_driver_sql("INSERT INTO loans VALUES (1)")
    with pytest.raises(InputError, match="was not written by loantap"):
        write_loans(config, checked(500))
    assert held(config)["precious"].tolist() == [1]


def test_a_failure_leaves_the_old_table_and_no_file(
    config: Config, checked: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
):
    before = write_loans(config, checked(500))
    broken = exp.select("absent").from_("loans").ctas("loans")
    monkeypatch.setattr(delta, "delta_statement", lambda *_, **__: broken)
    with pytest.raises(SourceError):
        write_loans(config, checked(700))
    assert set(held(config)["load_id"]) == {before.load_id}
    assert [path for path in (config.path.parent / "volume").rglob("*") if path.is_file()] == []
    monkeypatch.undo()


def test_without_a_volume_it_is_asked_for_before_anything_is_sent(
    config: Config, stand_in: Any, checked: Callable[[int], Path]
):
    config.path.write_text(config.path.read_text().replace(f"  volume: {VOLUME}\n", ""))
    with pytest.raises(InputError, match=r"expected warehouse\.volume, such as /Volumes/main/credit/loantap"):
        write_loans(read_config(config.path), checked(500))
    assert stand_in.queries == []


def test_a_list_takes_the_place_of_its_own_table_and_of_no_other(config: Config, tmp_path: Path):
    path = tmp_path / "scores.parquet"
    for flags in ([True, False], [False]):
        listed = pd.DataFrame({"loan_id": [f"it's {place}" for place, _ in enumerate(flags)], "refused": flags})
        listed.to_parquet(path)
        assert write_table(config, "scores", path).startswith("table scores in databricks://")
        found = held(config, "scores").sort_values("loan_id").astype({"refused": bool})
        pd.testing.assert_frame_equal(found, listed, check_dtype=False)
    listed.assign(more=1).to_parquet(path)
    with pytest.raises(InputError, match="was not written by loantap as this is"):
        write_table(config, "scores", path)
    assert len(held(config, "scores")) == 1


@pytest.mark.parametrize("volume", ["/tmp/files", "/Volumes/main/credit", "/Volumes/main/credit/lo'an"])
def test_what_is_no_volume_is_refused(config: Config, volume: str):
    config.path.write_text(yaml.safe_dump({"warehouse": {"url": "databricks://x", "volume": volume}}))
    with pytest.raises(InputError, match="volume"):
        read_config(config.path)


def test_the_statement_is_one_step_of_delta(checked: Callable[[int], Path]):
    schema, load = pq.read_schema(checked(500)), {"load_id": "0123456789abcdef"}
    made = delta.delta_statement(exp.table_("loans", quoted=True), f"{VOLUME}/one", schema, load)
    text = written(made, "databricks")
    assert text.startswith("CREATE OR REPLACE TABLE `loans` AS")
    again = sqlglot.parse_one(text, dialect="databricks")
    assert again == sqlglot.parse_one(written(again, "databricks"), dialect="databricks")
    assert f"FROM `parquet`.`{VOLUME}/one`" in text
    assert pa.types.is_temporal(pq.read_schema(checked(500)).field("issue_d").type)
    assert "CAST(`issue_d` AS DATE) AS `issue_d`" in text
