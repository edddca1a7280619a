"""Run a page's Python once, for all its formats: code cells and inline expressions, in the order of the page."""

import ast
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from loantap_pages.errors import PageError
from loantap_pages.pages import Cell, Page, inline_expressions

MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$^@])")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def execute_page(page: Page, folder: Path, env: Mapping[str, str]) -> Page:
    """Return the page with outputs in its code cells and values in place of its inline expressions.

    The kernel is this interpreter itself, so no kernelspec has to be installed. Raises PageError with the page,
    the line and the exception if a cell or an expression fails.
    """
    if not page.executes:
        return page
    runs = {index: code for index, cell in enumerate(page.cells) if (code := _code_to_run(page, cell)) is not None}
    if not runs:
        return page

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in runs.values()])
    # Without folders to search, "python3" is the native kernel: sys.executable -m ipykernel_launcher.
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=None,
        resources={"metadata": {"path": str((folder / page.path).parent)}},
        extra_arguments=["--log-level=ERROR"],  # the kernel's notes on its transport are no news of the report
    )
    try:
        client.execute(env=dict(env))
    except CellExecutionError as error:
        failed = next(
            index
            for index, cell in zip(runs, notebook.cells, strict=True)
            if any(output.output_type == "error" for output in cell.outputs)
        )
        place = page.cells[failed].place
        raise PageError(
            f"{place}: the cell failed with {error.ename}: {error.evalue}\n{_plain(error.traceback)}"
        ) from error
    except DeadKernelError as error:
        raise PageError(f"{page.source}: the Python process that ran its cells died: {error}") from error

    cells = list(page.cells)
    for (index, _), done in zip(runs.items(), notebook.cells, strict=True):
        cell = cells[index]
        if cell.kind == "code":
            cells[index] = replace(cell, outputs=tuple(done.outputs))
        else:
            cells[index] = _fill_in(cell, done.outputs)
    return replace(page, cells=tuple(cells))


def _code_to_run(page: Page, cell: Cell) -> str | None:
    if cell.kind == "code":
        wanted = cell.option("eval", page.front.get("execute") or {}, True)
        return cell.text if wanted is not False and cell.text.strip() else None
    expressions = {str(i): match["code"].strip() for i, match in enumerate(inline_expressions(cell.text))}
    if not expressions:
        return None
    # The shell's own user_expressions gives each value as the display system would show it, or its error.
    return f"import json as _json\nprint(_json.dumps(get_ipython().user_expressions({expressions!r})))"


def _fill_in(cell: Cell, outputs: list[Any]) -> Cell:
    """Put values where the expressions stood; plain text is escaped, `Markdown(...)` objects are kept."""
    text = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    values = json.loads(text.strip().splitlines()[-1])
    parts: list[str] = []
    position = 0
    for number, match in enumerate(inline_expressions(cell.text)):
        result = values[str(number)]
        if result["status"] != "ok":
            place = cell.place.plus(cell.text.count("\n", 0, match.start()))
            raise PageError(
                f"{place}: the inline expression {match['code'].strip()} failed with {result['ename']}: {result['evalue']}"
            )
        parts += [cell.text[position : match.start()], _value(result["data"])]
        position = match.end()
    return replace(cell, text="".join([*parts, cell.text[position:]]))


def _value(data: Mapping[str, str]) -> str:
    if "text/markdown" in data:
        return data["text/markdown"]
    text = data.get("text/plain", "")
    if text[:1] in "'\"":  # the display system shows a string as Python would write it
        with suppress(ValueError, SyntaxError):
            text = str(ast.literal_eval(text))
    return MARKDOWN_SIGNS.sub(r"\\\1", text)


def _plain(traceback: str) -> str:
    """Return the last lines of a traceback without terminal colours."""
    return "\n".join(ANSI.sub("", traceback).strip().splitlines()[-12:])
