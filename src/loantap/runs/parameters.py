"""What a notebook's parameters cell declares: names, types, defaults and rules, and whether values keep them."""

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loantap.errors import ParameterError

# Of a parameter, and of each value of a list.
_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list[str]": str, "list[float]": float}
_HELP = re.compile(r"#\s*(?P<help>[^#]*)$")
_RULE = re.compile(r"\[(?P<rule>[^\[\]]+)\]\s*$")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook, as its parameters cell declares it."""

    name: str
    type: str  # one of _TYPES
    default: str  # as written in the notebook
    help: str  # what it does
    choices: tuple[str, ...] = ()  # the allowed values; empty if any will do
    low: float | None = None  # the smallest allowed number
    high: float | None = None

    def parse(self, value: Any, *, notebook: str) -> Any:
        """Return the value in the parameter's type; texts are read as on a command line, where a list is 'a,b'.

        Raises ParameterError for a wrong type, a value out of range or not among the choices.
        """
        several = self.type.startswith("list")
        given = [part.strip() for part in value.split(",")] if several and isinstance(value, str) else value
        if several and not isinstance(given, list):
            raise self._refusal(value, f"a value of type {self.type}", notebook)
        parsed = [self._one(part, value, notebook) for part in (given if several else [given])]
        if len(set(parsed)) != max(len(parsed), 1):
            raise self._refusal(value, "one value or several, each once", notebook)
        for one in parsed:
            expected = ""
            if isinstance(one, float) and not math.isfinite(one):
                expected = "a finite number"
            elif self.choices and one not in self.choices:
                expected = f"{'some' if several else 'one'} of {', '.join(self.choices)}"
            elif self.low is not None and one < self.low:
                expected = f"{self.low:g} or more"
            elif self.high is not None and one > self.high:
                expected = f"{self.high:g} or less"
            if expected:
                raise self._refusal(value, expected, notebook)
        return parsed if several else parsed[0]

    def _one(self, part: Any, value: Any, notebook: str) -> Any:
        adapter: TypeAdapter[Any] = TypeAdapter(_TYPES[self.type])
        as_text = isinstance(part, str)
        try:
            return adapter.validate_strings(part) if as_text else adapter.validate_python(part, strict=True)
        except ValidationError:
            raise self._refusal(value, f"a value of type {self.type}", notebook) from None

    def _refusal(self, value: Any, expected: str, notebook: str) -> ParameterError:
        return ParameterError(f"{notebook}: parameter '{self.name}' expected {expected}, got {value!r}. {self.help}.")


@cache
def parameters(notebook: Path) -> dict[str, Parameter]:
    """Return the parameters that a notebook's tagged cell declares, by name.

    Raises ParameterError if the cell is absent, or as `declared` does.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{notebook}: expected a notebook, but: {error}") from error
    for cell in cells:
        if cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", []):
            return declared("".join(cell["source"]), notebook.name)
    raise ParameterError(f"{notebook}: expected a code cell with the tag 'parameters', found none. Add the tag.")


def declared(source: str, notebook: str) -> dict[str, Parameter]:
    """Return the parameters that a cell declares, one a line: `name: int = 1  # what it does [rule]`.

    A help comment may end in a rule: `[a | b]` for choices (of a list: for each of its values), `[low..high]` for a range, either
    end open.

    Raises ParameterError for a parameter without one of the known types.
    """
    lines = source.splitlines()
    by_name = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            raise _untyped(notebook, ast.unparse(node.targets[0]), "no type")
        if not (isinstance(node, ast.AnnAssign) and node.value):
            continue
        name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
        if kind not in _TYPES:
            raise _untyped(notebook, name, kind)
        comment = _HELP.search(lines[(node.end_lineno or node.lineno) - 1])
        text = comment["help"].strip() if comment else ""
        rule = match["rule"] if (match := _RULE.search(text)) else ""
        limits: dict[str, Any] = {}
        if ".." in rule:
            ends = zip(("low", "high"), rule.split(".."), strict=True)
            limits = {name: float(end) for name, end in ends if end.strip()}
        elif rule:
            limits = {"choices": tuple(part.strip() for part in rule.split("|"))}
        by_name[name] = Parameter(name, kind, ast.unparse(node.value), _RULE.sub("", text).strip(), **limits)
    return by_name


def check_values(cells: Iterable[str], values: Mapping[str, Any]) -> None:
    """Hold the parameters of an open notebook to the rules that stand beside them, however they were set.

    Args:
        cells: The cells that ran, in order; the last one that declares `run_dir` is the parameters cell.
        values: The notebook's variables.

    Raises ParameterError as `Parameter.parse` does.
    """
    cell = next((text for text in reversed(list(cells)) if re.search(r"^run_dir: str", text, re.M)), "")
    for name, parameter in declared(cell, "this notebook").items():
        if not isinstance(values[name], str) or parameter.type == "str":
            parameter.parse(values[name], notebook="this notebook")
        else:
            raise parameter._refusal(values[name], f"a value of type {parameter.type}", "this notebook")


def _untyped(notebook: str, name: str, kind: str) -> ParameterError:
    return ParameterError(
        f"{notebook}: parameter '{name}' expected a type among {', '.join(_TYPES)}, got {kind}. Write it as: {name}: int = 1  # what it does"
    )
