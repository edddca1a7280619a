"""The words of the glossary are linked at their first use on a page that names its glossary."""

import re
import subprocess

import pytest
from render_support import ROOT

from loantap_pages.pandoc import HERE, pandoc_path


def linked(text: str, *, to: str = "html5", front: str = "glossary: glossary.qmd") -> str:
    """Return what pandoc makes of a page, with the filter alone."""
    command = [pandoc_path(), "--from=markdown", f"--to={to}", "--wrap=none", f"--lua-filter={HERE / 'glossary.lua'}"]
    page = f"---\ntitle: A page\n{front}\n---\n\n{text}\n"
    return subprocess.run(command, input=page, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def anchors(html: str) -> list[str]:
    return re.findall(r'href="glossary\.[a-z]+#([\w-]+)"', html)


def test_the_first_use_is_linked_and_no_later_one():
    html = linked("A default rate is a share.\n\nThe default rate rises, and SMOTE helps. Holm, too; SMOTE again.")
    assert '<a href="glossary.qmd#default-rate">default rate</a> is a share' in html
    assert anchors(html) == ["default-rate", "smote", "holm"]


def test_signs_around_a_word_stay_outside_of_its_link():
    assert '(<a href="glossary.qmd#smote">SMOTE</a>),' in linked("It (SMOTE), once.")


def test_words_may_stand_in_strong_text_lists_and_notes():
    assert anchors(linked("**The odds ratio** is one.\n\n- Holm\n\n::: {.callout-note}\nA frontier.\n:::")) == [
        "odds-ratio", "holm", "frontier",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "# The default rate",
        "| default rate |\n|------|\n| SMOTE |\n\n: Of the odds ratio",
        "![The default rate](figures/rate.svg)",
        "[the default rate](policy.qmd)",
        "`SMOTE`",
        "```\nSMOTE\n```",
    ],
    ids=["heading", "table", "figure", "link", "code", "block of code"],
)
def test_no_word_is_linked_in(text):
    assert anchors(linked(text)) == []


def test_a_word_left_alone_in_a_heading_is_linked_in_the_text_below():
    assert anchors(linked("# SMOTE\n\nHow SMOTE works.")) == ["smote"]


def test_the_longest_phrase_wins():
    assert '<a href="glossary.qmd#dti">debt-to-income ratio</a>' in linked("The debt-to-income ratio is high.")


def test_a_link_made_by_hand_counts_as_the_first():
    html = linked("See [rates](glossary.qmd#default-rate) and the default rate.")
    assert anchors(html) == ["default-rate"]
    assert ">rates</a>" in html


def test_a_part_of_a_word_is_no_word():
    assert anchors(linked("Holmes uncalibrated the frontiers.")) == []


def test_the_pdf_and_pages_that_name_no_glossary_have_no_links():
    assert "glossary" not in linked("The default rate.", to="typst")
    assert "glossary" not in linked("The default rate.", front="lang: en")


def test_every_word_that_is_linked_has_an_entry():
    glossary = (ROOT / "reports" / "glossary.qmd").read_text("utf-8")
    named = set(re.findall(r'\{ "([a-z0-9-]+)", "', (HERE / "glossary.lua").read_text("utf-8")))
    assert len(named) >= 15
    assert named <= set(re.findall(r"\{#([a-z0-9-]+)\}", glossary))
