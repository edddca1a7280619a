"""Folds are worked on by other processes: on a Dask cluster, and by workers that end with the process that started them."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pandas as pd
import psutil
import pytest

from loantap.errors import InputError
from loantap.model.baselines import challenge
from loantap.model.cluster import Cluster, on_cluster
from loantap.model.folds import fold_splits
from loantap.model.inputs import feature_frame
from loantap.model.parallel import in_parallel, together
from loantap.model.recipe import Recipe
from loantap.model.tuning import tune

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    local = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0", "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=2, memory_limit="2GB", **local) as started:
        yield started


def test_two_workers_of_a_cluster_give_the_same_numbers(
    loans: pd.DataFrame, cluster: Any, capsys: pytest.CaptureFixture[str]
):
    X, y = feature_frame(loans.head(1_500), inputs="without_pincode"), loans["default"].to_numpy()[:1_500]
    splits = fold_splits(y, folds=3, random_state=0)
    tried = {"recipe": Recipe("without_pincode"), "penalties": ("l1", "l2"), "Cs": (0.01, 1.0)}
    options = {**tried, "splits": splits, "random_state": 0}
    here = tune(X, y, **options)
    challengers = challenge(X, y, splits=splits, folds=3, random_state=0)
    with on_cluster(cluster.scheduler_address) as connected:
        there = tune(X, y, **options)
        challengers_there = challenge(X, y, splits=splits, folds=3, random_state=0)
    assert "2 workers, 2 threads, 2.0 GB each at least" in str(connected)
    pd.testing.assert_frame_equal(here.grid, there.grid)
    assert here.best == there.best
    for one, other in zip(challengers, challengers_there, strict=True):
        pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    assert (here.log_odds == there.log_odds).all()
    assert connected is not None
    assert set(connected.ran) == set(connected.workers)
    assert sum(connected.ran.values()) == 3 + 2 * 3  # the folds of the search, and of two settings of the boosting
    told = capsys.readouterr().out
    assert f"{sum(connected.ran.values())} tasks ran: " in told
    assert all(f" on {worker}" in told for worker in connected.workers)


def test_calls_with_large_frames_run_on_a_cluster_in_their_order(loans: pd.DataFrame, cluster: Any):
    with on_cluster(cluster.scheduler_address) as connected:
        assert together(*(partial(lambda frame, n: len(frame) + n, loans, n=n) for n in (1, 2, 3))) == [
            len(loans) + n for n in (1, 2, 3)
        ]
        with pytest.raises(ZeroDivisionError):
            together(partial(lambda: 1 / 0))
    assert connected is not None
    assert sum(connected.ran.values()) == 3


def test_one_worker_with_one_thread_does_all_the_work():
    with one_worker() as address, on_cluster(address) as connected:
        assert connected is not None
        assert in_parallel(abs, [(-1,), (-2,)], label="", fits=1) == [1, 2]
    assert list(connected.ran.values()) == [2]


def test_workers_that_would_fail_are_named_before_any_work():
    little = r"1\.5 GB for each thread of a worker, got 1\.0 GB for 1 on tcp"
    with one_worker("--memory-limit", "1GB") as address, pytest.raises(InputError, match=little):
        enter(address)
    strange = r"expected the versions that are here, got loantap not installed \(here "
    with one_worker(without="loantap") as address, pytest.raises(InputError, match=strange):
        enter(address)
    with pytest.raises(InputError, match="none answered"):
        enter(address)


def test_a_scheduler_without_workers_is_told_and_one_that_loses_them_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("loantap.model.cluster._LOOK_SECONDS", 0.5)
    local = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0", "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=1, memory_limit="2GB", **local) as cluster:
        with on_cluster(cluster.scheduler_address):
            threading.Timer(1, cluster.scale, [0]).start()
            with pytest.raises(InputError, match="all its workers are gone"):
                in_parallel(time.sleep, [(5,)] * 4, label="", fits=1)
        with pytest.raises(InputError, match=r"it has no workers\. Start one: dask worker tcp"):
            enter(cluster.scheduler_address)


SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"


def test_a_scheduler_that_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    distributed = pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    words = [sys.executable, "-c", SCHEDULER, "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as scheduler, monkeypatch.context() as patch:
        patch.setattr("loantap.model.cluster._LOOK_SECONDS", 0.5)
        join = [sys.executable, "-c", WORKER, "", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        with (
            subprocess.Popen([*join, "--memory-limit", "2GB"], stderr=subprocess.DEVNULL) as worker,
            distributed.Client(address, timeout="30s") as client,
        ):
            client.wait_for_workers(1, timeout=60)
            with on_cluster(address):
                threading.Timer(1, scheduler.kill).start()
                with pytest.raises(InputError, match=r"its scheduler is gone|all its workers are gone"):
                    in_parallel(time.sleep, [(30,)] * 2, label="", fits=1)
            worker.kill()


class SilentFuture:
    def result(self, timeout: float) -> None:
        raise TimeoutError(timeout)

    def done(self) -> bool:
        return False


class LostClient:
    def submit(self, *task: Any, pure: bool) -> SilentFuture:
        return SilentFuture()

    def ncores(self) -> dict:
        raise OSError("Timed out trying to connect")


def test_a_scheduler_that_ends_while_it_is_asked_is_told():
    with pytest.raises(InputError, match=r"its scheduler is gone .Timed out trying to connect."):
        list(Cluster("tcp://gone:1", LostClient(), {"w": {"nthreads": 1, "memory_limit": 0}}).results(run_out, [()]))


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_a_task_that_runs_out_of_its_own_time_is_no_wait(cluster: Any):
    with on_cluster(cluster.scheduler_address), pytest.raises(TimeoutError, match="its own"):
        in_parallel(run_out, [()], label="", fits=1)


def run_out() -> None:
    raise TimeoutError("its own")


def enter(address: str) -> None:
    with on_cluster(address):
        pass


WORKER = """
import importlib.metadata, sys
known, without = importlib.metadata.version, sys.argv.pop(1)
def version(name):
    if name == without:
        raise importlib.metadata.PackageNotFoundError(name)
    return known(name)
importlib.metadata.version = version
from distributed.cli.dask_worker import main
main()
"""


@contextmanager
def one_worker(*options: str, without: str = "") -> Iterator[str]:
    """Give the address of a scheduler of its own with one worker with one thread, which misses a package."""
    distributed = pytest.importorskip("distributed")
    local = {"processes": True, "n_workers": 0, "dashboard_address": ":0", "host": "127.0.0.1"}
    with distributed.LocalCluster(**local) as own, distributed.Client(own) as client:
        words = [sys.executable, "-c", WORKER, without, own.scheduler_address, "--nthreads", "1", "--no-nanny"]
        words += ["--no-dashboard", *(options or ("--memory-limit", "2GB"))]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as worker:
            client.wait_for_workers(1, timeout=60)
            yield own.scheduler_address
            worker.terminate()


SEARCH = """
import time
from loantap.model.parallel import in_parallel
print("started", flush=True)
in_parallel(time.sleep, [(0.5,)] * 200, label="", fits=1)
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
        time.sleep(4)  # they have begun to work
        search.send_signal(signal.SIGKILL)
        search.wait()
    deadline = time.monotonic() + 60
    while any(map(works, workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(map(works, workers))
