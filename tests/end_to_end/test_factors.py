"""A whole job with other factors than the usual ones: its stages, its report, and one more factor later."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loantap.runs.notebooks import stages_of

pytestmark = pytest.mark.long
FACTORS = "grade,purpose,profession_group"
FEW = ["-P", "repetitions=100", "-P", "repeats=1", "-P", "folds=3", "--engine", "builtin"]


def loantap(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "loantap", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("factors") / "run"
    loantap("run", "--rows", 5_000, "--out", folder, "-P", f"factors={FACTORS}", *FEW)
    return folder


def manifest(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_text())


def test_the_run_has_the_stages_of_its_factors(run: Path):
    found = manifest(run)
    assert found["parameters"]["factors"] == FACTORS
    assert [stage["name"] for stage in found["stages"]] == [stage.name for stage in stages_of({"factors": FACTORS})]
    written = {path.stem.removeprefix("association_") for path in (run / "results").glob("association_*.json")}
    assert written == {*FACTORS.split(",")}
    assert "are as" in loantap("verify", run)


def test_the_report_shows_each_factor_and_says_what_was_left_out(run: Path):
    page = (run / "report" / "index.html").read_text("utf-8")
    for factor in FACTORS.split(","):
        assert f'id="fig-association-{factor}-rates"' in page
        assert f"notebooks/association-{factor}.html" in page
    assert "This run did not test pincode" in page
    assert {f'id="sec-{name}"' for name in ("pincode", "grade", "professions", "purpose", "profession_group")} <= {
        *re.findall(r'id="[^"]+"', page)
    }


def test_no_link_of_the_report_leads_nowhere(run: Path):
    pages = {path.name: path.read_text("utf-8") for path in (run / "report").glob("*.html")}
    for name, text in pages.items():
        for target in re.findall(r'href="([^":]*)"', text):
            page, _, anchor = target.partition("#")
            assert not page or (run / "report" / page).is_file(), (name, target)
            assert not anchor or f'id="{anchor}"' in pages.get(page or name, f'id="{anchor}"'), (name, target)


def test_one_more_factor_joins_the_run(run: Path):
    loantap("run", "--resume", run, "--only", "association", "--factor", "term")
    found = manifest(run)
    assert found["parameters"]["factors"] == [*FACTORS.split(","), "term"]
    assert (run / "results" / "association_term.json").is_file()
    assert found["status"] == "done"
    loantap("report", run, "--engine", "builtin")
    assert "and so is the report" in loantap("verify", run)
    assert 'id="sec-term"' in (run / "report" / "index.html").read_text("utf-8")
