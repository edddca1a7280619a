"""The workbook of all tables and the Word document beside the report."""

import json
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from render_support import RATE_SVG, make_run, make_small_project

from loantap.data.columns import BY_NAME
from loantap.exhibits.heads import head
from loantap.exhibits.single_page import finish_word
from loantap.runs.staging import SYNTHETIC_NOTICE, Staged, stage_report
from loantap.runs.word import write_word
from loantap.runs.workbook import write_workbook
from loantap_pages.execute import execute_page
from loantap_pages.pages import read_page

PAGE = """
![**Rates.** By grade.](figures/rate.svg){#fig-rate fig-alt="Bars: three rates."}

| Grade | Default rate |
|-------|-------------:|
| A     | 6.0%         |

: By grade. {#tbl-rate}

::: {.callout-note title="Where from"}
From a file.
:::

See [the policy](policy.qmd) and [the web](https://example.org).

::: {.content-visible when-format="html"}
Only on the site.
:::

:::: {.tiles}
::: {.tiles-cell}
**18.9%**
:::
::: {.tiles-cell}
**7,239**
:::
::::
"""
TABLES = {
    "association-home_ownership-adjusted": (
        "level,n,default_rate,ci_low,ci_high,p_adjusted,note\n=1+2,1200,0.189,0.17,0.21,0.0001,\n00813,45,,,,0.2,@SUM(A1)\n"
        "http://x.example,5000,0.5,0.4,0.6,0.5,-1\n",
        {"level": "text", "n": "count", "default_rate": "rate with interval", "p_adjusted": "p"},
    ),
    "association-home_ownership-adjusted-once-more": ("driver\nloan_amnt\n", {"driver": "text"}),
}


def staged(folder: Path, *, kind: str = "synthetic") -> Staged:
    run = make_run(folder / "run", kind=kind)
    for name, (rows, columns) in TABLES.items():
        (run / "results" / "tables" / f"{name}.csv").write_text(rows)
        words = {"name": name, "title": f"Rates of {name}", "caption": f"Rates of {name}. Wilson. n = 7,239 loans.", "alt": "", "columns": columns}  # fmt: skip
        (run / "results" / "tables" / f"{name}.json").write_text(json.dumps(words))
    (run / "results" / "figures" / "rate.svg").write_text(RATE_SVG)
    (folder / "site").mkdir()
    return stage_report(run, folder / "site")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    """A staged site with two tables and a figure."""
    monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page=PAGE)))
    return staged(tmp_path)


@pytest.fixture
def book(site: Staged) -> openpyxl.Workbook:
    return openpyxl.load_workbook(write_workbook(site))


def first(book: openpyxl.Workbook):
    return book.worksheets[1]


def column(sheet, text: str) -> list:
    heads = [cell.value for cell in sheet[5]]
    return [row[heads.index(text)] for row in sheet.iter_rows(min_row=6)]


def test_contents_name_each_table_its_finding_its_loans_and_lead_to_it(book: openpyxl.Workbook):
    contents = book.worksheets[0]
    assert contents.title == "Contents"
    assert [cell.value for cell in contents[5]] == ["Table", "Finding", "Loans", "Rows"]
    assert [cell.value for cell in contents[6]] == ["Association home ownership adjusted", "Rates of association-home_ownership-adjusted", 7239, 3]  # fmt: skip
    assert contents["A6"].hyperlink.location == f"'{first(book).title}'!A1"
    assert first(book)["A4"].hyperlink.location == "'Contents'!A1"


def test_sheets_have_names_that_excel_takes_and_none_twice(book: openpyxl.Workbook):
    assert len({name.lower() for name in book.sheetnames}) == len(book.sheetnames) == 3
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name) for name in book.sheetnames)


def test_heads_are_words_and_formats_follow_the_kind(book: openpyxl.Workbook):
    sheet = first(book)
    assert [cell.value for cell in sheet[5]] == [
        "Level",
        "Loans",
        "Default rate",
        "Adjusted p",
        "CI from",
        "CI to",
        "Note",
    ]
    assert column(sheet, "Default rate")[0].number_format == "0.0%"
    assert column(sheet, "CI from")[0].number_format == "0.0%"
    assert column(sheet, "Loans")[0].number_format == "#,##0"
    assert column(sheet, "Adjusted p")[0].number_format == '[<0.001]"< 0.001";0.000'
    assert column(sheet, "Default rate")[0].value == pytest.approx(0.189)


def test_texts_are_no_formulas_and_no_links_and_keep_their_zeros(book: openpyxl.Workbook):
    cells = [*column(first(book), "Level"), *column(first(book), "Note")]
    assert [cell.value for cell in cells] == ["=1+2", "00813", "http://x.example", None, "@SUM(A1)", "-1"]
    assert {cell.data_type for cell in cells if cell.value} == {"s"}
    assert not any(cell.hyperlink for cell in cells)


def test_what_was_suppressed_stays_empty(book: openpyxl.Workbook):
    assert [cell.value for cell in column(first(book), "Default rate")] == [0.189, None, 0.5]


def test_columns_are_told_by_their_labels(book: openpyxl.Workbook):
    assert column(book.worksheets[2], head("driver"))[0].value == BY_NAME["loan_amnt"].label


def test_heads_stay_in_sight_and_filter(book: openpyxl.Workbook):
    sheet = first(book)
    assert sheet.freeze_panes == "B6"
    assert sheet.auto_filter.ref == "A5:G8"
    assert sheet.column_dimensions["A"].width >= 9


def test_each_sheet_says_that_data_are_synthetic_and_of_real_ones_none_does(
    book: openpyxl.Workbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert {sheet["A3"].value for sheet in book.worksheets} == {SYNTHETIC_NOTICE}
    (tmp_path / "real").mkdir()
    real = openpyxl.load_workbook(write_workbook(staged(tmp_path / "real", kind="file")))
    assert {sheet["A3"].value for sheet in real.worksheets} == {None}


def test_title_and_notes_stand_above_the_table(book: openpyxl.Workbook):
    assert first(book)["A1"].value == "Rates of association-home_ownership-adjusted"
    assert first(book)["A2"].value == "Wilson. n = 7,239 loans."


def word_of(site: Staged) -> Path:
    page = read_page(site.folder, Path("index.qmd"), "reports/index.qmd")
    return write_word(site, execute_page(page, site.folder, site.environment))


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as document:
        return document.read(name).decode("utf-8")


def test_word_shows_figures_as_pictures_with_their_alt_text(site: Staged):
    path = word_of(site)
    with zipfile.ZipFile(path) as document:
        pictures = [name for name in document.namelist() if name.startswith("word/media/")]
        assert [Path(name).suffix for name in pictures] == [".png"]
        assert document.read(pictures[0])[:4] == b"\x89PNG"
    text = part(path, "word/document.xml")
    assert 'descr="Bars: three rates."' in text
    width = re.search(r'<wp:extent cx="(\d+)"', text)
    assert width
    assert int(width[1]) == pytest.approx(480 * 0.75 * 12_700, rel=0.01)  # the figure's own 480 pixels, in Word's units


def test_word_has_tables_callouts_and_key_figures_and_nothing_of_the_site(site: Staged):
    text = part(word_of(site), "word/document.xml")
    words = " ".join(re.findall(r"<w:t[^>]*>([^<]*)", text))
    assert text.count("<w:tbl>") == 2  # the table and the key figures
    for said in ("Table", "6.0%", "Where from", "From a file.", "18.9%", "the policy"):
        assert said in words
    assert "Only on the site." not in words
    with zipfile.ZipFile(word_of(site)) as document:
        links = document.read("word/_rels/document.xml.rels").decode()
    assert "example.org" in links
    assert "policy" not in links


def test_word_is_on_a4_with_title_and_the_notice_on_each_page(site: Staged, tmp_path: Path):
    path = word_of(site)
    assert '<w:pgSz w:w="11906" w:h="16838"/>' in part(path, "word/document.xml")
    assert "<dc:title>Small</dc:title>" in part(path, "docProps/core.xml")
    assert SYNTHETIC_NOTICE in part(path, "word/loantap-header.xml")
    assert 'r:id="rIdNotice"' in part(path, "word/document.xml")
    assert "loantap-header.xml" in part(path, "word/_rels/document.xml.rels")
    finish_word(path, tmp_path / "plain.docx")


def test_word_takes_heads_above_several_columns_and_leaves_a_missing_figure_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = (
        "```{python}\n#| echo: false\nfrom IPython.display import HTML\n"
        "HTML('<table><tr><th>a</th><th colspan=\"2\">both</th></tr><tr><td>1</td><td>2</td><td>3</td></tr></table>')\n```\n\n"
        '![](figures/no.svg){fig-alt="x"}\n'
    )
    monkeypatch.setenv("LOANTAP_HOME", str(make_small_project(tmp_path / "project", page=page)))
    text = part(word_of(staged(tmp_path)), "word/document.xml")
    widths = [int(width) for width in re.findall(r'<w:gridCol w:w="(\d+)"', text)]
    assert len(widths) == 3
    assert "both" in text


def test_workbook_and_document_of_a_run_are_the_same_bytes_each_time(site: Staged):
    assert write_workbook(site).read_bytes() == write_workbook(site).read_bytes()
    assert word_of(site).read_bytes() == word_of(site).read_bytes()
