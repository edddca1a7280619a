"""`loantap policy`: the decision sheet of a run, and an asked rule in the same columns, which is never called shown."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from policy_sheet import CONFIDENCE, write_sheet
from sealed import seal_run
from serve_run import write_run
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.cli.common import console
from loantap.errors import InputError
from loantap.exhibits.economics import rounded
from loantap.exhibits.words import ABSENT, capital, show
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model
from loantap.model.tuning import split_loans
from loantap.policy.levers import Cap
from loantap.policy.verdicts import APPROVE_ALL, NOT_SHOWN
from loantap.runs.results import RunFolder, decision_sheet
from loantap.runs.what_if import WhatIf, what_if

RUINOUS = Economics(loss_given_default=1.0, default_after=0.0, settled_after=1.0, funding_cost=0.0)  # refusing gains


@pytest.fixture(scope="module")
def bare(fitted: FittedModel, loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a decision sheet."""
    return write_run(tmp_path_factory.mktemp("runs") / "r1", fitted, loans)


@pytest.fixture(scope="module")
def run(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with a sheet."""
    folder = shutil.copytree(bare, tmp_path_factory.mktemp("judged") / "r1")
    write_sheet(folder)
    return folder


@pytest.fixture(scope="module")
def halves(loans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The loans that the run's model was fitted on, and those it has not seen, by the card of serve_run."""
    rows = split_loans(loans["default"], test_share=0.25, random_state=0)
    return loans.iloc[rows[0]], loans.iloc[rows[1]].reset_index(drop=True)


def asked(run: Path, *caps: Cap, threshold: float | None = None, capacity: float | None = None) -> WhatIf:
    return what_if(RunFolder(run), caps, threshold=threshold, capacity=capacity, repetitions=20, random_state=0)


def loantap(*words: object, width: int = 200) -> tuple[int, str]:
    """Return the exit code and what was said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "_width", width)
        done = CliRunner().invoke(app, ["policy", *map(str, words)])
    if isinstance(done.exception, InputError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def table_lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(("│", "┃", "┏", "┡", "└"))]


# The sheet of the run


def test_without_a_limit_the_recommendation_comes_first_and_each_policy_has_a_row(run: Path):
    sheet = RunFolder(run).result("policy")
    code, said = loantap("--run", run)
    assert code == 0, said
    assert said.startswith(sheet["recommendation"])
    rows = [line for line in table_lines(said) if NOT_SHOWN in line or "declines nobody" in line]
    assert len(rows) == len(sheet["policies"])
    for row, entry in zip(rows, sheet["policies"], strict=True):
        for name, kind in (("refused", "rate"), ("profit_per_100", "number")):
            assert show(entry[name], kind) in row
        gain = rounded(entry["gain"], entry["gain_low"], entry["gain_high"]) if entry["n_refused"] else ABSENT
        assert gain in row
        assert (entry["verdict"] if entry["n_refused"] else "declines nobody") in row
    assert said.rstrip().endswith(sheet["caveat"])


def test_the_level_of_the_intervals_is_that_of_the_run(run: Path):
    code, said = loantap("--run", run)
    assert code == 0
    assert f"{100 * CONFIDENCE:g}% bootstrap intervals" in said
    assert "95%" not in said


def test_who_is_refused_is_told_for_the_policies_that_differ(run: Path):
    _, said = loantap("--run", run)
    by_grade = said.split("Declined, of each grade")[1]
    assert "Cap on DTI at 25" in by_grade
    assert "Cap on DTI at 9999" not in by_grade  # it refuses nobody, as the first


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_tables_fit_the_console(run: Path, width: int):
    _, said = loantap("--run", run, width=width)
    assert {len(line) for line in table_lines(said)} <= set(range(width + 1))
    assert all(line[-1] in "│┃┓┩┘" for line in table_lines(said)), "a column is cut"


@pytest.mark.parametrize("older", [None, {"recommendation": "Adopt it.", "effects": {}}])
def test_a_run_without_a_sheet_is_exit_code_2_and_says_what_to_do(bare: Path, tmp_path: Path, older: dict | None):
    folder = shutil.copytree(bare, tmp_path / "r1")
    if older:
        RunFolder(folder).write_result("policy", older)
        seal_run(folder)
    code, said = loantap("--run", folder)
    assert code == 2
    assert "expected the decision sheet of the run" in said
    assert "--cap dti=25" in said
    assert decision_sheet(RunFolder(folder)) is None


# An asked rule


def test_the_asked_rule_stands_between_refusing_nobody_and_the_policies_of_the_run(run: Path):
    sheet = RunFolder(run).result("policy")
    code, said = loantap("--run", run, "--cap", "dti=25", "--repetitions", 20)
    assert code == 0, said
    rows = [line for line in table_lines(said) if NOT_SHOWN in line or "declines nobody" in line]
    titles = ["Approve all", "Asked rule", *(capital(entry["title"]) for entry in sheet["policies"][1:])]
    assert [line.split("│")[1].split()[0] for line in rows] == [title.split()[0] for title in titles]
    same = next(entry for entry in sheet["policies"] if entry["name"] == "cap_dti")
    assert rows[1].split("│")[2:9] == rows[3].split("│")[2:9], "the same cap, on the same loans"
    assert same["n_refused"] == asked(run, Cap("dti", 25.0)).effect["n_refused"]


def test_without_a_sheet_it_stands_beside_refusing_nobody(bare: Path):
    assert [entry["name"] for entry in asked(bare, Cap("dti", 25.0)).beside] == [APPROVE_ALL]


def test_its_gain_is_the_profit_of_the_refused_turned_round(bare: Path, halves: tuple[pd.DataFrame, pd.DataFrame]):
    test = halves[1]
    refused = test["dti"] > 20
    profit = loan_profit(test, Economics())
    entry = asked(bare, Cap("dti", 20.0)).effect
    assert entry["gain"] == pytest.approx(-profit[refused].sum())
    assert entry["profit_per_100"] == pytest.approx(
        100 * profit[~refused].sum() / test.loc[~refused, "loan_amnt"].sum()
    )
    assert entry["gain_low"] <= entry["gain"] <= entry["gain_high"]
    assert entry["gain_least"] <= entry["gain"] <= entry["gain_most"]


def test_who_it_refuses_adds_up(bare: Path):
    entry = asked(bare, threshold=0.25).effect
    assert set(entry["composition"]) == {"grade", "term", "risk_decile", "income_band", "home_ownership"}
    for levels in entry["composition"].values():
        assert (sum(row["n"] for row in levels), sum(row["n_refused"] for row in levels)) == (entry["n"], entry["n_refused"])  # fmt: skip


def test_a_gain_on_the_loans_it_was_tried_on_is_not_shown(bare: Path, tmp_path: Path):
    folder = shutil.copytree(bare, tmp_path / "r1")
    write_sheet(folder, RUINOUS)
    entry = asked(folder, threshold=0.4).effect
    assert entry["gain_low"] > 0, "it would be shown, had the loans had no part in choosing it"
    assert entry["verdict"] == NOT_SHOWN
    code, said = loantap("--run", folder, "--threshold", 0.4, "--repetitions", 20)
    assert code == 0, said
    assert "\nVerdict: not shown. It was tried on these very loans" in said


def test_it_assumes_what_the_sheet_beside_it_assumes(bare: Path, run: Path, tmp_path: Path):
    folder = shutil.copytree(bare, tmp_path / "r1")
    write_sheet(folder, RUINOUS)
    assert "loses 100% of the balance" in asked(folder, Cap("dti", 25.0)).note
    assert "loses 75% of the balance" in asked(bare, Cap("dti", 25.0)).note
    assert (asked(run, Cap("dti", 25.0)).confidence, asked(bare, Cap("dti", 25.0)).confidence) == (CONFIDENCE, 0.95)


def test_what_refuses_nobody_says_so(run: Path):
    code, said = loantap("--run", run, "--cap", "dti=9999", "--repetitions", 20)
    assert code == 0, said
    assert "above 9,999.\nVerdict: not shown. It declines nobody." in said
    assert "“asked rule”" not in said, "whom it refuses is not told where it refuses nobody"


# A capacity


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_a_capacity_is_a_threshold_that_at_most_the_share_of_the_training_loans_reaches(
    bare: Path, halves: tuple[pd.DataFrame, pd.DataFrame], share: float
):
    model = load_model(bare / "model")
    training, test = (model.probability(loans) for loans in halves)
    reached = np.sort(training)[::-1][: round(share * len(training))]
    at = reached.min() if len(reached) else 2.0
    assert asked(bare, capacity=share).effect["n_refused"] == (test >= at).sum()
    assert (training >= at).mean() <= share


def test_the_capacity_of_the_model_is_its_own_threshold(bare: Path, halves: tuple[pd.DataFrame, pd.DataFrame]):
    model = load_model(bare / "model")
    refused = model.probability(halves[1]) >= model.metadata.capacity_threshold
    assert asked(bare, capacity=model.metadata.capacity).effect["n_refused"] == refused.sum()


def test_a_capacity_and_a_cap_refuse_what_either_refuses(bare: Path):
    both = asked(bare, Cap("dti", 25.0), capacity=0.2)
    alone = [asked(bare, Cap("dti", 25.0)), asked(bare, capacity=0.2)]
    assert both.rules == [rule for one in alone for rule in one.rules]
    counts = [one.effect["n_refused"] for one in alone]
    assert max(counts) < both.effect["n_refused"] <= sum(counts)


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "many"])
def test_a_capacity_that_is_no_share_is_exit_code_2(bare: Path, share: str):
    code, said = loantap("--run", bare, "--capacity", share)
    assert (code, "--capacity" in said) == (2, True), said
