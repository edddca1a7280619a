"""Every example of README and docs is run as people copy it: block after block of a page, in one shell, in a copy of the project.

Four things differ from a reader's machine. The packages are those of the tests; synthetic loans are fewer; `loantap run` copies a small finished run in place of the whole
job, which tests/end_to_end does; and loans that are given to it are read and checked only. A block that is not run says why, in a comment before it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from finished_runs import RUN_ID
from policy_sheet import write_sheet
from sealed import seal_run

from loantap.runs.checksums import folder_sha256
from loantap.runs.manifest import read_manifest
from loantap.settings import project_root

ROOT = project_root()
README = "README.md"
# Pages whose blocks other tests run or check.
ELSEWHERE = {
    "docs/extending.md": "tests/test_extending.py does each recipe",
    "docs/tutorial.md": "tests/test_public.py runs it as a doctest",
    "deploy/runbook.md": "needs an account of AWS; tests/test_documents.py checks each command of loantap",
}
PAGES = [
    name
    for path in (
        README,
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        *sorted(ROOT.glob("docs/*.md")),
        *sorted(ROOT.glob("data/**/*.md")),
    )
    if (name := str(Path(ROOT / path).relative_to(ROOT))) not in ELSEWHERE
]
COPIED = ("data/reference", "data/examples", "notebooks", "reports", "tools", "requirements", "docs", "data/README.md", "Makefile", "pyproject.toml", "loantap.yml", "_quarto.yml")  # fmt: skip
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<ticks>```+)(?P<language>\S*)\n(?P<text>.*?)^(?P=ticks)$", re.M | re.S
)
MARK = re.compile(r"not run: \S.{9,}")
SHOWN = {"text", "json", "csv", "yaml"}  # what is read, not run

LOANTAP = """#!{python}
import os, shutil, sys

words = ["2000" if word == "20000" else word for word in sys.argv[1:]]
if words[:1] == ["run"] and not {{"--data", "--sources", "--only", "--resume"}} & set(words):
    out = words[words.index("--out") + 1] if "--out" in words else "runs/{run_id}"
    print("Report:", shutil.copytree({run!r}, out))
    sys.exit()
if words[:1] == ["run"] or words[:2] == ["demo", "sources"]:
    words += [] if "--only" in words else ["--only", "ingest"]
os.execv(sys.executable, [sys.executable, "-m", "loantap", *words])
"""


@dataclass(frozen=True)
class Block:
    """What stands between two fences, and where."""

    page: str
    line: int
    mark: str
    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text("utf-8")
    for found in BLOCK.finditer(text):
        mark = found["mark"] or ""
        yield Block(page, text[: found.start("ticks")].count("\n") + 1, mark if mark.startswith("not run") else "", found["language"], found["text"])  # fmt: skip


ALL = [block for page in PAGES for block in blocks(page)]
RUN = {page: kept for page in PAGES if (kept := [block for block in ALL if block.page == page and block.language in ("sh", "python") and not block.mark])}  # fmt: skip


def test_every_block_is_run_or_says_why_not():
    for block in ALL:
        where = f"{block.page}:{block.line}"
        assert block.language in SHOWN | {"sh", "python"}, f"{where}: is this run (sh, python) or shown (text, json)?"
        assert not block.mark or MARK.fullmatch(block.mark), f"{where}: why is it not run?"
        assert not block.mark or block.language not in SHOWN, f"{where}: nobody would run this"
    assert len(RUN[README]) >= 4


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    """A copy of the project in which the examples of the README were run already."""
    folder = tmp_path_factory.mktemp("reader") / "loantap"
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source, folder / name, **({"ignore": shutil.ignore_patterns("__pycache__")} if source.is_dir() else {}))
    run = shutil.copytree(finished_run, tmp_path_factory.mktemp("small") / "run")
    write_sheet(run)
    manifest = read_manifest(run)
    manifest.report["sha256"] = folder_sha256(run / "report")
    manifest.write(run)
    seal_run(run)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in {
        "loantap": LOANTAP.format(python=sys.executable, run=str(run), run_id=RUN_ID),
        "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
        "activate": f'PATH="{programs}:$PATH"\n',
    }.items():
        (programs / name).write_text(text, "utf-8")
        (programs / name).chmod(0o755)
    for stamp in (".report", ".dev", ".tools"):
        (folder / ".venv" / stamp).touch()
    play(README, folder)
    return folder


def play(page: str, folder: Path) -> str:
    """Run the blocks of a page one after the other, and return what they said."""
    script = "set -euo pipefail\n"
    if page != README:
        script += "source .venv/bin/activate\n"  # the README does it, before it needs it
    for block in RUN[page]:
        text = block.text if block.language == "sh" else f"python - <<'END'\n{block.text}END\n"
        script += f"echo '@ {page}:{block.line}' >&2\n{text}"
    told = {"HOME": str(folder), "LOANTAP_HOME": str(folder), "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    told |= {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": os.environ.get("LANG", "C.UTF-8"), "MAKEFLAGS": ""}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=told, capture_output=True, text=True, check=False, timeout=600)  # fmt: skip
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN if page != README])
def test_the_examples_of_a_page_run_as_they_are_written(page: str, project: Path):
    play(page, project)


@pytest.mark.slow
def test_the_examples_of_the_readme_leave_what_it_says(project: Path):
    assert (project / "runs" / "first" / "report" / "index.html").is_file()
    assert (project / "scores.csv").read_text("utf-8").startswith('"loan_id","probability_of_default"')
