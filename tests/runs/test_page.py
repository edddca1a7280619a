import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import columns, plain
from loantap.runs.page import Page
from loantap.runs.results import RunFolder


@pytest.fixture
def page(tmp_path: Path) -> Page:
    (tmp_path / "manifest.json").write_text(json.dumps({"run_id": "r", "data": {"kind": "synthetic"}}))
    run = RunFolder(tmp_path)
    figure, _ = plt.subplots()
    run.publish(Exhibit("rates", "A is at 5.0%", "A is at 5.0% (n = 9).", 'Dots with "bars".', figure=figure))
    plt.close(figure)
    table = pd.DataFrame({"level": ["00813", "x|y", "z"], "n": [1, 2, 3]})
    run.publish(Exhibit("levels", "Three levels", "n = 6; p < 0.001.", table=table, columns=columns("level", "n")))
    return Page(run)


def test_a_figure_is_its_finding_its_caption_and_its_alt_text(page: Page, capsys: pytest.CaptureFixture):
    page.figure("rates")
    assert capsys.readouterr().out == (
        "![**A is at 5.0%** (n = 9).](figures/rates.svg){#fig-rates fig-alt=\"Dots with 'bars'.\"}\n\n"
    )


def test_a_table_shows_its_first_rows_and_links_to_all(page: Page, capsys: pytest.CaptureFixture):
    page.table("levels", rows=2)
    out = capsys.readouterr().out
    assert "00813" in out
    assert "| z" not in out
    assert ": **Three levels.** n = 6; p \\< 0.001. The first 2 of 3 rows. {#tbl-levels}" in out
    assert "[All rows and columns as CSV](tables/levels.csv)" in out


def test_a_page_may_show_some_of_a_tables_columns(page: Page, capsys: pytest.CaptureFixture):
    page.table("levels", "level")
    assert "| Level   |\n" in capsys.readouterr().out


def test_synthetic_loans_are_known_as_such(page: Page):
    assert page.synthetic


def test_markup_in_texts_stays_text():
    assert plain("5 < 6 * [x] @a_b $1") == "5 \\< 6 \\* \\[x\\] \\@a\\_b \\$1"
