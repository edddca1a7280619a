"""Queries on a Databricks SQL warehouse, through the official connector."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from loantap.data.connectors.base import BATCH_ROWS, Brought, Deadline
from loantap.data.connectors.config import Config
from loantap.data.connectors.kinds import DatabricksSource
from loantap.data.connectors.secrets import Secrets
from loantap.errors import InputError, MissingToolError, SourceError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLL_SECONDS = 0.2
_MOST_RETRY_SECONDS = 5.0  # the connector takes no less


def databricks_tables(source: DatabricksSource, config: Config, *, where: str) -> Brought:
    """Run a query with bound parameters and hand its Arrow batches over as they come.

    Requests that the server could not serve are tried again with growing pauses, up to `retries` times; the query as a
    whole has `time_limit` seconds, after which it is cancelled.
    """
    fill, secrets = config.secrets.fill, config.secrets
    host = fill(source.host, where=f"{config.path}: {where}.host")
    http_path = fill(source.http_path, where=f"{config.path}: {where}.http_path")
    token = fill(source.token, where=f"{config.path}: {where}.token").strip()
    secrets.hide(token)
    if not token.isprintable() or " " in token:
        raise InputError(
            f"{config.path}: {where}.token: expected a token without spaces and line breaks. Copy it again."
        )
    location = f"databricks {urlsplit(host).netloc or host}{http_path}"
    connecting = connection_arguments(host, http_path, token, where=where)
    connecting |= {
        "_retry_stop_after_attempts_count": source.retries,
        "_retry_stop_after_attempts_duration": max(source.time_limit, _MOST_RETRY_SECONDS + 1),
        "_retry_delay_min": 0.5,
        "_retry_delay_max": _MOST_RETRY_SECONDS,
        "_socket_timeout": min(60.0, source.time_limit),
        "session_configuration": {"STATEMENT_TIMEOUT": str(max(1, int(source.time_limit)))},
    }

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, location)
        with _told(location, secrets), connected(connecting) as connection, connection.cursor() as cursor:
            # The connector's own execute waits without end; asking for the state leaves room for a limit.
            cursor.execute_async(source.query, source.parameters or None)
            while cursor.is_query_pending():
                if deadline.passed:
                    cursor.cancel()
                    deadline.check()
                time.sleep(_POLL_SECONDS)
            cursor.get_async_execution_result()
            first = True
            while (table := cursor.fetchmany_arrow(BATCH_ROWS)).num_rows or first:
                first = False
                yield table
                deadline.check()

    return Brought(tables(), {"location": location})


def connection_arguments(host: str, http_path: str, token: str, *, where: str) -> dict[str, Any]:
    """Return what the connector is called with: nothing is told to anybody but the server.

    Raises InputError for an address without TLS that is not on loopback.
    """
    arguments = {
        "server_hostname": urlsplit(host).hostname or host,
        "http_path": http_path,
        "access_token": token,
        "enable_telemetry": False,
        "use_cloud_fetch": False,
    }
    if host.startswith("http://"):
        if urlsplit(host).hostname not in _LOOPBACK:
            raise InputError(
                f"{where}.host: expected https, since a token is sent there, got {host}. Leave http:// out."
            )
        arguments["_connection_uri"] = host + http_path
    return arguments


@contextmanager
def connected(arguments: dict[str, Any]) -> Iterator[Any]:
    """Yield a connection; raises MissingToolError where the connector is not installed."""
    try:
        from databricks import sql
    except ImportError:
        raise MissingToolError(
            'Databricks needs its connector. Get it with: pip install "loantap[databricks]"'
        ) from None
    # The connector logs what it then raises, and the SQL with its values on the way.
    logging.getLogger("databricks.sql").setLevel(logging.CRITICAL)
    connection = sql.connect(**arguments)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _told(location: str, secrets: Secrets) -> Iterator[None]:
    try:
        from databricks.sql.exc import Error
        from urllib3.exceptions import HTTPError
    except ImportError:
        yield
        return
    try:
        yield
    except (Error, HTTPError) as error:
        status = getattr(error, "context", None) or {}
        if status.get("http-code") in (401, 403):
            raise SourceError(
                f"{location}: the server refused the token ({status['http-code']}). Check the token, and its rights."
            ) from None
        message = secrets.redacted(error)[:500]
        raise SourceError(f"{location}: {message} Check the query, or run again when the server answers.") from None
