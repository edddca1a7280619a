"""What goes to Databricks, on the engine and in the SQL that it is made of: a Spark session on this machine."""

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import sqlglot
from absences import absent
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scored_alike import applications, as_cleaned, assert_alike
from sqlglot import exp
from staged_rows import staged
from watched_alike import applications_of, by_the_library, in_sql, random_snapshots
from watched_alike import assert_alike as assert_watched_alike

from loantap.data.application_file import open_applications
from loantap.data.columns import KEY
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.errors import MergeError
from loantap.model.persistence import SavedModel
from loantap.watchlist.live import application_needs, read_applications
from loantap.watchlist.settings import read_settings
from loantap_sources import pushdown
from loantap_sources.connectors.config import MergePolicy, read_config
from loantap_sources.delta import delta_statement
from loantap_sources.merge import merge
from loantap_sources.model_sql import model_select
from loantap_sources.sql_values import written
from loantap_sources.staging import NEWEST, Staged
from loantap_sources.warehouse import write_loans

pytestmark = pytest.mark.slow

CLOSE = 1e-9  # its EXP and LN are Java's


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        absent("a Java runtime")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        absent("pyspark")
    names = ("spark.driver.host", "spark.driver.bindAddress")
    builder = SparkSession.builder.master("local[2]").config(map=dict.fromkeys(names, "127.0.0.1"))
    builder = builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1")
    # Each statement runs once: compiling it to Java and then to machine code takes minutes, and reading it seconds.
    builder = builder.config("spark.sql.codegen.wholeStage", "false").config("spark.sql.codegen.factoryMode", "NO_CODEGEN")  # fmt: skip
    builder = builder.config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
    session = builder.config("spark.log.level", "ERROR").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def statement(model: SavedModel) -> exp.Select:
    return model_select(model, dialect="spark", table=exp.to_table("applications"))


def rows_of(spark: Any, query: str) -> pd.DataFrame:
    found = spark.sql(query)
    return pd.DataFrame(map(tuple, found.collect()), columns=found.columns)


def scored(spark: Any, statement: exp.Select, frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    path = folder / "applications.parquet"
    frame.to_parquet(path, index=False)
    spark.catalog.clearCache()
    spark.read.parquet(str(path)).createOrReplaceTempView("applications")
    return rows_of(spark, written(statement, "spark"))


@settings(max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(frames=st.lists(applications(least=20), min_size=10, max_size=10))
def test_any_application_and_loans_as_they_come_are_scored_as_loantap_score_does(
    spark: Any,
    model: SavedModel,
    statement: exp.Select,
    loans: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
    frames: list[pd.DataFrame],
):
    usual = as_cleaned(loans)
    frame = pd.concat([usual, *frames], ignore_index=True)  # a statement is planned for seconds, whatever its rows
    frame[KEY] = [f"L{number}" for number in frame.index]
    found = scored(spark, statement, frame, tmp_path_factory.mktemp("any"))
    assert found.loc[found[KEY].isin(frame[KEY].head(len(usual))), "refused"].isna().all()
    assert_alike(model, frame, found, atol=CLOSE)


def test_scores_written_into_a_delta_table_are_a_statement_to_sparks_parser(spark: Any, model: SavedModel):
    query = model_select(model, dialect="databricks", table=exp.to_table("credit.applications"))
    create = query.ctas("scores")
    create.set("replace", True)
    text = written(create, "databricks")
    assert text.startswith("CREATE OR REPLACE TABLE")
    plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(text)
    assert plan.getClass().getSimpleName() == "ReplaceTableAsSelect"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_month_has_the_same_lights_as_loantap_watch_gives_it(
    spark: Any, model: SavedModel, loans: pd.DataFrame, tmp_path: Path, seed: int
):
    rules, given_ = read_settings(), applications_of(loans)
    snapshots = random_snapshots(seed, months=9, gaps=0.1, unknown=0.2, late=0.3)
    for name, frame in (("snapshots_", snapshots), ("applications", given_)):
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
        spark.read.parquet(str(tmp_path / f"{name}.parquet")).createOrReplaceTempView(name)
    opened = open_applications(tmp_path / "applications.parquet", needed=application_needs(model))
    wanted = by_the_library(model, snapshots, read_applications(model, opened)[0], rules)
    assert_watched_alike(rows_of(spark, in_sql(model, snapshots, rules, "spark")), *wanted)


def test_loans_of_a_volume_become_a_delta_table_in_one_statement(spark: Any, tmp_path: Path):
    checked = tmp_path / "checked" / "part.parquet"
    checked.parent.mkdir()
    ingest(SyntheticLoans(500, 5), loans_path=tmp_path / "l.parquet", quarantine_path=None, checked_path=checked)
    table, load = exp.table_("loans", "credit", quoted=True), {"load_id": "0123456789abcdef"}
    made = delta_statement(table, str(checked.parent), pq.read_schema(checked), load)
    plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(written(made, "databricks"))
    assert plan.getClass().getSimpleName() == "ReplaceTableAsSelect"
    part = delta_statement(table, str(checked.parent), pq.read_schema(checked), load, part=True)
    plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(written(part, "databricks"))
    assert "insertreplacewhere(('load_id = 0123456789abcdef))" in plan.toString()
    found, given_ = rows_of(spark, written(made.expression, "databricks")), pd.read_parquet(checked)
    assert set(found.pop("load_id")) == {"0123456789abcdef"}
    assert (pd.to_datetime(found["issue_d"]) == given_["issue_d"]).all()
    assert found["installment"].tolist() == given_["installment"].tolist()
    assert found["pincode"].tolist() == given_["pincode"].tolist()


class Cursor:
    """A cursor as Python's databases have them, on a Spark session."""

    arraysize = 1

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self.description: Any = None
        self._rows: Iterator[tuple] = iter(())

    def execute(self, statement: str, parameters: Any = None, **_: Any) -> "Cursor":
        found = self._spark.sql(statement, args=parameters or None)
        self.description = [(name, None, None, None, None, None, None) for name in found.columns]
        self._rows = iter([tuple(row) for row in found.collect()])
        return self

    def fetchmany(self, size: int = 1) -> Sequence[tuple]:
        return list(islice(self._rows, size))

    def fetchone(self) -> tuple | None:
        return next(self._rows, None)

    def fetchall(self) -> Sequence[tuple]:
        return list(self._rows)

    def close(self) -> None:
        """There is nothing to close."""


class Connection:
    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def cursor(self, *_: Any, **__: Any) -> Cursor:
        return Cursor(self._spark)

    def commit(self) -> None:
        """Spark has no transactions."""

    rollback = close = commit


def test_counts_and_sample_are_those_of_every_other_database(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    checked = tmp_path / "checked.parquet"
    ingest(SyntheticLoans(3_000, 5), loans_path=tmp_path / "loans.parquet", quarantine_path=None, checked_path=checked)
    frame = pd.read_parquet(checked)
    frame.assign(loan_id=frame["row"].astype("str")).to_parquet(checked, index=False)
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    config = read_config(tmp_path / "loantap.yml")
    write_loans(config, checked)

    def count(name: str) -> pushdown.Counted:
        folder = tmp_path / name
        return pushdown.count_in_warehouse(
            config, counts_dir=folder / "counts", loans_path=folder / "sample.parquet", sample_rows=500
        )

    wanted = count("sqlite")
    loans = spark.read.parquet(str(checked))
    months = ", ".join(f"CAST({name} AS DATE) AS {name}" for name in ("issue_d", "earliest_cr_line"))
    others = ", ".join(f"`{name}`" for name in loans.columns if name not in ("issue_d", "earliest_cr_line"))
    loans.createOrReplaceTempView("checked")
    spark.sql(f"SELECT {others}, {months}, '{wanted.load_id}' AS load_id FROM checked").createOrReplaceTempView("loans")
    url = "databricks://token:a-token@127.0.0.1?http_path=/sql"
    engine = sa.create_engine(url, creator=lambda: Connection(spark))
    monkeypatch.setattr(pushdown, "open_warehouse", lambda _: engine)
    found = count("spark")
    assert found.sha256 == wanted.sha256
    assert vars(found.summary) == vars(wanted.summary)
    samples = [pd.read_parquet(tmp_path / name / "sample.parquet") for name in ("spark", "sqlite")]
    pd.testing.assert_frame_equal(*samples)


class _SparkForDuckDB:
    """Spark behind the few calls that the merge makes of DuckDB, its SQL translated."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __enter__(self) -> "_SparkForDuckDB":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def from_parquet(self, path: str) -> SimpleNamespace:
        return SimpleNamespace(create_view=self._session.read.parquet(path).createOrReplaceTempView)

    def table(self, name: str) -> SimpleNamespace:
        whole = self._session.table(name).toArrow()
        return SimpleNamespace(write_parquet=lambda path, compression: pq.write_table(whole, path))

    def execute(self, statement: str) -> SimpleNamespace:
        parsed, rows = sqlglot.parse_one(statement, read="duckdb"), []
        match parsed:
            case exp.Create():
                made = self._session.sql(parsed.expression.sql("spark")).localCheckpoint()
                made.createOrReplaceTempView(parsed.this.name)
            case exp.Alter():
                (renamed,) = parsed.args["actions"]
                self._session.table(parsed.this.name).createOrReplaceTempView(renamed.this.name)
            case _:
                rows = [tuple(row) for row in self._session.sql(parsed.sql("spark")).collect()]
        return SimpleNamespace(fetchall=lambda: rows)


def staged_sources(folder: Path) -> list[Staged]:
    """Sources with copies, an older row, spaces, other spellings of a number, a loan too few and one too many, and conflicts."""
    loans = [
        ("10", "car", "100"),
        ("2", "car", "200.0"),
        ("2", "car", "200.0"),
        ("9", None, "300"),
        ("x", "house", "400"),
    ]
    newest = [("2", " 36 months", "200", "9"), ("2", "60 months", "999", "10"), ("10", " 36 months", "100.00", "1")]
    others = [("2", "36 months"), ("10", "60 months"), ("9", None), ("x", " 60 months"), ("y", "36 months")]
    return [
        staged(folder, "loans", ["purpose", "loan_amnt"], loans),
        staged(folder, "terms", ["term", "loan_amnt", NEWEST], newest),
        staged(folder, "others", ["term"], others),
    ]


@pytest.mark.parametrize("unmatched", ["keep", "drop"])
def test_the_merge_is_the_same_on_spark(spark: Any, tmp_path: Path, unmatched: Any, monkeypatch: pytest.MonkeyPatch):
    sources, policy = staged_sources(tmp_path), MergePolicy(unmatched=unmatched, conflicts="first")
    here = merge(sources, policy, out=tmp_path / "here.parquet")
    monkeypatch.setattr("loantap_sources.merge.duckdb.connect", lambda config: _SparkForDuckDB(spark))
    there = merge(sources, policy, out=tmp_path / "there.parquet")
    assert there == here
    assert here.rows == (4 if unmatched == "keep" else 2)
    assert any(conflict.differ for conflict in here.conflicts)
    assert pq.read_table(tmp_path / "there.parquet").to_pylist() == pq.read_table(tmp_path / "here.parquet").to_pylist()


def test_what_does_not_fit_is_named_on_spark_as_it_is_here(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sources = staged_sources(tmp_path)
    dates = [("2", "36 months", "Dec-2014"), ("2", "60 months", "Apr-2015"), ("10", "36 months", "2015-01-31")]
    sources.append(staged(tmp_path, "dates", ["term", NEWEST], dates))
    sources.append(staged(tmp_path, "twice", ["title"], [("2", "a"), ("2", "b"), (None, "c")]))
    told = []
    for engine in ("duckdb", "spark"):
        if engine == "spark":
            monkeypatch.setattr("loantap_sources.merge.duckdb.connect", lambda config: _SparkForDuckDB(spark))
        with pytest.raises(MergeError) as failed:
            merge(sources, MergePolicy(), out=tmp_path / "out.parquet")
        told.append(str(failed.value))
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 5
