"""Every construct that the built-in renderer supports, in the PDF."""

import re

import pytest
from pypdf import PdfReader
from render_support import make_project, make_run, make_small_project, rendered_site

from loantap.runs.render import render_report


@pytest.fixture(scope="module")
def pdf():
    return PdfReader(rendered_site().pdf)


@pytest.fixture(scope="module")
def text(pdf):
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))


@pytest.mark.parametrize(
    "shown",
    [
        "What drives default", "A fixture that uses every construct", "Contents", "Of 1,000 loans, 12.3% defaulted",
        "WARNING Provenance", "IMPORTANT Do not use for decisions", "NOTE How to read this", "Folded text, with a list",
        "(Figure 1), see also Table 1, 1, Figure 1, Table 3 and Equation 1", "Figure 1. Default rate by grade, 95% Wilson",
        "Table 1. Default rate by grade. CSV", "Table 2. A wide table in a block.", "Table 3. A table that a cell computed.",
        "Figure 2. Drawn by the page.", "Figure 3. A figure in a block.", "Registered nurse", "Chart tab, see Figure 1.",
        "Table tab.", "Only in the PDF.", "plain output", "Read the claims, one claim, the tuning, the project",
    ],
)  # fmt: skip
def test_construct_is_set(shown, text):
    assert shown in text


def test_content_for_the_site_is_left_out(text):
    for shown in ("Only on the site.", "Hidden from the PDF.", "LOANTAP_RUN", "never run", ".qmd", "?@"):
        assert shown not in text


def test_synthetic_data_is_said_at_the_head_of_every_page(pdf):
    assert len(pdf.pages) > 1
    for page in pdf.pages:
        assert page.extract_text().startswith("Synthetic data: these loans were simulated")


def test_links_lead_outside_or_to_sections_but_never_to_missing_files(pdf):
    targets = [
        link.get_object()["/A"]["/URI"] for page in pdf.pages for link in page.get("/Annots") or []
        if "/URI" in (link.get_object().get("/A") or {})
    ]  # fmt: skip
    assert targets == ["https://example.org/loantap"]


def test_pictures_have_their_text_and_the_document_its_title(pdf):
    texts = [
        str(found["/Alt"]) for number in range(1, len(pdf.xref[0]) + 200)
        if isinstance(found := pdf.get_object(number), dict) and "/Alt" in found
    ]  # fmt: skip
    assert "Bars that rise from grade A to grade C." in texts
    assert pdf.metadata.title == "What drives default"
    assert pdf.root_object["/Lang"] == "en"


def test_signs_of_typst_in_words_and_title_are_only_signs(tmp_path, monkeypatch):
    page = 'Cost is \\$5 \\#1 \\@ home, `$x$`, "quoted" and 100% [x].\n'
    project = make_small_project(tmp_path / "project", page=page)
    index = project / "reports" / "index.qmd"
    index.write_text(index.read_text().replace("title: Small", "title: 'A \"b\" \\c #1 $2'"))
    monkeypatch.setenv("LOANTAP_HOME", str(project))
    pdf = PdfReader(render_report(make_run(tmp_path / "run", kind="file"), engine="builtin").pdf)
    text = pdf.pages[0].extract_text()
    assert "Cost is $5 #1 @ home" in text
    assert "Synthetic" not in text
    assert pdf.metadata.title == 'A "b" \\c #1 $2'


def test_the_same_run_gives_the_same_bytes_wherever_and_whenever_it_is_rendered(tmp_path, monkeypatch):
    monkeypatch.setenv("LOANTAP_HOME", str(make_project(tmp_path / "elsewhere" / "project")))
    again = render_report(make_run(tmp_path / "a folder of another name" / "run"), engine="builtin")
    first = rendered_site()  # made earlier
    assert again.pdf.read_bytes() == first.pdf.read_bytes()
    assert again.sha256 == first.sha256
    assert "/CreationDate" not in PdfReader(again.pdf).metadata


def test_a_long_table_repeats_its_head_and_keeps_short_words_in_one_line(tmp_path, monkeypatch):
    rows = "".join(
        f"| Policy with a long name {n} | 0.{n:03} | {n},000 (-{n},100 to {n},200) | not shown | {'many words ' * 9}|\n"
        for n in range(60)
    )
    page = f"| Policy | Declined | Gain with interval | Verdict | Because |\n|:--|--:|--:|:--|:--|\n{rows}\n: Wide.\n"
    monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page=page)))
    pdf = PdfReader(render_report(make_run(tmp_path / "run", kind="file"), engine="builtin").pdf)
    texts = [page.extract_text() for page in pdf.pages]
    assert len(texts) > 1
    for text in texts:
        assert "Declined" in text
    words = re.sub(r"[ \u00a0]+", " ", "\n".join(texts))
    assert words.count("not shown") == 60
    assert words.count("(−7,100 to 7,200)") == 1
