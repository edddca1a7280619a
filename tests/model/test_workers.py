"""Workers of a search end with the process that started them."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.slow

SEARCH = """
import time
from loantap.model.folds import in_parallel
print("started", flush=True)
in_parallel(time.sleep, [(0.5,)] * 200, label="", fits=1, n_jobs=2)
"""


def works(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # ended, and nobody asked how
    except psutil.NoSuchProcess:
        return False


def test_workers_end_when_their_process_is_killed():
    with subprocess.Popen([sys.executable, "-c", SEARCH], stdout=subprocess.PIPE, text=True) as search:
        assert search.stdout is not None
        assert search.stdout.readline() == "started\n"
        workers: list[psutil.Process] = []
        deadline = time.monotonic() + 30
        while len(workers) < 2 and time.monotonic() < deadline:
            children = psutil.Process(search.pid).children(recursive=True)
            workers = [child for child in children if "LokyProcess" in " ".join(child.cmdline())]
            time.sleep(0.2)
        assert len(workers) == 2
        time.sleep(2)  # they have begun to work
        search.send_signal(signal.SIGKILL)
        search.wait()
    deadline = time.monotonic() + 10
    while any(map(works, workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(map(works, workers))
