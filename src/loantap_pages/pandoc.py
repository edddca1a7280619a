"""Call pandoc with the built-in filter, and turn what it complains about into places in the sources."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loantap_pages.compose import Composed
from loantap_pages.errors import MissingProgramError, PageError
from loantap_pages.yamlcheck import Problem

HERE = Path(__file__).parent
FILTERS = ("prepare.lua", "glossary.lua", "tables.lua", "filter.lua", "links.lua")


def pandoc_path() -> str:
    """Return the pandoc that came with pypandoc_binary; raise MissingProgramError if there is none."""
    try:
        import pypandoc

        return str(pypandoc.get_pandoc_path())
    except (ImportError, OSError) as error:
        raise MissingProgramError(
            "the built-in renderer needs pandoc: install loantap[report] (it brings pypandoc_binary and typst)"
        ) from error


def pandoc_version() -> str:
    """Return pandoc's version, such as 3.9."""
    return subprocess.run([pandoc_path(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def convert(
    composed: Composed, *, to: str, metadata: dict[str, Any], folder: Path, options: Sequence[str] = ()
) -> tuple[str, list[Problem]]:
    """Convert Markdown to `to` in `folder`; return the document and everything in it that is not supported."""
    meta = ["--metadata=" + name + ":" + value for name, value in metadata.items() if isinstance(value, str)]
    header = json.dumps({name: value for name, value in metadata.items() if not isinstance(value, str)})
    # JSON is YAML: a metadata block behind the text keeps the line numbers of the Markdown.
    text = f"{composed.text}\n---\n{header}\n---\n"
    command = [
        pandoc_path(), "--from=markdown", f"--to={to}", "--standalone", "--wrap=none", "--columns=10000",
        *(f"--lua-filter={HERE / name}" for name in FILTERS), *meta, *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8", check=False
    )
    problems = list(composed.problems)
    rest: list[str] = []
    for line in done.stderr.splitlines():
        if line.startswith("PROBLEM\t"):
            _, needle, message = line.split("\t", 2)
            problems.append(Problem(composed.locate(needle), message))
        elif line.startswith("[WARNING]"):
            problems.append(_warning(line.removeprefix("[WARNING]").strip(), composed))
        else:
            rest.append(line)
    if done.returncode:
        raise PageError(f"{composed.source}: pandoc failed ({done.returncode}):\n" + "\n".join(rest))
    return done.stdout, problems


def _warning(text: str, composed: Composed) -> Problem:
    """Turn a warning of pandoc into a problem at the line it is about; pandoc counts the lines of the Markdown."""
    number = re.search(r" at (?:source )?line (\d+) column \d+", text)
    quoted = re.search(r"identifier '([^']+)'", text)
    if quoted:
        place = composed.locate("#" + quoted[1], quoted[1])
    else:
        place = composed.line(int(number[1])) if number else composed.locate()
    return Problem(place, re.sub(r" at (?:source )?line \d+ column \d+", "", text))
