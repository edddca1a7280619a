import numpy as np
import pandas as pd
import pytest

from loantap.report.tables import interval, show, to_markdown


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (396030, "count", "396,030"),
        (0.1961, "rate", "19.6 %"),
        (0.5, "score", "0.500"),
        (-0.0003, "score", "0.000"),
        (-0.0013, "score", "-0.001"),
        (1.234, "ratio", "1.23"),
        (1234.5, "ratio", "1,234"),
        (1e-9, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        ("00813", "text", "00813"),
        ("at 5 %", "text", "at 5 %"),
        (None, "rate", "–"),
        (np.nan, "count", "–"),
    ],
)
def test_numbers_as_a_reader_wants_them(value: object, kind: str, text: str):
    assert show(value, kind) == text  # type: ignore[arg-type]


def test_an_interval_names_its_unit_once():
    assert interval(0.182, 0.191, "rate") == "18.2 to 19.1 %"
    assert interval(1.2, 3.4, "ratio") == "1.20 to 3.40"
    assert interval(None, 1, "ratio") == "–"


def test_texts_stand_left_and_numbers_right():
    table = pd.DataFrame({"level": ["a|b"], "default_rate": [0.2]})
    lines = to_markdown(table, {"level": "text", "default_rate": "rate"}).splitlines()
    assert lines[0].split("|")[2].strip() == "default rate"
    assert lines[1].startswith("|:")
    assert lines[1].endswith(":|")
    assert "a\\|b" in lines[2]


def test_what_people_wrote_does_not_become_markup():
    table = pd.DataFrame({"title": ["<script>alert(1)</script>", "*boss* [x](y)"]})
    text = to_markdown(table, {"title": "text"})
    assert "\\<script\\>" in text
    assert "\\*boss\\*" in text
    assert "\\[x\\]" in text
