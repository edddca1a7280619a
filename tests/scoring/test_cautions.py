"""Doubts about a score: with their numbers, the same for one application and for many."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.annuity import annuity
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.data.declarations import written
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import fit_calibrated
from loantap.model.inputs import CAPS, feature_frame
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.scoring.application import score_application
from loantap.scoring.cautions import RARELY, Caution
from loantap.scoring.table import score_table

Fields = dict[str, Any]


def doubts(model: SavedModel, application: Fields, **changes: Any) -> list[Caution]:
    return score_application(model, application | changes).warnings


def missing(model: SavedModel, share: float, name: str = "revol_util", **facts: Any) -> SavedModel:
    """The model as if this share of its recent training loans had lacked an input, the utilisation unless told otherwise."""
    numbers = model.training.numbers
    changed = {**numbers, name: numbers[name].model_copy(update={"missing": share})}
    training = model.training.model_copy(update={"numbers": changed})
    return replace(model, metadata=model.metadata.model_copy(update=facts), training=training)


@pytest.fixture(scope="module")
def blind(loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """A model that does not look at the utilisation and at the time in employment."""
    X, recipe = (
        feature_frame(loans, inputs="without_pincode"),
        Recipe("without_pincode", "ratios", "none", without=("revol_util", "emp_length_years")),
    )
    fitted = fit_calibrated(
        X, loans["default"].to_numpy(), loan_profit(loans, Economics()), recipe=recipe, C=0.3, sample=np.arange(len(X)), folds=3, random_state=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("blind") / "model"
    return load_model(save_model(folder, fitted, loans=loans, card={"name": "a test"}, page="<p>a test</p>"))


def test_the_share_below_which_hardly_any_loan_lacked_an_input():
    assert RARELY == 0.02


@pytest.mark.parametrize(
    ("share", "had"), [(0.0, "all"), (0.0006, "99.9%"), (0.000_001, "99.9%"), (0.01, "99%"), (0.019, "98.1%")]
)
def test_an_input_left_out_that_few_loans_lacked_is_a_doubt(
    model: SavedModel, application: Fields, share: float, had: str
):
    (found,) = doubts(missing(model, share), application, revol_util=None)
    assert (found.field, found.code) == ("revol_util", "rarely_left_out")
    value, more = model.scorer.unknown("revol_util")
    assert more
    assert found.text == (
        f"revol_util: it is left out, and {had} of the recent training loans had it. "
        f"It counts as {value:.1f}%, and as riskier still, as those without it were."
    )


def test_a_value_that_only_counts_as_a_risky_one_is_told_without_more(model: SavedModel, application: Fields):
    assert model.scorer.unknown("mort_acc") == (0, False)
    (found,) = doubts(missing(model, 0.001, "mort_acc"), application, mort_acc=None)
    assert found.text == "mort_acc: it is left out, and 99.9% of the recent training loans had it. It counts as 0."


def test_an_input_that_many_loans_lacked_may_be_left_out(model: SavedModel, application: Fields):
    assert doubts(missing(model, RARELY), application, revol_util=None) == []


def test_what_a_left_out_input_counts_as_is_the_models_own(model: SavedModel, application: Fields):
    (found,) = doubts(missing(model, 0.001, unknown="learned"), application, revol_util=None)
    value, _ = model.scorer.unknown("revol_util")
    assert found.text.endswith(f"It counts as {value:.1f}%, and as those without it turned out.")


@pytest.mark.parametrize(
    ("feature", "application_fields", "field", "told"),
    [
        ("annual_inc", {"annual_inc": 9e6}, "annual_inc", "annual_inc: 9,000,000 is outside of "),
        ("dti", {"dti": 99.04}, "dti", "dti: 99.0% is outside of "),
        ("revol_util", {"revol_util": 900.0}, "revol_util", "revol_util: 900.0% is outside of "),
        ("credit_history_months", {"earliest_cr_line": "Jan-1950"}, "earliest_cr_line", "earliest_cr_line: 780 months is "),
        ("loan_to_income", {"loan_amnt": 30000.0, "annual_inc": 10000.0}, "loan_amnt", "loan_amnt: 300% is outside of "),
    ],
)  # fmt: skip
def test_a_range_is_told_in_the_words_of_the_form_and_by_the_field(
    model: SavedModel, application: Fields, feature: str, application_fields: Fields, field: str, told: str
):
    form, known = FEATURE_BY_NAME[feature].form, model.training.numbers[feature]
    (found,) = (
        one for one in doubts(model, application, installment=None, **application_fields) if one.text.startswith(told)
    )
    assert (found.field, found.code) == (field, "outside_training_range")
    assert found.text.endswith(
        f"outside of what nearly all training loans had, {written(form, known.low)} to {written(form, known.high)}; the score is a guess there."
    )


def test_a_value_that_reads_like_the_end_of_its_range_is_just_outside(model: SavedModel, application: Fields):
    known = model.training.numbers["dti"]
    (found,) = doubts(model, application, dti=known.high + 0.001)
    assert found.text.startswith(f"dti: {known.high:.1f}% is just outside of what nearly all training loans had, ")


def test_what_many_have_is_no_doubt_though_it_is_capped(model: SavedModel, application: Fields):
    """The range is of values before caps, and so is what is asked about."""
    for name, cap in CAPS.items():
        known = model.training.numbers[name]
        wide = model.training.model_copy(
            update={"numbers": {**model.training.numbers, name: known.model_copy(update={"high": 2.0 * cap})}}
        )
        roomy = replace(model, training=wide)
        for value, outside in ((1.5 * cap, False), (2.5 * cap, True)):
            found = doubts(roomy, application, **{name: value})
            assert ((name, "outside_training_range") in [(one.field, one.code) for one in found]) is outside, name


def test_a_level_that_hardly_any_loan_had_counts_as_the_riskiest(model: SavedModel, application: Fields):
    (found,) = doubts(model, application, home_ownership="NONE")
    assert (found.field, found.code) == ("home_ownership", "unseen_category")
    assert found.text == "home_ownership: hardly any training loan had 'NONE'; it counts as the riskiest level."
    told = score_application(model, application | {"home_ownership": "NONE"}).probability_of_default
    others = [
        score_application(model, application | {"home_ownership": level}).probability_of_default
        for level in model.scorer.levels["home_ownership"]
    ]
    assert told >= max(others)
    free = replace(model, metadata=model.metadata.model_copy(update={"obeys": False}))
    (found,) = doubts(free, application, home_ownership="NONE")
    assert found.text.endswith("; the score leaves it out.")


def test_levels_that_only_together_enough_loans_had_and_the_level_of_nearly_all_are_no_doubt(
    model: SavedModel, application: Fields
):
    assert "wedding" in model.scorer.rare["purpose"]
    assert doubts(model, application, purpose="wedding", application_type="INDIVIDUAL") == []
    assert [found.code for found in doubts(model, application, application_type="JOINT")] == ["unseen_category"]


def test_a_rate_far_from_its_sub_grades_is_a_doubt(model: SavedModel, application: Fields):
    known = model.training.rates["B4"]
    (found,) = (one for one in doubts(model, application, int_rate=25.0, installment=None) if one.field == "int_rate")
    assert found.code == "rate_far_from_sub_grade"
    assert "25.00% is far from what training loans of sub-grade B4" in found.text
    assert f"{known.low:g}% to {known.high:g}% and 1 point to either side" in found.text
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


def test_what_the_model_was_not_shown_is_doubted_too_and_said_to_be_unused(blind: SavedModel, application: Fields):
    assert "revol_util" not in blind.metadata.features
    known = blind.training.numbers["revol_util"]
    (found,) = doubts(blind, application, revol_util=900.0)
    assert found.text == (
        f"revol_util: 900.0% is outside of what nearly all training loans had, {known.low:.1f}% to {known.high:.1f}%; "
        "the model does not look at it."
    )
    (found,) = doubts(missing(blind, 0.001), application, revol_util=None)
    assert found.text == (
        "revol_util: it is left out, and 99.9% of the recent training loans had it; the model does not look at it."
    )
    (found,) = doubts(missing(blind, 0.001, "emp_length_years"), application, emp_length=None)
    assert (found.field, found.code) == ("emp_length", "rarely_left_out")
    assert found.text.startswith("emp_length: it is left out, ")
    assert doubts(missing(blind, RARELY), application, revol_util=None) == []


def test_what_the_model_was_not_shown_moves_no_score(blind: SavedModel, application: Fields):
    scores = {
        score_application(blind, application | {"revol_util": value}).probability_of_default
        for value in (0.0, 900.0, None)
    }
    assert len(scores) == 1


def test_a_range_of_levels_is_told_by_levels(model: SavedModel, application: Fields):
    numbers = model.training.numbers
    narrow = {**numbers, "sub_grade": numbers["sub_grade"].model_copy(update={"low": 0.0, "high": 10.0})}
    training = model.training.model_copy(update={"numbers": narrow})
    small = replace(model, training=training)
    (found,) = (one for one in doubts(small, application, sub_grade="C3", grade="C") if one.field == "sub_grade")
    assert (
        found.text
        == "sub_grade: C3 is outside of what nearly all training loans had, A1 to C1; the score is a guess there."
    )


def test_an_installment_may_be_off_by_a_cent(model: SavedModel, application: Fields):
    small = application | {"loan_amnt": 10.0, "int_rate": 11.44}
    due = annuity(10.0, 11.44, 36)
    assert 0.02 * due < 0.01
    for off, doubted in ((0.009, False), (-0.009, False), (0.011, True)):
        codes = [found.code for found in doubts(model, small, installment=due + off)]
        assert ("not_the_annuity" in codes) is doubted


@pytest.mark.parametrize("which", ["model", "blind"])
def test_many_applications_have_as_many_doubts_as_each_alone(
    which: str, raw_loans: pd.DataFrame, request: pytest.FixtureRequest
):
    model: SavedModel = request.getfixturevalue(which)
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
