"""The whole job on the oldest and the newest Python that the README names: the same numbers, to the last digit."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from shutil import which

import pytest
from absences import absent

from loantap.settings import project_root

CLASSIFIERS = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))["project"]["classifiers"]
NAMED = re.findall(r"Python :: (3\.\d+)", " ".join(CLASSIFIERS))
FEW = ["--rows", "5000", "-P", "repetitions=100", "-P", "repeats=1", "-P", "folds=3", "--engine", "builtin"]


def interpreter(version: str) -> str:
    """A Python of that version, on the PATH or of pyenv's."""
    found = [which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")]
    for one in filter(None, found):
        if subprocess.run([one, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(one)
    absent(f"Python {version}")
    raise AssertionError


def whole_job(version: str, folder: Path) -> Path:
    """Install what `make report` installs, for that Python, and run."""
    words = ["make", f"{folder}/venv/.report", f"PYTHON={interpreter(version)}", f"VENV={folder}/venv"]
    done = subprocess.run(words, cwd=project_root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command = [f"{folder}/venv/bin/loantap", "run", "--out", str(folder / "run"), *FEW]
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=folder, env=outside, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run"


@pytest.mark.long
def test_the_oldest_and_the_newest_python_give_the_same_numbers(tmp_path: Path):
    runs = []
    for version in (NAMED[0], NAMED[-1]):
        (tmp_path / version).mkdir()
        runs.append(whole_job(version, tmp_path / version) / "results")
    one, other = ({str(path.relative_to(run)): path for path in run.rglob("*.*")} for run in runs)
    assert one.keys() == other.keys()
    assert len([name for name in one if name.endswith(".json")]) > 50
    differ = [name for name in one if one[name].read_bytes() != other[name].read_bytes()]
    assert differ == []
