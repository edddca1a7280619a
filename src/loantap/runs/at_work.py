"""The stages of a run that are at work: each in a kernel of its own, two at a time where neither needs the other."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from loantap.errors import InputError, StageError, UnfitDataError
from loantap.runs.checksums import draft_of, keep_notebook, settle
from loantap.runs.kernel import Kernels, quiet, tell_left_out
from loantap.runs.manifest import Manifest
from loantap.runs.notebooks import Stage
from loantap.runs.results import RunFolder

AT_ONCE = 2


class Progress(Protocol):
    """What a run tells while it works."""

    def stage(self, name: str, cells: int, fits: Path) -> None:
        """A stage begins; its searches count their fits in a file."""

    def cell(self, name: str) -> None:
        """A cell of the stage ended; told from another thread than the rest."""

    def done(self, name: str, seconds: float | None, why: str) -> None:
        """A stage ended, and why it ran; without seconds it was not run, since nothing had changed."""


@dataclass(frozen=True)
class Ended:
    """How a stage ended: after how many seconds, with how much memory in MB, and the error that ended it."""

    seconds: float
    peak_memory_mb: int | None
    error: BaseException | None


class AtWork:
    """Stages at work in a run's folder: threads wait for their kernels, and this one alone writes the manifest.

    At its end all have ended: where a stage failed, the other one is waited for and kept; where the run is stopped, both
    are ended.
    """

    def __init__(self, folder: Path, manifest: Manifest, progress: Progress) -> None:
        self._folder, self._manifest, self._progress = folder, manifest, progress
        self._stages: dict[Future[Ended], tuple[Stage, str]] = {}
        self._kernels, self._held = Kernels(), ExitStack()

    def __enter__(self) -> Self:
        with self._held as held:
            held.enter_context(quiet())
            self._pool = held.enter_context(ThreadPoolExecutor(AT_ONCE))
            self._held = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        with self._held:
            stop = error if not isinstance(error, Exception) else None
            if stop and self._stages:
                stop.add_note(
                    f"The run ended in stage {' and '.join(stage.name for stage, _ in self._stages.values())}."
                )
            while self._stages:
                if stop:
                    self._kernels.stop()
                try:
                    self._end_one(stop)
                except Exception as other:
                    if error and not stop:
                        error.add_note(str(other))
                except BaseException as again:  # stopped while another stage was waited for
                    stop = again
        if stop is not None and stop is not error:
            raise stop

    def make_room(self, stage: Stage) -> None:
        """Wait until a stage may begin; raises what a stage that ended meanwhile raised."""
        while self._stages and not (stage.beside and len(self._stages) < AT_ONCE and self._beside() == {stage.beside}):
            self._end_one()

    def _beside(self) -> set[str]:
        return {one.beside for one, _ in self._stages.values()}

    def finish(self) -> None:
        """Wait for all; raises what they raised."""
        while self._stages:
            self._end_one()

    def begin(self, stage: Stage, parameters: Mapping[str, Any], *, why: str) -> None:
        """Begin a stage.

        Args:
            stage: There has to be room for it.
            parameters: Those that are given to it.
            why: Why it runs, as told at its end.
        """
        record, draft = self._manifest.stage(stage.name), draft_of(self._folder, stage.name)
        record.status, record.error = "pending", None
        self._manifest.write(self._folder)
        draft.mkdir(mode=0o700, parents=True)
        cells, fits = len(json.loads(stage.path.read_text("utf-8"))["cells"]), draft / ".fits.json"
        self._progress.stage(stage.name, cells, fits)
        given = {**parameters, "run_dir": str(self._folder)}
        self._stages[self._pool.submit(self._run, stage, given, draft, fits)] = stage, why

    def _run(self, stage: Stage, given: Mapping[str, Any], draft: Path, fits: Path) -> Ended:
        started, peak, error = time.perf_counter(), None, None
        try:
            self._check_needs(stage)
            target, told = draft / "notebooks" / f"{stage.name}.ipynb", partial(self._progress.cell, stage.name)
            peak = self._kernels.execute(stage.path, target, given, draft=draft, fits=fits, on_cell=told)
        except BaseException as raised:  # it is told of in the thread that waits
            error = raised
        return Ended(round(time.perf_counter() - started, 2), peak, error)

    def _check_needs(self, stage: Stage) -> None:
        """Raise UnfitDataError where what a stage needs would come from one that was left out."""
        absent = [name for name in stage.needs if not (self._folder / name).exists()]
        if self._manifest.left_out and absent:
            what = "a model" if any(name.startswith("model/") for name in absent) else " and ".join(absent)
            raise UnfitDataError(f"it needs {what}, and the stage that makes it was left out")

    def _end_one(self, stop: BaseException | None = None) -> None:
        wait(self._stages, return_when=FIRST_COMPLETED)
        future = next(future for future in self._stages if future.done())
        stage, why = self._stages.pop(future)
        try:
            self._record(stage, future.result(), stop)
        except StageError as error:
            error.args = (f"stage {stage.name}: {error}",)
            raise
        except InputError:
            raise
        except BaseException as error:
            error.add_note(f"The run ended in stage {stage.name}.")
            raise
        self._progress.done(stage.name, self._manifest.stage(stage.name).seconds, why)

    def _record(self, stage: Stage, ended: Ended, stop: BaseException | None) -> None:
        """Note how a stage ended, and raise what it raised; what it wrote is the run's if it ended well."""
        folder, record, error = self._folder, self._manifest.stage(stage.name), ended.error and (stop or ended.error)
        record.seconds, record.peak_memory_mb = ended.seconds, ended.peak_memory_mb
        if error is None:
            if stage.name == "ingest":
                self._manifest.data = RunFolder(folder, draft_of(folder, "ingest")).result("ingest")["data"]
            record.status = "done"
            settle(folder, self._manifest, record)
            return
        left_out = isinstance(error, UnfitDataError) and stage.name != "ingest"  # without loans there is no other stage
        record.status, record.error = "left out" if left_out else "failed", str(error) or type(error).__name__
        if left_out:
            record.error = record.error.rstrip(".")
            tell_left_out(draft_of(folder, stage.name) / "notebooks" / f"{stage.name}.ipynb", record.error)
        keep_notebook(folder, record)
        if isinstance(error, StageError):
            error.add_note(f"The executed notebook: {folder / 'notebooks' / f'{stage.name}.ipynb'}")
        if not left_out and not stop:
            raise error
