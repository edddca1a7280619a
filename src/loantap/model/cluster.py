"""A Dask cluster: its workers are looked at before they get work, and it is told where tasks ran."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from loantap.errors import InputError, MissingToolError
from loantap.settings import how_to_add

# What a worker needs in the version that is here: what is fitted there is read here.
PACKAGES = ("python", "loantap", "numpy", "pandas", "scikit-learn", "imbalanced-learn", "glum")
LEAST_MEMORY = 1.5e9  # bytes for each thread: a fit of 400,000 loans with SMOTE takes about one GB
_ANSWERS_WITHIN, _LOOK_SECONDS = "10s", 10


@dataclass
class Cluster:
    """A cluster that is connected.

    Attributes:
        address: That of its scheduler.
        client: The connection.
        workers: What its scheduler knows of each worker, by address.
        ran: How many tasks ran on each worker so far.
    """

    address: str
    client: Any
    workers: dict[str, dict]
    ran: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        threads = sum(worker["nthreads"] for worker in self.workers.values())
        memory = min(worker["memory_limit"] or np.inf for worker in self.workers.values())
        room = f"{memory / 1e9:.1f} GB each at least" if np.isfinite(memory) else "memory without a limit"
        return f"cluster {self.address}: {len(self.workers)} workers, {threads} threads, {room}"

    def results(self, work: Callable[..., Any], tasks: Sequence[tuple]) -> Iterator[Any]:
        """Yield the results of tasks in their order; frames and arrays go to the cluster once.

        Raises InputError where its workers or its scheduler end.
        """
        from distributed import CancelledError, KilledWorker

        sent: dict[int, Any] = {}
        futures = [self.client.submit(_placed, work, *self._sent(task, sent), pure=False) for task in tasks]
        for future in futures:
            try:
                worker, result = self._waited(future)
            except KilledWorker as error:
                raise InputError(
                    f"{self}: workers ended while they worked ({error}). They may need more memory: start them with "
                    "one thread each and a larger --memory-limit."
                ) from None
            except CancelledError as error:
                raise InputError(f"{self}: its scheduler is gone ({error}). Start it again, and the run.") from None
            self.ran[worker] += 1
            yield result

    def _sent(self, task: tuple, sent: dict[int, Any]) -> list[Any]:
        for value in task:
            if isinstance(value, pd.DataFrame | np.ndarray) and id(value) not in sent:
                sent[id(value)] = self.client.scatter(value, hash=False)
        return [sent.get(id(value), value) for value in task]

    def _waited(self, future: Any) -> Any:
        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except TimeoutError:
                if future.done():  # the task's own
                    raise
                self._look()

    def _look(self) -> None:
        try:
            threads = self.client.ncores()
        except OSError as error:  # a scheduler that ends while it is asked
            raise InputError(f"{self}: its scheduler is gone ({error}). Start it again, and the run.") from None
        if not threads:  # else it would be waited for without end
            raise InputError(f"{self}: all its workers are gone. Start them again, and the run.")


_CURRENT: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


def current_cluster() -> Cluster | None:
    """Return the cluster that work is sent to, None where it stays here."""
    return _CURRENT.get()


@contextmanager
def on_cluster(address: str) -> Iterator[Cluster | None]:
    """Send the work inside to a Dask scheduler, such as tcp://host:8786, or keep it here if the address is empty.

    At the end it is printed where tasks ran. Raises MissingToolError without dask.distributed, InputError if no scheduler
    answers, or if its workers are none, too small, or have other versions than are here.
    """
    if not address:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise MissingToolError(
            f"a cluster needs dask.distributed, which is not installed. Get it with: {how_to_add('cluster')}"
        ) from None
    try:
        client = Client(address, timeout=_ANSWERS_WITHIN, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cluster {address}: expected a running Dask scheduler, none answered ({error}).") from None
    with client:
        cluster = Cluster(address, client, dict(client.scheduler_info(n_workers=-1)["workers"]))
        _check(cluster)
        before = _CURRENT.set(cluster)
        try:
            yield cluster
        finally:
            _CURRENT.reset(before)
        if cluster.ran:
            places = ", ".join(f"{count} on {worker}" for worker, count in sorted(cluster.ran.items()))
            print(f"cluster {address}: {sum(cluster.ran.values())} tasks ran: {places}")


def _check(cluster: Cluster) -> None:
    if not cluster.workers:
        raise InputError(f"cluster {cluster.address}: it has no workers. Start one: dask worker {cluster.address}")
    for name, worker in cluster.workers.items():
        memory = worker["memory_limit"] or np.inf
        if memory < LEAST_MEMORY * worker["nthreads"]:
            raise InputError(
                f"cluster {cluster.address}: expected {LEAST_MEMORY / 1e9:g} GB for each thread of a worker, got "
                f"{memory / 1e9:.1f} GB for {worker['nthreads']} on {name}. Start it with fewer --nthreads or a larger "
                "--memory-limit."
            )
    versions = cluster.client.get_versions(packages=PACKAGES)
    here = _versions(versions["client"])
    for name, told in versions["workers"].items():
        there = _versions(told)
        other = [
            f"{package} {there[package] or 'not installed'} (here {here[package]})"
            for package in PACKAGES
            if there[package] != here[package]
        ]
        if other:
            raise InputError(
                f"cluster {cluster.address}: expected the versions that are here, got {', '.join(other)} on {name}. "
                "Install the same on its workers, such as from the same environment.yml."
            )


def _versions(told: dict[str, Any]) -> dict[str, str | None]:
    found = {package: told["packages"].get(package) for package in PACKAGES}
    return found | {"python": ".".join(str(found["python"]).split(".")[:2])}  # the third number breaks nothing


def _placed(work: Callable[..., Any], *task: Any) -> tuple[str, Any]:
    from distributed import get_worker

    return str(get_worker().address), work(*task)
