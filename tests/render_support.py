"""A small project and run folder for the tests of the renderer, rendered once per worker."""

import atexit
import functools
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Literal

import nbformat
import pytest

from loantap.runs.render import RenderedReport, render_report

HERE = Path(__file__).parent
ROOT = HERE.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

RATE_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 200" width="480" height="200">
<g fill="#1f3f66"><rect x="30" y="140" width="100" height="40"/><rect x="180" y="100" width="100" height="80"/>
<rect x="330" y="40" width="100" height="140"/></g><path d="M20 180H460" stroke="#333" fill="none"/></svg>"""


def make_project(folder: Path) -> Path:
    """Copy the fixture site into a project of its own, with the real _quarto.yml and shared assets."""
    shutil.copytree(HERE / "fixtures" / "site", folder, dirs_exist_ok=True)
    shutil.copy(ROOT / "_quarto.yml", folder)
    shutil.copytree(ROOT / "reports" / "assets", folder / "reports" / "assets", dirs_exist_ok=True)
    for name in re.findall(r"reports/([\w-]+)\.qmd", (ROOT / "_quarto.yml").read_text("utf-8")):
        page = folder / "reports" / f"{name}.qmd"
        if not page.is_file():  # the navigation leads there
            page.write_text(f"---\ntitle: The page {name}\n---\n\nWords.\n")
    return folder


def make_run(folder: Path, *, kind: str = "synthetic") -> Path:
    """Write a run folder as small as the renderer can do with."""
    for name in ("results/figures", "results/tables", "notebooks"):
        (folder / name).mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": {"kind": kind}}))
    (folder / "results" / "model.json").write_text(json.dumps({"n": 1000, "default_rate": 0.123}))
    for name in ("rate", "unseen"):
        (folder / "results" / "figures" / f"{name}.svg").write_text(RATE_SVG)
    (folder / "results" / "tables" / "rate.csv").write_text("grade,default_rate\nA,0.06\n")
    v4 = nbformat.v4
    frame = (
        "<style>.x{}</style><table border='1' class='dataframe'><thead><tr style='text-align: right;'><th></th><th>grade</th>"
        "<th>rate</th></tr></thead><tbody><tr><th>0</th><td>A</td><td>0.06</td></tr></tbody></table>"
    )
    widget = {"text/html": "<div id='sk'><script>1</script></div>", "text/plain": "Pipeline(steps=[...])"}
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Tuning\n\nWords of the notebook, see [the insights](../index.qmd)."),
            v4.new_code_cell("seed = 7", metadata={"tags": ["parameters"]}),
            v4.new_code_cell(
                "frame", outputs=[v4.new_output("execute_result", {"text/html": frame, "text/plain": "frame"})]
            ),
            v4.new_code_cell("model", outputs=[v4.new_output("execute_result", widget)]),
            v4.new_code_cell(
                "plot",
                outputs=[
                    v4.new_output(
                        "display_data", {"image/svg+xml": RATE_SVG}, metadata={"image/svg+xml": {"alt": "Rising bars."}}
                    )
                ],
            ),
            v4.new_code_cell(
                "print(1)", outputs=[v4.new_output("stream", name="stdout", text="\x1b[31m1\x1b[0m " * 60)]
            ),
        ]
    )
    nbformat.write(notebook, folder / "notebooks" / "04_tuning.ipynb")
    return folder


def write_quarto(folder: Path, script: str) -> Path:
    """Write an executable that stands in for Quarto."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "quarto"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


def continuous_integration() -> bool:
    return os.environ.get("CI", "").lower() == "true"


@functools.cache
def rendered_site(kind: str = "synthetic", engine: Literal["builtin", "quarto"] = "builtin") -> RenderedReport:
    """Render the fixture site, once per process."""
    folder = Path(tempfile.mkdtemp(prefix="loantap-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOANTAP_HOME", str(make_project(folder / "project")))
        return render_report(make_run(folder / "run", kind=kind), engine=engine)


def make_small_project(folder: Path, *, page: str = "", config: str = "") -> Path:
    """Write a project of one page that holds `page` from line 8 on, and `config` at the end of _quarto.yml."""
    (folder / "reports").mkdir(parents=True)
    (folder / "_quarto.yml").write_text("project:\n  type: website\nwebsite:\n  title: Small\n" + config)
    (folder / "reports" / "index.qmd").write_text(
        "---\ntitle: Small\nformat:\n  html: default\n  typst:\n    output-file: loantap-insights\n---\n" + page
    )
    return folder
