"""Each notebook in a kernel of its own, with papermill; every way it may end becomes one message."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil

from loantap.errors import (
    InputError,
    LoanTapError,
    MergeError,
    MissingToolError,
    ParameterError,
    SchemaError,
    SourceError,
    StageError,
    UnfitDataError,
)
from loantap.files import write_text
from loantap.progress import PROGRESS_FILE
from loantap.runs.bench import DRAFT_VARIABLE
from loantap.settings import environment

# What a kernel raises on purpose comes out of it as it went in.
_OWN_ERRORS: dict[str, type[LoanTapError]] = {
    error.__name__: error
    for error in (InputError, MergeError, MissingToolError, ParameterError, SchemaError, SourceError, UnfitDataError)
}
OPEN_FILES = 256
# What is freed goes back to the machine at once, not only when a kernel ends: a sixth less memory at the peak.
_FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "2000000"}
_EVERY_SECONDS = 0.2


class Kernels:
    """The kernels of a run: each runs one notebook, some of them at the same time."""

    def __init__(self) -> None:
        self._at_work: dict[Path, int] = {}  # process of each notebook's kernel
        self._stopped = False

    def execute(
        self,
        notebook: Path,
        target: Path,
        parameters: Mapping[str, Any],
        *,
        draft: Path,
        fits: Path,
        on_cell: Callable[[], None],
    ) -> int | None:
        """Run a notebook and return the most memory that it took, in MB; may be called from several threads.

        Args:
            notebook: As committed.
            target: Where its executed copy goes; it is there after an error too, as far as the cells had come.
            parameters: What is put into it.
            draft: Where what it writes into its run goes meanwhile.
            fits: The file in which its searches count their fits.
            on_cell: Called when a cell has ended.

        Raises what the notebook raised on purpose; StageError, with the cell of the executed copy and the cause, for everything else.
        """
        import papermill
        from nbclient.exceptions import DeadKernelError
        from papermill.exceptions import PapermillExecutionError
        from traitlets.config import Config

        target.parent.mkdir(parents=True, exist_ok=True)
        variables = {PROGRESS_FILE: str(fits), DRAFT_VARIABLE: str(draft)}
        with _Memory() as memory:

            def started(process: int) -> None:
                self._at_work[target] = memory.process = process
                if self._stopped:
                    self.stop()

            manager = _manager(variables, notebook.parent, started)
            try:
                papermill.execute_notebook(
                    str(notebook), str(target), parameters=dict(parameters), kernel_name="python3", progress_bar=False,
                    on_cell_executed=lambda **_: on_cell(), kernel_manager_class=manager, config=Config(KernelManager={"transport_encryption": "auto"}),
                )  # fmt: skip
            except PapermillExecutionError as error:
                if error.ename in _OWN_ERRORS:
                    raise _OWN_ERRORS[error.ename](error.evalue) from None
                raise StageError(
                    f"failed in cell {error.cell_index + 1} of {notebook.name}: {error.ename}: {error.evalue}"
                ) from None
            except (DeadKernelError, RuntimeError) as error:
                # nbclient: DeadKernelError between cells and within one; RuntimeError if the kernel never answered.
                if not isinstance(error, DeadKernelError) and "Kernel died" not in str(error):
                    raise
                raise StageError(f"{_where(target)} of {notebook.name}: {memory.death()}") from None
            finally:
                self._at_work.pop(target, None)
                fits.unlink(missing_ok=True)
        return memory.peak_mb

    def stop(self) -> None:
        """End all kernels at once, and those that begin later."""
        self._stopped = True
        # What nbclient leaves unfinished would be told of at the end of this process.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
        for process in list(self._at_work.values()):
            with suppress(psutil.Error):  # it has ended
                kernel = psutil.Process(process)
                for one in [*kernel.children(recursive=True), kernel]:
                    one.kill()


def _manager(variables: Mapping[str, str], folder: Path, started: Callable[[int], None]) -> type:
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        """Starts its kernel in a folder and with variables that this process does not take over."""

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(cwd=str(folder), env={**_FRUGAL, **os.environ, **variables}, **options)
            started(self.provisioner.pid)  # type: ignore[union-attr]

    return Manager


def tell_left_out(notebook: Path, why: str) -> None:
    """Put the reason in the place of the error, in the executed notebook of a stage that was left out, and of the cells that did not run."""
    if not notebook.is_file():
        return
    content = json.loads(notebook.read_text("utf-8"))
    cells = [cell for cell in content["cells"] if "papermill-error-cell-tag" not in cell["metadata"].get("tags", ())]
    last = next((at for at, cell in enumerate(cells) if any(one["output_type"] == "error" for one in cell.get("outputs", ()))), len(cells) - 1)  # fmt: skip
    reason = {"cell_type": "markdown", "id": "left-out", "metadata": {}, "source": f"**Left out:** {why}."}
    content["cells"] = [*cells[:last], reason]
    write_text(notebook, json.dumps(content, indent=1) + "\n")


def need_open_files() -> None:
    """Raise StageError where a kernel could not open the files and sockets that it needs; ask for more first, up to the limit."""
    try:
        import resource  # here, since Windows has none, and no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4 * OPEN_FILES:
        soft = 4 * OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, 4 * OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < OPEN_FILES:
        raise StageError(
            f"this shell allows {soft} open files at a time, and a notebook's kernel with its workers needs {OPEN_FILES}. "
            f"Nothing was begun. Allow more, then start again: ulimit -n {4 * OPEN_FILES}"
        )


def _where(target: Path) -> str:
    """Return the cell that a kernel was in when it went: papermill notes when each begins."""
    begun = []
    with suppress(OSError, ValueError):  # it had not begun
        cells = json.loads(target.read_text("utf-8"))["cells"]
        begun = [at for at, cell in enumerate(cells, 1) if cell["metadata"].get("papermill", {}).get("start_time")]
    return f"its kernel was killed {f'in cell {begun[-1]}' if begun else 'before the first cell'}"


@contextmanager
def quiet() -> Iterator[None]:
    """Let what this process and its kernels write on standard error go nowhere: of an end of theirs one message is told.

    A kernel is this interpreter's own meanwhile, whatever kernels the user has installed.
    """
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        with environment({"JUPYTER_PREFER_ENV_PATH": "1"}):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class _Memory:
    """The most memory that a kernel and its workers took together while a block ran."""

    def __init__(self) -> None:
        self.process: int | None = None  # the kernel's, once it has begun
        self._peak, self._ended = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def peak_mb(self) -> int | None:
        return round(self._peak / 1e6) or None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def death(self) -> str:
        """Return what a kernel's sudden end usually means, with what was seen."""
        machine = psutil.virtual_memory()
        return (
            f"usually there was no memory left. It had taken up to {self._peak / 1e9:.1f} GB; this machine has "
            f"{machine.total / 1e9:.1f} GB, of which {machine.available / 1e9:.1f} GB are free now"
        )

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            if self.process is None:
                continue
            taken = 0
            with suppress(psutil.Error):  # it has ended
                kernel = psutil.Process(self.process)
                for process in [kernel, *kernel.children(recursive=True)]:
                    with suppress(psutil.Error):
                        taken += int(process.memory_info().rss)
            self._peak = max(self._peak, taken)
