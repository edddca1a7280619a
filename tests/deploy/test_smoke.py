"""The smoke test against servers on loopback, one of them the real service."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from loantap.errors import DeployError, InputError
from loantap_deploy.smoke import smoke_test

GOOD = {"probability_of_default": 0.2, "model_version": "abc"}
Answers = Callable[[str], tuple[int, Any]]


@contextmanager
def serving(answers: Answers, **headers: str) -> Iterator[str]:
    """Serve what `answers` says to each path; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_real_service_passes_with_its_key_and_says_which_model_answers(model_folder: Path, tmp_path: Path):
    from loantap.model.persistence import load_model
    from loantap_serving.api.app import ApiSettings, create_app
    from loantap_serving.api.keys import make_key, read_keys
    from loantap_serving.api.models import Models

    key = make_key(tmp_path / "keys", "smoke")
    models = Models(lambda: model_folder)
    models.refresh()
    app = create_app(models, ApiSettings(keys=read_keys(tmp_path / "keys")))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert load_model(model_folder).version in smoke_test(address, key=key)
    with pytest.raises(DeployError, match=r"none was given\. Set LOANTAP_SMOKE_KEY"):
        smoke_test(address, key=None)
    with pytest.raises(DeployError, match="does not know this one"):
        smoke_test(address, key="wrong")
    server.shutdown()


def test_a_service_that_needs_a_moment_is_waited_for():
    asked: list[str] = []

    def answers(path: str) -> tuple[int, Any]:
        asked.append(path)
        return (503, b"") if len(asked) < 3 else (200, GOOD)

    with serving(answers) as address:
        assert smoke_test(address, key=None, pause=0) == "model abc scored the example with 0.2000"
    assert asked == ["/ready"] * 3 + ["/v1/score"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"", "it answered 500"),
        (422, b"{}", "it answered 422"),
        (200, b"<html>", "no answer that can be read"),
        (200, [1], "its answer is no object"),
        (200, GOOD | {"probability_of_default": 1.0}, "expected a probability"),
        (200, GOOD | {"probability_of_default": "high"}, "expected a probability"),
        (200, {"probability_of_default": 0.2}, "a model's version"),
        (200, b"x" * 5_000_000, "no answer that can be read"),
    ],
)
def test_an_answer_that_is_none_fails(status: int, body: Any, expected: str):
    def answers(path: str) -> tuple[int, Any]:
        return (200, {}) if path == "/ready" else (status, body)

    with serving(answers) as address, pytest.raises(DeployError, match=expected):
        smoke_test(address, key=None, pause=0)


def test_nobody_there_is_said():
    with pytest.raises(DeployError, match=r"http://127.0.0.1:9/ready: expected an answer .*refused"):
        smoke_test("http://127.0.0.1:9", key=None, pause=0)


def test_only_http_is_asked(tmp_path: Path):
    (tmp_path / "ready").write_text("{}")
    with pytest.raises(InputError, match="begins with https"):
        smoke_test(f"file://{tmp_path}", key=None)


def test_a_key_is_sent_nowhere_else():
    """Another host that a redirect leads to gets no key, and its answer is none of the service's."""
    asked: list[str] = []

    def elsewhere(path: str) -> tuple[int, Any]:
        asked.append(path)
        return 200, GOOD

    refused = pytest.raises(DeployError, match="it answered 302")
    with serving(elsewhere) as other, serving(lambda _: (302, b""), Location=other) as address, refused:
        smoke_test(address, key="secret", pause=0)
    assert asked == []


@pytest.mark.parametrize("answer", [b"this is no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000])  # fmt: skip
def test_what_is_no_answer_is_a_failure(answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(DeployError, match="gave no answer that can be read"):
            smoke_test(f"http://127.0.0.1:{server.getsockname()[1]}", key=None, pause=0)
