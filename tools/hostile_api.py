"""Send the scoring service what nobody should, and write the table of docs/api.md: python tools/hostile_api.py --model DIR.

The service runs as a process of its own; after each kind it has to be alive, and at the end its log is searched for
what callers sent.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

import pandas as pd
from api_process import Service, running_service
from hostile_cases import KINDS, MARK, Case
from page_parts import write_measured

from loantap_serving.api.keys import make_key
from loantap_serving.api.openapi import EXAMPLE

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
CLOSED = "closed"
FUZZED = 3_000  # of the kinds that never end
RAW = (
    b"GET\r\n\r\n", b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"GET /health\r\n\r\n",
    b"POST /v1/score HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST /v1/score HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"POST /v1/score HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /v1/score HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n{}\r\n",
    b"POST /v1/score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", b"A" * 70_000,
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"GET / HTTP/1.1\r\nX : y\r\n\r\n", b"GET / HTTP/1.1\r\n X: y\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"GET * HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)  # fmt: skip


def main() -> None:
    """Run the campaign and write its table; end with an error if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        key = make_key(Path(folder) / "keys", "campaign")
        with running_service(given.model) as service:
            for kind, maker in KINDS.items():
                cases = islice(maker(random.Random(given.seed)), FUZZED)
                rows.append(row(kind, Counter(send(service, cases)), service))
            rows.append(row("what is not HTTP", Counter(send_raw(service)), service))
            cut_off, taken = slow_clients(service)
            slowest = f"{1000 * statistics.median(taken):.0f} ms, at most {1000 * max(taken):.0f} ms"
            print(f"{cut_off} of 200 slow clients were cut off; others waited {slowest}")
            rows.append(row("slow clients", Counter({CLOSED: cut_off}), service))
            rows.append(row("many connections", many_connections(service), service))
            silent(service)
        with running_service(given.model, "--keys", str(Path(folder) / "keys")) as service:
            rows.append(row("guessed keys", guessed_keys(service, key), service, {"X-API-Key": key}))
            silent(service)
    table = pd.DataFrame(rows).fillna(0)
    table.loc[len(table)] = {"kind": "all", **table.drop(columns=["kind", "alive after"]).sum(), "alive after": "yes"}
    print(table.to_markdown(index=False))
    write_measured(PAGE, "hostile", table.to_markdown(index=False))
    if table["5xx"].iloc[-1]:
        raise SystemExit("the service failed")


def row(kind: str, answers: Counter[str], service: Service, headers: dict[str, str] | None = None) -> dict[str, object]:
    """Return a line of the table; raises AssertionError if the service no longer scores."""
    status, body = service.ask("/v1/score", EXAMPLE, headers=headers)
    assert (status, service.process.poll()) == (200, None), f"after {kind}: {status} {body!r}"
    classes = {name: answers[name] for name in ("2xx", "4xx", "5xx", CLOSED)}
    return {"kind": kind, "cases": answers.total(), **classes, "alive after": "yes"}


def send(service: Service, cases: Iterator[Case]) -> Iterator[str]:
    """Send requests one after the other and yield the class of each answer, which is looked at."""
    connection = service.connection()
    for case in cases:
        try:
            connection.putrequest(case.method, case.path, skip_host="Host" in case.headers, skip_accept_encoding=True)
            for name, value in case.headers.items():
                connection.putheader(name, value)
            if case.body is not None and "Transfer-Encoding" not in case.headers:
                connection.putheader("Content-Length", str(len(case.body)))
            connection.endheaders(case.body)
            response = connection.getresponse()
            yield look(case, response, response.read())
        except (OSError, http.client.HTTPException):
            yield CLOSED  # it may close before it has read all of what it does not take
            connection.close()
    connection.close()


def look(case: Case, response: http.client.HTTPResponse, body: bytes) -> str:
    """Return the class of an answer; raises AssertionError for one that is not as it should be."""
    about = f"{case.method} {case.path[:80]} {(case.body or b'')[:300]!r}: {response.status} {body[:500]!r}"
    assert response.getheader("X-Content-Type-Options") == "nosniff", about
    assert response.getheader("Server") == "loantap", about
    if response.status >= 400:
        assert MARK.encode() not in body, f"it repeats what came: {about}"
        assert b"Traceback" not in body, about
        if case.method != "HEAD":
            assert response.getheader("Content-Type") == "application/problem+json", about
            assert json.loads(body)["status"] == response.status, about
    assert response.status == 200 or not case.accepted, f"it is right and was refused: {about}"
    return f"{response.status // 100}xx"


def send_raw(service: Service) -> Iterator[str]:
    """Send bytes that are no request."""
    for raw in RAW:
        with socket.create_connection(("127.0.0.1", service.port), timeout=2) as peer:
            try:
                peer.sendall(raw)
                peer.shutdown(socket.SHUT_WR)
                start = peer.recv(12)
            except OSError:
                start = b""
            yield f"{start[9:10].decode()}xx" if start.startswith(b"HTTP/") else CLOSED


def slow_clients(service: Service, *, clients: int = 200, seconds: float = 45) -> tuple[int, list[float]]:
    """Let many clients send a byte a second, while others ask.

    Returns how many of the slow ones were cut off, and the seconds that each of the others' requests took.
    """
    with ExitStack() as stack:
        peers = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(clients)]
        for peer in peers:
            peer.sendall(
                b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
            )
        taken: list[float] = []
        gone: set[socket.socket] = set()
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(gone) < clients:
            for peer in peers:
                try:
                    peer.sendall(b" ")
                except OSError:
                    gone.add(peer)
            began = time.monotonic()
            assert service.ask("/v1/score", EXAMPLE)[0] == 200
            taken.append(time.monotonic() - began)
            time.sleep(1)
    return len(gone), taken


def many_connections(service: Service, *, connections: int = 500) -> Counter[str]:
    """Hold many connections open and ask on each of them."""
    answers: Counter[str] = Counter()
    body = json.dumps(EXAMPLE)
    with ExitStack() as stack:
        held = [stack.enter_context(closing(service.connection())) for _ in range(connections)]
        for connection in held:
            connection.connect()
        for connection in held:
            connection.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
        for connection in held:
            response = connection.getresponse()
            response.read()
            answers[f"{response.status // 100}xx"] += 1
    return answers


def guessed_keys(service: Service, key: str, *, guesses: int = 500) -> Counter[str]:
    """Guess keys: at random, and near a right one; the right one has to work all the while."""
    draw = random.Random(0)
    answers: Counter[str] = Counter()
    seen = set()
    for number in range(guesses):
        place = draw.randrange(len(key))
        guess = draw.choice(
            ["", key[:place], key + "x", key[:place] + "~" + key[place + 1 :], f"{draw.getrandbits(256):x}"]
        )
        status, _ = service.ask("/v1/score", EXAMPLE, headers={"X-API-Key": guess})
        answers[f"{status // 100}xx"] += 1
        seen.add(status)
        if number % 50 == 0:
            assert service.ask("/v1/score", EXAMPLE, headers={"X-API-Key": key})[0] == 200
    assert seen == {401, 429}, seen
    return answers


def silent(service: Service) -> None:
    """Raise AssertionError if the log holds what callers sent, or an error."""
    text = service.log.read_text("utf-8")
    assert MARK not in text, "the log holds what callers sent"
    errors = [line for line in text.splitlines() if json.loads(line)["level"] == "error"]
    assert not errors, errors[:3]


if __name__ == "__main__":
    main()
