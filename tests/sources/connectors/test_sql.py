import builtins
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
import sqlalchemy as sa
from postgres import PASSWORD, postgres_server
from sqlalchemy.engine import make_url

from loantap.errors import InputError, MissingToolError, SchemaError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors import sql
from loantap_sources.connectors.base import table_of
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.open import open_source
from loantap_sources.connectors.secrets import Secrets
from loantap_sources.connectors.sql import open_engine
from loantap_sources.staging import raw, stage

Declare = Callable[..., Config]
Database = Callable[..., Path]

COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i AS loan_id, i AS title FROM n"
ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS loan_id, 1 AS title FROM n"
)
SQLITE = {"kind": "sql", "url": "sqlite:///loans.db", "columns": ["title"]}


@pytest.fixture
def server(postgres: int, declare: Declare) -> dict[str, Any]:
    """Settings of a source on PostgreSQL."""
    return {
        "kind": "sql",
        "url": f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{postgres}/postgres",
        "columns": ["title"],
    }


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "BATCH_ROWS", 10)


def read(declare: Declare, source: dict[str, Any]) -> pa.Table:
    config = declare({"loans": source})
    tables = open_source("loans", config.sources["loans"], config, staging=config.path.parent).tables
    return pa.concat_tables([raw(table, config.sources["loans"]) for table in tables])


def opened(declare: Declare, source: dict[str, Any]) -> Iterator[pa.Table]:
    config = declare({"loans": source})
    return open_source("loans", config.sources["loans"], config, staging=config.path.parent).tables


def test_rows_of_sqlite_come_in_batches(declare: Declare, database: Database, small_batches: None):
    database("")
    tables = list(opened(declare, SQLITE | {"query": COUNTING, "parameters": {"rows": 25}}))
    assert [table.num_rows for table in tables] == [0, 10, 10, 5]
    assert pa.concat_tables(tables, promote_options="permissive")["title"].to_pylist() == list(range(1, 26))


def test_batches_are_read_as_they_are_asked_for(declare: Declare, database: Database, small_batches: None):
    database("")
    tables = opened(declare, SQLITE | {"query": COUNTING, "parameters": {"rows": 10**12}})
    assert [next(tables).num_rows for _ in range(3)] == [0, 10, 10]
    tables.close()


EVIL = "'; DROP TABLE loans; --"


def test_a_value_with_sql_in_it_is_bound_and_not_run(declare: Declare, database: Database):
    path = database(
        f"CREATE TABLE loans (loan_id, title); INSERT INTO loans VALUES (1, '{EVIL.replace(chr(39), chr(39) * 2)}'), (2, 'b')"
    )
    query = {"query": "SELECT * FROM loans WHERE title = :title", "parameters": {"title": EVIL}}
    assert read(declare, SQLITE | query).to_pylist() == [{"loan_id": "1", "title": EVIL}]
    assert sa.inspect(sa.create_engine(f"sqlite:///{path}")).has_table("loans")


def test_a_parameter_without_a_value_is_named_before_anything_is_read(declare: Declare, database: Database):
    database("")
    with pytest.raises(InputError, match=r"under 'parameters'.*:rows"):
        opened(declare, SQLITE | {"query": COUNTING})


def test_a_query_changes_nothing(declare: Declare, database: Database):
    path = database("CREATE TABLE loans (loan_id, title); INSERT INTO loans VALUES (1, 'a')")
    with pytest.raises(SourceError, match="does not return rows"):
        read(declare, SQLITE | {"query": "DELETE FROM loans"})
    with sa.create_engine(f"sqlite:///{path}").connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM loans")).scalar_one() == 1


def test_values_of_sqlite_come_in_the_raw_format(declare: Declare, database: Database):
    database(
        "CREATE TABLE loans (loan_id REAL, loan_amnt, int_rate REAL, issue_d TEXT, title, emp_title);"
        "INSERT INTO loans VALUES (17, 5000, 11.5, '2015-01-31', NULL, NULL), (18, 5000.5, 12, '2015-02-28 10:00', 'x', 3)"
    )
    columns = ["loan_amnt", "int_rate", "issue_d", "title", "emp_title"]
    assert read(declare, SQLITE | {"query": "SELECT * FROM loans", "columns": columns}).to_pylist() == [
        {"loan_id": "17", "loan_amnt": "5000", "int_rate": "11.5", "issue_d": "Jan-2015", "title": None, "emp_title": None},
        {"loan_id": "18", "loan_amnt": "5000.5", "int_rate": "12", "issue_d": "Feb-2015", "title": "x", "emp_title": "3"},
    ]  # fmt: skip


def test_a_column_that_is_empty_in_one_batch_and_numbers_in_the_next(
    declare: Declare, database: Database, small_batches: None
):
    database("")
    query = COUNTING.replace("i AS title", "CASE WHEN i > 10 THEN i / 2.0 END AS dti")
    source = SQLITE | {"query": query, "parameters": {"rows": 12}, "columns": ["dti"]}
    assert read(declare, source)["dti"].to_pylist() == [None] * 10 + ["5.5", "6"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, "x", 2.0, None), ["1", "x", "2", None]),
        ((17.0, None), [17.0, None]),
        ((date(2015, 1, 31), datetime(2015, 2, 1, 9)), ["2015-01-31", "2015-02-01 09:00:00"]),
        ((2**70, 1), [str(2**70), "1"]),
        ((UUID(int=1),), ["00000000-0000-0000-0000-000000000001"]),
        ((datetime(2015, 1, 1, 3, tzinfo=UTC), None), [datetime(2015, 1, 1, 3, tzinfo=UTC), None]),
    ],
)
def test_rows_of_a_driver_become_a_table(values: tuple, expected: list):
    assert table_of(["a"], [(value,) for value in values])["a"].to_pylist() == expected


def test_an_instant_keeps_its_time_whatever_pandera_tells_arrow(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", "1")
    midnight = datetime.fromisoformat("2015-01-01T00:30:00+02:00")
    [value] = table_of(["a"], [(midnight,)])["a"].to_pylist()
    assert value == midnight


@pytest.mark.fault("source with zero rows")
def test_no_rows_is_a_clear_error(declare: Declare, database: Database, tmp_path: Path):
    database("CREATE TABLE loans (loan_id, title)")
    config = declare({"loans": SQLITE | {"query": "SELECT * FROM loans"}})
    with pytest.raises(SchemaError, match=r"'loans' \(sqlite:.*loans\.db\): expected rows, it brought none"):
        stage(config, tmp_path)


@pytest.mark.fault("server that does not answer, or not in time")
@pytest.mark.parametrize("query", [ENDLESS, COUNTING.replace(":rows", "1000000000")])
def test_a_query_on_sqlite_ends_at_its_limit(declare: Declare, database: Database, query: str):
    database("")
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"expected all rows within 0\.5 s.*raise time_limit"):
        for _ in opened(declare, SQLITE | {"query": query, "time_limit": 0.5}):
            pass
    assert 0.4 < time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("query", "cause"),
    [("SELEKT 1", "syntax error"), ("SELECT * FROM absent", "no such table: absent. Check table and columns")],
)
def test_a_wrong_query_is_told_in_one_line(declare: Declare, database: Database, query: str, cause: str):
    database("")
    with pytest.raises(SourceError, match=f"loans.db: .*{cause}") as failed:
        read(declare, SQLITE | {"query": query})
    assert "\n" not in str(failed.value)


def test_a_sqlite_file_that_is_absent_is_not_made(declare: Declare, tmp_path: Path):
    with pytest.raises(InputError, match=r"loans\.db: expected a SQLite file, found nothing"):
        opened(declare, SQLITE | {"query": "SELECT 1"})
    assert not (tmp_path / "loans.db").exists()


def test_a_file_that_is_none_of_sqlite_is_named(declare: Declare, tmp_path: Path):
    (tmp_path / "loans.db").write_text("loan_id,title\n" * 100)
    with pytest.raises(SourceError, match=r"loans\.db: .*not a database"):
        read(declare, SQLITE | {"query": "SELECT * FROM loans"})


@pytest.mark.parametrize(
    ("drivername", "module", "advice"),
    [
        ("postgresql+psycopg", "psycopg", re.escape(how_to_add("postgresql"))),
        ("postgresql", "psycopg", r"Write postgresql\+psycopg://"),
        ("mssql+pyodbc", "pyodbc", re.escape(how_to_add("odbc"))),
        ("mysql+absent", "absent", r"the driver mysql\+absent, or correct the name"),
    ],
)
def test_a_driver_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, drivername: str, module: str, advice: str
):
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith(module):
            raise ModuleNotFoundError(f"No module named '{module}'")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingToolError, match=advice) as failed:
        open_engine(make_url(f"{drivername}://me:secret@host/loans"), secrets=Secrets({}))
    assert "secret" not in str(failed.value)


def test_a_driver_of_another_kind_gets_no_options_it_does_not_know(monkeypatch: pytest.MonkeyPatch):
    given = {}
    monkeypatch.setattr(sql, "create_engine", lambda url, **options: given.update(options))
    monkeypatch.setattr(sa.URL, "get_driver_name", lambda _: "pg8000")
    open_engine(make_url("postgresql+pg8000://host/loans"), secrets=Secrets({}))
    assert given["connect_args"] == {}


def test_values_of_postgresql_come_in_the_raw_format(declare: Declare, server: dict[str, Any]):
    query = """SELECT * FROM (VALUES
        (17::numeric(9, 2), 5000::bigint, 11.50::numeric(5, 2), 0.1::real, DATE '2015-01-31', true, NULL::text),
        (18, NULL, NULL, 'NaN', NULL, NULL, 'x')
    ) AS loans (loan_id, loan_amnt, int_rate, dti, issue_d, title, emp_title)"""
    columns = ["loan_amnt", "int_rate", "dti", "issue_d", "title", "emp_title"]
    assert read(declare, server | {"query": query, "columns": columns}).to_pylist() == [
        {"loan_id": "17", "loan_amnt": "5000", "int_rate": "11.5", "dti": "0.1", "issue_d": "Jan-2015", "title": "true", "emp_title": None},
        {"loan_id": "18", "loan_amnt": None, "int_rate": None, "dti": None, "issue_d": None, "title": None, "emp_title": "x"},
    ]  # fmt: skip


def test_a_timestamp_of_postgresql_keeps_the_month_of_its_session(declare: Declare, server: dict[str, Any]):
    query = "SELECT 1 AS loan_id, '2015-01-31 23:30:00.5+00'::timestamptz AS issue_d, '2015-01-31 23:30'::timestamp AS earliest_cr_line"
    source = server | {"query": query, "columns": ["issue_d", "earliest_cr_line"]}
    source["url"] += "?options=-c%20timezone%3DEurope/Berlin"
    assert read(declare, source).to_pylist() == [
        {"loan_id": "1", "issue_d": "Feb-2015", "earliest_cr_line": "Jan-2015"}
    ]


def test_a_value_is_bound_on_postgresql_too(declare: Declare, server: dict[str, Any]):
    query = {"query": "SELECT 1::int AS loan_id, CAST(:evil AS text) AS title", "parameters": {"evil": EVIL}}
    assert read(declare, server | query)["title"].to_pylist() == [EVIL]


SERIES = {"query": "SELECT i AS loan_id, i AS title FROM generate_series(1, :rows) AS s(i)", "parameters": {"rows": 25}}


def test_rows_of_postgresql_come_in_batches(declare: Declare, server: dict[str, Any], small_batches: None):
    assert [table.num_rows for table in opened(declare, server | SERIES)] == [0, 10, 10, 5]


def told_without_password(failed: pytest.ExceptionInfo) -> str:
    message = str(failed.value)
    assert PASSWORD not in message
    assert "\n" not in message
    return message


@pytest.mark.fault("wrong password or token")
def test_a_wrong_password_is_told_without_it(declare: Declare, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PG_PASSWORD", "wr@ng/one")
    with pytest.raises(
        SourceError, match=r"analyst:\*\*\*@127.*authentication failed.*Check the user, the secret"
    ) as failed:
        read(declare, server | SERIES)
    assert "wr@ng" not in str(failed.value)
    assert "wr%40ng" not in str(failed.value)


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_closed_port_is_told(declare: Declare, server: dict[str, Any]):
    source = server | SERIES | {"url": "postgresql+psycopg://analyst:${PG_PASSWORD}@127.0.0.1:9/postgres"}
    with pytest.raises(SourceError, match="refused") as failed:
        read(declare, source)
    told_without_password(failed)


@pytest.mark.fault("server that does not answer, or not in time")
def test_an_unknown_host_is_told(declare: Declare, server: dict[str, Any]):
    source = server | SERIES | {"url": "postgresql+psycopg://analyst:${PG_PASSWORD}@nowhere.invalid/postgres"}
    with pytest.raises(SourceError, match=r"nowhere\.invalid") as failed:
        read(declare, source)
    told_without_password(failed)


def test_a_syntax_error_on_postgresql_is_told_without_the_statement(declare: Declare, server: dict[str, Any]):
    with pytest.raises(SourceError, match='syntax error at or near "SELEKT"') as failed:
        read(declare, server | {"query": "SELEKT 1, 'Elm Street'"})
    assert "Elm Street" not in told_without_password(failed)


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_query_on_postgresql_ends_at_its_limit(declare: Declare, server: dict[str, Any]):
    started = time.monotonic()
    source = {"query": "SELECT 1 AS loan_id, pg_sleep(20) AS title", "time_limit": 0.5}
    with pytest.raises(SourceError, match=r"expected all rows within 0\.5 s"):
        read(declare, server | source)
    assert time.monotonic() - started < 8


@pytest.mark.fault("connection lost while rows are read")
def test_a_backend_that_is_terminated_while_rows_are_read_is_told(
    declare: Declare, server: dict[str, Any], small_batches: None
):
    tables = opened(declare, server | SERIES | {"parameters": {"rows": 100_000}})
    assert [next(tables).num_rows for _ in range(2)] == [0, 10]
    config = declare({"loans": server | SERIES})
    engine = sa.create_engine(config.address(server["url"], where="url"), poolclass=sa.NullPool)
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%FETCH%' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        assert connection.execute(sa.text(others)).scalars().all() == [True]
    with pytest.raises(SourceError, match=r"127\.0\.0\.1.*terminat") as failed:
        list(tables)
    told_without_password(failed)


@pytest.mark.fault("connection lost while rows are read")
def test_a_server_that_dies_while_rows_are_read_is_told(declare: Declare, server: dict[str, Any], small_batches: None):
    with TemporaryDirectory() as folder, postgres_server(Path(folder) / "mortal") as port:
        url = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres"
        tables = opened(declare, server | SERIES | {"url": url, "parameters": {"rows": 100_000}})
        assert [next(tables).num_rows for _ in range(2)] == [0, 10]
    with pytest.raises(SourceError, match=rf"127\.0\.0\.1:{port}/postgres: .*run again") as failed:
        list(tables)
    told_without_password(failed)


def test_nothing_stays_connected_after_a_failure(declare: Declare, server: dict[str, Any], tmp_path: Path):
    config = declare({"loans": server | {"query": "SELECT 1 AS loan_id, 2 AS other"}})
    with pytest.raises(SchemaError, match="title"):
        stage(config, tmp_path)
    engine = sa.create_engine(config.address(server["url"], where="url"), poolclass=sa.NullPool)
    clients = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    for _ in range(50):
        with engine.connect() as connection:
            if not (left := connection.execute(sa.text(clients)).scalar_one()):
                break
        time.sleep(0.05)
    assert left == 0
