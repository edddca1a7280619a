"""A number is added to a copy of the project by one declaration, and nothing else; everything follows from it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loantap.data.columns import NAMES
from loantap.errors import InputError
from loantap.model.persistence import load_model
from loantap.settings import project_root

pytestmark = pytest.mark.slow

NAME = "inq_last_6mths"
DECLARATION = """
    Column(
        "inq_last_6mths", "Inquiries in the last six months", "count", "number", "application", True, _PAST,
        missing=True, optional=True, cap=10,
        label="inquiries", enters="as it is", code="R24", phrase="the number of inquiries", form="{:.0f}",
        step=Step("1 more inquiry", by=1), higher="riskier", because="somebody in need of money asks around",
    ),
"""
BEFORE = '    Column(\n        "address",'


def copied(target: Path, declaration: str) -> Path:
    """Return a copy of the project with one more declaration in its table of columns."""
    root = project_root()
    for name in ("src", "data/reference"):
        shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (target / "tools").mkdir()
    for name in ("pyproject.toml", "_quarto.yml", "data/README.md", "tools/codebook.py"):
        shutil.copy(root / name, target / name)
    table = target / "src" / "loantap" / "data" / "columns.py"
    text = table.read_text("utf-8")
    assert text.count(BEFORE) == 1
    table.write_text(text.replace(BEFORE, declaration.strip("\n") + "\n" + BEFORE), "utf-8")
    return target


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python on a copy of the project."""
    environment = os.environ | {"PYTHONPATH": str(project / "src"), "LOANTAP_HOME": str(project)}
    return subprocess.run([sys.executable, *words], env=environment, cwd=project, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("added")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    project = copied(folder / "project", DECLARATION)
    done = run(project, str(Path(__file__).with_name("one_more_column.py")), str(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_a_feature_as_it_is_and_capped(found: dict[str, Any]):
    # Numbers stand by what a missing one counts as: the riskier first, in the order of their codes.
    assert found["features"].index(NAME) == found["features"].index("sub_grade") + 1
    assert found["largest"] == 10
    assert found["notes"] == []


def test_its_planted_effect_stands_in_the_odds_ratio_table_and_its_missing_values_do(found: dict[str, Any]):
    ratio, low = found["odds"]["1 more inquiry"]
    assert ratio > low > 1.3  # planted: the odds rise by a factor of about 3
    assert "inquiries not known" in found["odds"]


def test_it_gives_reasons(found: dict[str, Any]):
    code, text = found["reasons"][NAME]
    assert code == "R24"
    assert text == "The number of inquiries is 6, above the portfolio's median of 1; this raises the risk."
    assert found["unknown"][NAME].startswith("The number of inquiries is not known; this ")


def test_it_moves_the_score_up_to_its_cap_and_is_doubted_far_out(found: dict[str, Any]):
    none, some, most, beyond = found["probability"]
    assert none < some < most == beyond
    assert NAME in found["warned"]


def test_the_form_asks_for_it_and_says_what_is_wrong(found: dict[str, Any]):
    assert found["start"] == 1
    right, empty, wrong = found["form"]
    assert right == empty == {}
    assert wrong == {NAME: "Expected a number, 0 to 1,000,000,000, in count; may be missing. Got -1."}


def test_the_api_describes_it_takes_it_and_refuses_a_bad_value(found: dict[str, Any]):
    schema = found["openapi"]
    assert schema["properties"][NAME]["description"] == "Inquiries in the last six months (count)"
    assert NAME not in schema["required"]
    assert [fault["field"] for fault in found["refused"]] == [NAME]


def test_a_file_of_applications_may_have_it_or_lack_it(found: dict[str, Any]):
    assert found["scored"] == {"has": 1_500, "lacks": 1_500}


def test_the_codebook_shows_it(found: dict[str, Any]):
    lines = [line for line in found["codebook"].splitlines() if line.startswith(f"| {NAME} ")]
    assert len(lines) == 2
    assert "Inquiries in the last six months" in lines[0]
    assert "riskier: somebody in need of money asks around" in lines[1]


def test_a_file_without_it_is_read_noted_and_trained_on(found: dict[str, Any]):
    lacking = found["lacking"]
    assert lacking["notes"] == [
        f"the loans lack the optional column '{NAME}' (Inquiries in the last six months): it is missing in all of them"
    ]
    assert lacking["missing"] == lacking["rows"] == 1_500
    assert lacking["odds"] == {}  # no loan says anything of it
    assert 0 < lacking["probability"] < 1


def test_the_synthetic_twin_does_without_it(found: dict[str, Any]):
    assert found["twin"]["columns"] == list(NAMES)
    assert found["twin"]["missing"] == 1_000
    assert len(found["twin"]["notes"]) == 1


def test_a_model_that_asks_for_it_says_so_where_it_is_not_declared(found: dict[str, Any], folder: Path):
    with pytest.raises(InputError, match=f"model [0-9a-f]{{12}} asks for the feature '{NAME}'.*Declare it .* again"):
        load_model(folder / "model")


def test_a_gap_is_told_when_training_starts(tmp_path: Path):
    project = copied(tmp_path / "project", DECLARATION.replace('code="R24"', 'code=""'))
    start = "import pandas as pd; from loantap.model.study import training_data; training_data(pd.DataFrame(), inputs='without_pincode')"
    done = run(project, "-c", start)
    assert f"InputError: feature '{NAME}': these are not declared: code (such as R01)." in done.stderr, done.stderr
