"""However a run is ended, and however often: what it leaves is true, and gone on with it becomes what an unbroken one is."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tiny_project import finished, launch, manifest, results

from loantap.model.persistence import load_model
from loantap.runs.checksums import need_unchanged
from loantap.runs.manifest import read_manifest
from loantap.runs.results import RunFolder
from loantap.settings import project_root

pytestmark = pytest.mark.long

SIGNALS = {"killed": signal.SIGKILL, "terminated": signal.SIGTERM, "interrupted": signal.SIGINT}
WAYS = (*SIGNALS, "closed pipe", "full disk")
STATUS = {"done", "partial", "failed"}


def at_work(process: subprocess.Popen[str]) -> bool:
    """Tell whether a process holds the run, or has ended."""
    with suppress(psutil.Error):
        if any(file.path.endswith(".lock") for file in psutil.Process(process.pid).open_files()):
            return True
    return process.poll() is not None


def end(process: subprocess.Popen[str], way: str) -> tuple[int, str]:
    """End a process in one of the ways, and return its exit code and its message."""
    if way == "killed":
        os.killpg(process.pid, signal.SIGKILL)
    elif way in SIGNALS:
        process.send_signal(SIGNALS[way])
    elif way == "closed pipe":
        process.stdout.close()
    said = process.stderr.read()
    return process.wait(120), said


@pytest.mark.parametrize("seed", range(8))
def test_a_tiny_run_that_is_broken_at_random_points_becomes_the_same(project: Path, seed: int):
    draw = random.Random(seed)
    wanted = results(finished(project, "unbroken", rows=9000, seed=0))
    run = project / "runs" / "broken"
    begin = ["run", "--out", run, "--rows", 9000]
    for _ in range(6):
        way = draw.choice(WAYS)
        words = ["run", "--resume", run] if (run / "manifest.json").is_file() else begin
        process = launch(*words, largest=int(10 ** draw.uniform(0, 4.5)) if way == "full disk" else None)
        while not at_work(process):  # before it has begun there is nothing to break
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 3.5))
        code, said = end(process, way)
        assert code in {0, 1, -signal.SIGKILL}, said
        assert "Traceback" not in said
        if code == 1:
            assert len(said.splitlines()) <= 4, said
        if (run / "manifest.json").is_file() and way != "killed":
            found = manifest(run)
            assert found["status"] in STATUS or "No space" in said or "too large" in said, said
    process = launch(*(["run", "--resume", run] if (run / "manifest.json").is_file() else begin))
    assert process.wait(120) == 0, process.stderr.read()
    assert results(run) == wanted
    assert manifest(run)["status"] == "done"
    assert need_unchanged(run).differences == []
    assert {path.name for path in run.iterdir()} == {"manifest.json", "data", "notebooks", "results"}


BROKEN = ("association-profession", "tuning-without-pincode", "policy", "early-warning", "claims")


def test_the_whole_job_broken_in_five_stages_becomes_the_same(tmp_path: Path):
    few = ["-P", "repetitions=100", "-P", "repeats=1", "-P", "folds=3", "--engine", "builtin"]
    words = [sys.executable, "-m", "loantap", "run"]
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    subprocess.run([*words, "--rows", "5000", "--only", "ingest", "--out", unbroken], check=True)
    shutil.copytree(unbroken, broken)  # of one name, which the model's card holds
    subprocess.run([*words, "--resume", unbroken, *few], check=True, cwd=project_root())
    draw = random.Random(0)
    for stage, way in zip(BROKEN, WAYS[:4] * 2, strict=False):
        process = subprocess.Popen(
            [*words, "--resume", broken, *few], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )  # fmt: skip
        while not (broken / ".draft" / stage / "notebooks" / f"{stage}.ipynb").is_file():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        time.sleep(draw.uniform(0, 5))
        code, said = end(process, way)
        assert (code, "Traceback" in said) in {(1, False), (-signal.SIGKILL, False)}, said
        records = {record.name: record for record in read_manifest(broken).stages}
        assert records[stage].status != "done" or way == "closed pipe"
    subprocess.run([*words, "--resume", broken, *few], check=True)
    wanted, found = results(unbroken), results(broken)
    assert found.keys() == wanted.keys()
    stamped = {"model/pipeline.skops", "model/SHA256SUMS"}  # skops notes times and addresses in memory; so it is asked
    assert {name for name in wanted if found[name] != wanted[name]} <= stamped
    loans = RunFolder(broken).loans()
    one, other = (load_model(folder / "model").probability(loans) for folder in (unbroken, broken))
    assert (one == other).all()
    assert len(wanted) > 300
    assert need_unchanged(broken).differences == []
