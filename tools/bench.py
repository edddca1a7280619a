"""Time and memory of the job: python tools/bench.py [--largest ROWS]. Prints tables; takes minutes.

First the whole job on the default loans, then how ingest, exploration and association grow with the number of
loans. Memory is the largest sum over the job's processes, sampled twice a second; libraries that they share count once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil
from memory import peak_memory

SIZES = (40_000, 396_030, 4_000_000)
GROWING = ("ingest", "eda", "association-pincode", "association-grade", "association-profession")
SOME_STAGES = """
import sys
from pathlib import Path
from rich.console import Console
from loantap.progress import LineProgress
from loantap.runs.notebooks import STAGES
from loantap.runs.record import new_run
from loantap.runs.sequence import start_run
names = sys.argv[3].split(",")
stages = tuple(stage for stage in STAGES if stage.name in names)
with new_run(Path(sys.argv[2])) as held:
    start_run(held, {"rows": int(sys.argv[1])}, stages=stages, progress=LineProgress(Console(stderr=True), len(stages)))
"""


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out sizes above this")
    largest = parser.parse_args().largest
    print(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB\n")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "whole"
        seconds, peak = measured([sys.executable, "-m", "loantap", "run", "--rows", str(SIZES[1]), "--out", str(run)])
        print(f"Whole job, {SIZES[1]:,} loans: {seconds:.0f} s, peak {peak:.2f} GB\n")
        print(stage_seconds(run).to_markdown(index=False), "\n")
        rows = []
        for size in (size for size in SIZES if size <= largest):
            run = Path(folder) / str(size)
            words = [sys.executable, "-c", SOME_STAGES, str(size), str(run), ",".join(GROWING)]
            _, peak = measured(words)
            taken = stage_seconds(run).set_index("stage")["seconds"]
            rows.append({"loans": f"{size:,}", **taken[list(GROWING)].to_dict(), "peak GB": round(peak, 2)})
        print(pd.DataFrame(rows).to_markdown(index=False))


def measured(words: list[str]) -> tuple[float, float]:
    """Run a program; return its seconds and the largest memory of it and its children, in GB."""
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    with peak_memory(psutil.Process(process.pid)) as peak:
        code = process.wait()
    if code != 0:
        raise SystemExit(f"failed: {' '.join(words)}")
    return time.perf_counter() - started, peak.gigabytes


def stage_seconds(run: Path) -> pd.DataFrame:
    """Return the seconds of each stage that ran, and of the report."""
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    rows = [(stage["name"], stage["seconds"]) for stage in manifest["stages"] if stage["status"] == "done"]
    if manifest["report"]:
        rows.append(("report", manifest["report"]["seconds"]))
    return pd.DataFrame(rows, columns=["stage", "seconds"])


if __name__ == "__main__":
    main()
