"""The scoring service under another WSGI server, gunicorn, with what the environment says."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, create_environ
from werkzeug.wrappers import Response

from loantap.errors import InputError
from loantap.model.fitted import FittedModel
from loantap.model.persistence import model_version, save_model
from loantap_serving.api.app import create_app
from loantap_serving.api.keys import make_key


@contextmanager
def under_gunicorn(*options: str, **environment: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    words = [sys.executable, "-m", "gunicorn", "loantap_serving.api.app:create_app()", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*words, "--threads", "4", *options], env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    end = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except ConnectionRefusedError:
            assert time.monotonic() < end, "it does not start"
            time.sleep(0.1)
        finally:
            connection.close()


def test_a_swapped_model_is_seen_also_where_the_service_is_loaded_before_it_forks(
    model_folder: Path, fitted: FittedModel, loans: pd.DataFrame, tmp_path: Path
):
    pytest.importorskip("gunicorn")
    shutil.copytree(model_folder, tmp_path / "model")
    with under_gunicorn("--preload", "--workers", "2", LOANTAP_API_MODEL=str(tmp_path / "model")) as port:
        assert model_version(model_folder) in ask(port, "/v1/model")[1]
        other = save_model(tmp_path / "other", fitted, loans=loans, card={"name": "another"}, page="")
        shutil.rmtree(tmp_path / "model")
        other.rename(tmp_path / "model")
        wanted = model_version(tmp_path / "model")
        end = time.monotonic() + 20
        while not all(wanted in ask(port, "/v1/model")[1] for _ in range(10)):
            assert time.monotonic() < end, "the former model still answers"
            time.sleep(0.1)


def test_keys_and_rate_of_the_environment_hold(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: dict[str, Any]
):
    key = make_key(tmp_path / "keys", "branch")
    monkeypatch.setenv("LOANTAP_API_MODEL", str(model_folder))
    monkeypatch.setenv("LOANTAP_API_KEYS", (tmp_path / "keys").read_text())
    monkeypatch.setenv("LOANTAP_API_RATE", "0.5")
    client = create_app().test_client()
    assert client.post("/v1/score", json=application).status_code == 401
    codes = [client.post("/v1/score", json=application, headers={"X-API-Key": key}).status_code for _ in range(2)]
    assert codes == [200, 429]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOANTAP_API_MODEL", "nowhere", "expected a model's folder"),
        ("LOANTAP_API_KEYS", "", "expected keys, found none"),
        ("LOANTAP_API_RATE", "often", "expected requests a second, a number above 0, got 'often'"),
        ("LOANTAP_API_RATE", "0", "expected requests a second"),
    ],
)
def test_what_is_wrong_in_the_environment_is_said_at_the_start(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
):
    monkeypatch.setenv("LOANTAP_API_MODEL", str(model_folder))
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=said):
        create_app()


def test_below_a_prefix_the_page_and_the_description_lead_to_each_other_and_to_the_service(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOANTAP_API_MODEL", str(model_folder))
    client = Client(DispatcherMiddleware(lambda *_: [b""], {"/scoring": create_app()}))
    assert '<a href="openapi.json">' in client.get("/scoring/docs").text
    described = client.get("/scoring/openapi.json").json
    assert [server["url"] for server in described["servers"]] == ["./"]
    assert client.get("/scoring/health").status_code == 200


def test_without_a_host_http_1_1_is_refused_by_the_service_itself(model_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOANTAP_API_MODEL", str(model_folder))
    environ = create_environ("/health")
    assert Response.from_app(create_app(), environ).status_code == 200
    del environ["HTTP_HOST"]
    assert Response.from_app(create_app(), environ).status_code == 400
