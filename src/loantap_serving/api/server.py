"""The service on a port: waitress, told to bear slow clients, and to finish what it began before it ends."""

import logging
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask
from waitress import create_server, wasyncore  # type: ignore[import-untyped]

from loantap.errors import InputError
from loantap_serving.api.app import BATCH_BYTES
from loantap_serving.api.connection import Connection

LOG = logging.getLogger("loantap.api")
CONNECTIONS = 800  # of 1,024 files that a process may usually have open
ARRIVAL = 30  # seconds in which a request has to arrive as a whole
IDLE = 75  # seconds that a connection is kept without a request: longer than a load balancer keeps it, or that one would send into a closed one
LEAVING = 120  # seconds in which an answer has to be taken
HEADER_BYTES = 32 << 10
DRAIN = 20.0  # seconds for requests in flight when the service ends
_BACKLOG = 1024
_LINGER = 0.5  # seconds that an idle connection may still send a request while the service ends


def serve(
    app: Flask,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: int = 4,
    started: Callable[[str], None],
    ending: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then let requests in flight finish, and return; a second signal ends at once.

    Args:
        app: The service.
        host: The address to listen at.
        port: The port; 0 for any free one.
        threads: How many requests are worked on at a time.
        started: Called with the service's address when it listens.
        ending: Called once when the first signal has come.

    Raises InputError if the address cannot be listened at.
    """
    server = create_server(
        app,
        sockets=[_listening(host, port)],
        threads=threads,
        backlog=_BACKLOG,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        cleanup_interval=5,
        asyncore_use_poll=True,  # select knows 1,024 files only
        max_request_body_size=BATCH_BYTES + 1,
        max_request_header_size=HEADER_BYTES,
        log_socket_errors=False,
        ident=None,
    )
    server.channel_class = Connection
    stop = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal stop
        stop = True
        for each in (signal.SIGTERM, signal.SIGINT):  # a second one, of either kind, ends the process
            signal.signal(each, signal.SIG_DFL)
        # An exception here, waitress' own way, could strike between sending bytes and noting that they were sent.
        server.pull_trigger()

    former = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        started(f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}")
        looked = time.monotonic()
        while not stop:
            wasyncore.loop(timeout=1, use_poll=True, map=server._map, count=1)
            if time.monotonic() - looked >= 1:
                looked = time.monotonic()
                _close_slow(server)
        ending()
        _drain(server)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise InputError(
            f"expected to listen at {host}, port {port}, but: {error.strerror or error}. Name another with --host or --port "
            "(0 takes any free port)."
        ) from error


def _close_slow(server: Any) -> None:
    """Close connections whose request, or whose answer, does not get through: a byte now and then is not enough."""
    now = time.time()
    for channel in list(server.active_channels.values()):
        if channel.requests:
            continue  # it waits for us
        arriving = channel.request is not None and now - channel.began > ARRIVAL
        leaving = channel.total_outbufs_len and now - channel.began > LEAVING
        if arriving or leaving:
            channel.will_close = True


def _drain(server: Any) -> None:
    """Accept nobody else; close what is idle; finish the rest, for so long."""
    # Whoever the kernel has let in already is served too.
    known = -1
    while known < len(server.active_channels):
        known = len(server.active_channels)
        server.handle_accept()
    server.accepting = False
    wasyncore.dispatcher.close(server)
    begun = time.time()
    while server.active_channels and time.time() - begun < DRAIN:
        now = time.time()
        for channel in list(server.active_channels.values()):
            if not channel.is_busy and now - max(channel.last_activity, begun) > _LINGER:
                channel.will_close = True
        wasyncore.loop(timeout=0.05, use_poll=True, map=server._map, count=1)
    if server.active_channels:
        facts = {"connections": len(server.active_channels), "seconds": DRAIN}
        LOG.warning("requests were cut off, they took too long to finish", extra={"facts": facts})
    server.task_dispatcher.shutdown(timeout=1)
    wasyncore.close_all(server._map, ignore_all=True)
