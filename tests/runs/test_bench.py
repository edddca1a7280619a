"""Benches: a notebook that is opened by hand works there, and no run of record changes."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import papermill
import pytest
from tiny_project import contents, finished

from loantap.errors import InputError
from loantap.runs.bench import notebook_run
from loantap.runs.checksums import need_unchanged
from loantap.settings import project_root

pytestmark = pytest.mark.slow


def by_hand(project: Path, name: str, **parameters: object) -> str:
    """Run a notebook as JupyterLab does, and return its first output."""
    done = papermill.execute_notebook(project / "notebooks" / name, None, parameters, progress_bar=False)
    return next(output["text"] for cell in done.cells for output in cell.get("outputs", []))


def benches(project: Path) -> list[Path]:
    return sorted((project / "runs" / "lab").iterdir())


def test_exploring_changes_no_run(project: Path):
    run = finished(project)
    before = contents(run)
    first = by_hand(project, "02_count.ipynb", seed=4)
    [bench] = benches(project)
    assert first == f"Bench runs/lab/{bench.name}: reads run {run} where the bench has nothing of its own, and writes here only.\n"  # fmt: skip
    assert contents(run) == before
    assert (bench / "results" / "count.json").read_text() == "[\n 9,\n 4\n]\n"
    need_unchanged(run)


def test_a_bench_keeps_to_its_run_and_reads_its_own_results_first(project: Path):
    finished(project)
    run = notebook_run()
    finished(project, "later", rows=8)
    assert notebook_run().path == run.path
    assert (run.result("count"), run.on_bench) == ([9, 3], True)
    run.write_result("count", [1, 1])
    assert notebook_run().result("count") == [1, 1]
    other = notebook_run(str(project / "runs" / "later"))
    assert (other.result("count"), other.bench) == (
        [8, 3],
        f"{run.bench}-on-later-{sha256(str(project / 'runs' / 'later').encode()).hexdigest()[:6]}",
    )


def test_without_a_run_a_bench_gets_a_small_sample(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOANTAP_HOME")
    shutil.copytree(project_root() / "data" / "reference", project / "data" / "reference")
    monkeypatch.setenv("LOANTAP_HOME", str(project))
    run = notebook_run()
    assert str(run).endswith("5,000 synthetic loans of its own, and writes here only.")
    assert len(run.loans(["default"])) == 5_000
    assert run.is_synthetic
    assert notebook_run() == run
    assert run.path == benches(project)[0]


def test_new_loans_go_to_a_bench_of_their_own(project: Path):
    run = finished(project)
    before = contents(run)
    first = by_hand(project, "01_ingest.ipynb", rows=5)
    [bench] = benches(project)
    assert first == f"Bench runs/lab/{bench.name}: no loans yet, and writes here only.\n"
    by_hand(project, "02_count.ipynb")
    assert (bench / "results" / "count.json").read_text() == "[\n 5,\n 0\n]\n"
    by_hand(project, "01_ingest.ipynb", rows=6)  # what was made of other loans is set aside, not mixed with
    assert [path.name for path in benches(project)] == [bench.name, f"{bench.name}-1"]
    assert not (bench / "results" / "count.json").exists()
    assert (benches(project)[1] / "results" / "count.json").is_file()
    assert contents(run) == before


def test_a_folder_that_is_no_run_is_refused(project: Path):
    with pytest.raises(InputError, match=r"run_dir: expected a run's folder"):
        notebook_run(str(project))


def test_each_start_of_jupyter_has_its_own_bench_and_all_its_kernels_share_it(project: Path):
    """Each line that a server prints is the bench of one of its kernels."""
    kernel = "from loantap.runs.bench import notebook_run; print(notebook_run().bench)"
    server = (
        f"import subprocess, sys; [subprocess.run([sys.executable, '-c', {kernel!r}], check=True) for _ in range(2)]"
    )
    finished(project)
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", server], env=os.environ, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.split())
    assert [len(set(lines)) for lines in said] == [1, 1]
    assert said[0] != said[1]
