"""An exhibit shows itself in a notebook, is published by one call, and says the same on a page, whatever its words hold."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from loantap.exhibits.exhibit import Exhibit, Finding, Notice, together
from loantap.exhibits.plots.style import canvas
from loantap.exhibits.words import columns, plain, to_markdown
from loantap.runs.page import Page
from loantap.runs.render import render_report
from loantap.runs.results import RunFolder
from loantap.runs.staging import stage_report

HOSTILE = '<script>alert(1)</script> **bold** [x](http://x) "quoted" $1 ::: {.y}'
SETUP = f"""
import json
from pathlib import Path
import pandas as pd
from loantap.exhibits.exhibit import Exhibit, Finding, Notice, together
from loantap.exhibits.plots.style import canvas
from loantap.exhibits.words import columns
from loantap.runs.results import RunFolder
run = RunFolder(Path("published"))
publish = run.publish
with canvas(height=2) as (figure, axes):
    axes.plot([1, 2], [3, 4])
frame = pd.DataFrame({{"level": ["00813", {HOSTILE!r}], "n": [1234, 5], "default_rate": [0.25, 0.5]}})
shown = columns("level", "n", "default_rate")
table = Exhibit("levels", "Two levels", "Two levels (n = 1,239).", table=frame, columns=shown)
drawn = Exhibit("rates", "Rates rise", "n = 7 loans.", 'A "line" that rises.', figure=figure)
"""
CELLS = {
    "table": "publish(table)",
    "figure": "publish(drawn)",
    "text": "Exhibit(text='Said **so**.')",
    "notice": f"Notice('In \"quotes\"', {HOSTILE!r})",
    "whole": (
        "publish(Exhibit('whole', 'Whole', 'n = 1.', 'Alt.', 'Said first.', frame, shown, figure, "
        "(Finding('f', 'T', 'Text.', 0.5, n=3),), Notice('Mind', 'Few loans.')))"
    ),
    "several": "publish(together(table, drawn))",
    "again": "publish(Exhibit(findings=(Finding('f', 'T', 'Text, again.'), Finding('g', 'T', 'Other.'))))\n"
    "publish(Exhibit(findings=(Finding('g', 'T', 'Other.'),)))\n"
    "print(json.dumps([finding.text for finding in run.findings]))",
    "plotted in between": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.close()\npublish(drawn)",
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """A notebook whose cells end in exhibits, executed as papermill or JupyterLab would; `folder` is where it ran."""
    folder = tmp_path_factory.mktemp("notebook")
    codes = [nbformat.v4.new_code_cell(code) for code in (SETUP, *CELLS.values())]
    cells = [nbformat.v4.new_markdown_cell("# Shown\n\n## Everything"), *codes]
    made = nbformat.v4.new_notebook(cells=cells)
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    NotebookClient(made, km=manager, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    made.metadata["folder"] = str(folder)
    return made


@pytest.fixture(scope="module")
def outputs(notebook: nbformat.NotebookNode) -> dict[str, list[Any]]:
    """What each cell put out, by name."""
    assert notebook.cells[1].outputs == []
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells[2:], strict=True)}


@pytest.fixture(scope="module")
def published(notebook: nbformat.NotebookNode, outputs: dict[str, list[Any]]) -> RunFolder:
    """The run folder that the notebook published into."""
    return RunFolder(Path(notebook.metadata["folder"]) / "published")


def kinds(shown: list[Any]) -> list[str]:
    """Return what each output is: its richest form."""
    forms = ("text/html", "image/png", "image/svg+xml", "text/markdown", "text/plain")
    return [next(form for form in forms if form in output.data) for output in shown]


def markdown(shown: list[Any]) -> list[str]:
    return [output.data["text/markdown"] for output in shown if "text/markdown" in output.data]


def test_a_table_shows_its_rows_and_under_them_its_words(outputs):
    [text] = markdown(outputs["table"])
    assert kinds(outputs["table"]) == ["text/markdown"]
    assert [head.strip() for head in text.splitlines()[0].split("|")] == ["", "Level", "Loans", "Default rate", ""]
    assert re.search(r"\| 00813 +\| +1,234 \| +25\.0% \|", text)
    assert text.endswith("\n\n**Two levels** (n = 1,239).")


def test_a_figure_shows_itself_and_then_its_words(outputs):
    image, words = kinds(outputs["figure"])
    assert image.startswith("image/")
    assert words == "text/markdown"
    assert markdown(outputs["figure"]) == ["**Rates rise.** n = 7 loans."]


def test_a_figure_brings_its_alt_text_and_a_table_none(outputs):
    shown = outputs["figure"][0]
    kind = next(kind for kind in shown.data if kind.startswith("image/"))
    assert shown.metadata[kind] == {"alt": 'A "line" that rises.'}
    assert "image/png" not in outputs["table"][0].metadata


def test_a_text_is_markdown(outputs):
    assert markdown(outputs["text"]) == ["Said **so**."]


def test_a_whole_exhibit_shows_notice_text_figure_and_table_with_words_in_this_order(outputs):
    notice, text, figure, table = kinds(outputs["whole"])
    assert (notice, text, table) == ("text/html", "text/markdown", "text/markdown")
    assert figure.startswith("image/")
    assert [said.count("**Whole.** n = 1.") for said in markdown(outputs["whole"])] == [0, 0, 1]
    assert markdown(outputs["whole"])[1] == "Said first."


def test_several_exhibits_are_shown_in_order(outputs):
    assert markdown(outputs["several"]) == markdown(outputs["table"]) + markdown(outputs["figure"])
    assert kinds(outputs["several"]) == kinds(outputs["table"]) + kinds(outputs["figure"])


def test_a_figure_is_shown_whatever_else_was_plotted(outputs):
    assert outputs["plotted in between"][-2:] == outputs["figure"]


def test_nothing_is_shown_twice_or_as_a_python_object(outputs):
    for output in (output for shown in outputs.values() for output in shown if output.output_type != "stream"):
        assert "Exhibit" not in json.dumps(output.data)
        assert output.output_type == "display_data" or ".callout-warning" in output.data["text/markdown"]


def test_a_notice_is_a_box_in_jupyterlab_and_a_callout_for_the_renderers(outputs):
    [output] = outputs["notice"]
    html = output.data["text/html"]
    assert unescape(re.sub("<[^>]*>", "", html)) == f'In "quotes"{HOSTILE}'
    assert output.data["text/markdown"].startswith('::: {.callout-warning}\n###### In "quotes"\n\n')
    assert not output.data["text/plain"].startswith(":::")


def test_findings_are_noted_once_though_they_were_published_again(outputs):
    assert json.loads(outputs["again"][-1].text) == ["Text, again.", "Other."]


def test_an_exhibit_is_written_with_its_words_beside_it(published: RunFolder):
    folder = published.path / "results"
    assert pd.read_csv(folder / "tables" / "levels.csv", dtype={"level": str})["level"].tolist() == ["00813", HOSTILE]
    assert json.loads((folder / "tables" / "levels.json").read_text()) == {
        "name": "levels", "title": "Two levels", "caption": "Two levels (n = 1,239).", "alt": "",
        "columns": {"level": "text", "n": "count", "default_rate": "rate"},
    }  # fmt: skip
    assert (folder / "figures" / "rates.svg").read_text().lstrip().startswith("<?xml")
    assert json.loads((folder / "figures" / "rates.json").read_text()) == {
        "name": "rates", "title": "Rates rise", "caption": "n = 7 loans.", "alt": 'A "line" that rises.',
    }  # fmt: skip
    assert not (folder / "tables" / "rates.csv").exists()
    assert not (folder / "figures" / "levels.svg").exists()
    assert {path.stem for path in folder.rglob("*.*")} == {"levels", "rates", "whole"}  # what has no name is not kept


@pytest.mark.parametrize("name", ["levels", "rates", "whole"])
def test_a_page_says_what_the_notebook_shows(name: str, outputs, published: RunFolder, capsys):
    (published.path / "manifest.json").write_text(json.dumps({"run_id": "r", "data": {"kind": "file"}}))
    page, cell = Page(published), {"levels": "table", "rates": "figure", "whole": "whole"}[name]
    if name == "rates":
        page.figure(name)
        said = capsys.readouterr().out
        assert f"![{markdown(outputs[cell])[-1]}]" in said
        assert "fig-alt=\"A 'line' that rises.\"" in said
    else:
        page.table(name)
        rows, words = markdown(outputs[cell])[-1].rsplit("\n\n", 1)
        said = capsys.readouterr().out
        assert said.startswith(rows + "\n")
        assert f": {words} {{#tbl-{name}}}" in said


def test_publishing_returns_the_very_exhibit(tmp_path: Path):
    run, table = RunFolder(tmp_path), Exhibit("t", "T", "C.", table=pd.DataFrame({"n": [1]}))
    both = together(table, together(Exhibit(text="x"), table))
    assert run.publish(table) is table
    assert run.publish(both) is both
    assert [part.name for part in both.parts] == ["t", "", "t"]


def test_another_run_folder_knows_nothing_of_the_findings(tmp_path: Path):
    one, other = RunFolder(tmp_path), RunFolder(tmp_path)
    one.publish(Exhibit(findings=(Finding("a", "A", "A."),)))
    assert [[finding.id for finding in run.findings] for run in (one, other)] == [["a"], []]


@pytest.mark.parametrize(
    ("title", "caption", "line"),
    [
        ("A is at 5%", "A is at 5% (n = 9).", "**A is at 5%** (n = 9)."),
        ("A is at 5%", "A is at 5%. n = 9 loans.", "**A is at 5%.** n = 9 loans."),
        ("A is at 5%", "n = 9 loans.", "**A is at 5%.** n = 9 loans."),
        ("A is at 5%", "A is at 5%.", "**A is at 5%.**"),
        ("A is at 5%", "", "**A is at 5%.**"),
        ("x_y <b>", "n = 9 * 2.", "**x\\_y \\<b\\>.** n = 9 \\* 2."),
    ],
)
def test_the_line_under_an_exhibit_does_not_say_the_title_twice(title: str, caption: str, line: str):
    assert Exhibit("x", title, caption).line == line


def test_a_long_table_says_how_much_of_it_is_shown(monkeypatch):
    told: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda one, **_: told.append(one))
    Exhibit("t", "T", "C.", table=pd.DataFrame({"n": range(31)}), columns=columns("n"))._ipython_display_()
    Exhibit("t", "T", "C.", table=pd.DataFrame({"n": range(30)}), columns=columns("n"))._ipython_display_()
    assert told[0].data.endswith("**T.** C. The first 30 of 31 rows.")
    assert told[1].data.endswith("**T.** C.")


def test_kinds_of_columns_follow_from_their_names():
    assert columns("level", "n", "default_rate with interval", "profit", profit="rate") == {
        "level": "text", "n": "count", "default_rate": "rate with interval", "profit": "rate",
    }  # fmt: skip
    assert list(columns("p_value", "level")) == ["p_value", "level"]


def test_columns_of_an_exhibit_are_those_of_its_page():
    table = pd.DataFrame({"n": [1], "default_rate": [0.5], "ci_low": [0.25], "ci_high": [0.75]})
    shown = to_markdown(table, columns("n", "default_rate with interval"))
    assert "50.0% (25.0 to 75.0%)" in shown
    assert "CI from" not in shown


# What the renderers make of it ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(notebook: nbformat.NotebookNode, published: RunFolder, tmp_path_factory) -> SimpleNamespace:
    """The notebook and a page of the same exhibits in the built-in renderer's HTML, and as staged for either renderer."""
    folder = tmp_path_factory.mktemp("site")
    run, project = folder / "run", folder / "project"
    shutil.copytree(published.path, run)
    (run / "notebooks").mkdir()
    nbformat.write(notebook, run / "notebooks" / "shown.ipynb")
    hostile = Exhibit("hostile", HOSTILE, HOSTILE, HOSTILE + " \\", figure=_figure())
    RunFolder(run).publish(hostile)
    (run / "manifest.json").write_text(json.dumps({"run_id": "r", "data": {"kind": "file"}}))
    (project / "reports").mkdir(parents=True)
    (project / "_quarto.yml").write_text("project:\n  type: website\nwebsite:\n  title: Small\n")
    page = "\n".join(
        [
            "---\ntitle: Small\nformat:\n  html: default\n  typst:\n    output-file: loantap-insights\n---\n",
            "```{python}\n#| output: asis\nfrom loantap.runs.page import open_page",
            "from loantap.exhibits.exhibit import Notice",
            "page = open_page()\npage.table('levels')\npage.figure('rates')\npage.figure('hostile')",
            f"print(Notice({HOSTILE!r}, {HOSTILE!r}).markdown())\n```\n",
        ]
    )
    (project / "reports" / "index.qmd").write_text(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOANTAP_HOME", str(project))
        staged = stage_report(run, folder / "staged")
        report = render_report(run, engine="builtin").html.parent
    return SimpleNamespace(
        notebook=re.sub(r"\s+", " ", (report / "notebooks" / "shown.html").read_text("utf-8")),
        page=re.sub(r"\s+", " ", (report / "index.html").read_text("utf-8")),
        staged=nbformat.read(staged.folder / "notebooks" / "shown.ipynb", as_version=4),
    )


def _figure() -> Any:
    with canvas(height=2) as (figure, axes):
        axes.plot([1, 2], [3, 4])
    return figure


def test_a_notice_of_a_notebook_becomes_a_callout_of_the_report(site: SimpleNamespace):
    assert site.notebook.count('<div class="callout callout-warning">') == 2
    assert '<span class="callout-kind">Warning</span> Mind</p>' in site.notebook
    assert "Few loans." in site.notebook
    assert ":::" not in site.notebook.replace("::: {.y}", "")  # HOSTILE's own


@pytest.mark.parametrize("shown", ["notebook", "page"])
def test_words_from_data_stay_words_in_the_report(shown: str, site: SimpleNamespace):
    html = getattr(site, shown)
    body = html[html.index("<main") :]
    for made in ("<script>alert", "<strong>bold", 'href="http://x"'):
        assert made not in body
    assert "alert(1)" in body


def test_a_title_with_quotes_is_the_title(site: SimpleNamespace):
    assert unescape(site.notebook).replace("“", '"').replace("”", '"').count('Warning</span> In "quotes"</p>') == 1


def test_quotes_and_backslashes_in_an_alt_text_do_not_end_it(site: SimpleNamespace):
    alts = [unescape(found) for found in re.findall(r'<img[^>]*alt="([^"]*)"', site.page)]
    assert "A 'line' that rises." in alts
    assert any("alert(1)" in alt and "::: {.y}" in alt for alt in alts)


def test_a_figure_of_a_notebook_has_the_alt_text_of_its_exhibit(site: SimpleNamespace):
    alts = [unescape(found) for found in re.findall(r'<img[^>]*alt="([^"]*)"', site.notebook)]
    assert alts
    assert set(alts) == {'A "line" that rises.', "Alt."}


def test_a_notices_lines_cannot_close_its_callout():
    assert Notice("Two\nlines", "one\n:::\ntwo").markdown() == (
        "::: {.callout-warning}\n###### Two lines\n\none ::: two\n:::"
    )
    assert plain("<x>") in Notice("<x>", "y").markdown()
