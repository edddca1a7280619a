"""The runner on a project of tiny notebooks: failing, resumed with and without changes, and what each end says."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from tiny_project import (
    COUNT,
    COUNT_PARAMETERS,
    INGEST,
    INGEST_PARAMETERS,
    STAGES,
    contents,
    finished,
    manifest,
    notebook,
    results,
    resume,
    start,
)

from loantap.errors import InputError, ParameterError, StageError
from loantap.files import sha256
from loantap.runs import at_work, basis, kernel, sequence
from loantap.runs.checksums import check_run
from loantap.runs.notebooks import Stage

pytestmark = pytest.mark.slow


def test_a_run_leaves_its_account(project: Path):
    run = start(project, rows=9)
    found = manifest(run)
    assert (found["status"], found["data"]["rows"]) == ("done", 9)
    ingest, count = found["stages"]
    assert (ingest["status"], count["status"]) == ("done", "done")
    assert ingest["outputs"] == ["data/loans.parquet", "notebooks/ingest.ipynb", "results/ingest.json"]
    assert ingest["files"] == {name: sha256(run / name) for name in ingest["outputs"]}
    assert ingest["parameters"] == {"data": "", "quarantine": False, "rows": 9, "seed": 0}
    assert count["parameters"] == {"seed": 0, "what": ""}
    assert count["notebook_sha256"] == sha256(project / "notebooks" / "02_count.ipynb")
    assert count["inputs"] == {"data/loans.parquet": sha256(run / "data" / "loans.parquet")}
    assert len(count["library"]) == 64
    assert count["seconds"] > 0
    assert count["peak_memory_mb"] > 20
    assert found["packages"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert json.loads((run / "results" / "count.json").read_text()) == [9, 0]
    assert {path.name for path in run.iterdir()} == {"manifest.json", "data", "notebooks", "results"}


def test_what_a_run_notes_does_not_hang_on_the_clock(project: Path, monkeypatch: pytest.MonkeyPatch):
    real = at_work.time.time
    monkeypatch.setattr(at_work.time, "time", lambda: real() + 120)
    run = start(project)
    assert all(stage["files"] for stage in manifest(run)["stages"])
    (run / "data" / "loans.parquet").unlink()
    assert resume(run).ran == ["ingest"]  # it comes out the same, so what reads it need not run


def test_wrong_parameters_leave_nothing_behind(project: Path):
    with pytest.raises(ParameterError):
        start(project, row=9)
    assert not (project / "runs" / "run").exists()


def failed(project: Path, what: str = "fail") -> tuple[Path, StageError]:
    with pytest.raises(StageError) as caught:
        start(project, what=what)
    return project / "runs" / "run", caught.value


def mend(project: Path) -> None:
    (project / "notebooks" / "mended").touch()


def test_a_failing_cell_is_one_message_and_the_run_can_go_on(project: Path):
    run, error = failed(project)
    assert str(error) == "stage count: failed in cell 3 of 02_count.ipynb: ZeroDivisionError: no loans"
    assert error.__notes__ == [
        f"The executed notebook: {run / 'notebooks' / 'count.ipynb'}",
        f"What is finished is kept. Go on with: loantap run --resume {run}",
    ]
    found = manifest(run)
    assert (found["status"], found["stages"][1]["status"]) == ("failed", "failed")
    executed = nbformat.read(run / "notebooks" / "count.ipynb", 4)
    assert any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", []))
    assert not (run / "results" / "shared.json").exists()  # what a stage that failed has written is no result
    mend(project)
    told = resume(run)
    assert told.why == {"ingest": "", "count": "it had failed"}
    assert manifest(run)["status"] == "done"
    assert manifest(run)["stages"][1]["error"] is None


def test_a_killed_kernel_is_one_message_with_the_cell_the_cause_and_what_to_do(
    project: Path, capfd: pytest.CaptureFixture[str]
):
    run, error = failed(project, "die")
    # how much it had taken differs by machine: the kernel alone is between 0.1 and 2 GB
    assert re.match(
        r"stage count: its kernel was killed in cell 3 of 02_count\.ipynb: usually there was no memory left\. "
        r"It had taken up to \d\.\d GB; this machine has \d",
        str(error),
    )
    assert capfd.readouterr().err == ""
    assert error.__notes__[0] == f"The executed notebook: {run / 'notebooks' / 'count.ipynb'}"
    assert len(nbformat.read(run / "notebooks" / "count.ipynb", 4).cells) == 3
    assert manifest(run)["status"] == "failed"
    mend(project)
    assert resume(run).ran == ["count"]


def test_too_few_open_files_are_said_before_anything_begins(project: Path, monkeypatch: pytest.MonkeyPatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with pytest.raises(StageError, match=r"allows 64 open files at a time.*ulimit -n 1024"):
        start(project)
    assert not (project / "runs" / "run").exists()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 4096))  # it may ask for more, and does
    kernel.need_open_files()


def test_a_finished_run_does_nothing_again_and_its_record_stays_as_it_is(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    run = finished(project)
    before = contents(run)
    monkeypatch.setattr(sequence, "now", lambda: "2099-01-01T00:00:00+00:00")
    assert resume(run).ran == []
    assert contents(run) == before


def changed_notebook(project: Path) -> None:
    notebook(project / "notebooks" / "01_ingest.ipynb", INGEST_PARAMETERS, INGEST.replace("str(rows)", "str(rows + 1)"))


def test_a_changed_notebook_runs_again_and_so_does_what_reads_its_loans(project: Path):
    run = finished(project)
    changed_notebook(project)
    told = resume(run)
    assert told.why == {"ingest": "its notebook was changed", "count": "loans.parquet was changed"}
    assert json.loads((run / "results" / "count.json").read_text()) == [10, 3]


def test_a_changed_library_runs_what_stands_on_it_again(project: Path, monkeypatch: pytest.MonkeyPatch):
    run = finished(project)
    real = basis.library_sha256
    monkeypatch.setattr(basis, "library_sha256", lambda path: "0" * 64 if path.name == "02_count.ipynb" else real(path))
    assert resume(run).why == {"ingest": "", "count": "the library was changed"}


def test_another_version_of_a_package_runs_everything_again(project: Path, monkeypatch: pytest.MonkeyPatch):
    run = finished(project)
    monkeypatch.setattr(basis, "packages", lambda: {"python": "4.0.0"})
    assert "python 3." in resume(run).why["count"]


def test_a_changed_reference_file_runs_its_stage_again(project: Path, monkeypatch: pytest.MonkeyPatch):
    reference = project / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "claims.yml").write_text("a")
    stages = (STAGES[0], Stage("count", "02_count.ipynb", reference=("claims.yml",)))
    monkeypatch.setattr(sequence, "stages_of", lambda _: stages)
    run = start(project)
    (reference / "claims.yml").write_text("b")
    assert resume(run).why == {"ingest": "", "count": "claims.yml was changed"}
    assert resume(run).ran == []


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("[8, 0]")], ids=["lost", "changed"])
def test_a_lost_or_changed_result_is_made_again_and_named(project: Path, spoil: Callable[[Path], object]):
    run = finished(project)
    before = results(run)
    spoil(run / "results" / "count.json")
    told = resume(run)
    assert told.ran == ["count"]
    assert told.why["count"].startswith("results/count.json ")
    assert results(run) == before


def test_a_parameter_that_is_not_given_anew_stays_in_force(project: Path):
    run = finished(project)
    told = resume(run, only=STAGES[1:])
    assert told.why == {"count": "asked for"}
    assert json.loads((run / "results" / "count.json").read_text()) == [9, 3]
    assert manifest(run)["parameters"] == {"rows": 9, "seed": 3}


def test_one_stage_can_be_run_again_with_another_parameter_and_it_stays(project: Path):
    run = finished(project)
    told = resume(run, only=STAGES[1:], seed="5")
    assert told.ran == ["count"]
    assert manifest(run)["stages"][1]["parameters"] == {"seed": 5, "what": ""}
    assert manifest(run)["parameters"] == {"rows": 9, "seed": 3, "count.seed": "5"}
    assert resume(run).ran == []
    assert resume(run, seed="6").why == {"ingest": "seed 3 → 6", "count": "seed 5 → 6"}
    assert manifest(run)["parameters"] == {"rows": 9, "seed": "6"}
    resume(run, only=STAGES[1:], **{"count.seed": "7", "seed": "6"})  # what is said of one stage has the last word
    assert manifest(run)["stages"][1]["parameters"]["seed"] == 7


def test_a_stage_alone_does_not_make_up_for_another_that_has_to_run_again(project: Path):
    run = finished(project)
    resume(run, only=STAGES[:1], rows="10")
    found = manifest(run)
    assert found["status"] == "partial"
    assert resume(run).why == {"ingest": "", "count": "loans.parquet was changed"}
    assert manifest(run)["status"] == "done"


def test_files_that_no_stage_to_be_run_makes_again_are_refused_and_nothing_is_changed(project: Path):
    run = finished(project)
    (run / "data" / "loans.parquet").write_text("8")
    before = contents(run)
    with pytest.raises(InputError, match=r"data/loans.parquet was changed since stage ingest wrote it") as caught:
        resume(run, only=STAGES[1:])
    assert "Resume without --only" in str(caught.value)
    assert contents(run) == before


def test_a_folder_in_the_place_of_a_result_is_taken_away(project: Path):
    run = finished(project)
    (run / "results" / "count.json").unlink()
    (run / "results" / "count.json").mkdir()
    assert resume(run).ran == ["count"]
    assert manifest(run)["status"] == "done"


@pytest.mark.parametrize("name", ["../victim.txt", "/victim.txt", "results/../../victim.txt", "report/index.html", "results", "results/\0"])  # fmt: skip
def test_a_manifest_that_names_files_elsewhere_is_refused(project: Path, name: str):
    run = finished(project)
    (run.parent / "victim.txt").write_text("precious")
    found = manifest(run)
    found["stages"][1]["files"][name] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match="a stage writes below data, notebooks, results, model only"):
        resume(run)
    assert (run.parent / "victim.txt").read_text() == "precious"


def test_a_file_of_nobody_is_refused(project: Path):
    run = finished(project)
    (run / "results" / "mine.json").write_text("{}")
    with pytest.raises(InputError, match=r"results/mine.json: no stage wrote it"):
        resume(run)
    assert (run / "results" / "mine.json").exists()


def test_what_a_stage_no_longer_writes_goes(project: Path):
    run = finished(project)
    body = COUNT.replace('"shared"', '"other"')
    notebook(project / "notebooks" / "02_count.ipynb", COUNT_PARAMETERS, body)
    resume(run)
    assert not (run / "results" / "shared.json").exists()
    assert (run / "results" / "other.json").exists()


def test_a_run_of_an_earlier_version_gets_the_new_stages(project: Path):
    run = finished(project)
    old = manifest(run)
    old["stages"] = old["stages"][:1]
    (run / "manifest.json").write_text(json.dumps(old))
    for name in ("results/count.json", "results/shared.json", "notebooks/count.ipynb"):
        (run / name).unlink()
    told = resume(run)
    assert told.ran == ["count"]
    assert [stage["status"] for stage in manifest(run)["stages"]] == ["done", "done"]


def test_a_run_of_an_earlier_version_without_checksums_is_refused(project: Path):
    run = finished(project)
    old = manifest(run)
    for stage in old["stages"]:
        for name in ("files", "library", "notebook_sha256", "packages", "inputs"):
            del stage[name]
    (run / "manifest.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match="earlier version made this run and noted no checksums"):
        resume(run)


def test_resuming_what_is_no_run_is_refused(project: Path):
    with pytest.raises(InputError, match="manifest"):
        resume(project)


def test_the_lock_goes_with_the_run(project: Path):
    run = finished(project)
    assert not [path for path in run.rglob("*") if path.name.startswith(".")]


def by_factor(given: dict) -> tuple[Stage, ...]:
    counts = [Stage(f"count-{name}", "02_count.ipynb") for name in str(given.get("factors", "grade,term")).split(",")]
    return STAGES[0], *counts


def test_other_factors_are_other_stages_and_what_a_former_one_wrote_goes(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sequence, "stages_of", by_factor)
    run = start(project)
    told = resume(run, factors="grade,purpose")
    assert told.ran == ["count-purpose"]
    found = manifest(run)
    assert [stage["name"] for stage in found["stages"]] == ["ingest", "count-grade", "count-purpose"]
    assert (found["status"], found["parameters"]) == ("done", {"factors": "grade,purpose"})
    assert {path.stem for path in (run / "notebooks").iterdir()} == {"ingest", "count-grade", "count-purpose"}
    assert (run / "results" / "count.json").is_file()  # the stages that are left have written it too
    assert check_run(run).differences == []
    assert resume(run).ran == []


def test_factors_that_cannot_be_tested_change_nothing(project: Path):
    run = finished(project)
    before = contents(run)
    with pytest.raises(ParameterError, match="factors"):
        resume(run, factors="grade,int_rate")
    assert contents(run) == before
