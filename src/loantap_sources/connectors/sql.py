"""Queries on databases: through SQLAlchemy, or through pyodbc where there is nothing but an ODBC data source."""

import math
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pyarrow as pa
from pandas.errors import DatabaseError
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from loantap.errors import InputError, MissingToolError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors.base import BATCH_ROWS, Brought, Deadline, table_of
from loantap_sources.connectors.databricks import engine_arguments
from loantap_sources.connectors.kinds import OdbcSource, SqlSource
from loantap_sources.connectors.secrets import Secrets

_EXTRAS = {"psycopg": "postgresql", "pyodbc": "odbc", "databricks": "databricks"}
_LOCK_SECONDS = 30
_STEPS = 10_000  # of SQLite between two looks at the clock
# A server that does not answer is an error, and a locked file is waited for, but not for ever.
_LIBPQ = {"connect_timeout": _LOCK_SECONDS, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_CONNECT_ARGS: dict[str, dict[str, Any]] = {
    "pysqlite": {"timeout": _LOCK_SECONDS},
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
}
_SHOWN = ("DSN", "SERVER", "SERVERNAME", "DATABASE")
_PART = re.compile(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)")


def open_engine(url: URL, *, secrets: Secrets, create: bool = False) -> Engine:
    """Return an engine that says nothing of values in its errors, with real transactions on SQLite too.

    Args:
        url: The database.
        secrets: What to take out of messages.
        create: Whether a SQLite file may be made; else its absence is an InputError.

    Raises MissingToolError naming the extra where the driver is not installed.
    """
    try:
        databricks = url.get_backend_name() == "databricks"
        arguments = engine_arguments(url) if databricks else _CONNECT_ARGS.get(url.get_driver_name(), {})
        # A connection is closed when its work is done; there are few, and none is worth keeping.
        engine = create_engine(url, hide_parameters=True, connect_args=arguments, poolclass=NullPool)
    except (ImportError, NoSuchModuleError) as error:
        raise MissingToolError(
            f"{shown(url)}: the driver is not installed ({secrets.redacted(error)}). {_remedy(url.drivername)}"
        ) from None
    if url.get_backend_name() == "sqlite":
        _transact(engine)
        if not create and url.database and not Path(url.database).is_file():
            raise InputError(f"{shown(url)}: expected a SQLite file, found nothing. Check the path.")
    return engine


def shown(url: URL) -> str:
    """Return a URL without password and options."""
    return url.set(query={}).render_as_string(hide_password=True)


def _remedy(drivername: str) -> str:
    backend, _, driver = drivername.partition("+")
    if extra := _EXTRAS.get(driver or backend):
        return f"Get it with: {how_to_add(extra)}"
    if backend == "postgresql":
        return f"Write postgresql+psycopg://, and get that driver with: {how_to_add('postgresql')}"
    return f"Install the package that brings SQLAlchemy the driver {drivername}, or correct the name before ://."


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
    except (SQLAlchemyError, DatabaseError, engine.dialect.loaded_dbapi.Error) as error:
        # pandas wraps what SQLAlchemy raises, which wraps what the driver does.
        inner = error.__cause__ if isinstance(error, DatabaseError) else error
        cause = getattr(inner, "orig", None) or inner or error
        # PostgreSQL's further lines quote the statement and the row.
        message = secrets.redacted(getattr(getattr(cause, "diag", None), "message_primary", None) or cause)
        raise SourceError(f"{shown(engine.url)}: {message.rstrip('.')}. {_advice(message)}") from None


def _advice(message: str) -> str:
    lowered = message.lower()
    for words, advice in (
        (
            ("07006", "restricted data type"),
            "The ANSI driver cannot bring this: name the Unicode one, such as PostgreSQL Unicode.",
        ),
        (("locked", "lock timeout"), "Another process writes there: wait for it, then run again."),
        (("full", "no space", "max_page"), "Make room, then run again. What was there is untouched."),
        (("password", "authentication", "permission", "denied"), "Check the user, the secret and its rights."),
        (("depend on",), "A view is made from the table that is replaced: drop it, load, and make it again."),
        (("no such table", "does not exist", "no such column", "unknown column"), "Check table and columns."),
    ):
        if any(word in lowered for word in words):
            return advice
    return "What was there is untouched; run again when it is mended."


def query_tables(source: SqlSource, engine: Engine, *, secrets: Secrets) -> Brought:
    """Run a query with bound parameters and hand its rows over in batches.

    Raises InputError for a query with a parameter that is not declared.
    """
    where = shown(engine.url)
    _check_parameters(source, where)

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, where)
        try:
            with told(engine, secrets), engine.connect() as connection:
                _limit(connection, source.time_limit, deadline)
                streaming = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
                result = streaming.execute(text(source.query), source.parameters)
                names = list(result.keys())
                yield table_of(names, [])
                for rows in result.partitions(BATCH_ROWS):
                    yield table_of(names, rows)
                    deadline.check()
        except SourceError:
            deadline.check()
            raise
        finally:
            engine.dispose()

    return Brought(tables(), {"location": where})


def _check_parameters(source: SqlSource | OdbcSource, where: str) -> None:
    if absent := sorted(set(text(source.query).compile().params) - set(source.parameters)):
        raise InputError(
            f"{where}: expected a value under 'parameters' for what the query names, none is there: "
            f"{', '.join(f':{name}' for name in absent)}. Declare it, or write \\: for a colon that names nothing."
        )


def _limit(connection: Connection, seconds: float, deadline: Deadline) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        limit = str(max(1, int(seconds * 1000)))
        connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": limit})
    elif connection.dialect.name == "sqlite":
        driver.set_progress_handler(lambda: deadline.passed, _STEPS)
    elif connection.dialect.driver == "pyodbc":
        driver.timeout = math.ceil(seconds)


def odbc_tables(source: OdbcSource, connection: str, *, secrets: Secrets) -> Brought:
    """Run a query on an ODBC data source; `:name` in it is bound as pyodbc's `?`.

    Raises InputError for a query with a parameter that is not declared, MissingToolError where pyodbc is not installed.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise MissingToolError(
            f"ODBC needs pyodbc and the unixODBC library ({error}). Get the one with: {how_to_add('odbc')}\n"
            "and the other as the system's package unixodbc."
        ) from None
    where = f"ODBC {_public(connection)}"
    _check_parameters(source, where)
    compiled = text(source.query).compile(dialect=DefaultDialect(paramstyle="qmark"))
    values = [source.parameters[name] for name in compiled.positiontup or ()]

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, where)
        try:
            with closing(pyodbc.connect(connection, timeout=_LOCK_SECONDS, readonly=True)) as opened:
                cursor = opened.cursor()
                with _cancelling(cursor, source.time_limit):
                    cursor.execute(str(compiled), values)
                    if cursor.description is None:
                        raise InputError(f"{where}: expected a query that brings rows, it brings none. Write a SELECT.")
                    names = [column[0] for column in cursor.description]
                    yield table_of(names, [])
                    while rows := cursor.fetchmany(BATCH_ROWS):
                        yield table_of(names, rows)
                        deadline.check()
        except pyodbc.Error as error:
            deadline.check()
            message = secrets.redacted(error.args[-1] if error.args else error)
            if "IM002" in error.args or "can't open lib" in message.lower():
                raise MissingToolError(
                    f"{where}: {message}. Install the driver, or correct its name; installed are: "
                    f"{', '.join(pyodbc.drivers()) or 'none'}."
                ) from None
            raise SourceError(f"{where}: {message}. {_advice(message)}") from None

    return Brought(tables(), {"location": where})


@contextmanager
def _cancelling(cursor: Any, seconds: float) -> Iterator[None]:
    # Not every driver keeps a limit that it is told.
    timer = Timer(seconds, cursor.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _public(connection: str) -> str:
    shown = [f"{name}={value}" for name, value in _PART.findall(connection) if name.upper() in _SHOWN]
    return ";".join(shown) or "connection"
