import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

databricks = pytest.importorskip("databricks.sql")

from databricks.sql import exc  # noqa: E402
from stand_ins import databricks_server  # noqa: E402
from stand_ins.databricks_server import DatabricksStandIn, ThriftService  # noqa: E402
from thrift.transport.TTransport import TTransportException  # noqa: E402

TOKEN = "dapi-of-the-test"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "loans.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE loans (id INTEGER, amount REAL, title TEXT, note TEXT)")
    titles = {3: "O'Brien", 4: None}
    connection.executemany(
        "INSERT INTO loans VALUES (?, ?, ?, NULL)", [(i, i / 2, titles.get(i, f"title {i}")) for i in range(25)]
    )
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def server(database):
    with DatabricksStandIn(database, token=TOKEN, batch_rows=10) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def connect(server, token=TOKEN, **options):
    return databricks.connect(
        server_hostname="127.0.0.1",
        http_path=server.http_path,
        access_token=token,
        _connection_uri=server.uri + server.http_path,
        enable_telemetry=False,
        use_cloud_fetch=False,
        _retry_stop_after_attempts_count=2,
        _retry_stop_after_attempts_duration=2,
        _retry_delay_min=0.1,
        **options,
    )


def test_all_rows_come_in_batches_with_the_declared_types(server):
    with connect(server) as connection, connection.cursor() as cursor:
        table = cursor.execute("SELECT * FROM `loans` ORDER BY id").fetchall_arrow()
    assert table.column("id").to_pylist() == list(range(25))
    assert table.column("id").num_chunks == 3
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.string()]
    assert table.column("title").to_pylist()[3:5] == ["O'Brien", None]
    assert table.column("note").null_count == 25


def test_rows_are_handed_out_in_portions_of_any_size(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM loans ORDER BY id")
        portions = [cursor.fetchmany_arrow(7).column("id").to_pylist() for _ in range(5)]
    assert [len(portion) for portion in portions] == [7, 7, 7, 4, 0]
    assert [i for portion in portions for i in portion] == list(range(25))


def test_a_small_result_comes_with_the_answer_to_the_statement(database):
    asked = []

    class Listening(DatabricksStandIn):
        def before(self, method_name):
            asked.append(method_name)

    with Listening(database, token=TOKEN) as server, connect(server) as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM loans").fetchone()[0] == 25
    assert asked == ["OpenSession", "ExecuteStatement", "CloseSession"]


def test_types_of_expressions_come_from_the_rows(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) AS n, avg(amount) AS mean, min(title) AS t, NULL AS empty FROM loans")
        assert cursor.fetchall_arrow().schema.types == [pa.int64(), pa.float64(), pa.string(), pa.string()]


@pytest.mark.parametrize(
    ("condition", "parameters", "bound"),
    [
        ("title = :title", {"title": "O'Brien"}, {"title": "O'Brien"}),
        ("id = :id AND amount > :low", {"id": 3, "low": 0.5}, {"id": 3, "low": 0.5}),
        ("id + 3000000000 = :big AND :yes", {"big": 3_000_000_003, "yes": True}, {"big": 3_000_000_003, "yes": 1}),
        ("id = ? AND title LIKE ?", [3, "O'%"], {1: 3, 2: "O'%"}),
        ("id = 3 AND :nothing IS NULL", {"nothing": None}, {"nothing": None}),
    ],
)
def test_parameters_are_bound(server, condition, parameters, bound):
    statement = f"SELECT id FROM loans WHERE {condition}"
    with connect(server) as connection, connection.cursor() as cursor:
        assert [row.id for row in cursor.execute(statement, parameters).fetchall()] == [3]
    assert server.queries == [(statement, bound)]


def test_an_empty_result_has_its_columns(server):
    with connect(server) as connection, connection.cursor() as cursor:
        table = cursor.execute("SELECT id, amount, title FROM loans WHERE id < 0").fetchall_arrow()
    assert table.num_rows == 0
    assert table.schema == pa.schema([("id", pa.int64()), ("amount", pa.float64()), ("title", pa.string())])


def test_an_error_of_the_statement_is_told_and_the_session_goes_on(server):
    with connect(server) as connection, connection.cursor() as cursor:
        with pytest.raises(exc.ServerOperationError, match="no such column: salary"):
            cursor.execute("SELECT salary FROM loans")
        assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_the_file_cannot_be_written(server):
    with (
        connect(server) as connection,
        connection.cursor() as cursor,
        pytest.raises(exc.ServerOperationError, match="readonly"),
    ):
        cursor.execute("DELETE FROM loans")


def test_a_wrong_token_is_refused_at_once(server):
    start = time.monotonic()
    with pytest.raises(exc.RequestError, match="Invalid access token") as refused:
        connect(server, token="another")
    assert refused.value.context["http-code"] == 403
    assert time.monotonic() - start < 1


def test_two_connections_read_at_once(server):
    with connect(server) as one, connect(server) as two, one.cursor() as first, two.cursor() as second:
        first.execute("SELECT id FROM loans ORDER BY id")
        second.execute("SELECT id FROM loans ORDER BY id DESC")
        pairs = [(first.fetchone().id, second.fetchone().id) for _ in range(25)]
    assert pairs == [(i, 24 - i) for i in range(25)]


def test_two_cursors_share_a_session(server):
    with connect(server) as connection, connection.cursor() as first, connection.cursor() as second:
        first.execute("SELECT id FROM loans ORDER BY id")
        second.execute("SELECT id FROM loans WHERE id >= 5 ORDER BY id")
        assert second.fetchall_arrow().num_rows == 20
        assert first.fetchall_arrow().num_rows == 25


def test_a_result_can_be_asked_for_later(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute_async("SELECT id FROM loans ORDER BY id")
        cursor.get_async_execution_result()
        assert cursor.fetchall_arrow().column("id").to_pylist() == list(range(25))


def test_a_running_statement_is_canceled(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute_async(ENDLESS)
        assert cursor.is_query_pending()
        cursor.cancel()
        assert not cursor.is_query_pending()
        assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_a_session_may_limit_the_time_of_its_statements(server):
    with (
        connect(server, session_configuration={"STATEMENT_TIMEOUT": 0.2}) as connection,
        connection.cursor() as cursor,
        pytest.raises(exc.ServerOperationError, match="STATEMENT_TIMEOUT"),
    ):
        cursor.execute(ENDLESS)


def test_a_status_can_take_the_place_of_an_answer(database):
    class Busy(DatabricksStandIn):
        def before(self, method_name):
            return 503 if method_name == "ExecuteStatement" else None

    with (
        Busy(database, token=TOKEN) as server,
        connect(server) as connection,
        connection.cursor() as cursor,
        pytest.raises(exc.RequestError) as failed,
    ):
        cursor.execute("SELECT 1")
    assert failed.value.context["method"] == "ExecuteStatement"


def test_a_lost_answer_does_not_lose_rows_unnoticed(database):
    class Losing(ThriftService):
        lost = False

        def FetchResults(self, request):  # noqa: N802
            answer = super().FetchResults(request)
            if not self.lost:
                self.lost = True
                raise TTransportException
            return answer

    class Server(DatabricksStandIn):
        service = Losing

    with (
        Server(database, token=TOKEN, batch_rows=10) as server,
        connect(server) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT id FROM loans")
        with pytest.raises(exc.DataError, match="skipped"):
            cursor.fetchall_arrow()


def test_a_dropped_connection_ends_in_an_error(database):
    urllib3 = pytest.importorskip("urllib3")

    class Dropping(DatabricksStandIn):
        def before(self, method_name):
            if method_name == "FetchResults":
                raise ConnectionAbortedError

    with (
        Dropping(database, token=TOKEN, batch_rows=10) as server,
        connect(server) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT id FROM loans")
        with pytest.raises(urllib3.exceptions.MaxRetryError):
            cursor.fetchall_arrow()


def test_nothing_listens_after_the_end(database):
    urllib3 = pytest.importorskip("urllib3")
    with DatabricksStandIn(database, token=TOKEN) as server:
        connect(server).close()
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        connect(server)


def test_it_is_started_by_hand(database: Path):
    words = [sys.executable, "-m", databricks_server.__name__, database]
    tools = Path(databricks_server.__file__).parents[1]
    with subprocess.Popen(words, cwd=tools, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        told = dict(word.split("=", 1) for word in started.stdout.readline().split()[1:])
        try:
            assert urlsplit(told["DATABRICKS_HOST"]).port
            assert told["DATABRICKS_HTTP_PATH"] == DatabricksStandIn.http_path
        finally:
            started.terminate()
