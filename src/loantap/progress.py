"""How a run shows its progress: a bar on a terminal, one line per stage elsewhere."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class LineProgress:
    """One line when a stage ends."""

    def __init__(self, console: Console, stages: int) -> None:
        self._console, self._stages, self._ended = console, stages, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stage(self, name: str, cells: int) -> None:
        """Say nothing until the stage has ended."""

    def cell(self) -> None:
        """Say nothing."""

    def done(self, name: str, seconds: float | None) -> None:
        """Say how long the stage took."""
        self._ended += 1
        took = "unchanged, not run again" if seconds is None else f"{seconds:.1f} s"
        self._console.print(f"[{self._ended}/{self._stages}] {name}: {took}", markup=False, highlight=False)


class BarProgress(LineProgress):
    """A bar over the stages and one over the cells of the current stage, with the time used."""

    def __init__(self, console: Console, stages: int) -> None:
        super().__init__(console, stages)
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip
        self._all: TaskID = self._bars.add_task("stages", total=stages)
        self._cells: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def stage(self, name: str, cells: int) -> None:
        """Show a bar for the stage's cells."""
        self._cells = self._bars.add_task(name, total=cells)

    def cell(self) -> None:
        """Move the stage's bar."""
        if self._cells is not None:
            self._bars.advance(self._cells)

    def done(self, name: str, seconds: float | None) -> None:
        """Move the bar of stages, and leave a line."""
        if self._cells is not None:
            self._bars.remove_task(self._cells)
            self._cells = None
        self._bars.advance(self._all)
        super().done(name, seconds)


def run_progress(console: Console, stages: int) -> LineProgress:
    """Return the bar on a terminal, lines elsewhere."""
    return BarProgress(console, stages) if console.is_terminal else LineProgress(console, stages)


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
