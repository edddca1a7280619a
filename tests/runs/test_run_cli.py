"""How a run ends and what is refused afterwards, as whoever types the commands meets it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import loantap
from tiny_project import contents, finished, launch, manifest

from loantap.files import sha256

pytestmark = pytest.mark.slow


@pytest.fixture
def run(project: Path) -> Path:
    return finished(project)


def spoil(run: Path) -> None:
    (run / "results" / "count.json").write_text("[700, 3]")


def test_verify_says_in_one_line_that_a_run_is_as_it_was_written(run: Path):
    done = loantap("verify", run)
    assert (done.returncode, done.stderr) == (0, "")
    seal = sha256(run / "manifest.json")
    assert (
        done.stdout
        == f"{manifest(run)['run_id']}: 6 files are as 2 of 2 stages wrote them; the run is done; manifest.json has sha256 {seal}\n"
    )


def test_verify_names_every_difference(run: Path):
    spoil(run)
    (run / "results" / "ingest.json").unlink()
    (run / "model").mkdir()
    (run / "model" / "mine.skops").touch()
    before = contents(run)
    done = loantap("verify", run)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1:] == [
        "- results/ingest.json is missing since stage ingest wrote it",
        "- results/count.json was changed since stage count wrote it",
        "- model/mine.skops: no stage wrote it; move it out of the run",
    ]
    assert contents(run) == before


@pytest.mark.parametrize(
    "words",
    ["report RUN", "promote RUN", "publish RUN", "track RUN", "deploy report RUN --to OUT", "policy --cap dti=25 --run RUN", "dossier RUN", "dossier RUN --out OUT", "watch --run RUN --out OUT"],
    ids=lambda words: words.replace(" RUN", "").replace(" OUT", ""),
)  # fmt: skip
def test_a_run_with_a_changed_result_goes_nowhere(run: Path, tmp_path: Path, words: str):
    spoil(run)
    before = contents(run)
    done = loantap(*words.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out")).split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert "results/count.json was changed since stage count wrote it" in done.stderr
    assert f"What has changed is made again by: loantap run --resume {run}" in done.stderr
    assert contents(run) == before
    assert not (tmp_path / "out").exists()


def test_resuming_a_changed_run_names_the_file_and_makes_it_again(run: Path):
    before = (run / "results" / "count.json").read_bytes()
    spoil(run)
    done = loantap("run", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "ingest: unchanged, not run again" in done.stdout
    assert "(results/count.json was changed)" in done.stdout
    assert (run / "results" / "count.json").read_bytes() == before
    assert loantap("verify", run).returncode == 0


def test_a_part_of_a_run_keeps_its_parameters(run: Path):
    done = loantap("run", "--resume", run, "--only", "count")
    assert done.returncode == 0, done.stderr
    assert "(asked for)" in done.stdout
    assert json.loads((run / "results" / "count.json").read_text()) == [9, 3]


def test_resuming_takes_no_other_loans_and_says_which_parameters_are_new(run: Path):
    before = contents(run)
    for words in ("data=other.csv", "ingest.data=other.csv", "quarantine=true"):
        done = loantap("run", "--resume", run, "-P", words)
        assert (done.returncode, f"-P {words.partition('=')[0]} cannot change it" in done.stderr) == (2, True), (
            done.stderr
        )
    assert contents(run) == before
    done = loantap("run", "--resume", run, "--only", "count", "--seed", 8)
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "results" / "count.json").read_text()) == [9, 8]


def test_what_a_run_is_refused_for_after_it_began_is_no_exit_code_2(project: Path):
    """For 2 nothing may have changed."""
    done = loantap("run", "--out", project / "runs" / "run", "-P", "what=refuse")
    assert (done.returncode, done.stderr.splitlines()) == (1, [
        "InputError: these loans will not do",
        f"What is finished is kept. Go on with: loantap run --resume {project / 'runs' / 'run'}",
    ])  # fmt: skip


def test_a_part_of_a_run_has_no_report(project: Path):
    run = project / "runs" / "run"
    assert loantap("run", "--only", "ingest", "--out", run).returncode == 0
    done = loantap("report", run)
    assert (done.returncode, done.stderr) == (2, f"InputError: {run}: expected a finished run, it is partial. Go on with: loantap run --resume {run}\n")  # fmt: skip


def test_a_full_disk_before_anything_is_written_promises_nothing(project: Path):
    process = launch("run", "--out", project / "runs" / "run", largest=100)
    said = process.stderr.read()
    assert process.wait(60) == 1
    assert "File too large" in said
    assert "--resume" not in said
    assert not (project / "runs" / "run").exists()


def test_the_newest_run_is_named_and_a_bench_is_none(run: Path, project: Path):
    (project / "runs" / "lab" / "20990101-000000").mkdir(parents=True)
    done = loantap("policy", "--cap", "dti=25")
    assert "Run: run, the newest that is finished" in done.stdout


def test_without_a_finished_run_that_is_said(project: Path):
    done = loantap("policy", "--cap", "dti=25")
    assert (done.returncode, done.stderr) == (2, f"InputError: expected a finished run under {project / 'runs'}, found none. Make one with: loantap run\n")  # fmt: skip


def test_a_killed_kernel_ends_in_one_message(project: Path):
    done = loantap("run", "--out", project / "runs" / "run", "-P", "what=die")
    said = done.stderr.splitlines()
    assert done.returncode == 1
    assert said[0].startswith("StageError: stage count: its kernel was killed in cell 3 of 02_count.ipynb: usually there was no memory left.")  # fmt: skip
    assert said[1:] == [
        f"The executed notebook: {project / 'runs' / 'run' / 'notebooks' / 'count.ipynb'}",
        f"What is finished is kept. Go on with: loantap run --resume {project / 'runs' / 'run'}",
    ]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def at_work(project: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a run, and return it while the kernel of its second stage waits."""
    (project / "notebooks" / "waiting").touch()
    run = project / "runs" / "run"
    process = launch("run", "--out", run, "-P", "what=wait")
    wait_for(lambda: (run / ".draft" / "count" / "results" / "shared.json").exists() or process.poll() is not None)
    return process, run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_in_one_message_and_a_true_manifest(project: Path, number: signal.Signals):
    process, run = at_work(project)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines() == [
        f"Stopped: {number.name} was received.",
        "The run ended in stage count.",
        f"What is finished is kept. Go on with: loantap run --resume {run}",
    ]
    found = manifest(run)
    assert (found["status"], [stage["status"] for stage in found["stages"]]) == ("failed", ["done", "failed"])
    assert found["stages"][1]["error"] == f"{number.name} was received."
    assert not (run / ".draft").exists()


def test_a_closed_pipe_ends_the_run_in_one_message(project: Path):
    process, run = at_work(project)
    process.stdout.close()
    (project / "notebooks" / "waiting").unlink()
    said = process.stderr.read()
    assert process.wait(60) == 1
    assert said.splitlines()[0] == "Stopped: nobody reads the output any more (closed pipe)."
    assert f"loantap run --resume {run}" in said
    assert manifest(run)["status"] == "failed"
    assert loantap("run", "--resume", run).returncode == 0


def test_a_killed_run_is_told_from_one_at_work_and_goes_on(project: Path):
    process, run = at_work(project)
    said = loantap("verify", run).stderr
    assert "manifest.json: the run is at work" in said
    again = loantap("run", "--resume", run)
    assert (again.returncode, "another process is working" in again.stderr) == (2, True)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert "manifest.json: the run was killed before it ended" in loantap("verify", run).stderr
    (project / "notebooks" / "waiting").unlink()
    done = loantap("run", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "ingest: unchanged, not run again" in done.stdout
    assert loantap("verify", run).returncode == 0
    assert {path.name for path in run.iterdir()} == {"manifest.json", "data", "notebooks", "results"}


def test_no_file_for_the_risk_function_is_made_of_a_run_without_a_model(run: Path, tmp_path: Path):
    before = contents(run)
    done = loantap("dossier", run, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "expected a run with a model and a policy, found no model/model_card.json" in done.stderr
    assert contents(run) == before
    assert not (tmp_path / "out").exists()
