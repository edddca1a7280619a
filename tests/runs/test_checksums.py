"""The checksums of a run: each way in which a folder can differ from its manifest is found and named, and nothing else is."""

import json
from pathlib import Path

import pytest
from tiny_project import finished, make_project, manifest, resume

from loantap.errors import InputError
from loantap.runs import checksums
from loantap.runs.checksums import DRAFT, check_run, finish_move, folder_sha256, need_unchanged, results_sha256
from loantap.runs.manifest import read_manifest
from loantap.runs.record import hold_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        yield make_project(tmp_path_factory.mktemp("sealed") / "project", patch)


@pytest.fixture
def run(project: Path, request: pytest.FixtureRequest) -> Path:
    return finished(project, request.node.name)


def report(run: Path) -> None:
    """Render a page, and note it as `loantap report` does."""
    (run / "report").mkdir(exist_ok=True)
    (run / "report" / "index.html").write_text("a page")
    found = read_manifest(run)
    found.report = {"sha256": folder_sha256(run / "report"), "results": results_sha256(found)}
    found.write(run)


def test_a_run_as_it_was_written_differs_in_nothing(run: Path):
    report(run)
    check = need_unchanged(run)
    assert (check.differences, check.report, check.library) == ([], "", [])


def test_every_difference_is_named(run: Path):
    (run / "results" / "count.json").write_text("[8, 0]")
    (run / "data" / "loans.parquet").unlink()
    (run / "results" / "figures").mkdir()
    (run / "results" / "figures" / "mine.svg").touch()
    assert check_run(run).differences == [
        "data/loans.parquet is missing since stage ingest wrote it",
        "results/count.json was changed since stage count wrote it",
        "results/figures/mine.svg: no stage wrote it; move it out of the run",
    ]
    with pytest.raises(InputError, match=r"(?s)count.json was changed.*\nWhat has changed is made again by: loantap run --resume") as caught:  # fmt: skip
        need_unchanged(run)
    assert str(caught.value).count("\n- ") == 3


def test_what_jupyter_and_the_finder_leave_is_nobodys_concern(run: Path):
    (run / "notebooks" / ".ipynb_checkpoints").mkdir()
    (run / "notebooks" / ".ipynb_checkpoints" / "count-checkpoint.ipynb").touch()
    (run / "results" / ".DS_Store").touch()
    assert need_unchanged(run).differences == []


def test_a_result_that_belongs_to_others_is_named(run: Path):
    found = manifest(run)
    found["stages"][1]["inputs"]["data/loans.parquet"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(found))
    assert check_run(run).differences == [
        "stage count: made from another data/loans.parquet, which stage ingest has made anew since"
    ]


def test_a_run_that_has_not_ended_is_no_record_yet(run: Path):
    found = read_manifest(run)
    found.status = "running"
    found.write(run)
    assert check_run(run).differences == ["manifest.json: the run was killed before it ended"]
    with hold_run(run):
        assert check_run(run).differences == ["manifest.json: the run is at work; check it when it has ended"]


def test_a_changed_report_and_one_of_other_results_are_named_apart(run: Path):
    report(run)
    resume(run, seed="5")
    check = check_run(run)
    assert (check.differences, check.report) == ([], "report: it was rendered from other results than the run's present ones")  # fmt: skip
    report(run)
    (run / "report" / "index.html").write_text("another page")
    assert check_run(run).report == "report: its files are not those that were rendered"


def test_a_changed_library_is_named_and_no_fault_of_the_record(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checksums, "library_sha256", lambda _: "0" * 64)
    check = need_unchanged(run)
    assert (check.differences, check.library) == ([], ["ingest", "count"])


def test_a_move_that_was_killed_is_completed_and_a_stages_own_half_is_dropped(run: Path):
    """Killed after the manifest was written and before all files had moved; beside it the half of a stage at work."""
    whole = (run / "results" / "count.json").read_bytes()
    (run / DRAFT / "count" / "results").mkdir(parents=True)
    (run / "results" / "count.json").rename(run / DRAFT / "count" / "results" / "count.json")
    (run / DRAFT / "count" / "results" / "ingest.json").write_text("half")
    finish_move(run, read_manifest(run))
    assert (run / "results" / "count.json").read_bytes() == whole
    assert not (run / DRAFT).exists()
    assert need_unchanged(run).differences == []
