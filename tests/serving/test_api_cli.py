"""`loantap serve api` and `loantap serve key`."""

import json
import time
from pathlib import Path
from typing import Any

import api_support  # noqa: F401 (finds the scripts)
import pandas as pd
import pytest
from api_process import running_service
from typer.testing import CliRunner

from loantap.errors import InputError
from loantap.model.fitted import FittedModel
from loantap.model.persistence import model_version, save_model
from loantap_serving.api.keys import read_keys
from loantap_serving.commands.serve import app
from loantap_serving.store import ModelStore

runner = CliRunner()


def test_a_key_is_shown_once_and_its_hash_kept(tmp_path: Path):
    found = runner.invoke(app, ["key", "branch", "--file", str(tmp_path / "keys")])
    assert found.exit_code == 0
    key = found.stdout.strip()
    assert read_keys(tmp_path / "keys").holder(key) == "branch"
    assert key not in (tmp_path / "keys").read_text()
    assert "Shown this once" in found.stderr


def test_a_name_that_has_a_key_is_refused(tmp_path: Path):
    runner.invoke(app, ["key", "branch", "--file", str(tmp_path / "keys")])
    found = runner.invoke(app, ["key", "branch", "--file", str(tmp_path / "keys")])
    assert isinstance(found.exception, InputError)


def test_what_is_no_model_is_said(tmp_path: Path):
    found = runner.invoke(app, ["api", "--model", str(tmp_path)])
    assert isinstance(found.exception, InputError)
    assert "expected a model's folder" in str(found.exception)


def test_keys_that_are_not_there_are_said(model_folder: Path, tmp_path: Path):
    found = runner.invoke(app, ["api", "--model", str(model_folder), "--keys", str(tmp_path / "none")])
    assert isinstance(found.exception, InputError)
    assert "Make one: loantap serve key" in str(found.exception)


def test_keys_of_the_environment_are_asked_for_and_none_there_is_an_error(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # fmt: skip
    held: list[Any] = []
    monkeypatch.setattr("loantap_serving.api.server.serve", lambda app, **_: held.append(app))
    key = runner.invoke(app, ["key", "branch", "--file", str(tmp_path / "keys")]).stdout.strip()
    words = ["api", "--model", str(model_folder)]
    monkeypatch.setenv("LOANTAP_API_KEYS", (tmp_path / "keys").read_text())
    assert runner.invoke(app, words).exception is None
    (service,) = held
    assert service.test_client().get("/v1/model").status_code == 401
    assert service.test_client().get("/v1/model", headers={"X-API-Key": key}).status_code == 200
    for empty in ("", "# none\n"):
        monkeypatch.setenv("LOANTAP_API_KEYS", empty)
        found = runner.invoke(app, words)
        assert isinstance(found.exception, InputError)
        assert "LOANTAP_API_KEYS: expected keys, found none" in str(found.exception)
    assert len(held) == 1


def test_the_champion_of_a_store_answers_and_the_next_one_takes_over(
    model_folder: Path, tmp_path: Path, fitted: FittedModel, loans: pd.DataFrame, application: dict[str, Any]
):
    store = ModelStore(tmp_path / "models")
    store.promote(model_folder, "one", [])
    other = save_model(tmp_path / "other", fitted, loans=loans, card={"name": "another"}, page="")
    with running_service(tmp_path / "models") as service:

        def version() -> str:
            status, body = service.ask("/v1/score", application)
            assert status == 200
            return json.loads(body)["model_version"]

        assert version() == model_version(model_folder)
        store.promote(other, "two", [])
        end = time.monotonic() + 20
        while version() != model_version(other):
            assert time.monotonic() < end, "the new champion does not answer"
        store.rollback()
        while version() != model_version(model_folder):
            assert time.monotonic() < end, "the former champion does not answer"
