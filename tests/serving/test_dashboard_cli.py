"""How the dashboard is started."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from loantap.errors import InputError, MissingToolError
from loantap.settings import how_to_add
from loantap_serving.commands import dashboard as cli
from loantap_serving.dashboard.sources import MODEL, RUN


class Replaced(Exception):  # noqa: N818
    """The process would be Streamlit's from here on."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    """The words and the environment that the process is replaced with."""
    found: dict = {}

    def execve(program: str, words: list[str], environment: dict[str, str]) -> None:
        found.update(program=program, words=words, environment=environment)
        raise Replaced

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setenv("LOANTAP_MODELS", str(tmp_path / "models"))
    return found


def test_streamlit_takes_the_place_of_the_command_on_this_machine_only(started: dict, model_folder: Path):
    with pytest.raises(Replaced):
        cli.dashboard(model=model_folder, run=None, port=8599)
    assert started["words"][:4] == [sys.executable, "-m", "loantap_serving.dashboard", "run"]
    assert Path(started["words"][4]).name == "app.py"
    options = dict(word.removeprefix("--").split("=", 1) for word in started["words"][5:])
    assert options["server.address"] == "127.0.0.1"
    assert options["server.port"] == "8599"
    assert options["browser.gatherUsageStats"] == "false"
    assert options["client.showErrorDetails"] == "none"
    assert int(options["server.maxUploadSize"]) <= 200
    assert started["environment"][MODEL] == str(model_folder.resolve())
    assert started["environment"][RUN] == ""


def test_a_model_named_by_its_run_reaches_the_pages_as_it_was_named(
    started: dict, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(model_folder, tmp_path / "runs" / "r1" / "model")
    monkeypatch.setattr("loantap_serving.locate.runs_dir", lambda: tmp_path / "runs")
    with pytest.raises(Replaced):
        cli.dashboard(model=Path("r1"), run=None)
    assert started["environment"][MODEL] == "r1"


def test_a_wrong_folder_is_named_before_anything_starts(started: dict, tmp_path: Path):
    with pytest.raises(InputError, match="expected a model's folder"):
        cli.dashboard(model=tmp_path, run=None)
    with pytest.raises(InputError, match="expected a run's folder"):
        cli.dashboard(model=None, run=tmp_path)
    assert not started


def test_without_streamlit_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=re.escape(how_to_add("dashboard"))):
        cli.dashboard(model=None, run=None)


def test_an_address_that_others_reach_comes_with_a_warning(
    started: dict, model_folder: Path, capsys: pytest.CaptureFixture[str]
):
    for host, warned in (("127.0.0.1", False), ("0.0.0.0", True)):
        with pytest.raises(Replaced):
            cli.dashboard(model=model_folder, run=None, host=host)
        assert ("there is no login" in capsys.readouterr().err) == warned
