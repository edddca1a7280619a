"""What a reader sees of names: words, and never the name that the results keep."""

import re
from itertools import chain

import pytest

from loantap.analysis.levels import FACTORS
from loantap.analysis.professions import EMPLOYER, MISSING, OTHER
from loantap.analysis.summaries import CREDIT_HISTORY
from loantap.data.columns import COLUMNS, FEATURES
from loantap.exhibits import heads
from loantap.exhibits.words import _KIND


@pytest.mark.parametrize("name", sorted({*_KIND, "level", "driver", "separation", "known", "p_value"}))
def test_a_head_is_in_words(name: str):
    head = heads.head(name)
    assert re.fullmatch(r"[A-Zp][^_]*", head), head
    assert not re.search(r"\b(ci|or|diff|auc|dti|util|psi|smote|n|id|f2)\b", head)


@pytest.mark.parametrize(
    "name", sorted({*FACTORS, CREDIT_HISTORY, *(one.name for one in chain(COLUMNS, FEATURES) if "_" in one.name)})
)
def test_a_column_is_named_in_words(name: str):
    assert "_" not in heads.label(name)
    assert heads.label(name) != name or "_" not in name


def test_a_column_that_nobody_declared_keeps_its_name():
    assert heads.label("branch_code") == "branch_code"


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("MORTGAGE", "mortgage"),
        ("debt_consolidation", "debt consolidation"),
        ("OTHER, NONE, ANY", "other, none, any"),
        ("A1, A2 (pooled)", "A1, A2 (pooled)"),
        ("ANY, NONE (pooled)", "any, none (pooled)"),
        ("NY", "NY"),
        ("00813", "00813"),
        ("Registered Nurse", "Registered Nurse"),
        (OTHER, "Other job titles"),
        (EMPLOYER, "An employer, no job title"),
        (MISSING, "Not stated"),
    ],
)
def test_a_level_is_named_in_words(level: str, words: str):
    assert heads.level(level) == words


def test_cells_of_names_and_verdicts_are_in_words():
    assert heads.value_in_words("separation", "none_default") == "no loan defaulted"
    assert heads.value_in_words("separation", "all_default") == "all defaulted"
    assert heads.value_in_words("driver", "annual_inc") == "annual income"
    assert heads.value_in_words("title", "annual_inc") == "annual_inc"  # a text that a person wrote


def test_odds_ratios_of_levels_are_against_the_rest_and_others_are_not():
    assert heads.heads(["level", "odds_ratio"])[1] == "Odds ratio vs rest"
    assert heads.heads(["change", "odds_ratio"])[1] == "Odds ratio"
