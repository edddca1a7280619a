"""What images are made of, without building any."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from loantap.settings import project_root

ROOT = project_root()


def test_the_linter_of_dockerfiles_finds_nothing():
    words = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(ROOT / "deploy" / "Dockerfile")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_image_is_told_its_commit_by_a_step_that_no_cache_can_stand_in_for():
    _, *stages = (ROOT / "deploy" / "Dockerfile").read_text("utf-8").split("\nFROM runtime AS ")
    assert [stage.split()[0] for stage in stages] == ["api", "dashboard", "report"]
    for stage in stages:
        before, told = re.split(r"ARG VERSION\nARG COMMIT\nRUN .*\$\{VERSION.*\$\{COMMIT.*\n", stage)
        assert "${" not in before
        assert {"${VERSION}", "${COMMIT}"} <= set(told.replace('"', " ").split())


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "deploy").glob("*.sh")))
def test_a_script_is_one(script: str):
    path = ROOT / "deploy" / script
    assert path.stat().st_mode & 0o111, "it is called by its name"
    done = subprocess.run(["sh", "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_target_that_there_is_not_is_refused():
    done = subprocess.run([ROOT / "deploy" / "build_image.sh", "web"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "expected api, dashboard or report, got 'web'\n")


def test_only_what_is_named_may_come_into_an_image():
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "everything is left out but what is named"
    assert {line[1:].split("/")[0] for line in lines if line[0] == "!"} <= {
        "README.md", "_quarto.yml", "data", "deploy", "loantap.yml", "notebooks", "pyproject.toml", "reports", "requirements", "src",
    }  # fmt: skip
