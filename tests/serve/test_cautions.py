"""Doubts about a score: with their numbers, the same for one application and for many."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.annuity import annuity
from loantap.data.columns import BY_NAME
from loantap.model.persistence import SavedModel, load_model
from loantap.serve.batch import score_table
from loantap.serve.cautions import RARELY, Caution
from loantap.serve.scoring import score_application

Fields = dict[str, Any]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> SavedModel:
    return load_model(model_folder)


def doubts(model: SavedModel, application: Fields, **changes: Any) -> list[Caution]:
    return score_application(model, application | changes).warnings


def missing(model: SavedModel, share: float, **facts: Any) -> SavedModel:
    """The model as if this share of its training loans had lacked the utilisation."""
    numbers = model.training.numbers
    changed = {**numbers, "revol_util": numbers["revol_util"].model_copy(update={"missing": share})}
    training = model.training.model_copy(update={"numbers": changed})
    told = model.facts.model_copy(update=facts)
    return SavedModel(model.version, told, model.pipeline, model.reasons, training, model.card)


@pytest.mark.parametrize(("share", "had"), [(0.0, "all"), (0.0006, "99.9 %"), (0.000_001, "99.9 %"), (0.049, "95.1 %")])
def test_an_input_left_out_that_few_loans_lacked_is_a_doubt(
    model: SavedModel, application: Fields, share: float, had: str
):
    (found,) = doubts(missing(model, share), application, revol_util=None)
    assert (found.field, found.code) == ("revol_util", "rarely_left_out")
    assert found.text == (
        f"revol_util: it is left out, and {had} of the training loans had it. "
        "It is taken to be at least as risky as one that at most 1 % of them exceed."
    )


def test_an_input_that_many_loans_lacked_may_be_left_out(model: SavedModel, application: Fields):
    assert doubts(missing(model, RARELY), application, revol_util=None) == []


def test_what_a_left_out_input_counts_as_is_the_models_own(model: SavedModel, application: Fields):
    (found,) = doubts(missing(model, 0.001, unknown="learned"), application, revol_util=None)
    assert found.text.endswith("It counts as one in the middle of theirs, and as the few without it turned out.")


def test_a_rate_far_from_its_sub_grades_is_a_doubt(model: SavedModel, application: Fields):
    known = model.training.rates["B4"]
    (found,) = (one for one in doubts(model, application, int_rate=25.0, installment=None) if one.field == "int_rate")
    assert found.code == "rate_far_from_sub_grade"
    assert "25.00 % is far from what training loans of sub-grade B4" in found.text
    assert f"{known.low:g} % to {known.high:g} %" in found.text
    for rate in (known.low, known.high):
        assert doubts(model, application, int_rate=rate, installment=None) == []


def test_more_bankruptcies_than_records_are_a_doubt(model: SavedModel, application: Fields):
    pair = {"pub_rec": 1.0, "pub_rec_bankruptcies": 2.0}
    (found,) = (one for one in doubts(model, application, **pair) if one.code != "outside_training_range")
    assert found.code == "bankruptcies_above_records"
    assert found.text.startswith("pub_rec_bankruptcies: 2 is more than pub_rec, 1, ")
    assert all(one.code != found.code for one in doubts(model, application, pub_rec=2.0, pub_rec_bankruptcies=2.0))


def test_an_installment_is_the_annuity_or_left_out_or_a_doubt(model: SavedModel, application: Fields):
    due = annuity(application["loan_amnt"], application["int_rate"], 36)
    for stated in (None, due, 1.01 * due):
        assert doubts(model, application, installment=stated) == []
    bare = {name: value for name, value in application.items() if name != "installment"}
    assert score_application(model, bare) == score_application(model, application)
    (found,) = doubts(model, application, installment=500.0)
    assert found.code == "not_the_annuity"
    assert f"500.00 is not the annuity of amount, rate and term, {due:,.2f}" in found.text


def test_what_the_model_does_not_look_at_raises_no_doubt_of_its_own(model: SavedModel, application: Fields):
    blind = missing(model, 0.001, features=[name for name in model.facts.features if name != "revol_util"])
    assert doubts(blind, application, revol_util=None) == []
    assert doubts(blind, application, revol_util=900.0) == []
    assert {one.code for one in doubts(model, application, revol_util=900.0)} == {"outside_training_range"}


def test_a_range_of_levels_is_told_by_levels(model: SavedModel, application: Fields):
    numbers = model.training.numbers
    narrow = {**numbers, "sub_grade": numbers["sub_grade"].model_copy(update={"low": 0.0, "high": 10.0})}
    training = model.training.model_copy(update={"numbers": narrow})
    small = SavedModel(model.version, model.facts, model.pipeline, model.reasons, training, model.card)
    (found,) = (one for one in doubts(small, application, sub_grade="C3", grade="C") if one.field == "sub_grade")
    assert (
        found.text
        == "sub_grade: C3 is outside of what nearly all training loans had, A1 to C1; the score is a guess there."
    )


def test_many_applications_have_as_many_doubts_as_each_alone(model: SavedModel, raw_loans: pd.DataFrame):
    rng, some = np.random.default_rng(3), raw_loans.head(400).astype("object")
    some = some.where(some.notna(), None).assign(term=raw_loans["term"].str.strip())
    for name in (
        "int_rate",
        "pub_rec_bankruptcies",
        "installment",
        "annual_inc",
        "revol_util",
        "dti",
        "home_ownership",
    ):
        column, changed = BY_NAME[name], rng.random(len(some)) < 0.2
        wild = rng.choice(column.levels, len(some)) if column.levels else rng.uniform(column.low, min(column.high, 1e6), len(some))  # fmt: skip
        some.loc[changed, name] = wild[changed]
    for name in ("revol_util", "installment", "emp_length", "mort_acc"):
        some.loc[rng.random(len(some)) < 0.2, name] = None
    numbers = [column.name for column in BY_NAME.values() if column.kind == "number"]
    some[numbers] = some[numbers].astype(float)
    records = some.astype("object").where(some.notna(), None).to_dict("records")
    alone = [len(score_application(model, record).warnings) for record in records]
    assert score_table(model, some)["warnings"].tolist() == alone
    assert len(set(alone)) > 3
