"""Runs of record: which one is meant, and holding one so that nobody else writes into it meanwhile."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loantap.errors import InputError
from loantap.files import alone_in
from loantap.runs.manifest import Manifest, read_manifest
from loantap.runs.results import MANIFEST, RunFolder
from loantap.settings import runs_dir

_LOCK = ".lock"


@dataclass(frozen=True)
class HeldRun:
    """A run's folder that this process alone may write into now."""

    path: Path
    run_id: str  # the run's name, or the one that it is to get


@contextmanager
def new_run(out: Path | None) -> Iterator[HeldRun]:
    """Hold a new run's folder; if it cannot begin, or its loans turn out to be wrong, nothing of it is left.

    Args:
        out: The folder, new or empty; a dated one under `runs/` if None.

    Raises InputError for a folder that holds files, or that another process is working in.
    """
    run_id = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder, folders = _dated_folder(run_id) if out is None else _given_folder(out.resolve())
    try:
        with _alone(folder):
            _need_empty(folder)
            try:
                yield HeldRun(folder, folder.name if out is None else run_id)
            except BaseException as error:
                if isinstance(error, InputError) or not (folder / MANIFEST).is_file():
                    _clear_unless_begun(folder)
                raise
    except BaseException:
        for path in folders:  # from the folder up
            with suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def hold_run(folder: Path) -> Iterator[HeldRun]:
    """Hold the folder of a run that was begun; raises InputError if it holds none, or another process is working in it."""
    read_manifest(folder)
    with _alone(folder):
        yield HeldRun(folder, read_manifest(folder).run_id)


def is_held(folder: Path) -> bool:
    """Tell whether a process is working in a run's folder now."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with _alone(folder):
            return False
    except InputError:
        return True
    except OSError:  # a folder in which nobody may write
        return False


def newest_run() -> RunFolder | None:
    """Return the finished run of record under `runs/` that ended last, or None.

    A bench is none, nor is a run of some stages only.
    """
    finished = [found for found in ended_runs(runs_dir()) if found[0].status == "done"]
    newest = max(finished, key=lambda found: (found[0].finished_at or "", found[0].run_id), default=None)
    return RunFolder(newest[1]) if newest else None


def ended_runs(folder: Path) -> Iterator[tuple[Manifest, Path]]:
    """Yield the runs in a folder, with their manifests; a damaged one is named by whoever asks for it."""
    for path in folder.glob(f"*/{MANIFEST}"):
        with suppress(InputError):
            yield read_manifest(path.parent), path.parent


def _given_folder(out: Path) -> tuple[Path, list[Path]]:
    """Return the folder, and which folders were made for it, its own first."""
    if out.exists():
        _need_empty(out)
    absent = [path for path in (out, *out.parents) if not path.exists()]
    out.mkdir(parents=True, exist_ok=True)
    return out, absent


def _need_empty(folder: Path) -> None:
    if not folder.is_dir() or any(path.name != _LOCK for path in folder.iterdir()):
        raise InputError(
            f"{folder}: expected a new or empty folder, it holds files. Choose another, or resume with --resume {folder}"
        )


def _dated_folder(run_id: str) -> tuple[Path, list[Path]]:
    for attempt in range(1, 100):
        folder = runs_dir() / (run_id if attempt == 1 else f"{run_id}-{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder, [folder]
    raise InputError(f"{runs_dir()}: could not make a new run folder there. Name one with --out.")


def _clear_unless_begun(folder: Path) -> None:
    """Take away what a run left whose loans could not be read; the folder was empty when it was taken."""
    if (folder / MANIFEST).is_file() and read_manifest(folder).stage("ingest").status == "done":
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()


def _alone(folder: Path) -> AbstractContextManager[None]:
    return alone_in(
        folder, busy=f"{folder}: another process is working in this run folder. Wait for it, or start a new run."
    )
