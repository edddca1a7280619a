"""Folds are worked on by other processes: on a Dask cluster, and by workers that end with the process that started them."""

import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from loantap.model.baselines import challenge
from loantap.model.folds import fold_splits, on_cluster
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import tune

pytestmark = pytest.mark.slow


def test_two_workers_of_a_cluster_give_the_same_numbers(loans: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    distributed = pytest.importorskip("distributed")
    X, y = feature_frame(loans.head(1_500), inputs="without_pincode"), loans["default"].to_numpy()[:1_500]
    splits = fold_splits(y, folds=3, random_state=0)
    tried = {"recipe": Recipe("without_pincode"), "penalties": ("l1", "l2"), "Cs": (0.01, 1.0)}
    options = {**tried, "splits": splits, "random_state": 0}
    here = tune(X, y, **options)
    challengers = challenge(X, y, splits=splits, folds=3, random_state=0)
    monkeypatch.setattr("loantap.model.folds.WORKERS", 2)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        on_cluster(cluster.scheduler_address),
    ):
        there = tune(X, y, **options)
        challengers_there = challenge(X, y, splits=splits, folds=3, random_state=0)
        ran = distributed.get_client().run(lambda dask_worker: dask_worker.state.executed_count)
    pd.testing.assert_frame_equal(here.grid, there.grid)
    assert here.best == there.best
    for one, other in zip(challengers, challengers_there, strict=True):
        pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    assert (here.log_odds == there.log_odds).all()
    assert len(ran) == 2
    assert sum(ran.values()) >= 3  # the folds did go to the workers


SEARCH = """
import time
from loantap.model.folds import in_parallel
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
