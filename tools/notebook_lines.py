"""Hold the notebooks to their manner: short cells, more lines that analyse than lines that publish, libraries in plain sight.

A line publishes if its statement calls `publish`, something of `loantap.exhibits`, `display`, `Markdown`, `print` or a writing method
of the run, or puts words together. Imports, comments, blank lines and the parameters cell count as neither.
"""

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LONGEST = 10
LIBRARIES = ("pandas", "sklearn", "imblearn", "statsmodels", "scipy")
USERS = 5  # notebooks, at least, that analyse with one of LIBRARIES by name
_PUBLISHES = ("publish", "display", "Markdown", "print", "write_result", "update_result", "together")
_WORDS = 40  # a text of so many letters with spaces is told to a reader


def main(folder: Path) -> int:
    """Print lines by notebook and what is against the manner; return 1 if anything is."""
    faults, total, users = [], Counter[str](), 0
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = [
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
        ]
        faults += [
            f"{path.name}: expected cells of {LONGEST} lines or fewer, one has {len(text.splitlines())}: {text.splitlines()[0]}"
            for text in code
            if len(text.splitlines()) > LONGEST
        ]
        counts, used = count_lines(code)
        total += counts
        users += bool(used)
        named = f"; by name: {', '.join(sorted(used))}" if used else ""
        print(f"{path.name}: {counts['analysing']} lines analyse, {counts['publishing']} publish{named}")
    print(f"all: {total['analysing']} lines analyse, {total['publishing']} publish")
    if total["analysing"] <= total["publishing"]:
        faults.append("expected more lines that analyse than lines that publish")
    if users < USERS:
        faults.append(
            f"expected {USERS} notebooks or more that analyse with {', '.join(LIBRARIES)} by name, got {users}"
        )
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def count_lines(cells: list[str]) -> tuple[Counter[str], set[str]]:
    """Return how many lines of a notebook analyse and publish, and which of LIBRARIES its analysing lines name."""
    trees = [
        ast.parse("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("%"))) for text in cells
    ]
    aliases: dict[str, str] = {}
    exhibits = set(_PUBLISHES)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            aliases |= {(one.asname or one.name).split(".")[0]: one.name.split(".")[0] for one in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [one.asname or one.name for one in node.names]
            aliases |= dict.fromkeys(names, node.module.split(".")[0])
            if node.module.startswith("loantap.exhibits"):
                exhibits |= set(names)
    counts: Counter[str] = Counter()
    used: set[str] = set()
    for statement, lines in (found for tree in trees for found in _statements(tree.body)):
        publishes = _publishes(statement, exhibits)
        counts["publishing" if publishes else "analysing"] += lines
        if not publishes:
            named = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            used |= {aliases.get(name, "") for name in named} & set(LIBRARIES)
    return counts, used


def _statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt | ast.expr, int]]:
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        inner = [*getattr(node, "body", []), *getattr(node, "orelse", [])]
        if inner:
            yield ast.Pass(), inner[0].lineno - node.lineno
            yield from _statements(inner)
        else:
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _publishes(statement: ast.AST, exhibits: set[str]) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            called = node.func
            root = called
            while isinstance(root, ast.Attribute):
                root = root.value
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in _PUBLISHES or (isinstance(root, ast.Name) and root.id in exhibits):
                return True
        text = node.value if isinstance(node, ast.Constant) else ""
        if isinstance(text, str) and len(text) >= _WORDS and " " in text:
            return True
    return False


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "notebooks"))
