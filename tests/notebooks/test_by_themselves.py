"""Each notebook runs top to bottom by itself, on a small synthetic sample (nbval)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loantap.settings import notebooks_dir, project_root

# Tuning takes as long as the others together, and the whole job does it too.
NOTEBOOKS = [
    pytest.param(path, id=path.name, marks=[pytest.mark.long] if "tuning" in path.name else [])
    for path in sorted(notebooks_dir().glob("*.ipynb"))
]


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_runs_by_itself(path: Path, tmp_path: Path):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(path, tmp_path / "notebooks")
    shutil.copy(project_root() / "_quarto.yml", tmp_path)
    shutil.copytree(project_root() / "data" / "reference", tmp_path / "data" / "reference")
    # One plugin does, of those that pytest would load by itself: the others take seconds.
    words = [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider"]  # fmt: skip
    done = subprocess.run(
        [*words, "--nbval-cell-timeout=300", "--rootdir", str(tmp_path), str(tmp_path / "notebooks" / path.name)],
        cwd=tmp_path,
        env=os.environ | {"LOANTAP_HOME": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert list((tmp_path / "runs" / "lab").glob("*/results/**/*.json"))
