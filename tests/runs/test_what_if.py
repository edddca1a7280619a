"""What a cap would have done to a run's test loans: refused where it makes no sense, and counted by hand where it does."""

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed import seal_run
from serve_run import write_run
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.errors import InputError
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model
from loantap.model.tuning import split_loans
from loantap.policy.levers import Cap
from loantap.runs.results import RunFolder
from loantap.runs.what_if import CAPPED, WhatIf, parse_caps, what_if

HIGHEST = 9_999  # percent, the codebook's highest DTI; nobody is above it


@pytest.fixture(scope="module")
def run(fitted: FittedModel, loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder(write_run(tmp_path_factory.mktemp("runs") / "r1", fitted, loans))


@pytest.fixture(scope="module")
def test_loans(loans: pd.DataFrame) -> pd.DataFrame:
    """The loans that the run's model has not seen, by the card of serve_run."""
    _, rows = split_loans(loans["default"], test_share=0.25, random_state=0)
    return loans.iloc[rows].reset_index(drop=True)


def asked(run: RunFolder, *caps: Cap, threshold: float | None = None) -> WhatIf:
    return what_if(run, caps, threshold=threshold, repetitions=20, random_state=0)


def loantap(*words: object) -> tuple[int, str]:
    """Return the exit code and what was said."""
    done = CliRunner().invoke(app, ["policy", *map(str, words)], env={"COLUMNS": "200"})
    if isinstance(done.exception, InputError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


# Which caps are taken


def test_caps_are_read():
    assert parse_caps(["dti=25", " revol_util = 80.5 "]) == [Cap("dti", 25.0), Cap("revol_util", 80.5)]
    assert parse_caps([]) == []
    assert parse_caps(["loan_amnt=1e4"]) == [Cap("loan_amnt", 10_000.0)]


@pytest.mark.parametrize(
    "text", ["dti", "dti:25", "=25", "fico=700", "grade=3", "default=0", "pincode=1", "issue_d=1", "", "DTI=25"]
)
def test_another_form_or_column_is_refused(text: str):
    with pytest.raises(InputError, match=f"expected NAME=VALUE with NAME among .*dti.*, got '{re.escape(text)}'"):
        parse_caps([text])


@pytest.mark.parametrize("value", ["", "high", "25%", "-1", "nan", "inf", "-inf", "1e300", "25=30"])
def test_what_is_no_sensible_number_is_refused(value: str):
    with pytest.raises(InputError, match=f"--cap dti: expected a number.* got '{re.escape(value)}'"):
        parse_caps([f"dti={value}"])


@pytest.mark.parametrize(("text", "meant"), [("dti=0.25", "25"), ("revol_util=0.8", "80"), ("dti=0.07", "7")])
def test_a_fraction_of_what_is_in_percent_is_refused(text: str, meant: str):
    with pytest.raises(InputError, match=rf"looks like a fraction\. Name {meant}\.$"):
        parse_caps([text])


def test_a_column_twice_is_refused():
    with pytest.raises(InputError, match="each column once"):
        parse_caps(["dti=25", "dti=30"])


def test_only_numbers_known_at_application_time_can_be_capped():
    assert set(CAPPED) == {"dti", "revol_util", "loan_amnt", "annual_inc"}


# What they do


def test_the_answer_is_a_count_over_the_test_loans(run: RunFolder, test_loans: pd.DataFrame):
    refused = (test_loans["dti"] > 20) | (test_loans["revol_util"] > 70)
    bad, n = test_loans["default"] == 1, len(test_loans)
    effect = asked(run, Cap("dti", 20.0), Cap("revol_util", 70.0)).effect
    assert (effect["n"], effect["n_refused"]) == (n, refused.sum())
    profit, amount = loan_profit(test_loans, Economics()), test_loans["loan_amnt"].sum()
    by_hand = {
        "refused": refused.mean(),
        "defaults_avoided": (refused & bad).sum() / bad.sum(),
        "good_refused": (refused & ~bad).sum() / (~bad).sum(),
        "default_rate_approved": bad[~refused].mean(),
        "profit": 100 * profit[~refused].sum() / amount,
        "profit_change": -100 * profit[refused].sum() / amount,
    }
    for name, value in by_hand.items():
        assert effect[name] == pytest.approx(value, rel=1e-9), name  # sums of the same numbers in another order
        assert effect[f"{name}_low"] <= value <= effect[f"{name}_high"], name


def test_a_threshold_refuses_at_and_above_the_models_probability(run: RunFolder, test_loans: pd.DataFrame):
    probability = load_model(run.path / "model").probability(test_loans)
    at = float(np.sort(probability)[-100])  # itself refused
    assert asked(run, threshold=at).effect["n_refused"] == (probability >= at).sum() >= 100


def test_a_cap_and_a_threshold_refuse_what_either_refuses(run: RunFolder, test_loans: pd.DataFrame):
    probability = load_model(run.path / "model").probability(test_loans)
    found = asked(run, Cap("dti", 25.0), threshold=0.3)
    assert found.effect["n_refused"] == ((test_loans["dti"] > 25) | (probability >= 0.3)).sum()
    assert found.rules == [
        "decline applications with DTI above 25",
        "decline applications with a probability of default of 30.00% or more",
    ]


def test_a_cap_that_refuses_nobody_changes_nothing(run: RunFolder):
    found = asked(run, Cap("dti", HIGHEST))
    for name in ("refused", "defaults_avoided", "good_refused", "profit_change", "n_refused"):
        assert found.effect[name] == 0, name
    assert found.effect["profit_change_low"] == found.effect["profit_change_high"] == 0
    assert found.gaps == []


def test_refusing_everybody_leaves_no_default_rate(run: RunFolder):
    found = asked(run, threshold=0.0)
    assert (found.effect["refused"], found.effect["defaults_avoided"], found.effect["profit"]) == (1, 1, 0)
    assert math.isnan(found.effect["default_rate_approved"])
    assert found.gaps == []


@settings(max_examples=5)
@given(st.floats(1.1, 60), st.floats(1.1, 60))
def test_a_looser_cap_never_refuses_more(run: RunFolder, one: float, other: float):
    tight, loose = (asked(run, Cap("dti", limit)).effect for limit in sorted((one, other)))
    for name in ("n_refused", "n_defaults_avoided", "n_good_refused"):
        assert loose[name] <= tight[name]


def test_the_groups_of_good_customers_that_are_hit_most_are_named(run: RunFolder):
    gaps = asked(run, Cap("dti", 18.0)).gaps
    assert any(gap.startswith("Good customers declined, by income: ") for gap in gaps)
    assert all("points more often than" in gap for gap in gaps)


def test_the_answer_says_what_it_rests_on(run: RunFolder):
    note = asked(run, Cap("dti", 25.0)).note
    for words in (
        "n = 1,000 test loans of run r1",
        "loses 75% of the balance",
        "Synthetic loans.",
        "A limit chosen on these very loans",
    ):
        assert words in note


# From the command line


def test_the_command_answers(run: RunFolder, test_loans: pd.DataFrame):
    code, said = loantap("--cap", "dti=25", "--run", run.path, "--repetitions", 20)
    assert code == 0, said
    assert "Decline applications with DTI above 25." in said
    assert f"{100 * (test_loans['dti'] > 25).mean():.1f}%" in said


@pytest.mark.parametrize("words", [["--cap", f"dti={HIGHEST}"], ["--threshold", "0"]])
def test_the_command_answers_at_both_ends(run: RunFolder, words: list[str]):
    code, said = loantap(*words, "--run", run.path, "--repetitions", 20)
    assert code == 0, said
    assert "nan" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "a limit to ask about"),
        (["--cap", "fico=700"], "NAME among"),
        (["--cap", "dti=0.3"], "looks like a fraction"),
        (["--threshold", "nan"], "--threshold"),
        (["--threshold", "1.1"], "--threshold"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(run: RunFolder, words: list[str], told: str):
    code, said = loantap(*words, "--run", run.path)
    assert (code, told in said) == (2, True), said


def test_a_run_without_a_model_is_exit_code_2(run: RunFolder, tmp_path: Path):
    shutil.copytree(run.path, tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "model")
    seal_run(tmp_path / "bare")
    code, said = loantap("--cap", "dti=25", "--run", tmp_path / "bare")
    assert (code, "expected a saved model" in said or "part of a saved model" in said) == (2, True), said
