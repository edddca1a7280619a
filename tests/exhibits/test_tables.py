import numpy as np
import pandas as pd
import pytest

from loantap.exhibits.words import columns, interval, show, to_markdown


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (396030, "count", "396,030"),
        (0.1961, "rate", "19.6%"),
        (0.0, "rate", "0%"),
        (1e-17, "rate", "0%"),
        (0.0003, "rate", "< 0.1%"),
        (0.0005, "rate", "0.1%"),
        (-0.0003, "rate", "0.0%"),
        (0.5, "score", "0.500"),
        (-0.0003, "score", "0.000"),
        (-0.0013, "score", "-0.001"),
        (1.234, "ratio", "1.23"),
        (1234.5, "ratio", "1,234"),
        (1e-9, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        ("00813", "text", "00813"),
        ("at 5%", "text", "at 5%"),
        (None, "rate", "–"),
        (np.nan, "count", "–"),
    ],
)
def test_numbers_as_a_reader_wants_them(value: object, kind: str, text: str):
    assert show(value, kind) == text  # type: ignore[arg-type]


def test_an_interval_names_its_unit_once():
    assert interval(0.182, 0.191, "rate") == "18.2 to 19.1%"
    assert interval(1.2, 3.4, "ratio") == "1.20 to 3.40"
    assert interval(None, 1, "ratio") == "–"
    assert interval(0.0, 0.023, "rate") == "0 to 2.3%"
    assert interval(0.0001, 0.023, "rate") == "< 0.1 to 2.3%"


def test_an_interval_that_rounds_to_nothing_is_not_from_nothing_to_nothing():
    assert interval(0.0, 0.0, "rate") == "0%"
    assert interval(0.0001, 0.0002, "rate") == "< 0.1%"
    assert interval(-0.0001, -0.0002, "rate") == "0.0%"
    assert interval(0.15601, 0.15602, "rate") == "15.6 to 15.6%"  # narrow, and no nothing


def test_texts_stand_left_and_numbers_right():
    table = pd.DataFrame({"level": ["a|b"], "default_rate": [0.2]})
    lines = to_markdown(table, {"level": "text", "default_rate": "rate"}).splitlines()
    assert lines[0].split("|")[2].strip() == "Default rate"
    assert lines[1].startswith("|:")
    assert lines[1].endswith(":|")
    assert "a\\|b" in lines[2]


def test_what_people_wrote_does_not_become_markup():
    table = pd.DataFrame({"title": ["<script>alert(1)</script>", "*boss* [x](y)"]})
    text = to_markdown(table, {"title": "text"})
    assert "\\<script\\>" in text
    assert "\\*boss\\*" in text
    assert "\\[x\\]" in text


def test_a_kind_with_interval_takes_the_ends_that_bear_the_columns_name():
    table = pd.DataFrame(
        {"profit": [1.5], "profit_low": [-0.2], "profit_high": [3.25], "ci_low": [9.0], "ci_high": [9.9]}
    )
    assert cells(table, {"profit": "number with interval"}) == ["1.50 (-0.20 to 3.25)"]


def test_a_kind_with_interval_takes_the_common_ends_otherwise():
    table = pd.DataFrame({"default_rate": [0.2], "ci_low": [0.15], "ci_high": [0.255], "n": [3]})
    assert cells(table, {"default_rate": "rate with interval", "n": "count"}) == ["20.0% (15.0 to 25.5%)", "3"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.2, np.nan, np.nan, "20.0%"),
        (0.2, 0.1, np.nan, "20.0%"),
        (np.nan, 0.1, 0.3, "–"),
        (np.nan, np.nan, np.nan, "–"),
    ],
)
def test_an_interval_that_is_not_known_is_left_out(value: float, low: float, high: float, text: str):
    table = pd.DataFrame({"rate": [value], "rate_low": [low], "rate_high": [high]})
    assert cells(table, {"rate": "rate with interval"}) == [text]


def test_a_head_names_the_confidence_of_its_interval():
    table = pd.DataFrame({"level": ["a"], "odds_ratio": [1.5], "or_low": [1.2], "or_high": [1.9]})
    shown = columns("level", "odds_ratio with interval", confidence=0.9)
    head, _, row = to_markdown(table, shown).splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == ["Level", "Odds ratio vs rest (90% CI)"]
    assert row.strip("|").split("|")[1].strip() == "1.50 (1.20 to 1.90)"
    assert "CI" not in to_markdown(table, columns("level", "odds_ratio with interval"))


def test_columns_of_one_head_are_both_shown():
    assert cells(pd.DataFrame({"n": [3], "loans": [4]}), {"n": "count", "loans": "count"}) == ["3", "4"]


def test_columns_with_an_interval_stand_right():
    table = pd.DataFrame({"rate": [0.2], "rate_low": [0.1], "rate_high": [0.3]})
    assert to_markdown(table, {"rate": "rate with interval"}).splitlines()[1].endswith(":|")


def test_an_empty_table_keeps_its_head():
    table = pd.DataFrame({"rate": [], "rate_low": [], "rate_high": []})
    lines = to_markdown(table, {"rate": "rate with interval"}).splitlines()
    assert [lines[0].strip("| "), len(lines)] == ["Rate", 2]


def cells(table: pd.DataFrame, formats: dict[str, str]) -> list[str]:
    """Return the cells of a table's first row."""
    return [cell.strip() for cell in to_markdown(table, formats).splitlines()[2].strip("|").split("|")]
