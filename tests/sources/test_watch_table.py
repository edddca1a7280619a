"""`loantap watch --into`: a month is watched inside the warehouse, with the checks of `loantap watch`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from command_line import watch
from scored_alike import as_cleaned

from loantap.data.panel import Panel
from loantap.data.snapshots import write_snapshots
from loantap.data.synthetic.panel import synthetic_panel
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.warehouse import open_warehouse

pytestmark = pytest.mark.slow

N = 400
TO_TABLES = ("--snapshots", "table:snapshots", "--applications", "table:applications")


@pytest.fixture(scope="module")
def panel(loans: pd.DataFrame) -> Panel:
    some = loans.head(N).reset_index(drop=True)
    return synthetic_panel(some, some["int_rate"] / 100, months=8, random_state=0, first_month="2016-01").panel


@pytest.fixture
def declared(postgres: int, tmp_path: Path, panel: Panel, loans: pd.DataFrame) -> Iterator[Config]:
    """A schema in PostgreSQL with both tables; months are dates there."""
    path, schema = tmp_path / "loantap.yml", f"s{os.urandom(4).hex()}"
    url = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{postgres}/postgres"
    path.write_text(yaml.safe_dump({"warehouse": {"url": url, "schema": schema}}))
    config = read_config(path)
    write_snapshots(panel, tmp_path / "live.parquet")
    rows = pd.read_parquet(tmp_path / "live.parquet")
    rows["as_of"] = pd.to_datetime(rows["as_of"]).dt.date
    applications = as_cleaned(loans).head(N).reset_index(drop=True).assign(loan_id=panel.loan_id)
    with open_warehouse(config).begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
        rows.to_sql("snapshots", connection, schema=schema, index=False)
        applications.to_sql("applications", connection, schema=schema, index=False)
    yield config
    with open_warehouse(config).begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))


def change(config: Config, statement: str) -> None:
    assert config.warehouse is not None
    with open_warehouse(config).begin() as connection:
        connection.exec_driver_sql(f"SET search_path TO {config.warehouse.table_schema}")
        connection.exec_driver_sql(statement)


def lines(config: Config) -> pd.DataFrame:
    assert config.warehouse is not None
    with open_warehouse(config).connect() as connection:
        return pd.read_sql_table("lights", connection, schema=config.warehouse.table_schema)


def watched(config: Config, model_folder: Path, *words: object) -> tuple[int, str]:
    return watch(*TO_TABLES, "--model", model_folder, "--config", config.path, "--out", config.path.parent, *words)


def test_a_month_in_the_warehouse_is_the_same_month(declared: Config, model_folder: Path):
    folder = declared.path.parent
    code, said = watched(declared, model_folder, "--into", "lights")
    assert code == 0, said
    code, elsewhere = watched(declared, model_folder)
    assert code == 0, elsewhere
    counts = next(line for line in said.splitlines() if "loans delivered = " in line)
    assert counts in elsewhere
    wanted = pd.read_csv(folder / "2016-08" / "watchlist.csv").set_index("loan_id")
    found = pd.read_csv(folder / "2016-08" / "lights.csv").set_index("loan_id")
    assert found.index.tolist() == wanted.index.tolist()
    names = [name for name in wanted if name != "since"]
    pd.testing.assert_frame_equal(found[names], wanted[names], check_dtype=False, atol=2e-4)


def test_an_incomplete_month_is_refused_with_the_numbers(declared: Config, model_folder: Path):
    change(declared, "DELETE FROM snapshots WHERE as_of = '2016-08-01' AND loan_id > 'S0000300'")
    code, said = watched(declared, model_folder, "--into", "lights")
    assert code == 2
    assert "loans: " in said
    assert "delivery looks incomplete beside 2016-07" in said
    code, said = watched(declared, model_folder, "--into", "lights", "--accept-incomplete")
    assert code == 0, said
    table = lines(declared)
    assert (table["light"] == "gone").sum() > 50
    assert table.loc[table["light"] == "gone", "bucket"].eq("gone").all()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO applications SELECT * FROM applications WHERE loan_id = 'S0000001'", "one row per loan"),
        ("ALTER TABLE snapshots ALTER COLUMN dti TYPE text", "columns hold texts: dti"),
        ("UPDATE snapshots SET dti = dti / 100", "got fractions"),
        ("UPDATE snapshots SET days_past_due = NULL", "expected days_past_due"),
        ("UPDATE snapshots SET as_of = '2061-08-01' WHERE as_of = '2016-08-01'", "A whole month may be among them"),
        ("CREATE TABLE lights (precious int)", "was not written by loantap"),
    ],
)
def test_tables_that_cannot_be_watched_are_refused_and_nothing_is_written(
    declared: Config, model_folder: Path, statement: str, told: str
):
    change(declared, statement)
    code, said = watched(declared, model_folder, "--into", "lights")
    assert code == 2, said
    assert told in said
    assert declared.warehouse is not None
    names = sa.inspect(open_warehouse(declared)).get_table_names(declared.warehouse.table_schema)
    assert {*names} <= {"snapshots", "applications", "lights"}
    assert ("lights" in names) == ("precious" in statement)


def test_an_earlier_month_is_watched_as_it_was(declared: Config, model_folder: Path):
    assert watched(declared, model_folder, "--into", "lights", "--as-of", "2016-05")[0] == 0
    then = lines(declared).set_index("loan_id").sort_index()
    change(declared, "DELETE FROM snapshots WHERE as_of > '2016-05-01'")
    assert watched(declared, model_folder, "--into", "lights")[0] == 0
    pd.testing.assert_frame_equal(lines(declared).set_index("loan_id").sort_index(), then)


def test_a_warehouse_without_medians_is_named(tmp_path: Path, model_folder: Path):
    path = tmp_path / "loantap.yml"
    path.write_text("warehouse: {url: 'sqlite:///w.db'}")
    code, said = watch(*TO_TABLES, "--model", model_folder, "--config", path, "--into", "lights")
    assert code == 2
    assert "expected a warehouse in PostgreSQL or Databricks" in said
