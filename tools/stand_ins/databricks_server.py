"""A stand-in for Databricks: the Thrift service its official connector speaks, answered from a SQLite file.

The connector is the real one; the warehouse, its SQL and its types are SQLite's. The server listens on the loopback
interface only and, without a volume, reads the file read-only; who knows the token is trusted, and a statement reaches SQLite as written, but for the marks of bound values.
"""
# ruff: noqa: N802 - the methods of the service and of the handler are called by these names

import functools
import hmac
import http.server
import re
import socketserver
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer, TTransportException

from stand_ins.sqlite_statements import SUCCESS, Operation, Result, Session, bound, identifier
from stand_ins.volume import staging

_MARK = re.compile(r":`(\w+)`")
_FAILURES = (sqlite3.Error, sqlite3.Warning, pa.ArrowException, LookupError, ValueError)


def _answers(response: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Turn the failures of a method into a response with an error status."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def answer(self: Any, request: Any) -> Any:
            try:
                return method(self, request)
            except _FAILURES as error:
                return response(status=ttypes.TStatus(ttypes.TStatusCode.ERROR_STATUS, errorMessage=str(error)))

        return answer

    return decorate


class ThriftService:
    """What the Thrift processor calls. A test overrides a method to put a fault into it.

    An overriding method that raises a TTransportException drops the connection: the request was served, its answer lost.

    Attributes:
        patience: Seconds that a request waits for a statement to end before it says that the statement is running.
    """

    patience = 0.5

    def __init__(self, stand_in: "DatabricksStandIn") -> None:
        self.stand_in = stand_in
        self._sessions: dict[bytes, Session] = {}
        self._operations: dict[bytes, Operation] = {}

    def _session(self, handle: ttypes.TSessionHandle) -> Session:
        if session := self._sessions.get(handle.sessionId.guid):
            return session
        raise LookupError("Invalid SessionHandle")

    def _operation(self, handle: ttypes.TOperationHandle) -> Operation:
        if operation := self._operations.get(handle.operationId.guid):
            return operation
        raise LookupError("Invalid OperationHandle")

    @_answers(ttypes.TOpenSessionResp)
    def OpenSession(self, request: ttypes.TOpenSessionReq) -> ttypes.TOpenSessionResp:
        """Open a session; version 8 of the protocol has Arrow results and bound parameters."""
        version = ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
        handle = ttypes.TSessionHandle(identifier(), version)
        self._sessions[handle.sessionId.guid] = Session(
            self.stand_in.database, request.configuration or {}, self.stand_in.volume
        )
        return ttypes.TOpenSessionResp(SUCCESS, version, handle, canUseMultipleCatalogs=True)

    @_answers(ttypes.TExecuteStatementResp)
    def ExecuteStatement(self, request: ttypes.TExecuteStatementReq) -> ttypes.TExecuteStatementResp:
        """Start a statement, and answer with its first rows if they come soon."""
        operation = Operation(self._session(request.sessionHandle))
        values = bound(request.parameters or [])
        self.stand_in.queries.append((request.statement, values))
        operation.result = operation.submit(
            # SQLAlchemy writes the mark of a value as :`name`, which is SQL to Databricks and not to SQLite.
            Result, operation.session, self.stand_in.database, _MARK.sub(r":\1", request.statement),
            list(values.values()) if 1 in values else values, self.stand_in.batch_rows,
            staging(request.statement, self.stand_in.uri) if self.stand_in.volume else None, seconds=operation.session.seconds,
        )  # fmt: skip
        self._operations[operation.handle.operationId.guid] = operation
        response = ttypes.TExecuteStatementResp(SUCCESS, operation.handle)
        if request.getDirectResults:
            direct = response.directResults = ttypes.TSparkDirectResults(operation.status(self.patience))
            if direct.operationStatus.operationState == ttypes.TOperationState.FINISHED_STATE:
                rows = operation.submit(operation.result.result().take, request.getDirectResults.maxRows).result()
                direct.resultSet, direct.resultSetMetadata = rows, rows.resultSetMetadata
                if not rows.hasMoreRows:
                    direct.closeOperation = self._close(operation)
        return response

    @_answers(ttypes.TGetOperationStatusResp)
    def GetOperationStatus(self, request: ttypes.TGetOperationStatusReq) -> ttypes.TGetOperationStatusResp:
        """Say whether a statement has ended, and how."""
        return self._operation(request.operationHandle).status(self.patience)

    @_answers(ttypes.TGetResultSetMetadataResp)
    def GetResultSetMetadata(self, request: ttypes.TGetResultSetMetadataReq) -> ttypes.TGetResultSetMetadataResp:
        """Describe the columns of a result."""
        return self._operation(request.operationHandle).result.result().metadata()

    @_answers(ttypes.TFetchResultsResp)
    def FetchResults(self, request: ttypes.TFetchResultsReq) -> ttypes.TFetchResultsResp:
        """Answer with the next rows of a result."""
        operation = self._operation(request.operationHandle)
        return operation.submit(operation.result.result().take, request.maxRows).result()

    @_answers(ttypes.TCancelOperationResp)
    def CancelOperation(self, request: ttypes.TCancelOperationReq) -> ttypes.TCancelOperationResp:
        """Have SQLite give a statement up."""
        self._operation(request.operationHandle).canceled = True
        return ttypes.TCancelOperationResp(SUCCESS)

    @_answers(ttypes.TCloseOperationResp)
    def CloseOperation(self, request: ttypes.TCloseOperationReq) -> ttypes.TCloseOperationResp:
        """Forget a statement, whether or not its rows were read."""
        return self._close(self._operation(request.operationHandle))

    def _close(self, operation: Operation) -> ttypes.TCloseOperationResp:
        operation.canceled = True
        del self._operations[operation.handle.operationId.guid]
        return ttypes.TCloseOperationResp(SUCCESS)

    @_answers(ttypes.TCloseSessionResp)
    def CloseSession(self, request: ttypes.TCloseSessionReq) -> ttypes.TCloseSessionResp:
        """Close a session and its statements."""
        session = self._session(request.sessionHandle)
        for operation in [each for each in self._operations.values() if each.session is session]:
            self._close(operation)
        session.close()
        del self._sessions[request.sessionHandle.sessionId.guid]
        return ttypes.TCloseSessionResp(SUCCESS)

    def close(self) -> None:
        """Close what clients left open."""
        for guid in list(self._sessions):
            self.CloseSession(ttypes.TCloseSessionReq(ttypes.TSessionHandle(ttypes.THandleIdentifier(guid))))


class _Server(http.server.ThreadingHTTPServer):
    stand_in: "DatabricksStandIn"

    def server_bind(self) -> None:
        # HTTPServer would look the name of the host up, which may ask a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer one Thrift message, and close the connection."""
        # Connections end early because a subclass says so, because the service does (the only error of its that the
        # processor lets through), and because a client gave up waiting.
        with suppress(ConnectionError, TTransportException):
            self._answer()

    def _answer(self) -> None:
        stand_in = self.server.stand_in
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization = self.headers.get("Authorization", "")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {stand_in.token}".encode()):
            return self._reply(403, {"x-databricks-reason-phrase": "Invalid access token."})
        if self.path != stand_in.http_path:
            return self._reply(404)
        status = stand_in.before(TBinaryProtocol(TMemoryBuffer(body)).readMessageBegin()[0])
        if status is not None:
            return self._reply(status)
        answer = TMemoryBuffer()
        stand_in.processor.process(TBinaryProtocol(TMemoryBuffer(body)), TBinaryProtocol(answer))
        return self._reply(200, {"Content-Type": "application/x-thrift"}, answer.getvalue())

    def do_PUT(self) -> None:
        """Take a file into the volume."""
        if path := self._in_volume():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(200 if path else 404)

    def do_DELETE(self) -> None:
        """Remove a file of the volume."""
        if path := self._in_volume():
            path.unlink(missing_ok=True)
        self._reply(200 if path else 404)

    def _in_volume(self) -> Path | None:
        volume, name = self.server.stand_in.volume, self.path.removeprefix("/Volumes/")
        return volume / name if volume and self.path.startswith("/Volumes/") and ".." not in name else None

    def _reply(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: a demonstration prints its own lines."""


class DatabricksStandIn:
    """A server that runs while the context is entered.

    Attributes:
        service: The class of the service; a subclass may put faults into it.
        uri: Scheme, address and port.
        http_path: What follows the port.
        volume: The folder that stands in for /Volumes; None where nothing may be written.
        queries: The statements that came, each with the values bound to it, by name or by position from 1 on.
    """

    service: type[ThriftService] = ThriftService
    http_path = "/sql/1.0/warehouses/standin"

    def __init__(self, database: Path, *, token: str, batch_rows: int = 10_000, volume: Path | None = None) -> None:
        self.database = database
        self.volume = volume
        self.token = token
        self.batch_rows = batch_rows
        self.queries: list[tuple[str, dict[Any, Any]]] = []
        self._service = self.service(self)
        self.processor = TCLIService.Processor(self._service)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def before(self, method_name: str) -> int | None:
        """Return an HTTP status to answer a request with, or None to serve it.

        A subclass overrides this. If it raises a ConnectionAbortedError, the connection is dropped without an answer.
        """

    def __enter__(self) -> Self:
        # The short interval is how long leaving the context may take.
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._service.close()


if __name__ == "__main__":
    with DatabricksStandIn(Path(sys.argv[1]), token="standin") as running:
        print(
            f"export DATABRICKS_HOST={running.uri} DATABRICKS_HTTP_PATH={running.http_path} DATABRICKS_TOKEN=standin",
            flush=True,
        )
        threading.Event().wait()
