"""Notebooks are the same in git whatever JupyterLab saves in them."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from loantap.settings import notebooks_dir, project_root

ROOT = project_root()
NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))


def as_saved(path: Path) -> str:
    """Return a notebook as JupyterLab saves it after a run, with what its own and others' extensions note."""
    notebook = nbformat.read(path, 4)
    notebook.metadata.kernelspec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata.language_info |= {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.13.1",
    }
    notebook.metadata |= {
        "trusted": True,
        "toc-autonumbering": False,
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}},
    }
    for number, cell in enumerate(notebook.cells, 1):
        cell.metadata |= {"editable": True, "slideshow": {"slide_type": ""}, "trusted": True}
        if cell.cell_type == "code":
            time = {"iopub.execute_input": "2026-01-01T10:00:00.000000Z", "shell.execute_reply": "2026-01-01T10:00:01Z"}
            cell.metadata |= {
                "collapsed": True,
                "scrolled": True,
                "execution": time,
                "jupyter": {"source_hidden": True},
            }
            cell.execution_count = number
            result = nbformat.v4.new_output("execute_result", {"text/html": "<b>9</b>"}, execution_count=number)
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="a loan\n"), result]
        else:
            cell.metadata |= {"jp-MarkdownHeadingCollapsed": True}
    return nbformat.writes(notebook) + "\n"


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def clean(folder: Path, *options: str) -> str:
    """Run the script of a copy of the project, with this environment, and return what it said."""
    words = [sys.executable, str(folder / "tools" / "clean_notebooks.py"), *options]
    return subprocess.run(words, cwd="/", capture_output=True, text=True, check=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The project's notebooks with what cleans them, in a folder that is no clone."""
    folder = tmp_path / "a project"
    shutil.copytree(notebooks_dir(), folder / "notebooks", ignore=lambda _, names: [n for n in names if n[0] == "."])
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "clean_notebooks.py", folder / "tools")
    shutil.copy(ROOT / ".gitattributes", folder)
    return folder


@pytest.fixture
def clone(tree: Path, tmp_path: Path) -> Path:
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "All")
    git(tmp_path, "clone", "--quiet", str(tree), "clone")
    return tmp_path / "clone"


def test_committed_notebooks_are_what_the_tool_writes(tree: Path):
    before = {path.name: path.read_bytes() for path in NOTEBOOKS}
    assert clean(tree) == "", "run: make clean-notebooks"
    assert {path.name: path.read_bytes() for path in (tree / "notebooks").iterdir()} == before


def test_what_jupyterlab_saves_is_no_change_to_git(clone: Path):
    clean(clone, "--install")
    for path in NOTEBOOKS:
        (clone / "notebooks" / path.name).write_text(as_saved(path), "utf-8")
    git(clone, "add", ".")
    assert git(clone, "status", "--porcelain") == ""
    for path in NOTEBOOKS:
        assert git(clone, "show", f":notebooks/{path.name}") == path.read_text("utf-8")
        assert "a loan" in (clone / "notebooks" / path.name).read_text("utf-8"), "the file keeps its outputs"


def test_a_changed_source_is_all_that_git_sees(clone: Path):
    clean(clone, "--install")
    path = clone / "notebooks" / "02_eda.ipynb"
    notebook = nbformat.reads(as_saved(path), 4)
    notebook.cells[-1].source += "\n# more"
    nbformat.write(notebook, path)
    git(clone, "commit", "--quiet", "--all", "-m", "More")
    assert git(clone, "show", "--numstat", "--format=").split() == ["2", "1", "notebooks/02_eda.ipynb"]


def test_cleaning_by_hand_does_the_same_and_once_is_enough(tree: Path):
    for path in NOTEBOOKS:
        (tree / "notebooks" / path.name).write_text(as_saved(path), "utf-8")
    assert clean(tree).splitlines() == [f"cleaned notebooks/{path.name}" for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        assert (tree / "notebooks" / path.name).read_bytes() == path.read_bytes()
    assert clean(tree) == ""


def test_a_clone_without_the_environment_can_be_worked_in(clone: Path):
    path = clone / "notebooks" / "02_eda.ipynb"
    git(clone, "config", "filter.notebooks.clean", "/absent/python tools/clean_notebooks.py --filter")
    for text in (as_saved(path), "<<<<<<< a conflict\n"):
        path.write_text(text, "utf-8")
        assert git(clone, "status", "--porcelain") == " M notebooks/02_eda.ipynb\n"
        git(clone, "commit", "--quiet", "--all", "-m", "As it is")
        assert git(clone, "show", "HEAD:notebooks/02_eda.ipynb") == text
        clean(clone, "--install")  # and the environment is back: what is no notebook goes through it too


def test_outside_of_a_clone_there_is_nothing_to_install(tree: Path):
    git(tree.parent, "init", "--quiet")  # somebody else's
    before = (tree.parent / ".git" / "config").read_text()
    clean(tree, "--install")
    assert (tree.parent / ".git" / "config").read_text() == before


def test_make_installs_the_filter():
    recipes = (ROOT / "Makefile").read_text("utf-8").split("\n\n")
    for target in ("$(VENV)/.dev:", "lab:"):
        [recipe] = [text for text in recipes if text.startswith(target)]
        assert "$(BIN)/python tools/clean_notebooks.py --install" in recipe
