"""The runner on a project of tiny notebooks: failing, killed, resumed, and two at once."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import pytest

from loantap.errors import InputError, ParameterError, SchemaError, StageError
from loantap.report import sequence
from loantap.report.notebooks import Stage
from loantap.report.sequence import resume_run, start_run

pytestmark = pytest.mark.slow

STAGES = (
    Stage("ingest", "01_ingest.ipynb", needs=()),
    Stage("count", "02_count.ipynb", needs=("data/loans.parquet",)),
)
INGEST = """
from loantap.errors import SchemaError
from loantap.report.results import RunFolder
from pathlib import Path
run = RunFolder(Path(run_dir))
if rows == 1:
    raise SchemaError("loans.csv: one row is too few")
run.loans_path.parent.mkdir(exist_ok=True)
run.loans_path.write_text(str(rows))
run.write_result("ingest", {"data": {"kind": "synthetic", "rows": rows}})
"""
COUNT = """
from loantap.report.results import RunFolder
from pathlib import Path
import time
run = RunFolder(Path(run_dir))
if (run.path / "fail").exists():
    raise ZeroDivisionError("no loans")
while (run.path / "wait").exists():
    time.sleep(0.05)
run.write_result("count", int(run.loans_path.read_text()))
"""


class Told:
    """What the run told."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.cells = 0

    def stage(self, name: str, cells: int, fits: Path) -> None:
        self.ran.append(name)

    def cell(self) -> None:
        self.cells += 1

    def done(self, name: str, seconds: float | None) -> None:
        pass


def notebook(path: Path, parameters: str, body: str) -> None:
    cells = [
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(textwrap.dedent(body).strip()),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "_quarto.yml").touch()
    notebook(root / "notebooks" / "01_ingest.ipynb", 'run_dir: str = ""  # folder\nrows: int = 7  # rows [1..]', INGEST)
    notebook(root / "notebooks" / "02_count.ipynb", 'run_dir: str = ""  # folder\nseed: int = 0  # seed', COUNT)
    monkeypatch.setenv("LOANTAP_HOME", str(root))
    monkeypatch.setattr(sequence, "STAGES", STAGES)
    return root


def manifest(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_text())


def start(project: Path, **given: object) -> Path:
    return start_run(given, out=project / "run", stages=STAGES, progress=Told()).path


def test_a_run_leaves_its_account(project: Path):
    run = start(project, rows=9)
    found = manifest(run)
    assert found["status"] == "done"
    assert found["data"] == {"kind": "synthetic", "rows": 9}
    assert [stage["status"] for stage in found["stages"]] == ["done", "done"]
    assert found["stages"][0]["outputs"] == ["data/loans.parquet", "notebooks/ingest.ipynb", "results/ingest.json"]
    assert found["stages"][1]["seconds"] > 0
    assert found["packages"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert json.loads((run / "results" / "count.json").read_text()) == 9


def test_a_dated_folder_is_made_and_never_shared(project: Path):
    folders = {start_run({}, out=None, stages=STAGES[:1], progress=Told()).path for _ in range(2)}
    assert len(folders) == 2
    assert all(folder.parent == project / "runs" for folder in folders)


def test_wrong_parameters_leave_nothing_behind(project: Path):
    with pytest.raises(ParameterError):
        start(project, row=9)
    assert not (project / "run").exists()


def test_wrong_data_leaves_nothing_behind(project: Path):
    with pytest.raises(SchemaError, match=r"^loans.csv: one row is too few$"):
        start(project, rows=1)
    assert not (project / "run").exists()


def test_a_folder_with_files_is_refused(project: Path):
    (project / "run").mkdir()
    (project / "run" / "mine.txt").touch()
    with pytest.raises(InputError, match="new or empty folder"):
        start(project)
    assert (project / "run" / "mine.txt").exists()


def fail(project: Path) -> Path:
    (project / "run").mkdir()
    run = project / "run"
    original = sequence._new_folder

    def with_failure(out: Path | None) -> tuple[Path, str]:
        folder = original(out)
        (run / "fail").touch()
        return folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence, "_new_folder", with_failure)
        with pytest.raises(StageError) as caught:
            start(project)
    message = str(caught.value)
    assert "stage count failed in cell 2 of 02_count.ipynb: ZeroDivisionError: no loans" in message
    assert str(run / "notebooks" / "count.ipynb") in message
    assert f"loantap run --resume {run}" in message
    return run


def test_a_failing_cell_is_one_message_and_the_run_can_go_on(project: Path):
    run = fail(project)
    assert manifest(run)["status"] == "failed"
    assert manifest(run)["stages"][1]["status"] == "failed"
    executed = nbformat.read(run / "notebooks" / "count.ipynb", 4)
    assert any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", []))
    (run / "fail").unlink()
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == ["count"]
    assert manifest(run)["status"] == "done"
    assert manifest(run)["stages"][1]["error"] is None


def test_a_finished_run_does_nothing_again(project: Path):
    run = start(project)
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == []


def test_a_changed_notebook_runs_again_and_so_does_what_reads_its_loans(project: Path):
    run = start(project, rows=9)
    body = INGEST.replace("str(rows)", "str(rows + 1)")
    notebook(
        project / "notebooks" / "01_ingest.ipynb", 'run_dir: str = ""  # folder\nrows: int = 7  # rows [1..]', body
    )
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == ["ingest", "count"]
    assert json.loads((run / "results" / "count.json").read_text()) == 10


def test_a_changed_reference_file_runs_its_stage_again(project: Path, monkeypatch: pytest.MonkeyPatch):
    reference = project / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "claims.yml").write_text("a")
    stages = (STAGES[0], Stage("count", "02_count.ipynb", reference=("claims.yml",)))
    monkeypatch.setattr(sequence, "STAGES", stages)
    run = start(project)
    (reference / "claims.yml").write_text("b")
    told = Told()
    resume_run(run, progress=told)
    resume_run(run, progress=told)
    assert told.ran == ["count"]


def test_a_lost_output_is_made_again(project: Path):
    run = start(project)
    (run / "results" / "count.json").unlink()
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == ["count"]


def test_one_stage_can_be_run_again_with_another_parameter(project: Path):
    run = start(project)
    told = Told()
    resume_run(run, only=STAGES[1:], progress=told, given={"seed": "5"})
    assert told.ran == ["count"]
    assert manifest(run)["stages"][1]["parameters"] == {"seed": 5}


def test_a_run_of_an_earlier_version_gets_the_new_stages(project: Path):
    run = start(project)
    old = manifest(run)
    old["stages"] = old["stages"][:1]
    (run / "manifest.json").write_text(json.dumps(old))
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == ["count"]
    assert [stage["status"] for stage in manifest(run)["stages"]] == ["done", "done"]


def test_resuming_what_is_no_run_is_refused(project: Path):
    with pytest.raises(InputError, match="manifest"):
        resume_run(project, progress=Told())


RUNNER = """
import sys
from pathlib import Path
from loantap.report import sequence
sys.path.insert(0, {tests!r})
from test_sequence import STAGES, Told
sequence.STAGES = STAGES
folder = Path(sys.argv[1])
if (folder / "manifest.json").exists():
    sequence.resume_run(folder, progress=Told())
else:
    sequence.start_run({{}}, out=folder, stages=STAGES, progress=Told())
"""


def launch(project: Path, run: Path) -> subprocess.Popen:
    code = RUNNER.format(tests=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(run)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def half_written(run: Path) -> list[Path]:
    return [path for path in run.rglob("*") if path.is_file() and path.name.startswith(".writing-")]


def test_a_killed_run_leaves_nothing_half_and_can_be_resumed(project: Path):
    run = start(project)
    (run / "results" / "count.json").unlink()
    (run / "wait").touch()
    process = launch(project, run)
    wait_for(lambda: half_written(run))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for path in set(run.rglob("*.json")) - set(half_written(run)):
        json.loads(path.read_text())
    (run / "wait").unlink()
    told = Told()
    resume_run(run, progress=told)
    assert told.ran == ["count"]
    assert manifest(run)["status"] == "done"
    assert half_written(run) == []


def test_two_processes_do_not_work_in_one_run(project: Path):
    run = start(project)
    (run / "results" / "count.json").unlink()
    (run / "wait").touch()
    process = launch(project, run)
    wait_for(lambda: half_written(run))
    with pytest.raises(InputError, match="another process is working"):
        resume_run(run, progress=Told())
    (run / "wait").unlink()
    assert process.wait(60) == 0
    assert manifest(run)["status"] == "done"
