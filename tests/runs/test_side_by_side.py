"""Two stages at the same time: neither takes the other's place, and neither falls with the other."""

import os
from pathlib import Path

import psutil
import pytest
from tiny_project import STAGES, Told, manifest, notebook, resume

from loantap.errors import StageError
from loantap.runs import notebooks, sequence
from loantap.runs.checksums import need_unchanged
from loantap.runs.notebooks import Stage
from loantap.runs.record import new_run
from loantap.runs.sequence import start_run

pytestmark = pytest.mark.slow

PARAMETERS = """
run_dir: str = ""  # folder
own: str = ""  # name
fails: str = ""  # which fails, when the other one is at work
waits: str = ""  # which waits for good
"""
BODY = """
import time
from pathlib import Path
from loantap.runs.bench import notebook_run
run = notebook_run(run_dir)
Path(f"here-{own}").touch()
for _ in range(1500):
    if len(list(Path().glob("here-*"))) == 2:
        break
    time.sleep(0.02)
else:
    raise RuntimeError("nobody beside")
if fails == own and not Path("mended").exists():
    raise ZeroDivisionError("no loans")
while waits == own:
    time.sleep(0.02)
run.write_result(own, [own])
"""


@pytest.fixture
def pair(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    notebook(project / "notebooks" / "02_pair.ipynb", PARAMETERS, BODY)
    stages = (
        STAGES[0],
        *(Stage(f"pair-{own}", "02_pair.ipynb", {"own": own}, beside="pair") for own in "ab"),
    )
    for module in (sequence, notebooks):
        monkeypatch.setattr(module, "stages_of", lambda _: stages)
    return project


def start(project: Path, progress: Told, **given: object) -> Path:
    with new_run(project / "runs" / "run") as held:
        return start_run(held, given, progress=progress).path


def kernels() -> set[int]:
    found = psutil.Process().children(recursive=True)
    return {one.pid for one in found if one.status() != psutil.STATUS_ZOMBIE and "ipykernel" in " ".join(one.cmdline())}


def statuses(run: Path) -> list[str]:
    return [stage["status"] for stage in manifest(run)["stages"]]


def test_two_stages_are_at_work_at_the_same_time_and_write_what_is_theirs(pair: Path):
    before, place = dict(os.environ), Path.cwd()
    run = start(pair, Told())
    first, second = manifest(run)["stages"][1:]
    assert statuses(run) == ["done"] * 3
    assert first["outputs"] == ["notebooks/pair-a.ipynb", "results/a.json"]
    assert second["outputs"] == ["notebooks/pair-b.ipynb", "results/b.json"]
    assert need_unchanged(run).differences == []
    assert not (run / ".draft").exists()
    assert (dict(os.environ), Path.cwd()) == (before, place)


def test_where_one_fails_the_other_is_waited_for_and_kept(pair: Path):
    with pytest.raises(StageError, match=r"stage pair-a: failed in cell 3 of 02_pair.ipynb: ZeroDivisionError"):
        start(pair, Told(), fails="a")
    run = pair / "runs" / "run"
    assert statuses(run) == ["done", "failed", "done"]
    assert (run / "results" / "b.json").is_file()
    assert not (run / ".draft").exists()
    (pair / "notebooks" / "mended").touch()
    assert resume(run).ran == ["pair-a"]
    assert manifest(run)["status"] == "done"


class Stopping(Told):
    """Stops the run once both are at work and one of them is done."""

    def done(self, name: str, seconds: float | None, why: str) -> None:
        super().done(name, seconds, why)
        if name == "pair-a":
            raise KeyboardInterrupt


def test_a_run_that_is_stopped_ends_both_at_once(pair: Path):
    others = kernels()
    with pytest.raises(KeyboardInterrupt) as caught:
        start(pair, Stopping(), waits="b")
    run = pair / "runs" / "run"
    assert caught.value.__notes__[0] == "The run ended in stage pair-b."
    assert statuses(run) == ["done", "done", "failed"]
    assert not (run / ".draft").exists()
    assert kernels() <= others


def test_a_stage_waits_for_those_that_it_is_not_said_to_run_beside(project: Path, monkeypatch: pytest.MonkeyPatch):
    stages = (STAGES[0], Stage("count", "02_count.ipynb", beside="pair"))  # which reads what the first one writes
    for module in (sequence, notebooks):
        monkeypatch.setattr(module, "stages_of", lambda _: stages)
    assert statuses(start(project, Told())) == ["done", "done"]
