"""What the first page asks of the renderer: the years in its title, its width, its own links, and pictures that it draws."""

import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from render_support import make_run, make_small_project

from loantap.runs.page import Page
from loantap.runs.render import render_report
from loantap.runs.results import RunFolder
from loantap.runs.staging import stage_report


def small(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, front: str = "", html: str = "default", page: str = "Words.\n"
) -> Path:
    """Make a project whose first page has `front` in its front matter and `html` as its format; return a run's folder."""
    project = make_small_project(folder / "project", page=page)
    index = project / "reports" / "index.qmd"
    text = index.read_text("utf-8").replace("title: Small\n", f"title: Loans of {{period}}\n{front}", 1)
    index.write_text(text.replace("html: default", f"html: {html}", 1), "utf-8")
    monkeypatch.setenv("LOANTAP_HOME", str(project))
    return make_run(folder / "run")


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ({"period": ["2007-06", "2016-12"]}, "Loans of 2007 to 2016"),
        ({"period": ["2013-01", "2013-12"]}, "Loans of 2013"),
        ({"period": None}, "Loans"),
        ({}, "Loans"),
        (None, "Loans"),
    ],
)
def test_the_title_tells_the_years_of_the_loans_where_the_manifest_does(data, title, tmp_path, monkeypatch):
    run = small(tmp_path, monkeypatch, page='```{python}\nf"{period}"\n```\n')
    (run / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": data}))
    staged = stage_report(run, tmp_path / "site")
    text = (staged.folder / "index.qmd").read_text("utf-8")
    assert re.search(r"^title: (.*)$", text, re.M)[1] == title
    assert 'f"{period}"' in text  # the page's own code stays as it is


def test_a_page_asks_for_the_full_width_and_leaves_out_the_link_to_its_pdf(tmp_path, monkeypatch):
    run = small(tmp_path, monkeypatch, front="page-layout: full\n", html="{format-links: false}")
    asked = render_report(run, engine="builtin").html.read_text("utf-8")
    assert re.search(r'<div class="page[^"]* wide">', asked)
    assert "This page as PDF" not in asked


def test_a_page_that_asks_for_nothing_is_as_wide_as_its_text_and_offers_its_pdf(tmp_path, monkeypatch):
    run = small(tmp_path, monkeypatch)
    plain = render_report(run, engine="builtin").html.read_text("utf-8")
    assert not re.search(r'<div class="page[^"]* wide">', plain)
    assert '<a href="loantap-insights.pdf">This page as PDF</a>' in plain


def test_a_page_draws_pictures_beside_the_figures_of_the_run_the_same_bytes_each_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").mkdir()
    page = Page(RunFolder(make_run(tmp_path / "run")))

    def drawn() -> bytes:
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([1, 2, 3], label="rates")
        assert page.draw("trend", figure) == "figures/trend.svg"
        return (tmp_path / "figures" / "trend.svg").read_bytes()

    first = drawn()
    assert b"<svg" in first
    assert drawn() == first
