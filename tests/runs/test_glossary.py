"""The glossary: in order, short, without gaps, and every link to it goes to an entry."""

import re
from pathlib import Path

import pytest
from readability import TERMS, out_of_order

from loantap.settings import project_root

ROOT = project_root()
GLOSSARY = (ROOT / "reports" / "glossary.qmd").read_text("utf-8")
ENTRIES = re.findall(r"^\[\*\*(.+?)\*\*\]\{#([a-z0-9-]+)\}\n:   (.+(?:\n    .+)*)", GLOSSARY, re.M)
LINK = re.compile(r"glossary\.(?:qmd|html)#([A-Za-z0-9_-]+)")
SOURCES = [*(ROOT / "reports").glob("*.qmd"), *(ROOT / "src" / "loantap" / "exhibits").glob("*.py")]


def test_each_entry_has_an_anchor_of_its_own():
    anchors = [anchor for _, anchor, _ in ENTRIES]
    assert len(anchors) == len(set(anchors)) == GLOSSARY.count("\n:   ")
    assert len(anchors) >= 50


def test_the_entries_are_in_the_order_of_the_alphabet():
    assert out_of_order([name for name, _, _ in ENTRIES]) == []


@pytest.mark.parametrize(("name", "anchor", "text"), ENTRIES, ids=[anchor for _, anchor, _ in ENTRIES])
def test_an_entry_is_one_or_two_sentences(name: str, anchor: str, text: str):
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text.strip())
    assert 1 <= len(sentences) <= 2 + (anchor == "precision")  # that one explains a pair
    assert sentences[-1].endswith(".")


def test_the_words_that_pages_link_have_an_entry():
    assert set(TERMS) <= {anchor for _, anchor, _ in ENTRIES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_link_to_the_glossary_goes_to_an_entry(source: Path):
    linked = LINK.findall(source.read_text("utf-8"))
    if source.name == "glossary.qmd":
        linked = re.findall(r"\]\(#([a-z0-9-]+)\)", GLOSSARY)
    assert set(linked) <= {anchor for _, anchor, _ in ENTRIES}
