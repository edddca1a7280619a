"""Counting in the warehouse gives the numbers of counting in memory, in every database."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from scipy.stats import norm

from loantap.analysis.association import analyse
from loantap.analysis.counts import FrameCounts, StoredCounts
from loantap.analysis.levels import factor_counts
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.errors import SchemaError, SourceError
from loantap.jsonable import jsonable
from loantap.model.groups import delong_interval
from loantap_sources import pushdown, pushdown_sample
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.pushdown import CUBES, Counted, count_in_warehouse
from loantap_sources.pushdown_sample import WIDTH, loans_for_width
from loantap_sources.warehouse import open_warehouse, write_loans

pytestmark = pytest.mark.slow

ROWS = 6_000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loans as the frame path has them, checked ones for a warehouse, and a SQLite file that holds them."""
    folder = tmp_path_factory.mktemp("pushdown")
    ingest(
        SyntheticLoans(ROWS, 5),
        loans_path=folder / "loans.parquet",
        quarantine_path=None,
        checked_path=folder / "checked.parquet",
    )
    frame = pd.read_parquet(folder / "checked.parquet")
    frame.assign(loan_id=frame["row"].astype("str")).to_parquet(folder / "checked.parquet", index=False)
    (folder / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    write_loans(read_config(folder / "loantap.yml"), folder / "checked.parquet")
    return folder


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "databricks"])
def config(
    request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Config]:
    """The same table in three databases; Databricks is the real connector before a stand-in."""
    path = tmp_path_factory.mktemp("declared") / "loantap.yml"
    match request.param:
        case "sqlite":
            yield read_config(prepared / "loantap.yml")
        case "postgresql":
            port = request.getfixturevalue("postgres")
            url = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres"
            schema = f"s{os.urandom(4).hex()}"
            path.write_text(yaml.safe_dump({"warehouse": {"url": url, "schema": schema}}))
            read = read_config(path)
            with open_warehouse(read).begin() as connection:
                connection.execute(sa.schema.CreateSchema(schema))
            write_loans(read, prepared / "checked.parquet")
            yield read
        case "databricks":
            server = pytest.importorskip("stand_ins.databricks_server")
            with server.DatabricksStandIn(prepared / "w.db", token="a-token") as stand_in, pytest.MonkeyPatch.context() as patch:  # fmt: skip
                patch.setenv("TOKEN", "a-token")
                address = stand_in.uri.removeprefix("http://")
                url = f"databricks://token:${{TOKEN}}@{address}?http_path={stand_in.http_path}"
                path.write_text(yaml.safe_dump({"warehouse": {"url": url}}))
                yield read_config(path)


def count(
    config: Config, folder: Path, *, sample_rows: int | None = 1_000, width: float = WIDTH, random_state: int = 0
) -> Counted:
    return count_in_warehouse(
        config,
        counts_dir=folder / "counts",
        loans_path=folder / "sample.parquet",
        sample_rows=sample_rows,
        width=width,
        random_state=random_state,
    )


@pytest.mark.parametrize(("width", "default_rate"), [(0.014, 0.2), (0.03, 0.2), (0.014, 0.05)])
def test_so_many_loans_make_an_interval_no_wider_than_asked_for(width: float, default_rate: float):
    n = round(0.2 * loans_for_width(width, default_rate=default_rate))  # of which a fifth tests the model
    rng = np.random.default_rng(0)
    outcome = (np.arange(n) < n * default_rate).astype(int)
    apart = np.sqrt(2) * norm.ppf(0.7)  # two normal scores so far apart have an ROC-AUC of 0.7
    _, low, high = delong_interval(outcome, rng.normal(apart * outcome))
    assert 0.85 * width < high - low < width


def test_the_sample_is_as_large_as_the_width_asks_for(config: Config, tmp_path: Path):
    found = count(config, tmp_path, sample_rows=None, width=0.2)
    summary = found.summary
    assert found.sampled == loans_for_width(0.2, default_rate=summary.defaults / summary.rows) < summary.rows
    assert found.facts["pushdown"]["width"] == 0.2
    assert count(config, tmp_path, sample_rows=500, width=0.2).facts["pushdown"] == {
        "sampled": 500, "width": None, "load_id": found.load_id
    }  # fmt: skip


@pytest.fixture(scope="module")
def counted(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was counted in one of them, with the sample."""
    folder = tmp_path_factory.mktemp("counted")
    assert count(config, folder).sampled == 1_000
    return folder


def test_every_count_is_that_of_the_frame(counted: Path, prepared: Path):
    stored, framed = StoredCounts(counted / "counts"), FrameCounts(pd.read_parquet(prepared / "loans.parquet"))
    for columns in CUBES:
        if columns != ("title",):  # of which only presence is counted
            pd.testing.assert_frame_equal(stored.by(*columns), framed.by(*columns))
    titles = stored.by("title")
    assert titles["n"].sum() == ROWS
    assert titles.loc[titles["title"].isna(), "n"].sum() == framed.by("title").query("title.isna()")["n"].sum()


@pytest.mark.parametrize("factor", ["pincode", "grade", "profession", "home_ownership"])
def test_associations_are_the_same_to_the_digit(counted: Path, prepared: Path, factor: str):
    loans = pd.read_parquet(prepared / "loans.parquet")
    pushed, framed = (
        analyse(factor_counts(counts, factor), factor=factor)
        for counts in (StoredCounts(counted / "counts"), FrameCounts(loans))
    )
    assert json.dumps(jsonable(pushed.to_dict())) == json.dumps(jsonable(framed.to_dict()))


def test_the_sample_is_the_same_in_every_database(counted: Path, prepared: Path, tmp_path: Path):
    count(read_config(prepared / "loantap.yml"), tmp_path)
    pd.testing.assert_frame_equal(
        pd.read_parquet(counted / "sample.parquet"), pd.read_parquet(tmp_path / "sample.parquet")
    )


def test_a_sample_of_all_loans_is_the_frame(config: Config, prepared: Path, tmp_path: Path):
    count(config, tmp_path, sample_rows=10 * ROWS)
    sample, loans = pd.read_parquet(tmp_path / "sample.parquet"), pd.read_parquet(prepared / "loans.parquet")
    pd.testing.assert_frame_equal(sample.drop(columns="loan_id"), loans)


def test_the_sample_has_the_portfolios_default_rate(prepared: Path, tmp_path: Path):
    found = count(read_config(prepared / "loantap.yml"), tmp_path)
    sample = pd.read_parquet(tmp_path / "sample.parquet")
    assert sample["default"].sum() == round(found.summary.defaults * 1_000 / found.summary.rows)
    assert sample["row"].is_monotonic_increasing


def test_the_sample_follows_its_seed_and_looks_like_the_loans(prepared: Path, tmp_path: Path):
    config = read_config(prepared / "loantap.yml")
    drawn = []
    for seed in (1, 1, 2):
        count(config, tmp_path, sample_rows=2_000, random_state=seed)
        drawn.append(pd.read_parquet(tmp_path / "sample.parquet"))
    assert drawn[0].equals(drawn[1])
    assert 400 < len(set(drawn[0]["row"]) & set(drawn[2]["row"])) < 950  # a third of 2,000 is 667
    loans = pd.read_parquet(prepared / "loans.parquet")
    for name in ("row", "dti", "int_rate", "annual_inc"):
        error = loans[name].clip(upper=loans[name].quantile(0.99)).std() / np.sqrt(2_000)
        shift = drawn[0][name].clip(upper=loans[name].quantile(0.99)).mean() - loans[name].clip(upper=loans[name].quantile(0.99)).mean()  # fmt: skip
        assert abs(shift) < 4 * error


def spoilt(prepared: Path, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Config:
    change(pd.read_parquet(prepared / "checked.parquet")).to_parquet(folder / "spoilt.parquet", index=False)
    (folder / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    config = read_config(folder / "loantap.yml")
    write_loans(config, folder / "spoilt.parquet")
    return config


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("dti", -1.0, "column 'dti': below 0: 1"),
        ("grade", "H", "column 'grade': not an allowed value: 1 (such as 'H')"),
        ("loan_amnt", None, "column 'loan_amnt': missing: 1"),
        ("sub_grade", "A1", "column 'sub_grade': of another grade than 'grade'"),
        ("earliest_cr_line", pd.Timestamp("2031-01-01"), "column 'earliest_cr_line': later than issue_d: 1"),
        ("loan_status", "Gone", "column 'loan_status' expected one of"),
    ],
)
def test_values_that_break_the_contract_are_named(
    prepared: Path, tmp_path: Path, column: str, value: object, told: str
):
    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[frame["grade"] == "D"][0], column] = value
        return frame

    config = spoilt(prepared, tmp_path, spoil)
    with pytest.raises(SchemaError) as caught:
        count(config, tmp_path)
    assert told in str(caught.value)
    assert not (tmp_path / "counts").exists()
    assert not (tmp_path / "sample.parquet").exists()


def test_a_table_without_the_columns_is_refused(prepared: Path, tmp_path: Path):
    config = spoilt(prepared, tmp_path, lambda frame: frame.drop(columns=["pincode", "dti"]))
    with pytest.raises(SchemaError, match="these are missing: dti, pincode"):
        count(config, tmp_path)


def test_a_table_may_lack_an_optional_column(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (pushdown, pushdown_sample):
        monkeypatch.setattr(module, "OPTIONAL", ("mort_acc",))
    counted = count(spoilt(prepared, tmp_path, lambda frame: frame.drop(columns=["mort_acc"])), tmp_path)
    assert counted.summary.notes == [
        "the loans lack the optional column 'mort_acc' (Mortgage accounts): it is missing in all of them"
    ]
    assert counted.summary.missing["mort_acc"] == counted.summary.rows
    assert StoredCounts(tmp_path / "counts").by("mort_acc")["mort_acc"].isna().all()
    assert pd.read_parquet(tmp_path / "sample.parquet")["mort_acc"].isna().all()


def test_a_table_that_is_not_there_is_told(tmp_path: Path):
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db', table: lonas}")
    (tmp_path / "w.db").touch()
    with pytest.raises(SourceError, match="no such table"):
        count(read_config(tmp_path / "loantap.yml"), tmp_path)


def test_loans_that_have_not_ended_are_counted_and_left_out(prepared: Path, tmp_path: Path):
    def running(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[:99, "loan_status"] = "Current"
        return frame

    found = count(spoilt(prepared, tmp_path, running), tmp_path)
    assert found.summary.rows == ROWS - 100
    assert found.summary.unfinished == {"Current": 100}
    assert StoredCounts(tmp_path / "counts").by("grade")["n"].sum() == ROWS - 100


OWN = (
    "CREATE TABLE {schema}.own AS SELECT CAST(row AS INTEGER) AS row, CAST(loan_status AS CHAR(20)) AS loan_status, "
    "CAST(split_part(term, ' ', 1) AS SMALLINT) AS term, CAST(grade AS CHAR(3)) AS grade, "
    "CAST(loan_amnt AS NUMERIC(12, 2)) AS loan_amnt, CAST(pincode AS CHAR(8)) AS pincode, CAST(issue_d AS TIMESTAMP) AS issue_d, "
    "{rest} FROM {schema}.loans"
)


def table_of_ones_own(prepared: Path, folder: Path, port: int, *changes: str) -> Config:
    """A table that somebody else made, with types of their own, changed by further statements."""
    schema = f"s{os.urandom(4).hex()}"
    declared = {"url": f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres", "schema": schema}
    (folder / "loantap.yml").write_text(yaml.safe_dump({"warehouse": declared}))
    config = read_config(folder / "loantap.yml")
    with open_warehouse(config).begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    write_loans(config, prepared / "checked.parquet")
    cast = ("row", "loan_status", "term", "grade", "loan_amnt", "pincode", "issue_d", "load_id", "loan_id")
    rest = ", ".join(name for name in pd.read_parquet(prepared / "checked.parquet").columns if name not in cast)
    with open_warehouse(config).begin() as connection:
        for statement in (OWN.format(schema=schema, rest=rest), *changes):
            connection.exec_driver_sql(
                statement.replace("TABLE own", f"TABLE {schema}.own").replace("UPDATE own", f"UPDATE {schema}.own")
            )
    (folder / "loantap.yml").write_text(yaml.safe_dump({"warehouse": declared | {"table": "own"}}))
    return read_config(folder / "loantap.yml")


def test_a_table_of_ones_own_with_other_types_gives_the_same(prepared: Path, tmp_path: Path, postgres: int):
    count(table_of_ones_own(prepared, tmp_path, postgres), tmp_path, sample_rows=10 * ROWS)
    stored, framed = StoredCounts(tmp_path / "counts"), FrameCounts(pd.read_parquet(prepared / "loans.parquet"))
    for columns in CUBES:
        if columns != ("title",):
            pd.testing.assert_frame_equal(stored.by(*columns), framed.by(*columns))
    sample = pd.read_parquet(tmp_path / "sample.parquet")
    pd.testing.assert_frame_equal(sample, pd.read_parquet(prepared / "loans.parquet")[sample.columns])


@pytest.mark.fault("changed type")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE own ALTER issue_d TYPE TIMESTAMPTZ", "column 'issue_d': not the first day of a month"),
        ("ALTER TABLE own ALTER issue_d TYPE INTEGER USING 20150101", "column 'issue_d': not the first day of a month"),
        ("UPDATE own SET issue_d = issue_d + INTERVAL '3 days'", "column 'issue_d': not the first day of a month"),
        ("ALTER TABLE own ALTER pincode TYPE INTEGER USING CAST(pincode AS INTEGER)", "no text of five digits"),
        ("UPDATE own SET pincode = NULL WHERE row < 9", "column 'pincode': no text of five digits: 8"),
        ("UPDATE own SET row = 1 WHERE row < 9", "column 'row' expected a number of its own"),
        ("UPDATE own SET row = NULL", "column 'row' expected a number of its own"),
    ],
)  # fmt: skip
def test_what_would_be_misread_is_refused(prepared: Path, tmp_path: Path, postgres: int, change: str, told: str):
    config = table_of_ones_own(prepared, tmp_path, postgres, change)
    with pytest.raises(SchemaError) as caught:
        count(config, tmp_path)
    assert told in str(caught.value)


def test_what_a_killed_count_left_is_removed_by_the_next(prepared: Path, tmp_path: Path):
    (tmp_path / ".loantap-staging-0").mkdir()
    (tmp_path / ".loantap-staging-0" / "grade.parquet").touch()
    count(read_config(prepared / "loantap.yml"), tmp_path)
    count(read_config(prepared / "loantap.yml"), tmp_path)  # and counts that are there are replaced
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts", "sample.parquet"]
    assert len(list((tmp_path / "counts").iterdir())) == len(CUBES)
