"""Every recipe of docs/extending.md, done on a copy of the project exactly as it is written there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loantap.settings import project_root

ROOT = project_root()
COPIED = ("src", "notebooks", "reports", "data/reference", "data/README.md", "tools", "_quarto.yml", "pyproject.toml")
# What a recipe says to do: put text into a file after or before a line, or a cell after a cell; run a command; look at the outcome.
PLACE = re.compile(
    r"In `(?P<file>[^`]+)`, (?P<side>after|before|in place of) (?P<what>the line|the cell that begins with) `(?P<at>[^`]+)`:?$",
    re.M,
)
FENCE = re.compile(r"^(?P<ticks>````?)(?P<language>\w+)\n(?P<text>.*?)^(?P=ticks)$", re.M | re.S)


def recipes() -> Iterator[object]:
    text = (ROOT / "docs" / "extending.md").read_text("utf-8")
    for part in re.split(r"\n## (?=An? )", text)[1:]:  # a heading within a recipe's text is the text's
        title, _, body = part.partition("\n")
        whole_job = [pytest.mark.long] if "--only" not in body else []
        yield pytest.param(body, id=title.lower().replace(" ", "-"), marks=whole_job)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source, tmp_path / name, **({"ignore": shutil.ignore_patterns("__pycache__")} if source.is_dir() else {}))
    return tmp_path


def put(project: Path, place: re.Match[str], text: str) -> None:
    path = project / place["file"]
    if path.suffix != ".ipynb":
        path.write_text("".join(spliced(path.read_text("utf-8").splitlines(True), place, text)), "utf-8")
        return
    notebook = json.loads(path.read_text("utf-8"))
    cells = notebook["cells"]
    if place["what"] == "the line":
        cell = the_one([cell for cell in cells if place["at"] in map(str.strip, cell["source"])], place)
        cell["source"] = spliced(cell["source"], place, text)
    else:
        cell = the_one([cell for cell in cells if "".join(cell["source"]).startswith(place["at"])], place)
        added = {"cell_type": "code", "id": "added", "execution_count": None, "metadata": {}, "outputs": []}
        cells.insert(
            cells.index(cell) + (place["side"] == "after"), added | {"source": text.rstrip("\n").splitlines(True)}
        )
    path.write_text(json.dumps(notebook), "utf-8")


def spliced(lines: list[str], place: re.Match[str], text: str) -> list[str]:
    at = the_one([number for number, line in enumerate(lines) if line.strip() == place["at"]], place)
    start, instead = at + (place["side"] == "after"), place["side"] == "in place of"
    return [*lines[:start], *text.splitlines(True), *lines[start + instead :]]


def the_one(found: list[Any], place: re.Match[str]) -> Any:
    assert len(found) == 1, f"{place['at']!r} is there {len(found)} times in {place['file']}"
    return found[0]


def done(project: Path, *words: str) -> None:
    told = os.environ | {"LOANTAP_HOME": str(project), "PYTHONPATH": str(project / "src")}
    told["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{told['PATH']}"
    found = subprocess.run(words, cwd=project, env=told, capture_output=True, text=True, check=False)
    assert found.returncode == 0, f"{' '.join(words)}\n{found.stdout[-2000:]}\n{found.stderr[-4000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", list(recipes()))
def test_a_recipe_does_what_it_says(recipe: str, project: Path):
    blocks = list(FENCE.finditer(recipe))
    assert any(block["language"] == "sh" for block in blocks)
    for before, block in zip([None, *blocks], blocks, strict=False):
        between = recipe[before.end() if before else 0 : block.start()]
        place = PLACE.search(between)
        if place:
            put(project, place, block["text"])
        else:
            assert block["language"] == "sh", f"where does this go? {block['text']}"
            for line in block["text"].splitlines():
                done(project, "sh", "-c", line)
