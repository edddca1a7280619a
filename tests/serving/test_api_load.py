"""The scoring service under load; tools/bench_api.py measures it for longer."""

import shutil
from pathlib import Path

import api_support  # noqa: F401 (finds the scripts)
from absences import absent
from api_process import running_service
from bench_api import drive

# Far below what docs/api.md has: machines of CI are slow, and busy with other tests, which a second of the service's own time is not.
LEAST_PER_CPU_SECOND = 300


def test_under_load_no_request_fails_and_memory_stays(model_folder: Path):
    if shutil.which("wrk") is None:
        absent("wrk")
    with running_service(model_folder) as service:
        load = drive(service, seconds=2, connections=8)
    assert (load.refused, load.broken) == (0, 0)
    assert load.per_cpu_second > LEAST_PER_CPU_SECOND
    assert load.memory[-1] - load.memory[0] < 10, "MB more after some thousand requests"
