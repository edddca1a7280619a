"""The scoring service on a real port, in a process of its own."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import api_support  # noqa: F401 (finds the scripts)
import pytest
from api_process import Service, running_service
from flask import Flask

from loantap.errors import InputError
from loantap_serving.api import connection
from loantap_serving.api.app import BATCH_BYTES
from loantap_serving.api.connection import WAITING
from loantap_serving.api.server import serve


@pytest.fixture(scope="module")
def service(model_folder: Path) -> Iterator[Service]:
    with running_service(model_folder) as found:
        yield found


def test_it_scores(service: Service, application: dict[str, Any]):
    status, body = service.ask("/v1/score", application)
    assert status == 200
    assert 0 < json.loads(body)["probability_of_default"] < 1


def test_a_connection_serves_many_requests(service: Service, application: dict[str, Any]):
    connection = service.connection()
    for _ in range(5):
        connection.request("POST", "/v1/score", json.dumps(application), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200
        response.read()
        assert connection.sock is not None
    connection.close()


def test_a_body_sent_in_chunks_is_taken(service: Service, application: dict[str, Any]):
    connection = service.connection()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    body = json.dumps(application).encode()
    connection.request("POST", "/v1/score", iter([body[:100], body[100:]]), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b"GET /health HTTP/1.1\r\nnot a header\r\n\r\n", 400, id="not a header"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", 400, id="not a URL"),
        pytest.param(b"GET /health HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n", 400, id="a folded header"),
        pytest.param(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, id="a length and chunks"),
        pytest.param(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, id="chunks and a length"),
        pytest.param(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="no chunk"),
        pytest.param(b"GET //v1/score HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="two slashes"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 9_000 + b"\r\n\r\n", 431, id="a long header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 4_000) for n in range(9)) + b"\r\n", 431, id="long headers"),
    ],
)  # fmt: skip
def test_http_that_is_not_http_is_a_problem_too(service: Service, raw: bytes, status: int):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        peer.sendall(raw)
        response = http.client.HTTPResponse(peer)
        response.begin()
        assert (response.status, response.getheader("Content-Type")) == (status, "application/problem+json")
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        told = json.loads(response.read())
        assert (told["status"], told["instance"]) == (status, f"urn:uuid:{response.getheader('X-Request-Id')}")


@pytest.mark.parametrize(
    ("raw", "status"), [(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 200), (b"no HTTP\r\n\r\n", 400)]
)
def test_who_sends_no_more_is_answered_before_the_connection_closes(service: Service, raw: bytes, status: int):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: peer.recv(65_536), b""))
        assert int(answer.split()[1]) == status


def test_who_says_nothing_and_sends_no_more_is_let_go(service: Service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=2) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""


def test_http_1_0_needs_no_host(service: Service):
    assert answer_to(service, b"GET /health HTTP/1.0\r\n\r\n") == (200, "ok")


def test_a_batch_beyond_all_bounds_is_refused_before_it_is_sent(service: Service):
    connection = service.connection()
    connection.putrequest("POST", "/v1/score/batch")
    connection.putheader("Content-Length", str(1 << 40))
    connection.putheader("Content-Type", "application/json")
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, response.getheader("Content-Type")) == (413, "application/problem+json")


def answer_to(service: Service, raw: bytes) -> tuple[int, int | str]:
    """Return the first status that bytes are answered with, 100 too, and that which the JSON tells."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        peer.sendall(raw)
        first = peer.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)
        response = http.client.HTTPResponse(peer)
        response.begin()
        return int(first[-3:]), json.loads(response.read())["status"]


@pytest.mark.parametrize("path", ["/v1/score", "/health", "/nothing"])
@pytest.mark.parametrize("chunked", [False, True])
def test_only_a_batch_may_be_large_and_who_sends_more_gets_an_answer(service: Service, path: str, *, chunked: bool):
    before = files_of(service)
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        size = 5_000_000
        peer.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode() if chunked else f"{head}Content-Length: {size}\r\n\r\n".encode())  # fmt: skip
        peer.sendall(b"x" * (size - 1))
        assert files_of(service) == before, "it is kept on the disk"
        peer.sendall(b"x\r\n0\r\n\r\n" if chunked else b"x")
        response = http.client.HTTPResponse(peer)
        response.begin()
        assert (response.status, json.loads(response.read())["status"]) == (413, 413)


def files_of(service: Service) -> int:
    """Return how many unnamed temporary files it holds, after it has had time to read."""
    time.sleep(0.3)
    return sum("deleted" in str(found.readlink()) for found in Path(f"/proc/{service.process.pid}/fd").iterdir())


def soon(service: Service, wanted: int | type[OSError], path: str, given: Any = None) -> None:
    """Ask until it answers so: it may be busy, and has not yet heard of what was sent or closed before."""
    end = time.monotonic() + 60
    found: object = None
    while found != wanted:
        assert time.monotonic() < end, found
        try:
            found = service.ask(path, given)[0]
        except OSError:
            found = OSError


def test_of_bodies_that_wait_only_so_many_bytes_are_taken(service: Service, application: dict[str, Any]):
    head = f"POST /v1/score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {BATCH_BYTES}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(WAITING // BATCH_BYTES):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port))).sendall(head.encode())
        soon(service, 503, "/v1/score/batch", {"applications": [application]})
        assert service.ask("/v1/score", application)[0] == 200
    soon(service, 200, "/v1/score/batch", {"applications": [application]})


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("GET /health HTTP/1.1\r\n", (200, "ok")),
        ("POST /v1/score HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n", (400, 400)),
        ("POST /v1/score HTTP/1.1\r\nContent-Length: -1\r\n", (400, 400)),
        ("POST /v1/score HTTP/1.1\r\nContent-Length: 70000\r\n", (413, 413)),
        ("POST /v1/score/batch HTTP/1.1\r\nContent-Length: 60000000\r\n", (413, 413)),
    ],
)
def test_who_asks_whether_to_go_on_with_no_body_or_too_large_a_one_is_answered_at_once(
    service: Service, head: str, wanted: tuple[int, int | str]
):
    assert answer_to(service, f"{head}Host: x\r\nExpect: 100-continue\r\n\r\n".encode()) == wanted


def test_who_asks_whether_to_go_on_is_told_to(service: Service, application: dict[str, Any]):
    body = json.dumps(application).encode()
    head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        peer.sendall(head.encode())
        assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(body)
        assert peer.recv(15) == b"HTTP/1.1 200 OK"


def test_the_head_of_a_chunk_has_an_end(service: Service):
    head = b"POST /v1/score/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answer_to(service, head + b"1" * 30_000) == (400, 400)


def test_no_answer_names_the_server_or_its_version(service: Service):
    connection = service.connection()
    connection.request("GET", "/health")
    assert connection.getresponse().getheader("Server") == "loantap"
    connection.close()


def test_a_port_that_is_taken_is_named(service: Service):
    with pytest.raises(
        InputError, match=f"expected to listen at 127.0.0.1, port {service.port}, but: Address already in use"
    ):
        serve(None, port=service.port, started=print, ending=print)  # type: ignore[arg-type]


def test_a_name_that_is_no_address_is_named():
    with pytest.raises(InputError, match=r"expected to listen at no\.such\.host\.invalid"):
        serve(None, host="no.such.host.invalid", port=0, started=print, ending=print)  # type: ignore[arg-type]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_two_colons_answer_both_protocols_and_stand_in_brackets(model_folder: Path):
    with running_service(model_folder, "--host", "::") as service:
        for host in ("127.0.0.1", "::1"):
            connection = http.client.HTTPConnection(host, service.port, timeout=10)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            connection.close()
        assert service.address == f"http://[::]:{service.port}"


def test_an_idle_connection_outlives_a_request_that_does_not_arrive(monkeypatch: pytest.MonkeyPatch):
    """In this process, with less patience: a second for a request."""
    monkeypatch.setattr(connection, "ARRIVAL", 1)
    got: list[Any] = []

    def ask(address: str) -> None:
        with ExitStack() as stack:
            stack.callback(signal.raise_signal, signal.SIGTERM)
            port = int(address.rpartition(":")[2])
            idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            stack.callback(idle.close)
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            slow.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(2):
                idle.request("GET", "/")
                response = idle.getresponse()
                response.read()
                got.extend([response.status, slow.recv(1)])  # nothing, when it is closed

    asking: list[threading.Thread] = []

    def started(address: str) -> None:
        asking.append(threading.Thread(target=ask, args=[address]))
        asking[0].start()

    serve(Flask("nothing"), port=0, started=started, ending=list)
    asking[0].join()
    assert got == [404, b"", 404, b""]


def test_an_answer_that_is_not_taken_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """In this process, with less patience; the answer is larger than what the system keeps."""
    monkeypatch.setattr(connection, "LEAVING", 1)
    got: list[Any] = []

    def ask(address: str) -> None:
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            peer.connect(("127.0.0.1", int(address.rpartition(":")[2])))
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(2)
            signal.raise_signal(signal.SIGTERM)
            while part := peer.recv(1 << 20):
                got.append(len(part))

    asking: list[threading.Thread] = []

    def started(address: str) -> None:
        asking.append(threading.Thread(target=ask, args=[address]))
        asking[0].start()

    app = Flask("large")
    app.add_url_rule("/", view_func=lambda: b"x" * 100_000_000)
    serve(app, port=0, notice=0, started=started, ending=list)
    asking[0].join()
    assert 0 < sum(got) < 100_000_000


def test_beyond_so_many_connections_the_next_is_closed_and_the_others_stay(service: Service):
    with ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            for _ in range(connection.CONNECTIONS)
        ]
        soon(service, OSError, "/health")
        held.pop().close()
        soon(service, 200, "/health")
    soon(service, 200, "/health")


def batch_of(application: dict[str, Any], rows: int) -> bytes:
    return json.dumps({"applications": [application] * rows}).encode()


def in_flight(service: Service, path: str, body: bytes) -> tuple[threading.Thread, list[Any]]:
    """Start a request in a thread; return the thread, and the list that will hold its status, body and time of arrival."""
    found: list[Any] = []

    def ask() -> None:
        found.extend((*service.ask(path, body), time.monotonic()))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, found


def test_who_connects_anew_is_answered_until_all_could_know_that_the_service_ends(
    model_folder: Path, application: dict[str, Any]
):
    with running_service(model_folder, "--notice", "6") as service:
        service.process.terminate()
        told = time.monotonic()
        time.sleep(0.2)
        assert service.ask("/ready")[0] == 503
        asked = 0
        while time.monotonic() - told < 3:
            connection = service.connection()
            connection.request("POST", "/v1/score", json.dumps(application), {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert (response.status, response.getheader("Connection")) == (200, "close")
            asked += 1
        assert asked > 1
        assert service.process.wait(60) == 0
        assert time.monotonic() - told > 6


def test_a_person_who_ends_it_waits_for_nobody(model_folder: Path):
    with running_service(model_folder, "--notice", "120") as service:
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(60) == 0


def lets_nobody_in(service: Service, *, within: float) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            service.ask("/health")
        except ConnectionRefusedError:
            return True
        except OSError:  # let in at the moment in which the port closed
            continue
    return False


def test_requests_in_flight_are_answered_whole_when_the_service_is_told_to_end(
    model_folder: Path, application: dict[str, Any]
):
    with running_service(model_folder) as service:
        kept = service.connection()
        kept.request("GET", "/ready")
        assert kept.getresponse().read() == b'{"status":"ready"}'
        # More than there are threads: some are in work, some wait for their turn.
        batches = [in_flight(service, "/v1/score/batch", batch_of(application, 10_000)) for _ in range(2)]
        singles = [in_flight(service, "/v1/score", json.dumps(application).encode()) for _ in range(10)]
        time.sleep(0.2)
        service.process.terminate()
        told = time.monotonic()
        assert lets_nobody_in(service, within=60)  # threads at work let it wait
        for thread, _ in batches + singles:
            thread.join(120)
        for _, (status, body, _) in batches:
            assert status == 200
            assert len(json.loads(body)["scores"]) == 10_000
        assert max(arrived for _, (_, _, arrived) in batches) > told, "none was in flight"
        assert [found[0] for _, found in singles] == [200] * 10
        assert service.process.wait(60) == 0
        assert "cut off" not in service.log.read_text()


def test_a_slow_reader_gets_his_answer_to_the_last_byte_while_the_service_ends(
    model_folder: Path, application: dict[str, Any]
):
    with running_service(model_folder) as service, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        peer.connect(("127.0.0.1", service.port))
        body = batch_of(application, 10_000)
        head = f"POST /v1/score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        peer.sendall(head.encode() + body)
        first = peer.recv(1)  # the answer has begun, and does not fit into the buffers
        service.process.send_signal(signal.SIGINT)
        parts = [first]
        while part := peer.recv(1 << 20):
            parts.append(part)
            time.sleep(0.02)
        head_, _, rest = b"".join(parts).partition(b"\r\n\r\n")
        assert b" 200 OK" in head_
        assert len(json.loads(rest)["scores"]) == 10_000
        assert service.process.wait(60) == 0


def half_a_request(service: Service) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", service.port))
    peer.sendall(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    time.sleep(0.2)
    return peer


def test_a_second_signal_ends_it_at_once(model_folder: Path):
    with running_service(model_folder) as service, half_a_request(service):
        service.process.terminate()
        time.sleep(0.5)
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(14) == -signal.SIGINT


@pytest.mark.long
def test_a_request_that_never_arrives_does_not_hold_the_end_for_ever(model_folder: Path):
    with running_service(model_folder) as service, half_a_request(service):
        began = time.monotonic()
        service.process.terminate()
        assert service.process.wait(40) == 0
        assert 15 < time.monotonic() - began < 30
        assert "cut off" in service.log.read_text()


def test_idle_connections_do_not_hold_the_end(model_folder: Path):
    with running_service(model_folder) as service:
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(50)]
        service.process.terminate()
        assert service.process.wait(14) == 0
        assert all(peer.recv(1) == b"" for peer in idle)
