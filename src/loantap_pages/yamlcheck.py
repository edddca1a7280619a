"""Read YAML and name every key that the built-in renderer does not know, with its file and line."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from loantap_pages.errors import PageError

# A schema maps a key to None (any value) or to the schema of the mapping(s) below it.
Schema = dict[str, Any]

_HTML: Schema = dict.fromkeys(
    (
        "theme",
        "respect-user-color-scheme",
        "highlight-style",
        "format-links",
        "css",
        "page-layout",
        "include-after-body",
        "toc",
        "toc-depth",
        "toc-title",
        "number-sections",
        "html-math-method",
        "code-fold",
        "code-summary",
        "embed-resources",
    )
)
_TYPST: Schema = dict.fromkeys(
    ("output-file", "toc", "toc-depth", "toc-title", "number-sections", "papersize", "margin", "fontsize", "mainfont")
)
_EXECUTE: Schema = dict.fromkeys(("enabled", "freeze", "cache", "echo", "warning", "output", "include", "eval"))
_ITEM: Schema = {"text": None, "href": None, "aria-label": None}
_ITEM["menu"] = _ITEM

PAGE_KEYS: Schema = {
    **dict.fromkeys(("title", "subtitle", "description", "author", "date", "lang", "jupyter", "engine")),
    **dict.fromkeys(
        (
            "toc",
            "toc-depth",
            "toc-title",
            "number-sections",
            "code-fold",
            "code-summary",
            "page-layout",
            "glossary",
            "needs",
        )
    ),
    "execute": _EXECUTE,
    "format": {"html": _HTML, "typst": _TYPST},
}
PROJECT_KEYS: Schema = {
    **PAGE_KEYS,
    "language": None,
    "project": dict.fromkeys(("type", "title", "output-dir", "pre-render", "render", "resources")),
    "website": {
        "title": None,
        "description": None,
        "search": None,
        "navbar": {"title": None, "search": None, "background": None, "left": _ITEM, "right": _ITEM},
        "page-footer": {"left": None, "center": None, "right": None, "border": None, "background": None},
    },
}
CELL_KEYS: Schema = dict.fromkeys(
    (
        "label",
        "include",
        "echo",
        "output",
        "warning",
        "eval",
        "code-fold",
        "code-summary",
        "fig-cap",
        "fig-alt",
        "tbl-cap",
    )
)


@dataclass(frozen=True)
class Place:
    """A line of a source file, or of a cell of a notebook; it prints as an editor can follow it."""

    file: str
    line: int = 1
    cell: int | None = None

    def plus(self, lines: int) -> "Place":
        """Return the place that many lines further on."""
        return replace(self, line=self.line + lines)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.cell is None else f"{self.file}: cell {self.cell}, line {self.line}"


@dataclass(frozen=True)
class Problem:
    """Something in the sources that cannot be rendered."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise PageError with one line per problem; do nothing if there is none."""
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    if lines:
        raise PageError(
            "\n".join(lines) + "\nChange these lines. What only the built-in renderer does not support, "
            "Quarto 1.9 or newer renders (--engine quarto)."
        )


def load_checked(text: str, schema: Schema, start: Place, what: str) -> tuple[dict[str, Any], list[Problem]]:
    """Parse a YAML mapping whose first line lies at `start`; return it with its unknown keys as problems."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        detail = getattr(error, "problem", None) or str(error)
        return {}, [Problem(start.plus(mark.line if mark else 0), f"{what} is not valid YAML: {detail}")]
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        return {}, [Problem(start, f"{what}: expected 'key: value' pairs, got {type(value).__name__} {value!r}")]
    return value, list(_unknown(node, schema, start, what, ""))


def _unknown(node: Any, schema: Schema, start: Place, what: str, path: str) -> Iterable[Problem]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _unknown(item, schema, start, what, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            if key.value not in schema:
                known = ", ".join(sorted(schema))
                yield Problem(start.plus(key.start_mark.line), f"{what} '{name}' is not supported; known here: {known}")
            elif schema[key.value] is not None:
                yield from _unknown(value, schema[key.value], start, what, name)
