"""`loantap dossier`, as a user calls it."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from command_line import loantap
from sealed import seal_run

from loantap.files import sha256
from loantap.model.persistence import model_version
from loantap.runs.checksums import check_run, folder_sha256
from loantap.runs.manifest import read_manifest
from loantap.runs.render import PDF_NAME
from loantap.runs.results import RunFolder
from loantap_deploy.report import read_report

OLDER = {
    "n": 12_000,
    "n_training": 12_000,
    "recommended": {"rules": ["decline dti above 25"], "effect": {}},
    "thresholds": {},
}


@pytest.fixture
def run(tmp_path: Path, finished_run: Path) -> Path:
    """A finished run with a model, a policy of an older version, and a report as it was rendered."""
    folder = shutil.copytree(finished_run, tmp_path / "run")
    RunFolder(folder).write_result("policy", OLDER)
    (folder / "report" / PDF_NAME).write_bytes(b"%PDF-")
    manifest = read_manifest(folder)
    manifest.report = (manifest.report or {}) | {"sha256": folder_sha256(folder / "report")}
    manifest.write(folder)
    return seal_run(folder)


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


def test_both_files_stand_beside_the_report_and_the_run_stays_as_it_was_written(run: Path):
    done = loantap("dossier", run)
    assert done.returncode == 0, done.stderr
    page = (run / "report" / "dossier.html").read_text()
    with zipfile.ZipFile(run / "report" / "dossier.docx") as document:
        text = document.read("word/document.xml").decode()
    for found in (page, text):
        assert model_version(run / "model") in found
        assert "made by an older version" in found
        assert "Made from synthetic loans" in found
        assert "decline dti above 25" not in found
    assert not check_run(run).differences
    assert loantap("verify", run).returncode == 0
    assert "Fill in a copy" in done.stdout
    assert loantap("dossier", run).returncode == 0  # again, in the place of the former
    assert loantap("verify", run).returncode == 0


def test_a_folder_of_ones_own_leaves_the_run_alone(run: Path, tmp_path: Path):
    before = files(run)
    done = loantap("dossier", run, "--out", tmp_path / "own")
    assert done.returncode == 0, done.stderr
    assert sorted(files(tmp_path / "own")) == ["dossier.docx", "dossier.html"]
    assert files(run) == before


def test_a_file_that_people_may_have_filled_in_is_not_overwritten(run: Path, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "dossier.docx").write_text("signed")
    done = loantap("dossier", run, "--out", tmp_path / "own")
    assert (done.returncode, "people fill it in" in done.stderr) == (2, True)
    assert (tmp_path / "own" / "dossier.docx").read_text() == "signed"


@pytest.mark.parametrize("name", ["model/model_card.json", "results/policy.json"])
def test_a_run_without_a_model_or_a_policy_is_refused(run: Path, name: str):
    (run / name).unlink()
    seal_run(run)
    before = files(run)
    done = loantap("dossier", run)
    assert (done.returncode, f"found no {name}" in done.stderr) == (2, True), done.stderr
    assert files(run) == before


def test_a_report_that_was_changed_is_not_sealed_by_it(run: Path):
    (run / "report" / "index.html").write_text("<p>Another</p>")
    before = files(run)
    done = loantap("dossier", run)
    assert (done.returncode, "loantap report" in done.stderr) == (2, True)
    assert files(run) == before


def test_a_run_that_is_not_finished_is_refused(run: Path):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "partial"}))
    done = loantap("dossier", run)
    assert (done.returncode, "expected a finished run, it is partial" in done.stderr) == (2, True)


def test_a_report_with_the_file_beside_it_can_be_published(run: Path):
    assert loantap("dossier", run).returncode == 0
    assert {"dossier.docx", "dossier.html"} <= set(read_report(run).files)
