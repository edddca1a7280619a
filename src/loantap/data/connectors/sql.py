"""Queries on databases: through SQLAlchemy, or through pyodbc where there is nothing but an ODBC data source."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from loantap.data.connectors.base import BATCH_ROWS, Brought, Deadline
from loantap.data.connectors.kinds import OdbcSource, SqlSource
from loantap.data.connectors.secrets import Secrets
from loantap.errors import InputError, MissingToolError, SourceError

_EXTRAS = {"psycopg": "postgresql", "pyodbc": "odbc", "databricks": "databricks"}
_LOCK_SECONDS = 30


def open_engine(url: URL, *, secrets: Secrets, create: bool = False) -> Engine:
    """Return an engine that says nothing of values in its errors, with real transactions on SQLite too.

    Args:
        url: The database.
        secrets: What to take out of messages.
        create: Whether a SQLite file may be made; else its absence is an InputError.

    Raises MissingToolError naming the extra where the driver is not installed.
    """
    try:
        engine = create_engine(url, hide_parameters=True, connect_args=_connect_args(url), pool_pre_ping=True)
    except (ImportError, NoSuchModuleError) as error:
        driver = url.drivername.split("+")[-1]
        extra = _EXTRAS.get(driver, driver)
        raise MissingToolError(
            f'{shown(url)}: the driver is not installed ({secrets.redacted(error)}). Get it with: pip install "loantap[{extra}]"'
        ) from None
    if url.get_backend_name() == "sqlite":
        _transact(engine)
        if not create and url.database and not Path(url.database).is_file():
            raise InputError(f"{shown(url)}: expected a SQLite file, found nothing. Check the path.")
    return engine


def shown(url: URL) -> str:
    """Return a URL without password and options."""
    return url.set(query={}).render_as_string(hide_password=True)


def _connect_args(url: URL) -> dict[str, Any]:
    # A server that does not answer is an error, and a locked file is waited for, but not for ever.
    return {"sqlite": {"timeout": _LOCK_SECONDS}, "postgresql": {"connect_timeout": _LOCK_SECONDS}}.get(
        url.get_backend_name(), {}
    )


def _transact(engine: Engine) -> None:
    # Python's sqlite3 commits before CREATE and DROP unless it is told to leave transactions alone.
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def told(engine: Engine, secrets: Secrets) -> Iterator[None]:
    """Turn a driver's errors into one SourceError without SQL, values and secrets."""
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise SourceError(f"{shown(engine.url)}: {secrets.redacted(cause)}. {_advice(str(cause))}") from None


def _advice(message: str) -> str:
    lowered = message.lower()
    for words, advice in (
        (("locked", "lock timeout"), "Another process writes there: wait for it, then run again."),
        (("full", "no space", "max_page"), "Make room, then run again. What was there is untouched."),
        (("password", "authentication", "permission", "denied"), "Check the user, the secret and its rights."),
        (("no such table", "does not exist", "no such column", "unknown column"), "Check table and columns."),
    ):
        if any(word in lowered for word in words):
            return advice
    return "What was there is untouched; run again when it is mended."


def query_tables(source: SqlSource, engine: Engine, *, secrets: Secrets) -> Brought:
    """Run a query with bound parameters and hand its rows over in batches."""

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, shown(engine.url))
        with told(engine, secrets), engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                limit = int(source.time_limit * 1000)
                connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": str(limit)})
            streaming = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
            result = streaming.execute(text(source.query), source.parameters)
            names = list(result.keys())
            yield table_of(names, [])
            for rows in result.partitions(BATCH_ROWS):
                yield table_of(names, rows)
                deadline.check()

    return Brought(tables(), {"location": shown(engine.url)})


def odbc_tables(source: OdbcSource, connection: str, *, secrets: Secrets) -> Brought:
    """Run a query on an ODBC data source; `:name` in it is bound as pyodbc's `?`."""
    try:
        import pyodbc
    except ImportError as error:
        raise MissingToolError(
            f'ODBC needs pyodbc and the unixODBC library ({error}). Get them with: pip install "loantap[odbc]" and the '
            "system's package unixodbc."
        ) from None
    where = f"ODBC {_public(connection)}"
    compiled = text(source.query).compile(dialect=DefaultDialect(paramstyle="qmark"))
    values = [source.parameters[name] for name in compiled.positiontup or ()]

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, where)
        try:
            with pyodbc.connect(connection, timeout=_LOCK_SECONDS, readonly=True) as opened:
                cursor = opened.cursor()
                cursor.execute(str(compiled), values)
                names = [column[0] for column in cursor.description]
                yield table_of(names, [])
                while rows := cursor.fetchmany(BATCH_ROWS):
                    yield table_of(names, rows)
                    deadline.check()
        except pyodbc.Error as error:
            message = secrets.redacted(error.args[-1])
            raise SourceError(f"{where}: {message}. {_advice(message)}") from None

    return Brought(tables(), {"location": where})


def _public(connection: str) -> str:
    parts = [
        part for part in connection.split(";") if part.strip().upper().startswith(("DSN=", "SERVER=", "DATABASE="))
    ]
    return ";".join(parts) or "connection"


def table_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows of a driver as a table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([_array(column) for column in columns], names=list(names))


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # SQLite lets a column hold numbers and texts at once; the contract names the wrong ones.
        return pa.array([None if value is None else str(value) for value in values])
