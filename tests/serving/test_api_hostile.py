"""What nobody should send to the scoring service: it answers clearly, tells nothing, and lives."""

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import api_support  # noqa: F401 (finds the scripts)
import psutil
import pytest
from api_process import Service, running_service
from hostile_api import CLOSED, RAW, guessed_keys, many_connections, send, send_raw, silent, slow_clients
from hostile_cases import KINDS, MARK

from loantap_serving.api.keys import make_key

FUZZED = 150


@pytest.fixture(scope="module")
def service(model_folder: Path) -> Iterator[Service]:
    with running_service(model_folder) as found:
        yield found
        silent(found)


def alive(service: Service) -> None:
    assert service.process.poll() is None
    assert service.ask("/ready") == (200, b'{"status":"ready"}')


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_of_this_kind_harms(service: Service, kind: str):
    answers = Counter(send(service, islice(KINDS[kind](random.Random(1)), FUZZED)))
    assert answers["5xx"] == 0
    assert answers["4xx"] > 0
    assert answers[CLOSED] == 0 or kind == "bodies of up to 17 MB"
    alive(service)


def test_what_is_not_http_harms_nobody(service: Service):
    answers = Counter(send_raw(service))
    assert answers.total() == len(RAW)
    assert answers["5xx"] == 0
    assert answers["4xx"] > len(RAW) / 2, "they get an answer"
    alive(service)


def test_others_are_served_while_many_send_a_byte_a_second(service: Service):
    cut_off, taken = slow_clients(service, clients=300, seconds=4)
    assert cut_off == 0, "it is too early for that"
    assert max(taken) < 1


@pytest.mark.long
def test_who_is_too_slow_is_cut_off_even_if_he_goes_on_sending(service: Service):
    cut_off, _ = slow_clients(service, clients=50, seconds=60)
    assert cut_off == 50


def test_hundreds_of_connections_are_served(service: Service):
    assert many_connections(service, connections=400) == {"2xx": 400}


def test_who_reads_no_answers_holds_up_nobody(service: Service, application: dict[str, Any]):
    body = json.dumps({"applications": [application] * 3_000}).encode()
    head = f"POST /v1/score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    peers = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(6)]
    for peer in peers:
        peer.sendall(head.encode() + body)
    for _ in range(20):
        began = time.monotonic()
        assert service.ask("/v1/score", application)[0] == 200
        assert time.monotonic() - began < 3
    for peer in peers:
        peer.close()
    alive(service)


@pytest.mark.long
def test_large_bodies_leave_no_memory_behind(service: Service):
    process = psutil.Process(service.process.pid)
    sizes = []
    for _ in range(6):
        Counter(send(service, KINDS["bodies of up to 17 MB"](random.Random(2))))
        sizes.append(process.memory_info().rss / 1e6)
    # At first each thread's part of the heap grows to what its largest batch needed.
    assert sizes[-1] - sizes[3] < 60, sizes
    assert sizes[-1] < 1_000, sizes


def test_guessed_keys_are_refused_and_soon_told_to_wait(model_folder: Path, tmp_path: Path):
    key = make_key(tmp_path / "keys", "branch")
    with running_service(model_folder, "--keys", str(tmp_path / "keys")) as service:
        assert guessed_keys(service, key, guesses=100) == {"4xx": 100}
        text = service.log.read_text()
        assert key not in text
        silent(service)


def test_what_callers_send_is_in_no_log(service: Service, application: dict[str, Any]):
    service.ask(f"/{MARK}?{MARK}", application | {"emp_title": MARK}, headers={"User-Agent": MARK})
    assert MARK not in service.log.read_text()
