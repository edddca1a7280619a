"""Which of the library's source a notebook stands on, so that a change elsewhere does not run it again."""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

import loantap
from loantap.extensions import provider, provider_module
from loantap.files import sha256

_PREFIX = "loantap"  # of the packages of this distribution


def library_sha256(notebook: Path) -> str:
    """Return one sha256 of all modules of the library that a notebook stands on, see `library_modules`."""
    lines = (f"{name} {sha256(path)}\n" for name, path in sorted(library_modules(notebook).items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def library_modules(notebook: Path) -> dict[str, Path]:
    """Return the modules of the library that a notebook imports, directly or through others, each with its source.

    Imports are read from the source, those within functions too, so nothing is run. A module's package counts with it.
    For a notebook that Python alone cannot read, such as one that awaits in a cell, every module counts.
    """
    root = Path(loantap.__file__).parent
    sources: dict[str, Path] = {}
    try:
        waiting = [*_imports(_code(notebook))]
    except SyntaxError:
        modules = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
        waiting = [".".join(module.parts).removesuffix(".__init__") for module in modules]
    while waiting:
        name = waiting.pop()
        path = _source(root, name)
        if path is None or name in sources:
            continue
        sources[name] = path
        if parent := name.rpartition(".")[0]:
            waiting.append(parent)
        waiting += _imports(path.read_text("utf-8"))
    return sources


def _code(notebook: Path) -> str:
    """Return a notebook's code without the lines that are commands to Jupyter."""
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in "".join(cell["source"]).splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


@cache
def _imports(code: str) -> tuple[str, ...]:
    """Return the names of the library's modules that some code may import or be provided with; what is no module is left to the caller."""
    found: list[str] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            found += (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == provider.__name__:
            found += (provider_module(str(name.value)) for name in node.args if isinstance(name, ast.Constant))
    return tuple(found)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0].startswith(_PREFIX)


def _source(root: Path, name: str) -> Path | None:
    place = root.parent.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
