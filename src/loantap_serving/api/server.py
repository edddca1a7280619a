"""The service on a port, which finishes what it began before it ends."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from aiohttp import web

from loantap.errors import InputError
from loantap_serving.api.connection import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger("loantap.api")
NOTICE = (
    5.0  # seconds in which the service says that it ends, and still lets callers in: who sends them has to see it first
)
DRAIN = 20.0  # seconds for requests in flight when the service ends
_BACKLOG = 1024
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(
    app: "WSGIApplication",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    threads: int = 4,
    notice: float = NOTICE,
    started: Callable[[str], None],
    ending: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then let requests in flight finish, and return; a second signal ends at once.

    Args:
        app: The service.
        host: The address to listen at; `::` answers both protocols.
        port: The port; 0 for any free one.
        threads: How many requests are worked on at a time.
        notice: Seconds in which callers are let in after SIGTERM; a person's SIGINT has none.
        started: Called with the service's address when it listens.
        ending: Called once when the first signal has come.

    Raises InputError if the address cannot be listened at.
    """
    listening = _listening(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        with ThreadPoolExecutor(threads) as pool:
            asyncio.run(_serve(app, pool, listening, notice, lambda: started(address), ending))
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


async def _serve(
    app: "WSGIApplication",
    pool: Executor,
    listening: socket.socket,
    notice: float,
    started: Callable[[], None],
    ending: Callable[[], None],
) -> None:
    gate = Gate(app, pool)
    runner = web.ServerRunner(gate, shutdown_timeout=1)
    await runner.setup()
    site = web.SockSite(runner, listening, backlog=_BACKLOG)
    await site.start()
    told = _first_signal()
    started()
    number = await told
    ending()
    gate.ending = True
    await asyncio.sleep(notice if number == signal.SIGTERM else 0)
    await site.stop()
    try:
        async with asyncio.timeout(DRAIN):
            while gate.busy:
                await asyncio.sleep(0.05)
    except TimeoutError:
        facts = {"requests": gate.busy, "seconds": DRAIN}
        LOG.warning("requests were cut off, they took too long to finish", extra={"facts": facts})
    await runner.cleanup()


def _first_signal() -> asyncio.Future[int]:
    loop = asyncio.get_running_loop()
    told = loop.create_future()

    def end(number: int) -> None:
        for each in _SIGNALS:  # a second one, of either kind, ends the process
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        told.set_result(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end, number)
    return told


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=host == "::")
    except OSError as error:
        raise InputError(
            f"expected to listen at {host}, port {port}, but: {error.strerror or error}. Name another with --host or --port "
            "(0 takes any free port)."
        ) from error
