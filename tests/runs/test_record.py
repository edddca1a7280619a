"""Holding a run's folder: two starts, wrong input, and which run is the newest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_project import STAGES, Told, contents, manifest, resume, start
from tiny_project import finished as finished_run

from loantap.errors import InputError, SchemaError
from loantap.runs.record import hold_run, is_held, new_run, newest_run
from loantap.runs.sequence import start_run

pytestmark = pytest.mark.slow


def test_a_dated_folder_is_made_and_never_shared(project: Path):
    with new_run(None) as first, new_run(None) as second:
        assert first.path != second.path
        assert {first.path.parent, second.path.parent} == {project / "runs"}
        assert (first.run_id, second.run_id) == (first.path.name, second.path.name)


def test_wrong_data_leaves_nothing_behind(project: Path):
    with pytest.raises(SchemaError, match=r"^loans.csv: one row is too few$") as caught:
        start(project, "a/b", rows=1)
    assert not hasattr(caught.value, "__notes__")
    assert not (project / "runs").exists()


def test_a_users_own_empty_folder_survives_wrong_data(project: Path):
    (project / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(SchemaError):
        start(project, "mine", rows=1)
    assert list((project / "runs" / "mine").iterdir()) == []


def test_a_folder_with_files_is_refused(project: Path):
    (project / "runs" / "run").mkdir(parents=True)
    (project / "runs" / "run" / "mine.txt").touch()
    with pytest.raises(InputError, match="new or empty folder"):
        start(project)
    assert list(contents(project / "runs" / "run")) == ["mine.txt"]


def test_a_file_is_no_folder(project: Path):
    with pytest.raises(InputError, match="new or empty folder"), new_run(project / "_quarto.yml"):
        pass


def test_of_two_starts_into_one_folder_the_later_touches_nothing(project: Path):
    with new_run(project / "run") as held:
        (held.path / "written").touch()
        before = contents(held.path)
        with pytest.raises(InputError, match="expected a new or empty folder"), new_run(held.path):
            pass
        (held.path / "written").unlink()
        with pytest.raises(InputError, match="another process is working"), new_run(held.path):
            pass
        (held.path / "written").touch()
        assert contents(held.path) == before
        assert is_held(held.path)
    assert not is_held(held.path)


def test_a_run_that_is_at_work_is_not_resumed(project: Path):
    run = finished_run(project)
    with hold_run(run), pytest.raises(InputError, match="another process is working"):
        resume(run)


# One process imports the library and forks as many as are asked for, so that they start within a millisecond of each other.
START = """
import json, multiprocessing, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiny_project import STAGES, Told
from loantap.errors import InputError
from loantap.runs import sequence
from loantap.runs.manifest import Basis
from loantap.runs.record import new_run
sequence.stages_of = lambda _: STAGES

def work(self, *_, why):  # what a stage does, without a kernel
    if refuses:
        raise InputError("wrong data")
    (self._folder / "by").write_text(str(self._manifest.parameters["rows"]))

def start(barrier, folder, one, wrong):
    global refuses
    sequence.AtWork.begin, refuses = work, wrong
    sequence.basis_of = lambda *_, **__: Basis()
    barrier.wait()
    try:
        with new_run(folder) as held:
            sequence.start_run(held, {{"rows": one}}, stages=STAGES[:1], progress=Told())
    except InputError:
        sys.exit(2)

fork = multiprocessing.get_context("fork")
number, refusing, times = map(int, sys.argv[2:])

def together(folder):
    barrier = fork.Barrier(number)
    started = [fork.Process(target=start, args=(barrier, folder, one, one > number - refusing)) for one in range(1, number + 1)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    return [process.exitcode for process in started]

print(json.dumps([together(Path(sys.argv[1]) / str(attempt)) for attempt in range(times)]))
"""


def start_together(parent: Path, number: int, times: int, *, refusing: int = 0) -> list[tuple[Path, list[int]]]:
    """Start as many processes at once into one folder, time and again; return each folder with their exit codes.

    The data of the last ones, as many as are `refusing`, are wrong.
    """
    words = [sys.executable, "-c", START.format(tests=str(Path(__file__).parent)), parent, number, refusing, times]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    return [(parent / str(attempt), codes) for attempt, codes in enumerate(json.loads(done.stdout))]


MANY = [(3, 4), *(pytest.param(n, 15, marks=pytest.mark.long) for n in range(2, 9))]


@pytest.mark.parametrize(("number", "times"), MANY)
def test_of_many_starts_at_once_one_wins(project: Path, number: int, times: int):
    for folder, codes in start_together(project / "runs", number, times):
        assert sorted(codes) == [0] + [2] * (number - 1)
        winner = codes.index(0) + 1
        assert (folder / "by").read_text() == str(winner)
        assert manifest(folder)["parameters"] == {"rows": winner}
        assert {path.name for path in folder.iterdir()} == {"by", "manifest.json"}


@pytest.mark.parametrize(("number", "times"), MANY)
def test_a_loser_with_wrong_data_deletes_nothing_of_a_winner(project: Path, number: int, times: int):
    for folder, codes in start_together(project / "runs", number, times, refusing=number - 1):
        assert set(codes) <= {0, 2}
        if codes[0] == 0:
            assert (folder / "by").read_text() == "1"
            assert manifest(folder)["parameters"] == {"rows": 1}
        else:  # one whose data are wrong was first, and the good one found it at work
            assert not folder.exists() or list(folder.iterdir()) == []


def finished(project: Path, name: str, **facts: object) -> Path:
    run = project / "runs" / name
    run.mkdir(parents=True)
    known = {"run_id": name, "started_at": "2026-01-01T00:00:00+00:00", "status": "done"}
    (run / "manifest.json").write_text(json.dumps(known | facts))
    return run


def test_the_newest_run_is_the_finished_one_that_ended_last(project: Path):
    assert newest_run() is None
    wanted = finished(project, "b", finished_at="2026-01-03T00:00:00+00:00")
    finished(project, "z", finished_at="2026-01-02T00:00:00+00:00")
    for status in ("running", "partial", "failed"):
        finished(project, status, status=status, finished_at="2026-01-04T00:00:00+00:00")
    finished(project, "lab/20260105-000000", finished_at="2026-01-05T00:00:00+00:00")
    finished(project, "damaged", started_at=3)
    (project / "runs" / "sample").mkdir()  # what an earlier version made for trying things
    assert newest_run().path == wanted


def test_a_run_of_some_stages_is_not_the_newest(project: Path):
    with new_run(project / "runs" / "only") as held:
        start_run(held, {}, stages=STAGES[:1], progress=Told())
    assert manifest(held.path)["status"] == "partial"
    assert newest_run() is None
