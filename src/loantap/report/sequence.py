"""Run the notebooks in sequence with papermill, so that a run can fail, be killed, and be resumed."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from loantap.errors import (
    InputError,
    LoanTapError,
    MergeError,
    MissingToolError,
    ParameterError,
    SchemaError,
    SourceError,
    StageError,
)
from loantap.files import alone_in, replacing, sha256
from loantap.progress import PROGRESS_FILE
from loantap.report.manifest import Manifest, StageRecord, new_manifest, now, read_manifest
from loantap.report.notebooks import LOANS, STAGES, Stage, check_parameters
from loantap.report.results import RunFolder
from loantap.settings import reference_dir, runs_dir

# What a kernel raises on purpose comes out of it as it went in.
_OWN_ERRORS: dict[str, type[LoanTapError]] = {
    error.__name__: error
    for error in (InputError, MergeError, MissingToolError, ParameterError, SchemaError, SourceError)
}


class Progress(Protocol):
    """What a run tells while it works."""

    def stage(self, name: str, cells: int, fits: Path) -> None:
        """A stage begins; its searches count their fits in a file."""

    def cell(self) -> None:
        """A cell of the stage ended."""

    def done(self, name: str, seconds: float | None) -> None:
        """A stage ended; without seconds it was not run, since nothing had changed."""


def start_run(
    given: Mapping[str, Any], *, out: Path | None, stages: tuple[Stage, ...] = STAGES, progress: Progress
) -> RunFolder:
    """Run the stages in a new folder.

    Args:
        given: Parameters by name, as in `check_parameters`.
        out: The new run's folder; a dated one under `runs/` if None.
        stages: What to run.
        progress: Told of each step.

    Raises InputError, with nothing left behind, if parameters or data are wrong; StageError if a cell fails.
    """
    chosen = check_parameters(stages, given)
    folder, run_id = _new_folder(out)
    records = [StageRecord(name=stage.name, notebook=stage.notebook) for stage in STAGES]
    manifest = new_manifest(run_id, dict(given), records)
    manifest.write(folder)
    try:
        return _go_on(folder, manifest, stages, chosen, progress)
    except InputError:
        if manifest.stage("ingest").status != "done":
            shutil.rmtree(folder)
        raise


def resume_run(
    folder: Path, *, only: tuple[Stage, ...] | None = None, progress: Progress, given: Mapping[str, Any] | None = None
) -> RunFolder:
    """Go on with a run from its first unfinished stage.

    A finished stage runs again only if its notebook, its parameters or its inputs changed, or if an output is
    gone. With `only`, the named stages run again whatever their state, and no others.

    Raises InputError if the folder holds no run, or another process works in it; StageError if a cell fails.
    """
    manifest = read_manifest(folder)
    # A run that an earlier version began may not know every stage of this one.
    known_records = {record.name: record for record in manifest.stages}
    manifest.stages = [
        known_records.get(stage.name, StageRecord(name=stage.name, notebook=stage.notebook)) for stage in STAGES
    ]
    stages = only or STAGES
    manifest.parameters |= dict(given or {})
    known = {key: value for key, value in manifest.parameters.items() if not only or key in (given or {})}
    chosen = check_parameters(stages, known)
    for stage in only or ():
        manifest.stage(stage.name).status = "pending"
    return _go_on(folder, manifest, stages, chosen, progress)


def _new_folder(out: Path | None) -> tuple[Path, str]:
    run_id = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    if out is not None:
        out = out.resolve()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(
                f"{out}: expected a new or empty folder, it holds files. Choose another, or resume with --resume {out}"
            )
        out.mkdir(parents=True, exist_ok=True)
        return out, run_id
    for attempt in range(1, 100):
        name = run_id if attempt == 1 else f"{run_id}-{attempt}"
        try:
            (runs_dir() / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return runs_dir() / name, name
    raise InputError(f"{runs_dir()}: could not make a new run folder there. Name one with --out.")


def _go_on(
    folder: Path, manifest: Manifest, stages: tuple[Stage, ...], chosen: dict[str, dict[str, Any]], progress: Progress
) -> RunFolder:
    run = RunFolder(folder)
    busy = f"{folder}: another process is working in this run folder. Wait for it, or start a new run."
    with alone_in(folder, busy=busy):
        for leftover in folder.rglob(".writing-*"):
            leftover.unlink()
        manifest.status, manifest.finished_at = "running", None
        for stage in stages:
            record = manifest.stage(stage.name)
            mark = _fingerprint(folder, stage, chosen[stage.name])
            if (
                record.status == "done"
                and record.fingerprint == mark
                and all((folder / name).exists() for name in record.outputs)
            ):
                progress.done(stage.name, None)
                continue
            record.parameters, record.fingerprint = chosen[stage.name], mark
            _run_stage(run, manifest, stage, record, progress)
        _finish(manifest)
        manifest.write(folder)
    return run


def _run_stage(run: RunFolder, manifest: Manifest, stage: Stage, record: StageRecord, progress: Progress) -> None:
    started, before = time.perf_counter(), time.time_ns()
    record.status, record.error = "pending", None
    manifest.write(run.path)
    try:
        _execute(run, stage, record.parameters, progress)
    except BaseException as error:
        record.status = "failed"
        record.error = str(error) if isinstance(error, LoanTapError) else f"interrupted ({type(error).__name__})"
        manifest.status, manifest.finished_at = "failed", now()
        raise
    else:
        record.status = "done"
        record.outputs = _written_since(run.path, before)
        if stage.name == "ingest":
            manifest.data = run.result("ingest")["data"]
    finally:
        record.seconds = round(time.perf_counter() - started, 2)
        manifest.write(run.path)
    progress.done(stage.name, record.seconds)


def _execute(run: RunFolder, stage: Stage, parameters: Mapping[str, Any], progress: Progress) -> None:
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    # The kernel is this interpreter's own, whatever kernels the user has installed.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    target = run.path / "notebooks" / f"{stage.name}.ipynb"
    cells = len(json.loads(stage.path.read_text("utf-8"))["cells"])
    fits = run.path / ".fits.json"
    fits.unlink(missing_ok=True)  # a killed run may have left one
    os.environ[PROGRESS_FILE] = str(fits)
    progress.stage(stage.name, cells, fits)
    failure: PapermillExecutionError | None = None
    with replacing(target) as temporary:
        try:
            papermill.execute_notebook(
                str(stage.path),
                str(temporary),
                parameters={**parameters, "run_dir": str(run.path)},
                kernel_name="python3",
                progress_bar=False,
                cwd=str(stage.path.parent),
                on_cell_executed=lambda **_: progress.cell(),
                extra_arguments=["--log-level=CRITICAL"],  # the kernel's notes on its own end are no news
                config=Config(KernelManager={"transport_encryption": "auto"}),
            )
        except PapermillExecutionError as error:
            failure = error  # the notebook with its traceback is kept
        finally:
            del os.environ[PROGRESS_FILE]
            fits.unlink(missing_ok=True)
    if failure is not None:
        if failure.ename in _OWN_ERRORS:
            raise _OWN_ERRORS[failure.ename](failure.evalue)
        raise StageError(
            f"stage {stage.name} failed in cell {failure.cell_index} of {stage.notebook}: {failure.ename}: "
            f"{failure.evalue}\nSee the executed notebook: {target}\n"
            f"Mend the cause, then go on with: loantap run --resume {run.path}"
        )


def _fingerprint(folder: Path, stage: Stage, parameters: Mapping[str, Any]) -> str:
    parts = [sha256(stage.path), json.dumps(parameters, sort_keys=True)]
    if (data := parameters.get("data")) and Path(data).is_file():
        parts.append(sha256(Path(data)))
    paths = [folder / name for name in stage.needs] + [reference_dir() / name for name in stage.reference]
    if LOANS in stage.needs:
        paths += sorted(RunFolder(folder).counts_dir.glob("*.parquet"))
    parts += [sha256(path) if path.is_file() else "absent" for path in paths]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _written_since(folder: Path, before: int) -> list[str]:
    files = (path for part in ("data", "notebooks", "results", "model") for path in (folder / part).rglob("*"))
    return sorted(
        str(path.relative_to(folder)) for path in files if path.is_file() and path.stat().st_mtime_ns >= before
    )


def _finish(manifest: Manifest) -> None:
    complete = all(record.status == "done" for record in manifest.stages)
    manifest.status, manifest.finished_at = ("done" if complete else "partial"), now()
