"""What a notebook works on: in a run of record that run; opened by hand a bench, so that trying things changes no run."""

import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from loantap.data.accounts import describe
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.errors import InputError
from loantap.files import write_text
from loantap.runs.parameters import check_values
from loantap.runs.record import newest_run
from loantap.runs.results import MANIFEST, RunFolder
from loantap.settings import runs_dir

# How `loantap run` tells a notebook's kernel where what it writes goes until its stage has ended.
DRAFT_VARIABLE = "LOANTAP_DRAFT"
LAB = "lab"
SAMPLE_ROWS = 5_000
_NOTE = "bench.json"


def notebook_run(run_dir: str = "", *, new_loans: bool = False) -> RunFolder:
    """Return the run that a notebook works on; print it, so that the first output says which.

    Within `loantap run` that is the run. By hand it is a bench, `runs/lab/<time>-<process>/`: one per start of JupyterLab, of a test run with
    nbval or of papermill. What the bench does not hold is read from the run that it began with, the newest finished one; where there is
    none, the bench gets a small synthetic sample.

    Args:
        run_dir: The run's folder; by hand, the run that the bench reads, if it is not to be the newest.
        new_loans: Whether this notebook brings the loans: by hand, on a bench that holds nothing yet.

    The notebook's parameters are held to the rules that stand beside them, however they were set.

    Raises InputError if `run_dir` is no run's folder, ParameterError for a parameter that breaks its rule.
    """
    from IPython import get_ipython  # here, since it comes with Jupyter

    if shell := get_ipython():
        check_values(shell.user_ns["In"], shell.user_ns)
    draft = os.environ.get(DRAFT_VARIABLE, "")
    if draft and run_dir:
        return RunFolder(Path(run_dir), Path(draft))
    if run_dir and not new_loans:
        base = Path(run_dir).resolve()
        if not (base / MANIFEST).is_file():
            raise InputError(f"run_dir: expected a run's folder (it holds {MANIFEST}), found none at {base}.")
        return RunFolder(base, _bench(f"-on-{base.name}-{sha256(str(base).encode()).hexdigest()[:6]}"))
    bench = _bench()
    if new_loans:
        _set_aside(bench)
        return RunFolder(bench)
    if (bench / "data" / "loans.parquet").is_file():
        return RunFolder(bench)
    known = _noted(bench) or newest_run()
    if known is None:
        return _sample(bench)
    write_text(bench / _NOTE, json.dumps({"reads": str(known.path)}) + "\n")
    return RunFolder(known.path, bench)


def _bench(which: str = "") -> Path:
    """Return the bench of the process that started this kernel: JupyterLab, nbval or papermill."""
    import psutil  # here, since it comes with Jupyter, and who reads results has none

    parent = psutil.Process(os.getppid())
    started = datetime.fromtimestamp(parent.create_time(), UTC)
    return runs_dir() / LAB / f"{started:%Y%m%d-%H%M%S}-{parent.pid}{which}"


def _noted(bench: Path) -> RunFolder | None:
    """Return the run that a bench began with, so that a run that ends meanwhile does not slip under what was tried."""
    if not (bench / _NOTE).is_file():
        return None
    path = Path(json.loads((bench / _NOTE).read_text("utf-8"))["reads"])
    return RunFolder(path) if (path / MANIFEST).is_file() else None


def _set_aside(bench: Path) -> None:
    """Move what a bench holds to another name: results of other loans do not belong to the new ones."""
    if bench.is_dir() and any(bench.iterdir()):
        names = (bench.with_name(f"{bench.name}-{n}") for n in range(1, 10_000))
        bench.rename(next(path for path in names if not path.exists()))


def _sample(bench: Path) -> RunFolder:
    """Put a small synthetic sample on a bench, so that a notebook can be tried in a fresh clone."""
    run, source = RunFolder(bench), SyntheticLoans(SAMPLE_ROWS, 0)
    summary = ingest(source, loans_path=run.to("data", "loans.parquet"), quarantine_path=None)
    run.write_result("ingest", describe(summary, source, loans_path=run.loans_path))
    return run
