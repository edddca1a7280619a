"""`loantap lab`: JupyterLab with the project's settings, and with whatever else a person asks of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.request import Request, urlopen

import pytest
from absences import absent
from command_line import loantap

from loantap.settings import project_root

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Replaced(Exception):  # noqa: N818
    """The process would be JupyterLab's from here on."""


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What JupyterLab would be started with, after its own name."""
    started: list[list[str]] = []

    def execve(program: str, given: list[str], environment: dict[str, str]) -> None:
        assert program == sys.executable
        assert given[:3] == [sys.executable, "-m", "jupyterlab"]
        assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"
        started.append(given[3:])
        raise Replaced

    def call(*options: str) -> list[str]:
        loantap("lab", *options)
        return started.pop()

    monkeypatch.setattr(os, "execve", execve)
    return call


def test_options_go_on_to_jupyterlab_as_they_are(words: Callable[..., list[str]]):
    options = ["--allow-root", "--port", "9999", "--no-browser", "-y", "--IdentityProvider.token=x", "notes.ipynb"]
    assert words(*options)[-len(options) :] == options


def test_the_project_is_the_root_on_this_machine_only(words: Callable[..., list[str]]):
    assert words() == [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={project_root()}",
        "--LabApp.default_url=/lab/tree/notebooks",
    ]


def test_an_option_of_ours_gives_way_to_the_persons(words: Callable[..., list[str]]):
    root = f"--ServerApp.root_dir={project_root()}"
    assert words("--ip", "0.0.0.0") == [root, "--LabApp.default_url=/lab/tree/notebooks", "--ip", "0.0.0.0"]
    assert words("--notebook-dir=/srv") == ["--ServerApp.ip=127.0.0.1", "--notebook-dir=/srv"]
    assert words("--LabApp.default_url=/lab") == ["--ServerApp.ip=127.0.0.1", root, "--LabApp.default_url=/lab"]


def test_help_explains_the_command():
    done = loantap("lab", "--help")
    assert done.returncode == 0
    assert "Open JupyterLab at the project" in done.stdout
    assert "--no-browser" in done.stdout


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where JupyterLab of a small project says it can be opened, for somebody who has another kernel named python3."""
    folder = tmp_path_factory.mktemp("lab")
    project, home = folder / "project", folder / "home"
    (project / "notebooks").mkdir(parents=True)
    (project / "runs").mkdir()
    shutil.copy(project_root() / "_quarto.yml", project)
    shutil.copy(project_root() / "notebooks" / "02_eda.ipynb", project / "notebooks")
    other = home / ".local" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"argv": ["false"], "display_name": "Another project", "language": "python"}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # What Jupyter does by itself outside of a virtual environment.
    told = {"HOME": str(home), "LOANTAP_HOME": str(project), "JUPYTER_PREFER_ENV_PATH": "0"}
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "loantap", "lab", "--allow-root", "--no-browser", "--port", str(port)],
            env=os.environ | told,
            cwd=folder,
            stdout=stream,
            stderr=stream,
        )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):  # it says its address before it answers there
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        [said, *_] = re.findall(rf"http://127\.0\.0\.1:{port}/\S*token=\w+", log.read_text())
        yield said
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.slow
def test_the_kernel_is_this_environments_and_not_the_persons_other_one(address: str):
    base, token = address.split("/lab")[0], address.split("token=")[1]
    with urlopen(Request(f"{base}/api/kernelspecs", headers={"Authorization": f"token {token}"})) as answer:
        known = json.load(answer)
    assert known["default"] == "python3"
    spec = known["kernelspecs"]["python3"]["spec"]
    assert spec["display_name"] != "Another project"
    assert spec["argv"][1:3] == ["-m", "ipykernel_launcher"]


@pytest.mark.slow
def test_the_browser_opens_among_the_notebooks_and_can_go_up_to_the_project(address: str):
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        absent("chromium")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
        page.goto(address)
        page.wait_for_selector(".jp-DirListing-item:has-text('02_eda.ipynb')", timeout=60_000)
        page.click(".jp-BreadCrumbs-home")
        for folder in ("notebooks", "runs"):
            page.wait_for_selector(f".jp-DirListing-item:has-text('{folder}')", timeout=60_000)
