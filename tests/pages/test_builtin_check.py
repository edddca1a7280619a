"""What the built-in renderer does not support is an error that names file and line."""

import nbformat
import pytest
from render_support import make_run, make_small_project

from loantap.errors import RenderError
from loantap.runs.render import render_report


@pytest.fixture
def render(tmp_path, monkeypatch):
    def render(page="", config="", cells=None):
        monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page=page, config=config)))
        run = make_run(tmp_path / "run")
        (run / "notebooks" / "04_tuning.ipynb").unlink()
        if cells:
            nbformat.write(nbformat.v4.new_notebook(cells=cells), run / "notebooks" / "05_policy.ipynb")
        return render_report(run, engine="builtin")

    return render


# The page's text starts at line 8.
PAGES = {
    "shortcode": ("\nSee {{< video x.mp4 >}}.", 9, r"shortcode \{\{< video >\}\}"),
    "include": ("{{< include _part.qmd >}}", 8, "shortcode"),
    "r cell": ("Words.\n\n```{r}\n1\n```", 10, r"code cell \{r\}"),
    "ojs cell": ("```{ojs}\n1\n```", 8, r"code cell \{ojs\}"),
    "mermaid": ("```{mermaid}\nA-->B\n```", 8, r"code cell \{mermaid\}"),
    "cell attributes": ("```{python .marked}\n1\n```", 8, r"code cell \{python .marked\}"),
    "open cell": ("```{python}\n1\n", 8, "not closed"),
    "inline r": ("Words\nand `{r} 1+1`.", 9, r"inline \{r\}"),
    "cell option": ("```{python}\n#| echo: false\n#| fig-width: 3\n1\n```", 10, "'fig-width' is not supported"),
    "cell option yaml": ("```{python}\n#| label: [a\n1\n```", 9, "cell option is not valid YAML"),
    "cell option list": ("```{python}\n#| just words\n1\n```", 9, "expected 'key: value'"),
    "column": ("Words.\n\n::: {.column-margin}\nx\n:::", 10, r"\.column-margin"),
    "layout": ("::: {layout-ncol=2}\nx\n:::", 8, "layout-ncol"),
    "callout typo": ("::: {.callout-warn}\nx\n:::", 8, r"\.callout-warn"),
    "span class": ("A [word]{.aside}.", 8, r"\.aside"),
    "image class": ('![x](figures/rate.svg){.lightbox fig-alt="x"}', 8, r"\.lightbox"),
    "image attribute": ('![x](figures/rate.svg){fig-env="wide" fig-alt="x"}', 8, "fig-env"),
    "listing attribute": ('```{.python filename="x.py"}\n1\n```', 8, "filename"),
    "format pdf": ('::: {.content-visible when-format="pdf"}\nx\n:::', 8, "got pdf"),
    "figure reference": ("Words.\n\nSee @fig-nowhere.", 10, "@fig-nowhere refers to nothing"),
    "section reference": ("See @sec-nowhere.", 8, "@sec-nowhere refers to nothing"),
    "citation": ("As [@smith2020] says.", 8, "citations are not supported"),
    "label twice": (
        '![x](figures/rate.svg){#fig-x fig-alt="x"}\n\n![x](figures/rate.svg){#fig-x fig-alt="x"}', 8, "fig-x is used twice",
    ),
    "heading twice": ("## A {#sec-a}\n\n## B {#sec-a}", 8, "identifier 'sec-a'"),
    "missing image": ('Words.\n\n![x](figures/no.svg){fig-alt="x"}', 10, r"figures/no\.svg"),
    "missing csv": ("[CSV](tables/no.csv)", 8, r"tables/no\.csv leads to no file"),
    "missing page": ("Words\n[x](nowhere.qmd)", 9, "leads to no file"),
    "missing section": ("[x](#nowhere)", 8, "no such section"),
    "foreign image": ('![x](https://example.org/x.png){fig-alt="x"}', 8, "from the network"),
    "no alt text": ("Words.\n\n![](figures/rate.svg)", 10, "add fig-alt"),
    "table block": ("::: {#tbl-x}\nNo table.\n:::", 8, "holds no table"),
    "figure block": ("::: {#fig-x}\nNo image.\n:::", 8, "expected one image"),
    "tabset": ("::: {.panel-tabset}\nNo heading.\n:::", 8, "heading for each tab"),
    "open block": ("Words.\n\n::: {.callout-note}\nx\n", 10, "[Uu]nclosed"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_unsupported_construct_is_named_with_its_line(name, render):
    page, line, message = PAGES[name]
    with pytest.raises(RenderError, match=rf"(?m)^reports/index\.qmd:{line}: .*{message}"):
        render(page)


CONFIGS = {
    "sidebar": ("  sidebar:\n    style: floating\n", 5, "website.sidebar"),
    "navbar logo": ("  navbar:\n    logo: x.png\n", 6, "website.navbar.logo"),
    "item icon": ("  navbar:\n    left:\n      - text: x\n        icon: github\n", 8, "website.navbar.left.icon"),
    "menu icon": ("  navbar:\n    left:\n      - menu:\n          - icon: x\n", 8, "website.navbar.left.menu.icon"),
    "missing page": ("  navbar:\n    left:\n      - href: reports/no.qmd\n", 7, r"no page reports/no\.qmd"),
    "html option": ("format:\n  html:\n    lightbox: true\n", 7, "format.html.lightbox"),
    "other format": ("format:\n  docx: default\n", 6, "format.docx"),
    "top": ("bibliography: x.bib\n", 5, "bibliography"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_unknown_setting_of_the_website_is_named_with_its_line(name, render):
    config, line, message = CONFIGS[name]
    with pytest.raises(RenderError, match=rf"(?m)^_quarto\.yml:{line}: .*{message}"):
        render(config=config)


def test_unknown_front_matter_is_named_with_its_line(render, tmp_path, monkeypatch):
    project = make_small_project(tmp_path / "other")
    page = project / "reports" / "index.qmd"
    page.write_text("---\ntitle: x\nformat:\n  html:\n    lightbox: true\n---\n")
    monkeypatch.setenv("LOANTAP_HOME", str(project))
    with pytest.raises(RenderError, match=r"reports/index\.qmd:5: front matter 'format\.html\.lightbox'"):
        render_report(make_run(tmp_path / "run"), engine="builtin")


def test_a_failing_cell_is_named_with_its_line_and_exception(render):
    with pytest.raises(RenderError, match=r"(?s)^reports/index\.qmd:10: the cell failed with ValueError: bad rate"):
        render("Words.\n\n```{python}\nraise ValueError('bad rate')\n```")


def test_a_failing_inline_expression_is_named_with_its_line(render):
    with pytest.raises(RenderError, match=r"reports/index\.qmd:9: the inline expression rate failed with NameError"):
        render("Words,\nthen `{python} rate`.")


def test_what_a_cell_prints_is_checked_too(render):
    cell = "```{python}\n#| output: asis\nprint('''\n{text}\n''')\n```"
    with pytest.raises(RenderError, match=r"reports/index\.qmd:8: .*@fig-gone"):
        render(cell.replace("{text}", "See @fig-gone."))


def test_a_shortcode_that_a_cell_prints_is_found(render):
    with pytest.raises(RenderError, match=r"reports/index\.qmd:8: shortcode"):
        render("```{python}\n#| output: asis\nprint('{{< video x >}}')\n```")


def test_all_problems_are_named_at_once(render):
    with pytest.raises(RenderError) as caught:
        render("@fig-a\n\n@fig-b\n")
    assert "index.qmd:8:" in str(caught.value)
    assert "index.qmd:10:" in str(caught.value)


def test_a_problem_in_a_notebook_is_named_with_its_cell(render):
    v4 = nbformat.v4
    with pytest.raises(RenderError, match=r"notebooks/05_policy\.ipynb: cell 2, line 3: .*column-margin"):
        render(cells=[v4.new_code_cell("1"), v4.new_markdown_cell("# Policy\n\n::: {.column-margin}\nx\n:::")])


def test_code_and_comments_may_hold_what_pages_may_not(render):
    page = "`{{< x >}}` and\n\n```\n{{< x >}} `{r} 1`\n```\n\n<!-- {{< x >}} -->\n\n````\n```{r}\n```\n````\n"
    text = render(page).html.read_text()
    assert "{{&lt; x &gt;}}" in text


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ('"it\'s **not** bold"', "it’s **not** bold"),
        ("'back\\\\slash $5 <b>'", "back\\slash $5 &lt;b&gt;"),
        ("__import__('IPython.display').display.Markdown('**bold**')", "<strong>bold</strong>"),
        ("1 + 1", "2"),
    ],
)
def test_inline_value_is_shown_as_text_unless_it_is_markdown(expression, shown, render):
    assert f"<p>Value {shown} here.</p>" in render(f"Value `{{python}} {expression}` here.").html.read_text()
