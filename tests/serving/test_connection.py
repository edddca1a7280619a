"""A connection to the scoring service, without a service."""

import logging
import socket
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected

from loantap_serving.api.connection import Connection


class Leaving(Connection):
    """Its peer leaves after the request and before the answer."""

    def write_soon(self, data: Any) -> NoReturn:
        raise ClientDisconnected


def test_who_leaves_before_the_answer_to_what_is_not_http_is_no_error_of_ours(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.INFO, logger="waitress")  # a service within this process may have raised it
    here, there = socket.socketpair()
    with here, there:
        settings = Adjustments()
        server = SimpleNamespace(
            active_channels={}, accepting=True, add_task=lambda _: None, pull_trigger=lambda: None, adj=settings
        )
        connection = Leaving(server, here, ("127.0.0.1", 1), settings, map={})
        connection.received(b"\x00 no request\r\n\r\n")
        connection.service()
    assert connection.close_when_flushed
    assert "Client disconnected" in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
