"""Queries on a Databricks SQL warehouse, through the official connector."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from sqlalchemy import URL

from loantap.errors import InputError, MissingToolError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors.base import BATCH_ROWS, Brought, Deadline
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.kinds import DatabricksSource
from loantap_sources.connectors.secrets import Secrets

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLL_SECONDS = 0.2
_RETRIES, _ENGINE_SECONDS = 5, 600.0  # of counts in a warehouse
_RETRY_SECONDS = 5.0  # the connector waits no less


def databricks_tables(source: DatabricksSource, config: Config, *, where: str) -> Brought:
    """Run a query with bound parameters and hand its Arrow batches over as they come.

    Requests that the server could not serve are tried again every few seconds, up to `retries` times; the query as a
    whole has `time_limit` seconds, after which it is cancelled.

    Raises InputError for what is no token, and for an address without TLS that is not on loopback.
    """
    fill, secrets = config.secrets.fill, config.secrets
    host = fill(source.host, where=f"{config.path}: {where}.host")
    http_path = fill(source.http_path, where=f"{config.path}: {where}.http_path")
    token = fill(source.token, where=f"{config.path}: {where}.token").strip()
    secrets.hide(token)
    if not token or not token.isprintable() or " " in token:
        raise InputError(
            f"{config.path}: {where}.token: expected a token, not empty and without spaces or line breaks. Copy it again."
        )
    connecting = connection_arguments(host, http_path, token, where=f"{config.path}: {where}")
    location = f"databricks {connecting['server_hostname']}{connecting['http_path']}"
    connecting |= _patience(source.retries, source.time_limit)
    connecting["session_configuration"] = {"STATEMENT_TIMEOUT": str(math.ceil(source.time_limit))}

    def tables() -> Iterator[pa.Table]:
        deadline = Deadline(source.time_limit, location)
        with _told(location, secrets, deadline), connected(connecting) as connection, connection.cursor() as cursor:
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
    address = urlsplit(host if "://" in host else f"https://{host}")
    name, path = address.hostname or "", f"/{http_path.lstrip('/')}"
    arguments: dict[str, Any] = {
        "server_hostname": name,
        "http_path": path,
        "access_token": token,
        "enable_telemetry": False,
        "use_cloud_fetch": False,
    }
    if address.port:
        arguments["_port"] = address.port
    if address.scheme == "http" and name in _LOOPBACK:
        # Put together anew, so that whatever else stands in the setting cannot lead elsewhere.
        arguments["_connection_uri"] = f"http://{f'[{name}]' if ':' in name else name}:{address.port or 80}{path}"
    elif address.scheme != "https" or not name:
        raise InputError(
            f"{where}.host: expected a server's name or https://, since a token is sent there, got {host}. Leave http:// out."
        )
    return arguments


def _patience(retries: int, seconds: float) -> dict[str, Any]:
    # Without limits the connector tries for a quarter of an hour.
    return {
        "_retry_stop_after_attempts_count": retries,
        "_retry_stop_after_attempts_duration": max(1.0, seconds),
        "_retry_delay_min": 0.5,
        "_retry_delay_max": _RETRY_SECONDS,
        "_socket_timeout": min(60.0, seconds),
    }


def engine_arguments(url: URL) -> dict[str, Any]:
    """Return what SQLAlchemy's dialect hands to the connector beside the URL; on loopback it speaks plain HTTP."""
    scheme = "http" if url.host in _LOOPBACK else "https"
    path = str(url.query.get("http_path", ""))
    given = connection_arguments(f"{scheme}://{url.host}:{url.port or 443}", path, url.password or "", where="url")
    _hush()
    names = ("enable_telemetry", "use_cloud_fetch", "_connection_uri")
    return {name: given[name] for name in names if name in given} | _patience(_RETRIES, _ENGINE_SECONDS)


@contextmanager
def connected(arguments: dict[str, Any]) -> Iterator[Any]:
    """Yield a connection; raises MissingToolError where the connector is not installed."""
    try:
        from databricks.sql.client import Connection
    except ImportError:
        raise MissingToolError(f"Databricks needs its connector. Get it with: {how_to_add('databricks')}") from None
    _hush()
    connection = Connection(**arguments)
    try:
        yield connection
    finally:
        connection.close()


def _hush() -> None:
    # The connector logs what it then raises, and the SQL with its values on the way.
    for name in ("databricks.sql", "databricks.sql.unsafe"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _told(location: str, secrets: Secrets, deadline: Deadline) -> Iterator[None]:
    try:
        from databricks.sql.exc import Error
        from urllib3.exceptions import HTTPError
    except ImportError:
        yield
        return
    try:
        yield
    except (Error, HTTPError) as error:
        deadline.check()
        status = getattr(error, "context", None) or {}
        if status.get("http-code") in (401, 403):
            raise SourceError(
                f"{location}: the server refused the token ({status['http-code']}). Check the token, and its rights."
            ) from None
        message = secrets.redacted(error)[:500]
        raise SourceError(f"{location}: {message} Check the query, or run again when the server answers.") from None
