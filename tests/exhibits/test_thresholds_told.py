"""The three thresholds of a model are told in one sentence, with the share of all applications that each refers."""

from typing import Any

import pytest

from loantap.exhibits.thresholds import referred_sentence, thresholds_told

MODEL: dict[str, Any] = {
    "beta": 2.0, "threshold": 0.132, "profit_threshold": 0.477, "capacity": 0.1, "capacity_threshold": 0.352, "test": {"n": 1_448},
    "referred": {"threshold": 0.69, "profit_threshold": 0.031, "capacity_threshold": 0.098},
}  # fmt: skip


def test_the_share_referred_comes_first():
    assert referred_sentence(MODEL) == (
        "At the threshold for F2 (13.2% or more) the model refers 69.0% of all applications; at the one for profit (47.7% or more) "
        "3.1%; with room for 10% of them (35.2% or more) 9.8% (n = 1,448 test loans)."
    )
    assert (
        thresholds_told(MODEL)
        == "The threshold for F2 is 13.2%, the one for profit 47.7%, and with room for 10% of the applications it is 35.2%"
    )


@pytest.mark.parametrize(
    ("name", "words"), [("profit_threshold", "at the one for profit nobody"), ("capacity_threshold", "them nobody")]
)
def test_a_threshold_out_of_reach_refers_nobody(name: str, words: str):
    told = {**MODEL, name: 1.0000000000000002}
    assert words in referred_sentence(told)
    assert "out of reach (nobody would be referred)" in thresholds_told(told)
    assert "100.0%" not in referred_sentence(told) + thresholds_told(told)


def test_another_beta_and_another_capacity_leave_no_word_of_the_default():
    told = referred_sentence({**MODEL, "beta": 0.5, "capacity": 0.25})
    assert told.startswith("At the threshold for F0.5 ")
    assert "with room for 25% of them" in told
