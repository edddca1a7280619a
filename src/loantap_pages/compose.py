"""Put a page's cells together as one Markdown text in which every line knows where it came from."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from loantap_pages.execute import ANSI
from loantap_pages.pages import Cell, Page, markdown_problems
from loantap_pages.yamlcheck import Place, Problem

_COLOURS = 128
IMAGES = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}


@dataclass(frozen=True)
class Composed:
    """The Markdown of a page for one format."""

    lines: tuple[str, ...]
    places: tuple[Place, ...]
    problems: tuple[Problem, ...]
    source: str

    @property
    def text(self) -> str:
        """Return the Markdown as pandoc gets it."""
        return "\n".join(self.lines) + "\n"

    def locate(self, *needles: str) -> Place:
        """Return where the first of the needles that occurs at all stands in the sources."""
        for needle in needles:
            for line, place in zip(self.lines, self.places, strict=True):
                if needle and needle in line:
                    return place
        return Place(self.source)

    def line(self, number: int) -> Place:
        """Return where line `number` (from 1) of the Markdown came from."""
        return self.places[number - 1] if 0 < number <= len(self.places) else Place(self.source)


def compose_page(page: Page, settings: dict[str, Any], folder: Path) -> Composed:
    """Compose the page under the settings of a format; images that cells put out are written below `folder`."""
    lines: list[str] = []
    places: list[Place] = []
    problems: list[Problem] = []

    def add(text: str, place: Place, *, computed: bool = False) -> None:
        for number, line in enumerate([*text.split("\n"), ""]):
            lines.append(line)
            places.append(place if computed else place.plus(number))

    for number, cell in enumerate(page.cells):
        if cell.kind == "markdown":
            add(cell.text, cell.place)
            continue
        blocks, found = _code_blocks(cell, number, page, settings, folder)
        problems += found
        for block in blocks:
            add(block, cell.place, computed=True)
    return Composed(tuple(lines), tuple(places), tuple(problems), page.source)


def _code_blocks(
    cell: Cell, number: int, page: Page, settings: dict[str, Any], folder: Path
) -> tuple[list[str], list[Problem]]:
    execute = settings.get("execute") or {}
    if cell.option("include", execute, True) is False:
        return [], []
    blocks: list[str] = []
    problems: list[Problem] = []
    if cell.text and cell.option("echo", execute, True) is not False:
        fold = str(cell.option("code-fold", settings, False)).lower()
        summary = _attribute(cell.option("code-summary", settings, "Code"))
        blocks.append(f'::: {{.cell-code fold="{fold}" summary="{summary}"}}\n{_fenced(cell.text, "python")}\n:::')
    shown = cell.option("output", execute, True)
    if shown is False:
        return blocks, problems

    results: list[str] = []
    for position, output in enumerate(cell.outputs):
        if (
            output.output_type == "stream"
            and output.name == "stderr"
            and cell.option("warning", execute, True) is False
        ):
            continue
        block = _output(cell, output, f"cell-{number}-{position}", page, folder, asis=shown == "asis")
        if output.output_type != "stream" or shown == "asis":
            problems += markdown_problems(block, cell.place)
        results.append(block)
    label = str(cell.options.get("label") or "")
    if results and label.startswith("tbl-"):
        results = [f"::: {{#{label}}}", *results, str(cell.options.get("tbl-cap") or ""), ":::"]
    return blocks + results, problems


def _output(cell: Cell, output: Any, name: str, page: Page, folder: Path, *, asis: bool) -> str:
    if output.output_type == "stream":
        return str(output.text).rstrip("\n") if asis else _fenced(ANSI.sub("", output.text.rstrip("\n")), "output")
    if output.output_type == "error":
        return _fenced(ANSI.sub("", "\n".join(output.traceback)), "output")
    data = output.data
    if "text/markdown" in data:
        return str(data["text/markdown"])
    if kind := next((kind for kind in IMAGES if kind in data), None):
        return _image(cell, output, kind, name, page, folder)
    # Only tables are taken from HTML: other widgets bring scripts and styles of their own, and their text says as much.
    if "<table" in (html := str(data.get("text/html", ""))) and "<script" not in html:
        return _fenced(html, "html-table")
    return _fenced(ANSI.sub("", str(data.get("text/plain", ""))), "output")


def _with_a_palette(content: bytes) -> bytes:
    """Return a picture with as many colours as a chart has: a third of the bytes, and no difference to the eye."""
    from PIL import Image

    made = BytesIO()
    with Image.open(BytesIO(content)) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return min(content, made.getvalue(), key=len)


def _image(cell: Cell, output: Any, kind: str, name: str, page: Page, folder: Path) -> str:
    data = output.data[kind]
    content = data.encode() if kind == "image/svg+xml" else base64.b64decode(data)
    content = _with_a_palette(content) if kind == "image/png" else content
    target = Path(f"{page.path.stem}_files") / (name + IMAGES[kind])
    path = folder / page.path.parent / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    label = str(cell.options.get("label") or "")
    identifier = f"#{label} " if label.startswith("fig-") else ""
    alt = output.get("metadata", {}).get(kind, {}).get("alt")  # which an exhibit gives its figure
    said = cell.options.get("fig-alt")  # several where a cell has several figures
    alt = alt or (said if isinstance(said, str) else None) or cell.options.get("fig-cap")
    if not alt and cell.place.cell is not None:
        alt = f"Output of cell {cell.place.cell}"
    alt_text = f'fig-alt="{_attribute(alt)}"' if alt else ""
    return f"![{cell.options.get('fig-cap') or ''}]({target.as_posix()}){{{identifier}{alt_text}}}"


def _attribute(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _fenced(text: str, kind: str) -> str:
    longest = max([2, *(len(run) for run in re.findall(r"`{3,}", text))])
    mark = "`" * (longest + 1)
    return f"{mark}{{.{kind}}}\n{text}\n{mark}"
