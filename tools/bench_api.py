"""Load on the scoring service: python tools/bench_api.py --model DIR [--seconds 60]. Needs wrk; writes a table of docs/api.md.

The service runs as a process of its own, with its log on; wrk sends single applications that differ, over loopback.
"""

import argparse
import json
import os
import platform
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
from api_process import Service, running_service
from page_parts import write_measured

from loantap.errors import MissingToolError
from loantap_serving.api.openapi import EXAMPLE

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
APPLICATIONS = 1_000
WARM_UP = 5  # seconds
LUA = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local place = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  place = place %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %%d %%f %%f %%f %%f %%d %%d", summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes:
        per_second: Answers a second.
        p50: Milliseconds within which half of the answers came.
        p99: The same for 99 of 100.
        slowest: Milliseconds of the slowest.
        refused: Answers of a status of 400 or more.
        broken: Connections that failed.
        memory: Resident memory of the service in MB: after the warm-up, midway, at the end.
        per_cpu_second: Answers in a second of the service's own time, whatever else the machine does.
    """

    per_second: float
    p50: float
    p99: float
    slowest: float
    refused: int
    broken: int
    memory: list[float]
    per_cpu_second: float


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 16])
    given = parser.parse_args()
    rows = []
    for connections in given.connections:
        with running_service(given.model) as service:
            load = drive(service, seconds=given.seconds, connections=connections)
            rows.append({"connections": connections, "seconds": given.seconds, **shown(load)})
    table = pd.DataFrame(rows).to_markdown(index=False)
    cores = f"Python {platform.python_version()}, {os.cpu_count()} cores, wrk beside it on one of them."
    print(table, "\n", cores)
    write_measured(PAGE, "load", f"{table}\n\n{cores}")


def shown(load: Load) -> dict[str, object]:
    """Return a load as a line of the table."""
    return {
        "scores a second": f"{load.per_second:,.0f}",
        "p50 ms": round(load.p50, 1),
        "p99 ms": round(load.p99, 1),
        "slowest ms": round(load.slowest),
        "errors": load.refused + load.broken,
        "MB after warm-up, midway, at the end": ", ".join(f"{size:.1f}" for size in load.memory),
    }


def drive(service: Service, *, seconds: int, connections: int) -> Load:
    """Let wrk send applications for so many seconds, after a warm-up; raises MissingToolError without wrk."""
    if shutil.which("wrk") is None:
        raise MissingToolError("wrk is not installed. On Debian: apt-get install wrk")
    process = psutil.Process(service.process.pid)
    with tempfile.TemporaryDirectory() as folder:
        bodies, script = Path(folder) / "bodies", Path(folder) / "score.lua"
        bodies.write_text("".join(json.dumps(one) + "\n" for one in applications(APPLICATIONS)))
        script.write_text(LUA % bodies)

        def wrk(duration: int) -> re.Match[str]:
            words = [
                "wrk",
                "-t1",
                f"-c{connections}",
                f"-d{duration}s",
                "-s",
                str(script),
                f"http://127.0.0.1:{service.port}/v1/score",
            ]
            out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            found = re.search(r"RESULT (\d+) (\S+) (\S+) (\S+) (\S+) (\d+) (\d+)", out)
            assert found, out
            return found

        wrk(WARM_UP)
        memory, used = [process.memory_info().rss / 1e6], sum(process.cpu_times()[:2])
        midway = threading.Timer(seconds / 2, lambda: memory.append(process.memory_info().rss / 1e6))
        midway.start()
        requests, duration, p50, p99, slowest, refused, broken = (float(text) for text in wrk(seconds).groups())
        used = sum(process.cpu_times()[:2]) - used
        midway.join()
        time.sleep(0.5)
        memory.append(process.memory_info().rss / 1e6)
    return Load(requests / duration, p50, p99, slowest, int(refused), int(broken), memory, requests / used)


def applications(number: int) -> list[dict[str, object]]:
    """Return right applications that differ."""
    draw = random.Random(0)
    found = []
    for _ in range(number):
        grade = draw.choice("ABCDEFG")
        found.append(
            EXAMPLE | {
                "loan_amnt": draw.randint(1_000, 40_000), "int_rate": draw.randint(500, 3_000) / 100, "grade": grade,
                "sub_grade": f"{grade}{draw.randint(1, 5)}", "annual_inc": draw.randint(10_000, 200_000), "dti": draw.randint(0, 4_000) / 100,
                "term": draw.choice(["36 months", "60 months"]), "revol_util": draw.choice([None, draw.randint(0, 100)]),
                "mort_acc": draw.choice([None, 0, 3]), "emp_title": f"Job {draw.randint(0, 999)}",
            }
        )  # fmt: skip
    return found


if __name__ == "__main__":
    main()
