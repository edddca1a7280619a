"""Every construct that the built-in renderer supports, on the site."""

import re

import pytest
from pypdf import PdfReader
from render_support import make_run, make_small_project, rendered_site

from loantap.runs.render import render_report


@pytest.fixture(scope="module")
def report():
    return rendered_site().html.parent


@pytest.fixture(scope="module")
def index(report):
    return re.sub(r"\s+", " ", (report / "index.html").read_text())


def test_the_engine_is_named_with_its_versions():
    assert re.fullmatch(r"built-in \(pandoc \d[\d.]*, typst \d[\d.]*\)", rendered_site().engine)


def test_the_report_has_the_promised_files_and_nothing_of_the_sources(report):
    names = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert {
        "index.html", "claims.html", "methods.html", "model-card.html", "loantap-insights.pdf", "loantap-insights.docx", "loantap-tables.xlsx",
        "figures/rate.svg",
        "tables/rate.csv", "notebooks/04_tuning.html", "assets/site.css", "assets/report.css",
    } <= names  # fmt: skip
    assert "figures/unseen.svg" not in names  # no page shows it
    assert not [name for name in names if name.endswith((".qmd", ".ipynb", ".typ", ".yml"))]
    assert sum(path.stat().st_size for path in report.rglob("*") if path.is_file()) < 10e6
    assert not list(report.parent.glob("rendering-*"))


SHOWN = {
    "inline values": "Of 1,000 loans, 12.3% defaulted",
    "inline text is escaped": "a name_with_underscores: a_b*c",
    "class of the style sheet": '<div class="lead">',
    "computed callout with title": '<div class="callout callout-warning"><p class="callout-title"><span class="callout-kind">Warning</span> Provenance',
    "computed Markdown": "Synthetic loans, <strong>1000</strong> rows.",
    "callout titled by heading": '<span class="callout-kind">Important</span> Do not use for decisions',
    "callout without a title": '<div class="callout callout-tip"><p class="callout-title"><span class="callout-kind">Tip</span></p>',
    "collapsed callout": '<details class="callout callout-note"><summary class="callout-title">',
    "figure reference": '<a href="#fig-rate">Figure 1</a>',
    "table reference": '<a href="#tbl-rate">Table 1</a>',
    "bare reference": ', <a href="#tbl-rate">1</a>,',
    "two references": '<a href="#fig-rate">Figure 1</a>, <a href="#tbl-computed">Table 3</a>',
    "equation reference": '<a href="#eq-or">Equation 1</a>',
    "section reference without numbers": '<a href="#sec-evidence">Evidence</a>',
    "figure caption": "<figcaption><strong>Figure 1.</strong> Default rate by grade, 95% Wilson intervals",
    "alt text": 'alt="Bars that rise from grade A to grade C."',
    "table caption with CSV": '<strong>Table 1.</strong> Default rate by grade. <a href="tables/rate.csv">CSV</a>',
    "table that fits": '<div class="table-box">',
    "head in a cell": '<td style="text-align: right;" data-label="Odds ratio">1.42</td>',
    "table in a block": "<strong>Table 2.</strong> A wide table in a block.",
    "computed table": "<strong>Table 3.</strong> A table that a cell computed.",
    "figure in a block": "<strong>Figure 3.</strong> A figure in a block.",
    "figure of a cell": "<strong>Figure 2.</strong> Drawn by the page.",
    "math": '<math display="block" xmlns="http://www.w3.org/1998/Math/MathML">',
    "tabs": '<label for="tab-1-2">Table</label>',
    "only html": "Only on the site.",
    "hidden from typst": "Hidden from the PDF.",
    "folded code": '<details class="code-fold"><summary>Code</summary>',
    "open code": '<details class="code-fold" open><summary>Show how</summary>',
    "printed output": "plain output",
    "link to a page": '<a href="claims.html#sec-pincode">one claim</a>',
    "link to a notebook": '<a href="notebooks/04_tuning.html">the tuning</a>',
    "link outside": '<a href="https://example.org/loantap">',
    "pdf": '<a href="loantap-insights.pdf">This page as PDF</a>',
    "language": '<html lang="en">',
    "title": "<title>What drives default – LoanTap credit-default insights</title>",
    "footer": "Every number on these pages was computed in the run that made them.",
}


@pytest.mark.parametrize("name", SHOWN)
def test_construct_is_rendered(name, index):
    assert SHOWN[name] in index


def test_content_for_other_formats_and_hidden_code_are_left_out(index):
    for text in ("Only in the PDF.", "LOANTAP_RUN", "never run", ":::", "{python}", "@fig-", "?@"):
        assert text not in index


def test_listing_is_shown_as_it_is(index):
    assert "{{&lt; not a shortcode &gt;}}" in index


def test_navigation_marks_the_page_and_fills_the_notebooks_menu(report):
    claims = (report / "claims.html").read_text()
    assert '<a href="claims.html" aria-current="page">Claims</a>' in claims
    assert '<a href="index.html">Insights</a>' in claims
    assert '<summary>Notebooks</summary><ul><li><a href="notebooks/04_tuning.html">Tuning</a></li></ul>' in claims
    notebook = (report / "notebooks" / "04_tuning.html").read_text()
    assert '<a href="../model-card.html">Model card</a>' in notebook
    assert "<details class=here><summary>Notebooks</summary>" in notebook


def test_table_of_contents_can_be_switched_off(report, index):
    assert '<nav id="TOC"' in index
    assert '<nav id="TOC"' not in (report / "methods.html").read_text()


def test_numbered_sections_are_referred_to_by_number(report):
    claims = re.sub(r"\s+", " ", (report / "claims.html").read_text())
    assert '<a href="#sec-pincode">Section 1</a>' in claims
    assert '<a href="#sec-detail">Section 1.1</a>' in claims


def test_notebook_page_shows_tables_text_and_plots_with_folded_code(report):
    page = (report / "notebooks" / "04_tuning.html").read_text()
    assert page.count("<h1>Tuning</h1>") == 1
    assert page.count('<details class="code-fold">') == 5
    assert '<td style="text-align: right;" data-label="rate">0.06</td>' in page
    assert "Pipeline(steps=[...])" in page
    assert "id='sk'" not in page
    assert 'alt="Rising bars."' in page
    assert "\x1b" not in page
    assert '<pre tabindex="0"' in page
    assert "../index.html" in page


def test_synthetic_data_is_said_on_every_page(report):
    for page in report.rglob("*.html"):
        assert (
            'class="data-notice" aria-label="About the data">Synthetic data: these loans were simulated'
            in page.read_text()
        )


def test_real_data_is_not_called_synthetic(tmp_path, monkeypatch):
    monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page="Words.")))
    rendered = render_report(make_run(tmp_path / "run", kind="file"), engine="builtin")
    assert "Synthetic" not in rendered.html.read_text()


def test_nothing_comes_from_the_network(report):
    for path in [*report.rglob("*.html"), *report.rglob("*.css")]:
        text = path.read_text()
        assert not re.search(
            r"""(src|srcset)=["']?(https?:)?//|@import|url\(["']?(https?:)?//|<link[^>]*href=["']?https?:""", text
        )


LAYOUT = """
::: {.tiles}

```{=typst}
#grid(columns: 2, [
```

::: {.tile}
### 396,030

finished loans
:::

```{=typst}
], [
```

::: {.tile}
![](figures/rate.svg){fig-alt="A trend." width="120px"}
:::

```{=typst}
])
```

:::

```{=html}
<hr class="only-html">
```

::: {.decision-box}
## The decision [depends]{.verdict-depends}

::: {.content-visible when-format="html"}
::: {.callout-note collapse="true" title="More"}
Folded on the site.
:::
:::

::: {.content-visible when-format="typst"}
Said on paper.
:::
:::
"""


def test_a_first_screen_of_tiles_and_boxes_is_laid_out_by_classes_on_the_site_and_by_typst_in_the_pdf(
    tmp_path, monkeypatch
):
    project = make_small_project(
        tmp_path / "project", page=LAYOUT, config="format:\n  html:\n    css: reports/assets/own.css\n"
    )
    (project / "reports" / "assets").mkdir()
    (project / "reports" / "assets" / "own.css").write_text(
        "@media (width > 1px) { .tiles > .tile { color: red } }\n.decision-box, .verdict-depends { color: red }\n"
    )
    monkeypatch.setenv("LOANTAP_HOME", str(project))
    index = project / "reports" / "index.qmd"
    index.write_text(index.read_text().replace("  html: default\n", "  html:\n    css: assets/own.css\n"))
    rendered = render_report(make_run(tmp_path / "run", kind="file"), engine="builtin")
    html = re.sub(r"\s+", " ", rendered.html.read_text())
    for shown in (
        '<div class="tiles">', '>396,030</h', '<span class="verdict-depends">depends</span>',
        'width="120"', '<hr class="only-html">', '<details class="callout callout-note">',
    ):  # fmt: skip
        assert shown in html
    assert "#grid" not in html
    assert "Said on paper" not in html
    text = " ".join(page.extract_text() for page in PdfReader(rendered.pdf).pages)
    assert "396,030" in text
    assert "Said on paper." in text
    for left_out in ("grid", "hr class", "Folded on the site"):
        assert left_out not in text


FRAME = """
<table class="dataframe"><thead>
<tr><th></th><th>kind</th><th colspan="2">f2</th></tr><tr><th></th><th></th><th>mean</th><th>sd</th></tr>
<tr><th>grade</th><th>term</th><th></th><th></th></tr></thead><tbody>
<tr><th rowspan="2">A</th><th>36 months</th><td>0.5</td><td>0.01</td></tr><tr><th>60 months</th><td>0.6</td><td>0.02</td></tr>
</tbody></table>
"""


def test_a_frame_of_two_levels_names_its_outer_level_in_each_row_and_all_its_heads_in_each_cell(tmp_path, monkeypatch):
    page = f"```{{python}}\n#| echo: false\nfrom IPython.display import HTML\nHTML({FRAME!r})\n```\n"
    monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page=page)))
    html = render_report(make_run(tmp_path / "run", kind="file"), engine="builtin").html.read_text()
    assert html.count(">A</") == 2
    assert html.count('data-label="f2 mean"') == 2
    assert "rowspan" not in html
