"""Run the notebooks in sequence, so that a run can fail, be killed, and go on where something is missing or has changed."""

import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from loantap.errors import InputError, StageError, UnfitDataError
from loantap.runs.basis import basis_of, why_again
from loantap.runs.checksums import DRAFT, drop_changed, drop_stage, finish_move, keep_notebook, outdated, settle
from loantap.runs.kernel import execute, need_open_files, tell_left_out
from loantap.runs.manifest import Basis, Manifest, StageRecord, git_commit, new_manifest, now, packages, read_manifest
from loantap.runs.notebooks import Stage, check_parameters, merged_parameters, stages_of
from loantap.runs.record import HeldRun
from loantap.runs.results import MANIFEST, RunFolder


class Progress(Protocol):
    """What a run tells while it works."""

    def stage(self, name: str, cells: int, fits: Path) -> None:
        """A stage begins; its searches count their fits in a file."""

    def cell(self) -> None:
        """A cell of the stage ended."""

    def done(self, name: str, seconds: float | None, why: str) -> None:
        """A stage ended, and why it ran; without seconds it was not run, since nothing had changed."""


def start_run(
    held: HeldRun, given: Mapping[str, Any], *, stages: tuple[Stage, ...] | None = None, progress: Progress
) -> RunFolder:
    """Run the stages in a new folder.

    Args:
        held: The new run's folder.
        given: Parameters by name, as in `check_parameters`.
        stages: What to run; None for all.
        progress: Told of each step.

    Raises InputError if parameters or data are wrong; StageError if a cell fails.
    """
    every = stages_of(given)
    stages = stages or every
    chosen = check_parameters(stages, given)
    need_open_files()
    records = [StageRecord(name=stage.name, notebook=stage.notebook) for stage in every]
    manifest = new_manifest(held.run_id, dict(given), records)
    return _go_on(held.path, manifest, stages, chosen, progress, new=True)


def resume_run(
    held: HeldRun, *, only: tuple[Stage, ...] | None = None, progress: Progress, given: Mapping[str, Any] | None = None
) -> RunFolder:
    """Go on with a run: what is missing, has failed, was changed, or depends on something that was, runs again.

    That is a stage's notebook, its part of the library, its parameters, versions of packages, reference data, or what an earlier stage
    wrote. The run's parameters stay in force unless they are given anew. With `only`, the named stages run again whatever their
    state, and no others.

    Raises InputError if a parameter is wrong, or files were changed that no stage to be run will make again; StageError if a cell
    fails.
    """
    folder, manifest = held.path, read_manifest(held.path)
    parameters = merged_parameters(manifest.parameters, given or {}, only)
    stages = stages_of(parameters)
    check_parameters(only or stages, given or {})
    chosen = check_parameters(stages, parameters)
    # A run that an earlier version began may not know every stage of this one, and a run with other factors has other stages.
    known = {record.name: record for record in manifest.stages}
    left = {*known} - {stage.name for stage in stages}
    dropped = [known[name] for name in left if known[name].notebook in {stage.notebook for stage in stages}]
    manifest.stages = [known.get(stage.name, StageRecord(name=stage.name, notebook=stage.notebook)) for stage in stages]
    manifest.stages += dropped
    need_open_files()
    finish_move(folder, manifest)
    names = [stage.name for stage in only or stages]
    drop_changed(folder, manifest, [*names, *(record.name for record in dropped)])
    manifest.parameters = parameters
    for record in dropped:
        drop_stage(folder, manifest, record)
    return _go_on(folder, manifest, only or stages, chosen, progress, asked=names if only else ())


def _go_on(
    folder: Path, manifest: Manifest, stages: tuple[Stage, ...], chosen: Mapping[str, dict[str, Any]], progress: Progress,
    *, new: bool = False, asked: Collection[str] = (),
) -> RunFolder:  # fmt: skip
    ended, at = manifest.finished_at, ""
    manifest.status, manifest.finished_at = "running", None
    try:
        manifest.write(folder)
        for stage in stages:
            at, record = stage.name, manifest.stage(stage.name)
            basis = basis_of(folder, stage, chosen[stage.name], former=record)
            why = why_again(record, basis, asked=asked)
            if why is None:
                progress.done(stage.name, None, "")
                continue
            for name in Basis.model_fields:
                setattr(record, name, getattr(basis, name))
            if not asked:  # what is not run again would come out the same
                manifest.git_commit, manifest.packages = git_commit(), packages()
            ended = None
            _run_stage(folder, manifest, stage, chosen[stage.name], progress)
            progress.done(stage.name, record.seconds, "" if new else why)
        ended_well = [one.status in ("done", "left out") and not [*outdated(manifest, one)] for one in manifest.stages]
        manifest.status, manifest.finished_at = ("done" if all(ended_well) else "partial"), ended or now()
        manifest.write(folder)
    except BaseException as error:
        if isinstance(error, StageError):
            error.args = (f"stage {at}: {error}",)
        elif at and not isinstance(error, InputError):
            error.add_note(f"The run ended in stage {at}.")
        kept = not new or not isinstance(error, InputError) or manifest.stage("ingest").status == "done"
        if kept and (folder / MANIFEST).is_file():
            error.add_note(f"What is finished is kept. Go on with: loantap run --resume {folder}")
            if isinstance(error, InputError):
                error.exit_code = 1  # for 2 nothing may have changed, and the run has
        manifest.status, manifest.finished_at = "failed", now()
        with suppress(OSError):  # a full disk is told of by the error that is raised already
            manifest.write(folder)
        raise
    return RunFolder(folder)


def _run_stage(
    folder: Path, manifest: Manifest, stage: Stage, parameters: Mapping[str, Any], progress: Progress
) -> None:
    record, draft, started = manifest.stage(stage.name), folder / DRAFT, time.perf_counter()
    record.status, record.error = "pending", None
    manifest.write(folder)
    draft.mkdir(mode=0o700)
    fits, target = draft / ".fits.json", draft / "notebooks" / f"{stage.name}.ipynb"
    progress.stage(stage.name, len(json.loads(stage.path.read_text("utf-8"))["cells"]), fits)
    given = {**parameters, "run_dir": str(folder)}
    try:
        _check_needs(folder, manifest, stage)
        record.peak_memory_mb = execute(stage.path, target, given, draft=draft, fits=fits, on_cell=progress.cell)
        if stage.name == "ingest":
            manifest.data = RunFolder(folder, draft).result("ingest")["data"]
    except BaseException as error:
        left_out = isinstance(error, UnfitDataError) and stage.name != "ingest"  # without loans there is no other stage
        record.status, record.error = "left out" if left_out else "failed", str(error) or type(error).__name__
        record.seconds = round(time.perf_counter() - started, 2)
        if left_out:
            record.error = record.error.rstrip(".")
            tell_left_out(target, record.error)
        keep_notebook(folder, record)
        if left_out:
            return
        if isinstance(error, StageError):
            error.add_note(f"The executed notebook: {folder / 'notebooks' / target.name}")
        raise
    record.status, record.seconds = "done", round(time.perf_counter() - started, 2)
    settle(folder, manifest, record)


def _check_needs(folder: Path, manifest: Manifest, stage: Stage) -> None:
    """Raise UnfitDataError where what a stage needs would come from one that was left out."""
    absent = [name for name in stage.needs if not (folder / name).exists()]
    if manifest.left_out and absent:
        what = "a model" if any(name.startswith("model/") for name in absent) else " and ".join(absent)
        raise UnfitDataError(f"it needs {what}, and the stage that makes it was left out")
