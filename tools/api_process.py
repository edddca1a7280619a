"""The scoring service as a process of its own, for tests and measurements."""

import http.client
import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START = "from loantap_serving.commands.serve import app; app()"


@dataclass
class Service:
    """A service that answers.

    Attributes:
        port: On loopback.
        address: As the service told it.
        process: It.
        log: The file of what it writes to stderr.
    """

    port: int
    process: subprocess.Popen[str]
    log: Path
    address: str

    def connection(self, *, timeout: float = 30) -> http.client.HTTPConnection:
        """Return a new connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(
        self, path: str, given: Any = None, *, headers: Mapping[str, str] | None = None, timeout: float = 30
    ) -> tuple[int, bytes]:
        """Return status and body of a GET, or of a POST of `given`: JSON, or bytes as they are."""
        connection = self.connection(timeout=timeout)
        try:
            if given is None:
                connection.request("GET", path, headers=dict(headers or {}))
            else:
                body = given if isinstance(given, bytes) else json.dumps(given).encode()
                connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def running_service(model: Path, *options: str) -> Iterator[Service]:
    """Start `loantap serve api` on a free port; stop it when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        words = [sys.executable, "-c", START, "api", "--model", str(model), "--port", "0", "--notice", "0", *options]
        with (
            log.open("w") as stream,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stream, text=True) as process,
        ):
            try:
                address = _address(process, log)
                yield Service(int(address.rpartition(":")[2]), process, log, address)
            finally:
                process.terminate()
                try:
                    process.wait(30)
                finally:
                    process.kill()


def _address(process: subprocess.Popen[str], log: Path, seconds: float = 60) -> str:
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()  # type: ignore[union-attr]
    line = lines.get(timeout=seconds)
    match = re.search(r"http://\S+:\d+(?=\s)", line)
    if match is None:
        raise RuntimeError(f"the service did not start: {line}{log.read_text()}")
    return match[0]
