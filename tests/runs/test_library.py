"""Which part of the library a notebook stands on."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from loantap.runs import library
from loantap.runs.library import library_modules, library_sha256
from loantap.runs.notebooks import STAGES

MODULES = {
    "__init__": "",
    "errors": "",
    "alone": "",
    "data/__init__": "from loantap.errors import InputError",
    "data/counts": "import loantap.files",
    "data/later": "",
    "files": "def read():\n    from loantap.data import later",
}
CODE = "from loantap.data.counts import LoanCounts\nimport pandas as pd"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of a few modules."""
    for name, code in MODULES.items():
        path = tmp_path / "loantap" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    monkeypatch.setattr(library, "loantap", SimpleNamespace(__file__=str(tmp_path / "loantap" / "__init__.py")))
    return tmp_path / "loantap"


def notebook(root: Path, code: str = CODE) -> Path:
    path = root.parent / "one.ipynb"
    cells = [nbformat.v4.new_markdown_cell("import loantap.alone"), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_what_is_imported_through_others_and_within_functions_counts(root: Path):
    assert set(library_modules(notebook(root))) == {
        "loantap", "loantap.data", "loantap.data.counts", "loantap.data.later", "loantap.errors", "loantap.files",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_change_of_a_module_counts_if_the_notebook_stands_on_it(root: Path, name: str):
    path = notebook(root)
    before = library_sha256(path)
    (root / f"{name}.py").write_text(MODULES[name] + "\n# changed")
    assert (library_sha256(path) == before) == (name == "alone")


def test_commands_to_jupyter_are_no_obstacle(root: Path):
    assert library_sha256(notebook(root, f"%matplotlib inline\n!ls\n{CODE}")) == library_sha256(notebook(root))


def test_for_a_notebook_that_cannot_be_read_every_module_counts(root: Path):
    assert len(library_modules(notebook(root, "this is no Python"))) == len(MODULES)


@pytest.mark.slow
def test_a_notebook_imports_nothing_that_is_not_counted():
    """What is loaded after a notebook's own imports, functions that import later aside; other packages are loaded once for all."""
    paths = sorted({stage.path for stage in STAGES})
    code = "import sys\n"
    for path in paths:
        cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
        nodes = [node for cell in cells for node in ast.parse("".join(cell["source"])).body]
        code += "\n".join(ast.unparse(node) for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))
        code += "\nours = [name for name in sys.modules if name.split('.')[0] == 'loantap']\nprint(*ours)\n"
        code += "for name in ours: del sys.modules[name]\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for path, loaded in zip(paths, done.stdout.splitlines(), strict=True):
        assert "loantap.runs.bench" in loaded, path.name
        assert set(loaded.split()) <= set(library_modules(path)), path.name
