"""Requests as they arrive and answers as they leave, within bounds; aiohttp speaks HTTP, and threads run the application."""

import asyncio
import io
import itertools
import logging
import sys
from concurrent.futures import Executor
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from werkzeug.wrappers import Response

from loantap_serving.api.app import BATCH_BYTES, BATCH_PATH, REFUSED, SINGLE_BYTES
from loantap_serving.api.problems import Problem, too_large

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger("loantap.api")
CONNECTIONS = 800  # of 1,024 files that a process may usually have open
ARRIVAL = 30  # seconds in which a request has to arrive as a whole
IDLE = 75  # seconds that a connection is kept without a request: longer than a load balancer keeps it, or that one would send into a closed one
LEAVING = 120  # seconds in which an answer has to be taken
HEADER_BYTES = 32 << 10
_SOON = 0.1  # seconds in which a request that came with the end of its connection is read
WAITING = 4 * BATCH_BYTES  # bytes of all bodies that have not been answered; beyond, no batch is taken


class Gate(web.Server):
    """Takes connections, and hands requests that have arrived to the application.

    Attributes:
        busy: Requests whose answer has not been sent.
        ending: Whether connections close after their answer.
        open: Connections.
    """

    def __init__(self, app: "WSGIApplication", pool: Executor) -> None:
        super().__init__(self._serve)
        self.busy = self.open = self._held = 0
        self.ending = False
        self._app, self._pool = app, pool

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        loop = asyncio.get_running_loop()
        return Connection(self, loop=loop, keepalive_timeout=IDLE, access_log=None, auto_decompress=False)

    def answer(self, request: web.BaseRequest, body: bytes = b"", refused: Problem | None = None) -> web.Response:
        """Return the application's answer, also to what is refused before its body is read, or is not HTTP."""
        found = Response.from_app(self._app, _environ(request, body, refused))
        # Without a name of its own, aiohttp tells its version.
        headers = [*found.headers.items(), ("Server", "loantap")]
        answer = web.Response(status=found.status_code, headers=headers, body=found.get_data())
        if refused or self.ending:
            answer.force_close()
        return answer

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        connection, body, refused = cast("Connection", request.protocol), b"", None
        self.busy += 1
        held = 0
        try:
            try:
                most, held = self._bound(request)
                self._held += held
                body = await _read(request, most)
            except Problem as problem:
                refused = problem
            connection.arrived()
            work = partial(self.answer, request, body, refused)
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, work)
            async with asyncio.timeout(LEAVING):
                await answer.prepare(request)
                await answer.write_eof()
        except TimeoutError:
            connection.cut()
        finally:
            self.busy -= 1
            self._held -= held
            connection.asked = False
        return answer

    def _bound(self, request: web.BaseRequest) -> tuple[int, int]:
        """Return how many bytes a body may have on its path, and how many of this one are to be held.

        Raises Problem if they are too many: nothing of it has been read then.
        """
        batch = request.rel_url.raw_path == BATCH_PATH
        most = BATCH_BYTES if batch else SINGLE_BYTES
        wanted = most if request.content_length is None and request.can_read_body else request.content_length or 0
        if sum(map(len, itertools.chain(*request.raw_headers))) > HEADER_BYTES:
            raise Problem(431)
        if wanted > most:
            raise too_large(most)
        if batch and self._held + wanted > WAITING:
            raise Problem(503)
        return most, wanted


class Connection(web.RequestHandler):
    """A connection: what does not get through in time is cut off, and what is not HTTP is a problem like any other."""

    def __init__(self, gate: Gate, **options: Any) -> None:
        super().__init__(gate, **options)
        self._gate = gate
        self.asked = False  # for something that is not answered yet
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; an answer counts as sent when the system has taken all of it."""
        super().connection_made(transport)
        self._gate.open += 1
        if isinstance(transport, asyncio.WriteTransport):
            transport.set_write_buffer_limits(0)
        if self._gate.open > CONNECTIONS:
            self.cut()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a new request start the clock."""
        self.asked = True
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(ARRIVAL, self.cut)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer who sends no more before the connection closes, unless half of a request is all that came."""
        if self.asked:
            self.close()
            asyncio.get_running_loop().call_later(_SOON, lambda: self.cut() if self._deadline else None)
        return self.asked

    def arrived(self) -> None:
        """Stop the clock."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def cut(self) -> None:
        """Close, whatever has not been sent."""
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self.arrived()
        self._gate.open -= 1
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is not HTTP, or what failed outside of the application."""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(exc, ConnectionError):
            LOG.error("failed", exc_info=exc)
        return self._gate.answer(request, refused=Problem(431 if isinstance(exc, LineTooLong) else status))


async def _read(request: web.BaseRequest, most: int) -> bytes:
    """Return the body of a request; raises Problem for one of more bytes, or of chunks that are none."""
    if request.can_read_body and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > most:
                raise too_large(most)
    except (HttpProcessingError, web.RequestPayloadError):
        raise Problem(400) from None
    return bytes(body)


def _environ(request: web.BaseRequest, body: bytes, refused: Problem | None) -> dict[str, Any]:
    """Return a request as WSGI (PEP 3333) wants it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.rel_url.raw_path).decode("latin-1"),
        "QUERY_STRING": request.rel_url.raw_query_string,
        "SERVER_NAME": "loantap",
        "SERVER_PORT": "",
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "REMOTE_ADDR": request.remote or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        REFUSED: refused,
    }
    for name, value in request.headers.items():
        key = "HTTP_" + name.upper().replace("-", "_")
        if "_" not in name:  # such a one could pass itself off as another
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_TYPE", ""), str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return environ
