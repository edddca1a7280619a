"""Statements of a stand-in for Databricks: run by SQLite, answered in the types of Thrift and Arrow."""

import math
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from types import NoneType
from typing import Any

import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import ttypes

from stand_ins.volume import run

# The affinities CREATE TABLE AS gives to columns; NUM, or none at all, says nothing about the values.
_DECLARED = {"INT": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}
_THRIFT_TYPES = {
    pa.int64(): ttypes.TTypeId.BIGINT_TYPE,
    pa.float64(): ttypes.TTypeId.DOUBLE_TYPE,
    pa.string(): ttypes.TTypeId.STRING_TYPE,
    pa.binary(): ttypes.TTypeId.BINARY_TYPE,
}
# SQLite knows no dates and no decimals: dates and timestamps stay text, and a decimal becomes a double.
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), int),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), float),
    **dict.fromkeys(("STRING", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ"), str),
    "BOOLEAN": lambda text: int(text.lower() == "true"),
}
_STEPS_BETWEEN_CHECKS = 10_000
_TIMED_OUT = "The statement took longer than STATEMENT_TIMEOUT allows."
SUCCESS = ttypes.TStatus(statusCode=ttypes.TStatusCode.SUCCESS_STATUS)


def _open(database: Path, *, writes: bool = False) -> sqlite3.Connection:
    mode = "rwc" if writes else "ro"
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def identifier() -> ttypes.THandleIdentifier:
    """Make a new handle's identifier."""
    return ttypes.THandleIdentifier(guid=uuid.uuid4().bytes, secret=uuid.uuid4().bytes)


def bound(parameters: Iterable[ttypes.TSparkParameter]) -> dict[Any, Any]:
    """Return the values by name, or by position from 1 on where they have no names."""
    values: dict[Any, Any] = {}
    for position, parameter in enumerate(parameters, start=1):
        kind = parameter.type.partition("(")[0]
        if kind != "VOID" and kind not in _FROM_TEXT:
            raise ValueError(f"The stand-in cannot bind a parameter of type {parameter.type}.")
        key = position if parameter.ordinal else parameter.name
        values[key] = None if parameter.value is None else _FROM_TEXT[kind](parameter.value.stringValue)
    return values


def _observed(values: Iterable[Any]) -> pa.DataType:
    kinds = {type(value) for value in values} - {NoneType}
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return pa.binary() if kinds == {bytes} else pa.string()


class Result:
    """The rows of a statement, read as they are asked for; made and used in the thread of its session."""

    def __init__(
        self, session: "Session", database: Path, sql: str, values: Any, batch_rows: int, staged: dict[str, str] | None
    ) -> None:
        self.batch_rows = batch_rows
        self.offset = 0
        self.is_staging = staged is not None
        if staged:  # what the connector has to do with a file is a row
            marks = ", ".join(f":{name} AS {name}" for name in staged)
            sql, values = f"SELECT {marks}", staged
        if session.volume and not staged:
            self.cursor = run(session.connection, sql, values, session.volume)
        else:
            self.cursor = session.connection.execute(sql, values)
        self.ahead = self.cursor.fetchmany(batch_rows)
        names = [column[0] for column in self.cursor.description or ()]
        declared = self._declared(database, sql, values) or [None] * len(names)
        types = [known or _observed(row[i] for row in self.ahead) for i, known in enumerate(declared)]
        self.schema = pa.schema(list(zip(names, types, strict=True)))

    @staticmethod
    def _declared(database: Path, sql: str, values: Any) -> list[pa.DataType | None]:
        # The sqlite3 module does not tell the declared types of a result, but an empty copy of it has them. The copy gets
        # a connection of its own: SQLite drops no table while other statements of its connection are being read.
        inner = sql.rstrip().rstrip(";")
        with closing(_open(database)) as probe:
            try:
                probe.execute(f"CREATE TEMP TABLE shape AS SELECT * FROM (\n{inner}\n) LIMIT 0", values)
            except sqlite3.Error:  # not a SELECT
                return []
            return [_DECLARED.get(row[2]) for row in probe.execute("PRAGMA temp.table_info(shape)")]

    def take(self, limit: int) -> ttypes.TFetchResultsResp:
        """Return the next batch, having read ahead to know whether more rows follow."""
        rows, self.ahead = self.ahead[:limit], self.ahead[limit:]
        batches = []
        if rows:
            columns = zip(zip(*rows, strict=True), self.schema.types, strict=True)
            batch = pa.record_batch([pa.array(values, kind) for values, kind in columns], schema=self.schema)
            batches = [ttypes.TSparkArrowBatch(batch=batch.serialize().to_pybytes(), rowCount=len(rows))]
        self.ahead = self.ahead or self.cursor.fetchmany(self.batch_rows)
        results = ttypes.TRowSet(startRowOffset=self.offset, rows=[], arrowBatches=batches)
        self.offset += len(rows)
        return ttypes.TFetchResultsResp(
            status=SUCCESS, hasMoreRows=bool(self.ahead), results=results, resultSetMetadata=self.metadata()
        )

    def metadata(self) -> ttypes.TGetResultSetMetadataResp:
        """Describe the columns, to Thrift and to Arrow."""
        columns = []
        for position, field in enumerate(self.schema, start=1):
            entry = ttypes.TTypeEntry(primitiveEntry=ttypes.TPrimitiveTypeEntry(type=_THRIFT_TYPES[field.type]))
            columns.append(ttypes.TColumnDesc(field.name, ttypes.TTypeDesc([entry]), position))
        return ttypes.TGetResultSetMetadataResp(
            status=SUCCESS,
            schema=ttypes.TTableSchema(columns),
            resultFormat=ttypes.TSparkRowSetType.ARROW_BASED_SET,
            lz4Compressed=False,
            arrowSchema=self.schema.serialize().to_pybytes(),
            isStagingOperation=self.is_staging,
        )


class Session:
    """A SQLite connection, and the one thread that uses it."""

    def __init__(self, database: Path, configuration: dict[str, str], volume: Path | None = None) -> None:
        self.volume = volume
        self.seconds = float(configuration.get("STATEMENT_TIMEOUT", 0)) or math.inf
        self.worker = ThreadPoolExecutor(max_workers=1)
        self.connection = self.worker.submit(_open, database, writes=volume is not None).result()

    def close(self) -> None:
        """Close the connection once its thread is free."""
        self.worker.submit(self.connection.close)
        self.worker.shutdown(wait=False)


class Operation:
    """One statement of a session."""

    result: Future[Result]

    def __init__(self, session: Session) -> None:
        self.session = session
        self.canceled = False
        self.handle = ttypes.TOperationHandle(identifier(), ttypes.TOperationType.EXECUTE_STATEMENT, hasResultSet=True)

    def submit(self, step: Callable[..., Any], *arguments: Any, seconds: float = math.inf) -> Future[Any]:
        """Run a step in the thread of the session; SQLite asks now and then whether to give it up."""
        deadline = time.monotonic() + seconds

        def run() -> Any:
            self.session.connection.set_progress_handler(
                lambda: self.canceled or time.monotonic() > deadline, _STEPS_BETWEEN_CHECKS
            )
            return step(*arguments)

        return self.session.worker.submit(run)

    def status(self, patience: float) -> ttypes.TGetOperationStatusResp:
        """Say how far the statement is, after waiting a little for its end."""
        wait([self.result], timeout=patience)
        state, message = ttypes.TOperationState.FINISHED_STATE, None
        if self.canceled:
            state = ttypes.TOperationState.CANCELED_STATE
        elif not self.result.done():
            state = ttypes.TOperationState.RUNNING_STATE
        elif error := self.result.exception():
            state = ttypes.TOperationState.ERROR_STATE
            message = _TIMED_OUT if str(error) == "interrupted" else str(error)
        return ttypes.TGetOperationStatusResp(
            status=SUCCESS, operationState=state, errorMessage=message, displayMessage=message
        )
