"""A stage that the loans cannot feed is left out: the others go on, and page, notebook and console say why."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from tiny_project import Told, make_project, manifest, resume, start

from loantap.cli.common import console, say_notices
from loantap.exhibits.findings import _ORDER, Shown
from loantap.runs import notebooks, sequence
from loantap.runs.checksums import check_run
from loantap.runs.notebooks import Stage
from loantap.runs.page import Page
from loantap.runs.record import new_run
from loantap.runs.results import RunFolder
from loantap.runs.staging import stage_title, tell_left_out
from loantap.settings import project_root

WHY = "all loans have the same grade, B"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path / "project", monkeypatch)


@pytest.mark.slow
def test_the_run_goes_on_and_says_why(project: Path):
    run = start(project, what="unfit")
    found = manifest(run)
    assert found["status"] == "done"
    assert [stage["status"] for stage in found["stages"]] == ["done", "left out"]
    assert found["stages"][1]["error"] == WHY
    assert not (run / "results" / "shared.json").exists()  # nothing of what it had written is a result
    assert not check_run(run).differences
    cells = nbformat.read(run / "notebooks" / "count.ipynb", 4).cells
    assert cells[-1].source == f"**Left out:** {WHY}."
    assert not any(output.output_type == "error" for cell in cells for output in cell.get("outputs", []))
    with console.capture() as said:
        say_notices(run)
    assert f"stage count left out: {WHY}" in said.get()
    assert resume(run).ran == []  # the same loans cannot feed it a second time
    assert resume(run, what="").ran == ["count"]
    assert [stage["status"] for stage in manifest(run)["stages"]] == ["done", "done"]


@pytest.mark.slow
def test_a_stage_that_needs_what_was_left_out_is_left_out_too(project: Path, monkeypatch: pytest.MonkeyPatch):
    stages = (
        *sequence.stages_of({}),
        Stage("policy", "02_count.ipynb", {"what": ""}, needs=("data/loans.parquet", "model/SHA256SUMS")),
        Stage("claims", "02_count.ipynb", {"what": ""}, welcome=("results/count.json",)),
    )
    for module in (sequence, notebooks):
        monkeypatch.setattr(module, "stages_of", lambda _: stages)
    with new_run(project / "runs" / "run") as held:
        run = sequence.start_run(held, {"count.what": "unfit"}, progress=Told()).path
    by_name = {stage["name"]: stage for stage in manifest(run)["stages"]}
    assert [one["status"] for one in by_name.values()] == ["done", "left out", "left out", "done"]
    assert by_name["policy"]["error"] == "it needs a model, and the stage that makes it was left out"


@pytest.mark.slow
def test_without_loans_there_is_no_run(project: Path):
    notebook = project / "notebooks" / "01_ingest.ipynb"
    notebook.write_text(notebook.read_text().replace("SchemaError", "UnfitDataError"))
    with pytest.raises(Exception, match="one row is too few"):
        start(project, rows=1)
    assert not (project / "runs" / "run").exists()


@pytest.fixture
def page(tmp_path: Path) -> Page:
    stages = [
        {"name": "association-pincode", "status": "left out", "error": "the loans hold no pincode"},
        {"name": "tuning-with-pincode", "status": "left out", "error": "the loans hold no pincode"},
        {"name": "early-warning", "status": "left out", "error": "it needs a model"},
        {"name": "association-grade", "status": "done", "error": None},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"data": {"kind": "file"}, "stages": stages}))
    return Page(RunFolder(tmp_path))


@pytest.mark.parametrize("name", ["association-pincode-rates", "model-scores-with-pincode", "warning-lights"])
def test_an_exhibit_of_a_stage_left_out_is_its_reason_once(page: Page, capsys: pytest.CaptureFixture, name: str):
    page.figure(name)
    page.table(name)
    assert re.fullmatch(r"Left out: [a-z ]+\.\n\n", capsys.readouterr().out)
    assert page.factors == ["grade"]


def test_an_exhibit_that_is_missing_for_no_reason_is_an_error(page: Page):
    with pytest.raises(Exception, match="expected what a stage writes"):
        page.table("model-scores-without-pincode")


def test_a_page_that_needs_a_stage_left_out_says_so_and_keeps_its_sections(tmp_path: Path):
    path = tmp_path / "policy.qmd"
    path.write_text("---\ntitle: Policy\nneeds: [policy, eda]\n---\n\n## Who? {#sec-who}\n\ntext\n")
    tell_left_out(path, {"policy": "it needs a model"})
    text = path.read_text()
    assert "- Policy: it needs a model.\n" in text
    assert "[]{#sec-who}" in text
    assert "text" not in text
    whole = text
    tell_left_out(path, {"claims": "no"})
    assert path.read_text() == whole


def test_each_page_names_stages_that_there_are():
    names = {stage.name for stage in notebooks.stages_of({})}
    for path in (project_root() / "reports").glob("*.qmd"):
        needed = re.search(r"^needs: \[(.*)\]$", path.read_text("utf-8"), re.M)
        assert needed is not None, path
        assert {*needed[1].split(", ")} <= names


def test_each_finding_of_the_first_screen_leads_to_a_section_of_the_drivers_page():
    text = (project_root() / "reports" / "drivers.qmd").read_text("utf-8")
    for name in _ORDER:
        assert f"{{#{Shown(name, '', '', (), (), ordered=False).section}}}" in text


def test_stages_have_readable_titles():
    assert [stage_title(name) for name in ("early-warning", "tuning-with-pincode")] == [
        "Early warning",
        "Tuning: with pincode",
    ]
