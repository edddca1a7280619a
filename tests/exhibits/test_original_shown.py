"""Where the original's figures came from: what is said follows from what was found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits.original import printed, steps, steps_sentence
from loantap.exhibits.words import to_markdown
from loantap.model.economics import Economics
from loantap.model.fitted import FittedModel
from loantap.model.original import Original, evaluate_original
from loantap.model.study import Evaluation, evaluate_model
from loantap.model.tuning import split_loans


@pytest.fixture(scope="module")
def original(loans: pd.DataFrame) -> Original:
    halves = (loans.iloc[part] for part in split_loans(loans["default"], test_share=0.3, random_state=0))
    return evaluate_original(*halves, inputs="with_pincode", rows=1_000, repetitions=20, random_state=0)


@pytest.fixture(scope="module")
def evaluation(fitted: FittedModel, loans: pd.DataFrame) -> Evaluation:
    return evaluate_model(
        fitted, loans, economics=Economics(), confidence=0.95, repetitions=20, min_cell=10, random_state=0
    )


def test_each_step_has_a_row_between_what_was_printed_and_the_champion(original: Original, evaluation: Evaluation):
    assert steps(original, evaluation).table is None  # it does not see the pincode, as the original did
    with_pincode = replace(evaluation.model, recipe=replace(evaluation.model.recipe, inputs="with_pincode"))
    shown = steps(original, replace(evaluation, model=with_pincode))
    assert shown.table is not None
    assert shown.table["step"].tolist() == [
        "printed by the original, over its folds", "its protocol rebuilt, over its folds", *[step["step"] for step in original.steps], "this project's champion",
    ]  # fmt: skip
    first = shown.table.iloc[0]
    assert first[["accuracy", "precision", "recall", "f2"]].to_dict() == printed()
    assert np.isnan(first["roc_auc"])  # it printed none over its folds
    assert len(to_markdown(shown.table, shown.columns).splitlines()) == len(shown.table) + 2


def test_the_sentence_names_source_dropped_columns_and_every_change(original: Original):
    dropped = ["int_rate", "grade_B", "home_ownership_OWN", "credit_quarter_2"]
    said = steps_sentence(vars(replace(original, dropped=dropped)))
    assert "Shubham680Dalal" in said
    assert "leaves out interest rate, grade B, home ownership own and credit quarter 2." in said
    assert said.count(" to ") >= len(original.steps) - 1  # each change has an interval
