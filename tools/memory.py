"""How much memory a process and its children hold at most."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass
class Peak:
    """The largest sum of resident memory seen so far, in GB."""

    gigabytes: float = 0.0


@contextmanager
def peak_memory(root: psutil.Process) -> Iterator[Peak]:
    """Sample the memory of a process and its children five times a second while the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            total = 0
            with suppress(psutil.NoSuchProcess):
                for process in (root, *root.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        total += process.memory_info().rss
            peak.gigabytes = max(peak.gigabytes, total / 1e9)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
