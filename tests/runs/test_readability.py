"""The measures of how a page reads, on texts whose answer is known."""

import pytest
from readability import (
    blocks,
    flesch_reading_ease,
    out_of_order,
    raw_names,
    sentences,
    syllables,
    unlinked,
    words_per_sentence,
)

PAGE = """<nav><p>Menu.</p></nav><main>
<h2>A heading is no sentence</h2>
<p>Loans default. In 2015, <a href="glossary.html#default-rate">default rates</a> rose to 19.6% of “all” loans.</p>
<ul><li>No full stop <code>emp_length</code></li></ul>
<table><tr><td>a cell</td></tr></table><details><p>Folded.</p></details>
<p><math><mn>2</mn></math> is two, and the default rate of emp_title is odd.</p>
<figure><figcaption>Odds ratio by grade.</figcaption></figure>
</main><footer><p>Foot.</p></footer>"""


def test_sentences_are_those_of_paragraphs_items_and_captions():
    assert sentences(PAGE) == [
        "Loans default.",
        "In 2015, default rates rose to 19.6% of “all” loans.",
        "No full stop code",
        "is two, and the default rate of emp_title is odd.",
        "Odds ratio by grade.",
    ]
    assert blocks(PAGE)[0].links == ["glossary.html#default-rate"]


def test_words_are_counted_with_numbers():
    assert words_per_sentence(["Loans default.", "It rose to 19.6% (n = 9)."]) == pytest.approx((2 + 6) / 2)


@pytest.mark.parametrize(
    ("word", "count"),
    [("loan", 1), ("default", 2), ("squared", 1), ("rated", 2), ("measures", 2), ("probability", 5), ("people", 2), ("losses", 2), ("odds-ratio", 3)],
)  # fmt: skip
def test_syllables_are_about_right(word: str, count: int):
    assert syllables(word) == count


def test_short_words_in_short_sentences_read_more_easily():
    easy = flesch_reading_ease(["We lent to ten. Two did not pay."])
    hard = flesch_reading_ease(
        ["Notwithstanding considerable heterogeneity, multicollinearity precludes interpretability of coefficients."]
    )
    assert easy > 90
    assert hard < 0


def test_a_raw_name_is_found_in_a_sentence_and_not_in_code():
    assert raw_names(PAGE) == ["emp_title"]


def test_a_term_has_to_be_linked_where_it_is_used_first_and_not_in_a_caption():
    terms = {"default-rate": r"\bdefault rates?\b", "odds-ratio": r"\bodds ratios?\b", "smote": "SMOTE"}
    assert unlinked(PAGE, terms) == []
    assert unlinked(PAGE.replace("#default-rate", "#f2"), terms) == ["default-rate"]


def test_names_out_of_order_are_named():
    assert out_of_order(["Calibration", "Cramér’s V", "Back-test", "DTI"]) == ["Back-test"]
