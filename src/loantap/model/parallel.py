"""Work shared out: to processes of this machine, or to the workers of a Dask cluster."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from multiprocessing import current_process
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

from loantap.model.cluster import current_cluster
from loantap.progress import PROGRESS_FILE, counted

WORKERS = 2  # tasks worked on at once; no result depends on it
_LOOK_SECONDS = 2.0


def in_parallel(work: Callable[..., Any], tasks: Sequence[tuple], *, label: str, fits: int) -> list[Any]:
    """Return the results of `work` on each task, in order, and show the fits done; each task makes `fits` fits."""
    if cluster := current_cluster():
        results = cluster.results(partial(_alone, os.getpid(), work), tasks)
    else:
        here = Parallel(n_jobs=WORKERS, return_as="generator")
        results = here(delayed(_alone)(os.getpid(), work, *task) for task in tasks)
    return list(counted(results, label=label, each=fits, total=fits * len(tasks)))


def together(*calls: partial) -> list[Any]:
    """Return the results of calls that do not need each other, in order; each is made in a process of its own.

    The last is begun first: where they grow, none is left to the end alone. The processes end with them, so that what
    comes after has their memory.
    """
    tasks = [(call.func, call.keywords, *call.args) for call in reversed(calls)]
    results = in_parallel(_called, tasks, label="models", fits=1)[::-1]
    get_reusable_executor().shutdown(wait=True)
    return results


def _called(function: Callable[..., Any], keywords: dict[str, Any], *arguments: Any) -> Any:
    return function(*arguments, **keywords)


def _alone(parent: int, work: Callable[..., Any], *task: Any) -> Any:
    _end_with(parent)
    # One thread per task: sums are then added in the same order whatever the number of workers. A forest would
    # otherwise share its trees out again.
    with threadpool_limits(1), parallel_config("sequential"):
        return work(*task)


@cache
def _end_with(parent: int) -> None:
    """Have a local worker end when the process that started it is gone; killed, that one cannot tell it any more."""
    if not current_process().name.startswith("LokyProcess") or parent == os.getpid():
        return  # not started by another, or at work on a part of its own task

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    os.environ.pop(PROGRESS_FILE, None)  # the process that started it tells how far it is
