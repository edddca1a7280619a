import builtins
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from postgres import PASSWORD

from loantap.errors import InputError, MissingToolError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors import sql
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.kinds import OdbcSource
from loantap_sources.connectors.open import open_source
from loantap_sources.connectors.secrets import Secrets
from loantap_sources.connectors.sql import odbc_tables
from loantap_sources.staging import raw

Declare = Callable[..., Config]
Database = Callable[..., Path]

EVIL = "'; DROP TABLE loans; --"
pytestmark = pytest.mark.usefixtures("odbc_drivers")


@pytest.fixture
def sqlite(database: Database) -> dict[str, Any]:
    """Settings of a source on a SQLite file with two loans."""
    path = database(
        "CREATE TABLE loans (loan_id INTEGER, loan_amnt REAL, title TEXT);"
        "INSERT INTO loans VALUES (1, 5000, 'car'), (2, NULL, '''; DROP TABLE loans; --')"
    )
    return {
        "kind": "odbc",
        "connection": f"Driver={{SQLite3}};Database={path}",
        "query": "SELECT * FROM loans ORDER BY loan_id",
        "columns": ["loan_amnt", "title"],
    }


@pytest.fixture
def server(postgres: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a source on PostgreSQL."""
    # In braces, ODBC takes any character; psqlODBC wants %, + and the like as in a URL.
    monkeypatch.setenv("ODBC_PASSWORD", "{" + PASSWORD + "}")
    where = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={postgres};Database=postgres"
    return {
        "kind": "odbc",
        "connection": f"{where};UID=analyst;PWD=${{ODBC_PASSWORD}}",
        "query": "SELECT i AS loan_id, 'loan ' || i AS title FROM generate_series(1, 25) AS s(i)",
        "columns": ["title"],
    }


def read(declare: Declare, source: dict[str, Any]) -> pa.Table:
    config = declare({"loans": source})
    brought = open_source("loans", config.sources["loans"], config, staging=config.path.parent)
    return pa.concat_tables([raw(table, config.sources["loans"]) for table in brought.tables])


def test_rows_of_sqlite_come_in_the_raw_format(declare: Declare, sqlite: dict[str, Any]):
    assert read(declare, sqlite).to_pylist() == [
        {"loan_id": "1", "loan_amnt": "5000", "title": "car"},
        {"loan_id": "2", "loan_amnt": None, "title": EVIL},
    ]


def test_values_are_bound_by_name_and_as_often_as_they_stand(declare: Declare, sqlite: dict[str, Any]):
    query = "SELECT * FROM loans WHERE title = :title AND loan_id > :low AND title = :title"
    found = read(declare, sqlite | {"query": query, "parameters": {"low": 0, "title": EVIL}})
    assert found["loan_id"].to_pylist() == ["2"]
    assert read(declare, sqlite).num_rows == 2


def test_a_parameter_without_a_value_is_named(declare: Declare, sqlite: dict[str, Any]):
    with pytest.raises(InputError, match=r"under 'parameters'.*:low"):
        read(declare, sqlite | {"query": "SELECT * FROM loans WHERE loan_id > :low"})


def test_a_query_changes_nothing(declare: Declare, sqlite: dict[str, Any]):
    with pytest.raises((InputError, SourceError)):
        read(declare, sqlite | {"query": "DELETE FROM loans"})
    assert read(declare, sqlite).num_rows == 2


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_query_ends_at_its_limit(declare: Declare, sqlite: dict[str, Any]):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS loan_id FROM n"
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"ODBC Database=.*expected all rows within 0\.5 s"):
        read(declare, sqlite | {"query": endless, "time_limit": 0.5})
    assert time.monotonic() - started < 3


def test_a_wrong_query_is_told(declare: Declare, sqlite: dict[str, Any]):
    with pytest.raises(SourceError, match=r"ODBC Database=.*no such table: absent.*Check table and columns"):
        read(declare, sqlite | {"query": "SELECT * FROM absent"})


def test_rows_of_postgresql_come_in_batches(declare: Declare, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "BATCH_ROWS", 10)
    config = declare({"loans": server})
    brought = open_source("loans", config.sources["loans"], config, staging=config.path.parent)
    assert [table.num_rows for table in brought.tables] == [0, 10, 10, 5]
    assert brought.facts == {"location": "ODBC Server=127.0.0.1;Database=postgres"}


def test_values_of_postgresql_come_in_the_raw_format(declare: Declare, server: dict[str, Any]):
    query = """SELECT * FROM (VALUES
        (17::numeric(9, 2), 11.50::numeric(5, 2), DATE '2015-01-31', NULL::text),
        (18, NULL, NULL, 'Émile')
    ) AS loans (loan_id, int_rate, issue_d, title)"""
    columns = ["int_rate", "issue_d", "title"]
    assert read(declare, server | {"query": query, "columns": columns}).to_pylist() == [
        {"loan_id": "17", "int_rate": "11.5", "issue_d": "Jan-2015", "title": None},
        {"loan_id": "18", "int_rate": None, "issue_d": None, "title": "Émile"},
    ]


def test_a_value_is_bound_on_postgresql_too(declare: Declare, server: dict[str, Any]):
    query = {"query": "SELECT 1 AS loan_id, CAST(:evil AS text) AS title", "parameters": {"evil": EVIL}}
    assert read(declare, server | query)["title"].to_pylist() == [EVIL]


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_query_on_postgresql_ends_at_its_limit(declare: Declare, server: dict[str, Any]):
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"expected all rows within 0\.5 s"):
        read(declare, server | {"query": "SELECT 1 AS loan_id, pg_sleep(20) AS title", "time_limit": 0.5})
    assert time.monotonic() - started < 3


@pytest.mark.fault("wrong password or token")
def test_a_wrong_password_is_told_without_it(declare: Declare, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ODBC_PASSWORD", "{wr@ng;one}")
    with pytest.raises(SourceError, match=r"authentication failed.*Check the user, the secret") as failed:
        read(declare, server)
    assert "wr@ng" not in str(failed.value)


@pytest.mark.parametrize("name", ["Driver={Absent}", "DSN=Absent"])
def test_a_driver_that_is_not_installed_is_named_with_those_that_are(
    declare: Declare, sqlite: dict[str, Any], name: str
):
    with pytest.raises(MissingToolError, match=r"installed are: .*SQLite3"):
        read(declare, sqlite | {"connection": f"{name};Database=any"})


def test_a_driver_whose_file_is_absent_is_missing_too(declare: Declare, sqlite: dict[str, Any]):
    with pytest.raises(MissingToolError, match=r"/absent/lib\.so.*Install the driver"):
        read(declare, sqlite | {"connection": "Driver=/absent/lib.so;Database=any"})


def test_without_pyodbc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "pyodbc":
            raise ImportError("libodbc.so.2: cannot open shared object file")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    source = OdbcSource(kind="odbc", connection="DSN=loans", query="SELECT 1", columns=["title"])
    with pytest.raises(MissingToolError, match=rf"(?s)libodbc.*{re.escape(how_to_add('odbc'))}\n.*unixodbc"):
        odbc_tables(source, "DSN=loans", secrets=Secrets({}))


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        ("DSN=loans;PWD=secret", "ODBC DSN=loans"),
        ("Driver={x};Server = db ; UID=me;PWD={a;Server=secret}", "ODBC Server=db "),
        ("PWD={a}};DSN=secret};Database={my db}", "ODBC Database={my db}"),
        ("Driver={x};PWD=secret", "ODBC connection"),
    ],
)
def test_only_the_place_is_shown_of_a_connection(connection: str, shown: str):
    source = OdbcSource(kind="odbc", connection="DSN=loans", query="SELECT 1", columns=["title"])
    location = odbc_tables(source, connection, secrets=Secrets({})).facts["location"]
    assert location == shown
    assert "secret" not in location
