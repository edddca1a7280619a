"""What `make bench` times: some stages of a run, in a process of their own."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from loantap.settings import project_root

pytestmark = pytest.mark.slow


def test_the_bench_runs_the_stages_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(project_root() / "tools"))
    bench = runpy.run_path(str(project_root() / "tools" / "bench.py"))
    words = [sys.executable, "-c", bench["SOME_STAGES"], "1000", str(tmp_path / "run"), "ingest,association-grade"]
    done = subprocess.run(words, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bench["stage_seconds"](tmp_path / "run")["stage"].tolist() == ["ingest", "association-grade"]
