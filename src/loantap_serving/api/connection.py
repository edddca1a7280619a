"""A connection, and the requests on it before the application sees them: bodies are bounded here, and HTTP's errors told."""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]
from waitress.task import ErrorTask, WSGITask  # type: ignore[import-untyped]
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge  # type: ignore[import-untyped]

from loantap_serving.api.app import BATCH_BYTES, BATCH_PATH, FIXED_HEADERS, SINGLE_BYTES
from loantap_serving.api.problems import PROBLEM_JSON, Problem

LOG = logging.getLogger("loantap.api")
WAITING = 16 * BATCH_BYTES  # bytes of all bodies that have not been answered; beyond, no batch is taken
_CHUNK_LINE = 16 << 10  # bytes of a chunk's head, or of what follows the last one; a piece read is half of it


class _Task(WSGITask):
    def build_response_header(self) -> bytes:
        """Say that the connection closes after this answer, if the service is ending."""
        if not self.channel.server.accepting:
            self.set_close_on_finish()
        return super().build_response_header()


class _ErrorTask(ErrorTask):
    """What is wrong with the HTTP itself, as a problem like any other."""

    def execute(self) -> None:
        """Answer."""
        request_id = str(uuid4())
        code = self.request.error.code
        problem = Problem(400 if code == 501 else code)  # another transfer coding than chunked is the caller's error
        body = problem.body(request_id)
        LOG.info("request", extra={"facts": {"request_id": request_id, "route": None, "status": problem.status}})
        self.status = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        self.response_headers += [("Content-Type", PROBLEM_JSON), ("X-Request-Id", request_id), *FIXED_HEADERS.items()]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _BusyError(Error):
    code, reason = 503, "Service Unavailable"


class _Nowhere:
    """In place of a buffer, for the body of a request that is refused: it is read, and not kept.

    Who sends a body without waiting for an answer would not see the answer if the connection were closed meanwhile.
    """

    def append(self, _: bytes) -> None:
        """Take bytes."""

    def close(self) -> None:
        """Hold nothing."""

    def __len__(self) -> int:
        return 0


class _Parser(HTTPRequestParser):
    """A request as it arrives, before its key has been looked at: a body has to be within the limit of its path."""

    expect_continue: bool
    error: Error | None
    path = ""  # of a head that cannot be read; waitress names it when its sender leaves before the answer
    most = 0  # bytes of the body, the framing of chunks included
    reserved = 0  # bytes that it may yet hold

    def __init__(self, adj: Any, held: Callable[[], int]) -> None:
        super().__init__(adj)
        self._held = held

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request; waitress does not expect that a URL cannot be read at all."""
        try:
            super().parse_header(header_plus)
            self._bound()
        except ValueError as error:
            raise ParsingError("Invalid URL") from error
        finally:
            if self.expect_continue and (self.error or self.body_rcv is None):
                self.expect_continue = False  # there is nothing to go on with
                self.completed = True

    def received(self, data: bytes) -> int:
        """Take bytes, and return how many."""
        taken = int(super().received(data))
        if self.body_bytes_received > self.most and not self.error:
            self._refuse(RequestEntityTooLarge("beyond the limit of its path"))
        # Waitress takes such a line together anew with every piece of it, so a long one would hold up everybody.
        if self.chunked and len(self.body_rcv.control_line) + len(self.body_rcv.trailer) > _CHUNK_LINE:
            self.error, self.completed = BadRequest("a chunk's head or trailer without end"), True
        return taken

    def _bound(self) -> None:
        batch = self.path == BATCH_PATH
        self.most = BATCH_BYTES if batch else SINGLE_BYTES
        if self.content_length > self.most:
            self._refuse(RequestEntityTooLarge("beyond the limit of its path"))
        elif self.body_rcv is not None:
            wanted = self.most if self.chunked else self.content_length
            if batch and self._held() + wanted > WAITING:
                self._refuse(_BusyError("too many bodies wait"))
            else:
                self.reserved = wanted

    def _refuse(self, error: Error) -> None:
        self.error, self.reserved = error, 0
        self.body_rcv.getbuf().close()
        self.body_rcv.buf = _Nowhere()


class Connection(HTTPChannel):
    """A connection that knows since when its present request is under way."""

    task_class = _Task
    error_task_class = _ErrorTask
    began = 0.0

    def parser_class(self, adj: Any) -> _Parser:
        """Return the parser of a new request."""
        return _Parser(adj, self._held)

    def received(self, data: bytes) -> bool:
        """Take bytes; those of a new request start the clock."""
        if self.request is None:
            self.began = time.time()
        return bool(super().received(data))

    @property
    def is_busy(self) -> bool:
        """Whether a request is arriving, worked on, or its answer not yet sent."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)

    def _held(self) -> int:
        """Return how many bytes the bodies of all connections hold, or may yet."""
        channels = list(self.server.active_channels.values())
        return sum(
            request.reserved for channel in channels for request in (*channel.requests, channel.request) if request
        )
