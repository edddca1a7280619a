"""The three thresholds of a model are told in one sentence, with the share of all applications that each refers."""

from typing import Any

import pytest

from loantap.exhibits.economics import referred_sentence, thresholds_told

MODEL: dict[str, Any] = {
    "beta": 2.0, "threshold": 0.132, "profit_threshold": 0.477, "capacity": 0.1, "capacity_threshold": 0.352, "test": {"n": 1_448},
    "referred": {"threshold": 0.69, "profit_threshold": 0.031, "capacity_threshold": 0.098},
}  # fmt: skip


def test_the_share_referred_comes_first():
    assert referred_sentence(MODEL) == (
        "Of all applications the model refers 69.0% at the F2 threshold (13.2%), 3.1% at the profit threshold (47.7%) and 9.8% at the "
        "threshold for a capacity of 10% (35.2%); n = 1,448 test loans."
    )
    assert (
        thresholds_told(MODEL)
        == "Thresholds: 13.2% for F2, 47.7% for profit, and 35.2% for a capacity of 10% of applications"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("profit_threshold", "none at the profit threshold"),
        ("capacity_threshold", "none at the threshold for a capacity of 10%"),
    ],
)
def test_a_threshold_out_of_reach_refers_nobody(name: str, words: str):
    told = {**MODEL, name: 1.0000000000000002}
    assert words in referred_sentence(told)
    assert thresholds_told(told) != thresholds_told(MODEL)
    assert "none for" in thresholds_told(told)
    assert "100.0%" not in referred_sentence(told) + thresholds_told(told)


def test_another_beta_and_another_capacity_leave_no_word_of_the_default():
    told = referred_sentence({**MODEL, "beta": 0.5, "capacity": 0.25})
    assert "at the F0.5 threshold " in told
    assert "for a capacity of 25%" in told
