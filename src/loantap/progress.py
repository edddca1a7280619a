"""How a run shows its progress: a bar on a terminal, one line per stage elsewhere."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Self, TypeVar

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from loantap.files import write_text

T = TypeVar("T")
# A notebook's kernel is another process; it tells how far it is in the file that this variable names.
PROGRESS_FILE = "LOANTAP_PROGRESS_FILE"


def counted(results: Iterable[T], *, label: str, each: int, total: int) -> Iterator[T]:
    """Pass results on and show how many fits are done and the time left; each result stands for `each` fits.

    In a run it is told to the run's own bar; at a terminal and in JupyterLab a bar is drawn; elsewhere nothing is shown.
    """
    if os.environ.get(PROGRESS_FILE):
        for number, result in enumerate(results, 1):
            tell(f"fits: {label}", number * each, total)
            yield result
        return
    from tqdm import tqdm

    shown = sys.stderr.isatty() or "ipykernel" in sys.modules
    with tqdm(total=total, desc=label, unit="fit", disable=not shown, leave=False) as bar:
        for result in results:
            yield result
            bar.update(each)


def tell(label: str, done: int, total: int | None = None) -> None:
    """Tell the run's own bar how far a notebook is; without a run, nobody."""
    if path := os.environ.get(PROGRESS_FILE):
        with suppress(OSError):  # the work is worth more than its bar
            write_text(Path(path), json.dumps({"label": label, "done": done, "total": total}))


class LineProgress:
    """One line when a stage ends."""

    def __init__(self, console: Console, stages: int) -> None:
        self._console, self._stages, self._ended = console, stages, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stage(self, name: str, cells: int, fits: Path) -> None:
        """Say nothing until the stage has ended."""

    def cell(self, name: str) -> None:
        """Say nothing."""

    def done(self, name: str, seconds: float | None, why: str) -> None:
        """Say how long the stage took, and why it ran."""
        self._ended += 1
        took = "unchanged, not run again" if seconds is None else f"{seconds:.1f} s{f' ({why})' if why else ''}"
        self._console.print(f"[{self._ended}/{self._stages}] {name}: {took}", markup=False, highlight=False)


class BarProgress(LineProgress):
    """A bar over the stages, one over the cells of each stage at work, and one over the fits of a search, with time used and left."""

    def __init__(self, console: Console, stages: int) -> None:
        super().__init__(console, stages)
        self._bars = _FittingBars(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), console=console, transient=True,
        )  # fmt: skip
        self._all: TaskID = self._bars.add_task("stages", total=stages)
        self._cells: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def stage(self, name: str, cells: int, fits: Path) -> None:
        """Show a bar for the stage's cells, and follow the file in which its searches count their fits."""
        self._cells[name] = self._bars.add_task(name, total=cells)
        self._bars.follow(fits)

    def cell(self, name: str) -> None:
        """Move the stage's bar."""
        self._bars.advance(self._cells[name])

    def done(self, name: str, seconds: float | None, why: str) -> None:
        """Move the bar of stages, and leave a line."""
        if name in self._cells:
            self._bars.remove_task(self._cells.pop(name))
        if not self._cells:
            self._bars.follow(None)
        self._bars.advance(self._all)
        super().done(name, seconds, why)


class _FittingBars(Progress):
    """Bars of which the last shows what a kernel has written about its fits."""

    _source: Path | None = None
    _shown: TaskID | None = None
    _label = ""
    _looking = False

    def follow(self, source: Path | None) -> None:
        self._source, self._label = source, ""
        if self._shown is not None:
            self.remove_task(self._shown)
            self._shown = None

    def get_renderables(self) -> Iterator[RenderableType]:
        """Look at the file at each refresh."""
        if self._source is not None and self._source.is_file() and not self._looking:
            self._looking = True  # a new bar refreshes by itself, which comes here again
            with suppress(OSError, ValueError):
                self._show(**json.loads(self._source.read_text("utf-8")))
            self._looking = False
        yield from super().get_renderables()

    def _show(self, label: str, done: int, total: int | None) -> None:
        if label != self._label:
            source = self._source
            self.follow(source)
            self._label, self._shown = label, self.add_task(label, total=total)
        if self._shown is not None:
            self.update(self._shown, completed=done)


def run_progress(console: Console, stages: int) -> LineProgress:
    """Return the bar on a terminal, lines elsewhere."""
    return BarProgress(console, stages) if console.is_terminal else LineProgress(console, stages)


@contextmanager
def rows_progress(console: Console, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield what takes the number of rows done and moves a bar on a terminal; elsewhere it does nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(label, total=total)
        yield lambda done: bars.update(task, completed=done)


def step(console: Console, text: str) -> AbstractContextManager[object]:
    """Show that something of unknown length goes on, on a terminal only."""
    return console.status(text) if console.is_terminal else nullcontext()


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def __str__(self) -> str:
        """Return the seconds as text."""
        return f"{time.perf_counter() - self._start:.1f} s"
