"""Read pages: a .qmd or an executed .ipynb becomes front matter and a row of cells that know where they came from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import nbformat

from loantap_pages.yamlcheck import CELL_KEYS, PAGE_KEYS, Place, Problem, load_checked

FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>.*?)[ \t]*$")
BRACED = re.compile(r"^\{(?P<engine>[A-Za-z][\w-]*)(?P<rest>[^}]*)\}$")
SKIPPED = re.compile(r"^(?P<mark>`{3,}|~{3,})[^\n]*\n.*?^(?P=mark)[`~]*[ \t]*$|<!--.*?-->", re.M | re.S)
INLINE = re.compile(r"(?<!`)`\{(?P<engine>\w+)\}[ \t]+(?P<code>[^`]+)`(?!`)")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
SHORTCODE = re.compile(r"\{\{<\s*(\S*)")


@dataclass(frozen=True)
class Cell:
    """One stretch of a page: Markdown, or code with its options and what it put out."""

    kind: Literal["markdown", "code"]
    text: str
    place: Place
    options: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[Any, ...] = ()

    def option(self, name: str, defaults: dict[str, Any], default: Any = None) -> Any:
        """Return a cell option: the cell's own, else the page's `execute` default, else `default`."""
        return self.options.get(name, defaults.get(name, default))


@dataclass(frozen=True)
class Page:
    """A page of the site: `path` is relative to the staging folder, `source` is the name a reader knows."""

    path: Path
    source: str
    front: dict[str, Any]
    cells: tuple[Cell, ...]
    problems: tuple[Problem, ...]

    @property
    def executes(self) -> bool:
        """Tell whether the page's code is to be run; notebooks come with their outputs."""
        return self.path.suffix == ".qmd" and (self.front.get("execute") or {}).get("enabled", True) is not False


def read_page(root: Path, path: Path, source: str) -> Page:
    """Read the page at `root / path`, noting every construct that the built-in renderer does not know."""
    if path.suffix == ".ipynb":
        front, cells, problems = _read_notebook(root / path, source)
    else:
        front, cells, problems = _read_qmd((root / path).read_text(encoding="utf-8"), source)
    for cell in cells:
        if cell.kind == "markdown":
            problems += markdown_problems(cell.text, cell.place)
    return Page(path, source, front, tuple(cells), tuple(problems))


def inline_expressions(text: str) -> Iterator[re.Match[str]]:
    """Yield inline code (`{python} x` between backticks) that is not inside a fence or a comment."""
    blocked = [match.span() for match in SKIPPED.finditer(text)]
    for match in INLINE.finditer(text):
        if not any(start <= match.start() < end for start, end in blocked):
            yield match


def markdown_problems(text: str, place: Place) -> list[Problem]:
    """Find shortcodes and inline code of other languages in Markdown; code and comments do not count."""
    problems = [
        Problem(
            place.plus(text.count("\n", 0, match.start())),
            f"inline {{{match['engine']}}} code: only python is supported",
        )
        for match in inline_expressions(text)
        if match["engine"] != "python"
    ]
    prose = CODE_SPAN.sub(_blank, SKIPPED.sub(_blank, text))
    problems += [
        Problem(place.plus(prose.count("\n", 0, match.start())), f"shortcode {{{{< {match[1]} >}}}} is not supported")
        for match in SHORTCODE.finditer(prose)
    ]
    return problems


def _blank(match: re.Match[str]) -> str:
    """Return as many lines as the match has, empty, so that line numbers hold."""
    return re.sub(r"[^\n]", " ", match[0])


def _read_qmd(text: str, source: str) -> tuple[dict[str, Any], list[Cell], list[Problem]]:
    lines = text.splitlines()
    front: dict[str, Any] = {}
    problems: list[Problem] = []
    cells: list[Cell] = []
    start = 0
    if lines and lines[0].rstrip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
        if end is None:
            problems.append(Problem(Place(source), "front matter is not closed: expected a line of ---"))
            return front, cells, problems
        front, found = load_checked("\n".join(lines[1:end]), PAGE_KEYS, Place(source, 2), "front matter")
        problems += found
        start = end + 1

    prose_from = start
    index = start
    while index < len(lines):
        opening = FENCE.match(lines[index])
        if not opening:
            index += 1
            continue
        close = _closing(lines, index, opening["mark"])
        braced = BRACED.match(opening["info"])
        if braced is None:
            index = close + 1
            continue
        place = Place(source, index + 1)
        if braced["engine"] != "python" or braced["rest"].strip():
            problems.append(Problem(place, f"code cell {opening['info']} is not supported: expected {{python}}"))
        elif close == len(lines):
            problems.append(Problem(place, f"code cell is not closed: expected a line of {opening['mark']}"))
        _add_markdown(cells, lines[prose_from:index], Place(source, prose_from + 1))
        cell, found = _code_cell(lines[index + 1 : close], place.plus(1))
        cells.append(replace(cell, place=place))
        problems += found
        prose_from = index = close + 1
    _add_markdown(cells, lines[prose_from:], Place(source, prose_from + 1))
    return front, cells, problems


def _read_notebook(path: Path, source: str) -> tuple[dict[str, Any], list[Cell], list[Problem]]:
    front: dict[str, Any] = {}
    problems: list[Problem] = []
    cells: list[Cell] = []
    notebook = nbformat.read(path, as_version=4)
    # Staging put one raw cell in front; numbers count the cells of the notebook as its author sees them.
    for number, raw in enumerate(notebook.cells):
        place = Place(source, 1, cell=number)
        if raw.cell_type == "markdown":
            _add_markdown(cells, raw.source.splitlines(), place)
        elif raw.cell_type == "code":
            cell, found = _code_cell(raw.source.splitlines(), place)
            cells.append(replace(cell, outputs=tuple(raw.outputs)))
            problems += found
        elif number == 0:
            yaml_text = raw.source.strip().removeprefix("---").removesuffix("---")
            front, problems = load_checked(yaml_text, PAGE_KEYS, place, "front matter")
    return front, cells, problems


def _closing(lines: list[str], opening: int, mark: str) -> int:
    """Return the line that closes a fence, or the number of lines where nothing does."""
    for index in range(opening + 1, len(lines)):
        stripped = lines[index].strip()
        if stripped.startswith(mark) and not stripped.strip(mark[0]):
            return index
    return len(lines)


def _code_cell(lines: list[str], place: Place) -> tuple[Cell, list[Problem]]:
    """Split a cell's `#|` options from its code; `place` is that of its first line."""
    count = next((i for i, line in enumerate(lines) if not line.startswith("#|")), len(lines))
    options, problems = load_checked(
        "\n".join(line.removeprefix("#|").removeprefix(" ") for line in lines[:count]), CELL_KEYS, place, "cell option"
    )
    return Cell("code", "\n".join(lines[count:]).strip("\n"), place, options), problems


def _add_markdown(cells: list[Cell], lines: list[str], place: Place) -> None:
    if any(line.strip() for line in lines):
        cells.append(Cell("markdown", "\n".join(lines), place))
