"""How much memory a process and its children hold at most."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass
class Peak:
    """The largest sum of memory seen so far, in GB; what processes share, such as libraries, counts once."""

    gigabytes: float = 0.0


@contextmanager
def peak_memory(root: psutil.Process) -> Iterator[Peak]:
    """Sample the memory of a process and its children twice a second while the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            total = 0
            with suppress(psutil.NoSuchProcess):
                for process in (root, *root.children(recursive=True)):
                    with suppress(psutil.Error):
                        total += process.memory_full_info().pss
            peak.gigabytes = max(peak.gigabytes, total / 1e9)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
