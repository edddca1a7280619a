"""`pytest --nbval-lax` on a notebook works with the project's own options, which give tests to several workers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from loantap.settings import project_root

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
IGNORED = {".pytest_cache", "__pycache__"}  # by git


def test_a_cell_knows_what_the_cells_before_it_did(tmp_path: Path):
    shutil.copy(project_root() / "pyproject.toml", tmp_path)
    (tmp_path / "notebooks").mkdir()
    cells = [new_code_cell(text) for text in ("count = 0", *["count += 1"] * 9, "assert count == 9")]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), tmp_path / "notebooks" / "01.ipynb")
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        # Two plugins do, of those that pytest would load by itself: the others take seconds, in each worker.
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "nbval.plugin",
            "-p",
            "xdist.plugin",
            "--nbval-lax",
            "notebooks/01.ipynb",
        ],
        cwd=tmp_path,
        env=outside | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 passed" in done.stdout
    left = {path.name for path in tmp_path.rglob("*") if not IGNORED & {*path.parts}}
    assert left == {"pyproject.toml", "notebooks", "01.ipynb"}
