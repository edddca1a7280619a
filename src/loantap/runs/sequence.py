"""Run the notebooks in sequence, so that a run can fail, be killed, and go on where something is missing or has changed."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from loantap.errors import InputError
from loantap.runs.at_work import AtWork, Progress
from loantap.runs.basis import basis_of, why_again
from loantap.runs.checksums import drop_changed, drop_stage, finish_move, outdated
from loantap.runs.kernel import need_open_files
from loantap.runs.manifest import Basis, Manifest, StageRecord, git_commit, new_manifest, now, packages, read_manifest
from loantap.runs.notebooks import Stage, check_parameters, merged_parameters, stages_of
from loantap.runs.record import HeldRun
from loantap.runs.results import MANIFEST, RunFolder


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
    ended, at_work = manifest.finished_at, AtWork(folder, manifest, progress)
    manifest.status, manifest.finished_at = "running", None
    try:
        manifest.write(folder)
        with at_work:
            for stage in stages:
                at_work.make_room(stage)
                record = manifest.stage(stage.name)
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
                at_work.begin(stage, chosen[stage.name], why="" if new else why)
            at_work.finish()
        ended_well = [one.status in ("done", "left out") and not [*outdated(manifest, one)] for one in manifest.stages]
        manifest.status, manifest.finished_at = ("done" if all(ended_well) else "partial"), ended or now()
        manifest.write(folder)
    except BaseException as error:
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
