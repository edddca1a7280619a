import builtins
import logging
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from loantap.errors import InputError, MissingToolError, SchemaError, SourceError
from loantap_sources.connectors import databricks
from loantap_sources.connectors.base import Brought
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.open import open_source
from loantap_sources.staging import raw, stage

pytest.importorskip("databricks.sql")

from databricks.sql.auth import retry
from databricks.sql.backend import thrift_backend
from databricks.sql.thrift_api.TCLIService import ttypes
from stand_ins.databricks_server import DatabricksStandIn, ThriftService
from thrift.transport.TTransport import TTransportException

from loantap.settings import how_to_add

pytestmark = pytest.mark.slow

Declare = Callable[..., Config]

TOKEN = "dapi-0123456789-of-the-test"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS loan_id FROM n"
EVIL = "'; DROP TABLE loans; --"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)


@pytest.fixture(autouse=True)
def everything_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does, no log record holds the token, or a bound value."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
        told = f"{record.getMessage()} {record.__dict__}"
        assert TOKEN not in told
        assert EVIL not in told


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts at a request, which are not waited for."""
    waited: list[float] = []
    for module in (retry, thrift_backend):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=time.time, sleep=waited.append))
    return waited


@pytest.fixture
def loans(database: Callable[..., Path]) -> Path:
    return database(
        "CREATE TABLE loans (loan_id INTEGER, loan_amnt REAL, issue_d TEXT, title TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)"
        "INSERT INTO loans SELECT i, i * 500, '2015-01-31', CASE i WHEN 3 THEN '''; DROP TABLE loans; --' END FROM n"
    )


def source(server: DatabricksStandIn, **others: Any) -> dict[str, Any]:
    return {
        "kind": "databricks",
        "host": server.uri,
        "http_path": server.http_path,
        "query": "SELECT * FROM loans ORDER BY loan_id",
        "columns": ["loan_amnt", "issue_d", "title"],
        "time_limit": 20,
        "retries": 2,
        **others,
    }


def opened(declare: Declare, settings: dict[str, Any]) -> Brought:
    config = declare({"loans": settings})
    return open_source("loans", config.sources["loans"], config, staging=config.path.parent)


def read(declare: Declare, settings: dict[str, Any]) -> pa.Table:
    tables = opened(declare, settings).tables
    return pa.concat_tables([raw(table, declare({"loans": settings}).sources["loans"]) for table in tables])


def failure(declare: Declare, settings: dict[str, Any], kind: type[Exception] = SourceError) -> str:
    with pytest.raises(kind) as failed:
        read(declare, settings)
    message = str(failed.value)
    assert TOKEN not in message
    assert "\n" not in message
    return message


def test_rows_come_in_the_raw_format(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token=TOKEN, batch_rows=10) as server:
        table = read(declare, source(server))
    assert table["loan_id"].to_pylist() == [str(number) for number in range(1, 26)]
    assert table.slice(2, 1).to_pylist() == [
        {"loan_id": "3", "loan_amnt": "1500", "issue_d": "Jan-2015", "title": EVIL}
    ]
    assert table["title"].null_count == 24


def test_rows_are_handed_over_in_batches(declare: Declare, loans: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(databricks, "BATCH_ROWS", 10)
    with DatabricksStandIn(loans, token=TOKEN, batch_rows=4) as server:
        brought = opened(declare, source(server))
        assert [table.num_rows for table in brought.tables] == [10, 10, 5]
    assert brought.facts == {"location": f"databricks 127.0.0.1{server.http_path}"}


def test_a_value_is_bound_and_not_written_into_the_query(declare: Declare, loans: Path):
    query = "SELECT * FROM loans WHERE title = :title AND loan_id > :low"
    with DatabricksStandIn(loans, token=TOKEN) as server:
        parameters = {"title": EVIL, "low": 1}
        found = read(declare, source(server, query=query, parameters=parameters))
        assert server.queries == [(query, parameters)]
        assert read(declare, source(server)).num_rows == 25
    assert found["loan_id"].to_pylist() == ["3"]


def test_types_of_a_lakehouse_come_in_the_raw_format(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        settings = declare({"loans": source(server)}).sources["loans"]
    typed = {
        "loan_id": pa.array([17], pa.int32()),
        "loan_amnt": pa.array([Decimal("5000.50")]),
        "issue_d": pa.array([date(2015, 1, 31)]),
        "title": pa.array([datetime(2015, 1, 31, 9)], pa.timestamp("us", "Etc/UTC")),
    }
    assert raw(pa.table(typed), settings).to_pylist() == [
        {"loan_id": "17", "loan_amnt": "5000.5", "issue_d": "Jan-2015", "title": "2015-01-31 09:00:00.000000"}
    ]


@pytest.mark.fault("source with zero rows")
def test_an_empty_result_is_a_clear_error(declare: Declare, loans: Path, tmp_path: Path):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        config = declare({"loans": source(server, query="SELECT * FROM loans WHERE loan_id < 0")})
        with pytest.raises(SchemaError, match=r"'loans' \(databricks 127\.0\.0\.1/sql.*expected rows, it brought none"):
            stage(config, tmp_path)


@pytest.mark.fault("wrong password or token")
def test_a_wrong_token_is_refused_at_once(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token="another") as server:
        started = time.monotonic()
        assert "the server refused the token (403). Check the token" in failure(declare, source(server))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("token", ["", "  ", "two words", "two\nlines"])
def test_what_is_no_token_is_not_sent(declare: Declare, loans: Path, monkeypatch: pytest.MonkeyPatch, token: str):
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    with DatabricksStandIn(loans, token=TOKEN) as server:
        message = failure(declare, source(server), InputError)
    assert "sources.loans.token: expected a token" in message
    assert not token.strip() or token not in message


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_query_ends_at_its_limit(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        started = time.monotonic()
        message = failure(declare, source(server, query=ENDLESS, time_limit=1))
    assert "expected all rows within 1 s" in message
    assert time.monotonic() - started < 3


@pytest.mark.fault("server that does not answer, or not in time")
def test_rows_that_come_too_slowly_end_at_the_limit(declare: Declare, loans: Path, monkeypatch: pytest.MonkeyPatch):
    class Slow(DatabricksStandIn):
        def before(self, method_name: str) -> None:
            time.sleep(0.4 if method_name == "FetchResults" else 0)

    monkeypatch.setattr(databricks, "BATCH_ROWS", 2)
    with Slow(loans, token=TOKEN, batch_rows=2) as server:
        started = time.monotonic()
        assert "expected all rows within 1 s" in failure(declare, source(server, time_limit=1))
    assert time.monotonic() - started < 3


def test_a_wrong_query_is_told(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        message = failure(declare, source(server, query="SELECT salary FROM loans"))
    assert "no such column: salary" in message


class FailingService(ThriftService):
    """Answers the third request for rows with an error."""

    fetched = 0

    def FetchResults(self, request: Any) -> Any:  # noqa: N802
        self.fetched += 1
        if self.fetched < 3:
            return super().FetchResults(request)
        status = ttypes.TStatus(ttypes.TStatusCode.ERROR_STATUS, errorMessage="the cluster was terminated")
        return ttypes.TFetchResultsResp(status=status)


class Failing(DatabricksStandIn):
    service = FailingService


@pytest.mark.fault("connection lost while rows are read")
def test_an_error_half_way_is_told(declare: Declare, loans: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(databricks, "BATCH_ROWS", 5)
    with Failing(loans, token=TOKEN, batch_rows=5) as server:
        tables = opened(declare, source(server)).tables
        assert [next(tables).num_rows, next(tables).num_rows] == [5, 5]
        with pytest.raises(SourceError, match=r"127\.0\.0\.1/sql.*the cluster was terminated"):
            list(tables)


class Busy(DatabricksStandIn):
    """Has no time for the first requests of one kind."""

    method, times = "ExecuteStatement", 1
    refused = 0

    def before(self, method_name: str) -> int | None:
        if method_name != self.method or self.refused == self.times:
            return None
        self.refused += 1
        return 503


@pytest.mark.fault("server that does not answer, or not in time")
@pytest.mark.parametrize("method", ["OpenSession", "ExecuteStatement", "GetOperationStatus", "FetchResults"])
def test_a_server_that_recovers_within_the_retries_is_read(
    declare: Declare, loans: Path, pauses: list[float], method: str
):
    with Busy(loans, token=TOKEN, batch_rows=10) as server:
        server.method = method
        assert read(declare, source(server)).num_rows == 25
    assert (server.refused, len(pauses)) == (1, 1)


@pytest.mark.fault("server that does not answer, or not in time")
@pytest.mark.parametrize("method", ["OpenSession", "ExecuteStatement", "GetOperationStatus", "FetchResults"])
def test_a_server_that_does_not_recover_is_told_after_the_retries(
    declare: Declare, loans: Path, pauses: list[float], method: str
):
    with Busy(loans, token=TOKEN, batch_rows=10) as server:
        server.method, server.times = method, 1_000
        message = failure(declare, source(server, retries=3))
    assert message.startswith(f"databricks 127.0.0.1{server.http_path}: ")
    assert "run again when the server answers" in message
    assert 2 <= len(pauses) < 20


def test_no_pause_is_longer_than_the_time_that_is_left(declare: Declare, loans: Path):
    with Busy(loans, token=TOKEN) as server:
        server.times = 1_000
        started = time.monotonic()
        failure(declare, source(server, time_limit=1, retries=5))
    assert time.monotonic() - started < 3


class Dropping(DatabricksStandIn):
    """Drops the connection when rows are asked for."""

    def before(self, method_name: str) -> None:
        if method_name == "FetchResults":
            raise ConnectionAbortedError


@pytest.mark.fault("connection lost while rows are read")
def test_a_dropped_connection_is_told(declare: Declare, loans: Path):
    with Dropping(loans, token=TOKEN, batch_rows=10) as server:
        message = failure(declare, source(server, retries=1))
    assert "run again when the server answers" in message


class LosingService(ThriftService):
    """Serves a request for rows, but the answer is lost."""

    def FetchResults(self, request: Any) -> Any:  # noqa: N802
        super().FetchResults(request)
        raise TTransportException


class Losing(DatabricksStandIn):
    service = LosingService


@pytest.mark.fault("connection lost while rows are read")
def test_a_lost_answer_does_not_lose_rows(declare: Declare, loans: Path):
    with Losing(loans, token=TOKEN, batch_rows=10) as server:
        failure(declare, source(server, retries=1))


@pytest.mark.fault("server that does not answer, or not in time")
def test_a_server_that_is_not_there_is_told(declare: Declare, loans: Path):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        pass
    message = failure(declare, source(server, retries=1))
    assert message.startswith("databricks 127.0.0.1/sql")


@pytest.mark.parametrize(
    "host",
    [
        "http://adb.example.com",
        "http://127.0.0.1@adb.example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "https://",
    ],
)
def test_a_token_is_not_sent_without_tls_beyond_loopback(declare: Declare, loans: Path, host: str):
    with DatabricksStandIn(loans, token=TOKEN) as server:
        message = failure(declare, source(server, host=host), InputError)
    assert "sources.loans.host: expected a server's name or https://" in message


@pytest.mark.parametrize(
    ("host", "http_path", "uri"),
    [
        ("http://localhost:8080", "/sql", "http://localhost:8080/sql"),
        ("http://[::1]:8080", "sql", "http://[::1]:8080/sql"),
        ("http://127.0.0.1:80", "@adb.example.com/sql", "http://127.0.0.1:80/@adb.example.com/sql"),
        ("http://adb.example.com\\@127.0.0.1", "/sql", "http://127.0.0.1:80/sql"),
    ],
)
def test_an_address_without_tls_leads_to_loopback_and_nowhere_else(host: str, http_path: str, uri: str):
    assert databricks.connection_arguments(host, http_path, TOKEN, where="here")["_connection_uri"] == uri


@pytest.mark.parametrize("host", ["adb.example.com", "https://adb.example.com", "https://adb.example.com:443/"])
def test_an_address_with_tls_is_the_servers_name(host: str):
    arguments = databricks.connection_arguments(host, "/sql", TOKEN, where="here")
    assert arguments["server_hostname"] == "adb.example.com"
    assert "_connection_uri" not in arguments
    assert arguments["enable_telemetry"] is False


def test_without_the_connector_the_extra_is_named(declare: Declare, loans: Path, monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "databricks":
            raise ModuleNotFoundError("No module named 'databricks'")
        return real(name, *arguments, **named)

    with DatabricksStandIn(loans, token=TOKEN) as server:
        monkeypatch.setattr(builtins, "__import__", without)
        message = failure(declare, source(server), MissingToolError)
    assert how_to_add("databricks") in message
