"""A project of two tiny notebooks, so that running, killing and resuming them takes no time."""

import atexit
import json
import shutil
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest

from loantap.cli import run as command
from loantap.cli.app import main
from loantap.runs import notebooks, sequence
from loantap.runs.notebooks import Stage
from loantap.runs.record import hold_run, new_run
from loantap.runs.sequence import resume_run, start_run

STAGES = (
    Stage("ingest", "01_ingest.ipynb", needs=()),
    Stage("count", "02_count.ipynb", needs=("data/loans.parquet",)),
)
INGEST_PARAMETERS = """
run_dir: str = ""  # folder
data: str = ""  # file
quarantine: bool = False  # aside
rows: int = 7  # rows [1..]
seed: int = 0  # seed
"""
INGEST = """
from loantap.errors import SchemaError
from loantap.runs.bench import notebook_run
run = notebook_run(run_dir, new_loans=True)
print(run)
if rows == 1:
    raise SchemaError("loans.csv: one row is too few")
run.to("data").mkdir(parents=True, exist_ok=True)
run.to("data", "loans.parquet").write_text(str(rows))
facts = {"kind": "synthetic", "synthetic": True, "rows": rows, "unfinished": 0, "duplicates": 0, "quarantined": 0}
run.write_result("ingest", {"data": facts, "extra_columns": []})
"""
COUNT_PARAMETERS = 'run_dir: str = ""  # folder\nseed: int = 0  # seed\nwhat: str = ""  # what goes wrong, and when'
COUNT = """
import os, signal, time
from pathlib import Path
from loantap.errors import InputError, UnfitDataError
from loantap.runs.bench import notebook_run
run = notebook_run(run_dir)
print(run)
run.update_result("shared", count=int(run.loans_path.read_text()))
if what == "fail" and not Path("mended").exists():
    raise ZeroDivisionError("no loans")
if what == "unfit":
    raise UnfitDataError("all loans have the same grade, B.")
if what == "refuse":
    raise InputError("these loans will not do")
if what == "die" and not Path("mended").exists():
    os.kill(os.getpid(), signal.SIGKILL)
while what == "wait" and Path("waiting").exists():
    time.sleep(0.02)
run.write_result("count", [int(run.loans_path.read_text()), seed])
"""


class Told:
    """What the run told."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.why: dict[str, str] = {}

    def stage(self, name: str, cells: int, fits: Path) -> None:
        self.ran.append(name)

    def cell(self, name: str) -> None:
        pass

    def done(self, name: str, seconds: float | None, why: str) -> None:
        self.why[name] = why


def notebook(path: Path, parameters: str, body: str) -> None:
    """Write a notebook of two cells."""
    cells = [
        nbformat.v4.new_code_cell(parameters, id="given", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(textwrap.dedent(body).strip(), id="work"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def tiny(patch: pytest.MonkeyPatch) -> None:
    """Let the library know these two stages only, and render nothing."""
    for module in (sequence, notebooks):
        patch.setattr(module, "stages_of", lambda _: STAGES)
    patch.setattr(command, "render", lambda *_: None)


def launch(*words: object, largest: int | None = None) -> subprocess.Popen[str]:
    """Start a command on the project as a process of its own, such as `run --out DIR`.

    With `largest` no file may grow beyond so many bytes, as where the disk is full: with 0 nothing can be written at all.
    """
    code = [sys.executable, __file__, *map(str, words)]
    limit = ["prlimit", f"--fsize={largest}"] if largest is not None else []
    return subprocess.Popen(
        [*limit, *code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def make_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the project at `root`, and let the library work on it."""
    (root / "notebooks").mkdir(parents=True)
    (root / "_quarto.yml").touch()
    notebook(root / "notebooks" / "01_ingest.ipynb", INGEST_PARAMETERS, INGEST)
    notebook(root / "notebooks" / "02_count.ipynb", COUNT_PARAMETERS, COUNT)
    monkeypatch.setenv("LOANTAP_HOME", str(root))
    tiny(monkeypatch)
    return root


def start(project: Path, name: str = "run", **given: object) -> Path:
    """Run all stages in a new folder of the project."""
    with new_run(project / "runs" / name) as held:
        return start_run(held, given, progress=Told()).path


@cache
def _template(rows: int, seed: int) -> Path:
    folder = TemporaryDirectory(prefix="loantap-tiny-")
    atexit.register(folder.cleanup)
    with pytest.MonkeyPatch.context() as patch:
        return start(make_project(Path(folder.name) / "project", patch), rows=rows, seed=seed)


def finished(project: Path, name: str = "run", *, rows: int = 9, seed: int = 3) -> Path:
    """Return a finished run of the project: a copy of one that is made once per process, since each takes seconds."""
    return shutil.copytree(_template(rows, seed), project / "runs" / name)


def resume(run: Path, *, only: tuple[Stage, ...] | None = None, **given: object) -> Told:
    """Go on with a run, and return what it told."""
    told = Told()
    with hold_run(run) as held:
        resume_run(held, only=only, progress=told, given=given)
    return told


def manifest(run: Path) -> dict:
    """Return what the manifest holds."""
    return json.loads((run / "manifest.json").read_text())


def contents(run: Path) -> dict[str, bytes]:
    """Return the content of each file of a run by its name, dotted ones too."""
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def results(run: Path) -> dict[str, bytes]:
    """Return what the stages computed: without the executed notebooks, which hold times."""
    return {name: found for name, found in contents(run).items() if name.startswith(("data/", "results/", "model/"))}


if __name__ == "__main__":
    tiny(pytest.MonkeyPatch())
    main()
