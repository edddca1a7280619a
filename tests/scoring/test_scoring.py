from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.applications import Application, month_number
from loantap.data.columns import BY_NAME
from loantap.model.inputs import application_features, feature_frame
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT
from loantap.scoring.application import all_reasons, score_application

Fields = dict[str, Any]


def as_application(loan: Fields) -> Fields:
    """Return a cleaned loan as its applicant would have sent it."""
    made = {}
    for name in Application.model_fields:
        value = loan[name]
        if BY_NAME[name].kind == "month":
            value = value.strftime("%b-%Y")
        elif name == "term":
            value = f"{value} months"
        made[name] = None if pd.isna(value) else value
    return made


def test_the_features_of_one_application_are_those_of_the_frame(loans: pd.DataFrame):
    X = feature_frame(loans, inputs="without_pincode")
    for (_, wanted), loan in zip(X.iterrows(), loans.head(500).to_dict("records"), strict=False):
        made = application_features(as_application(loan), inputs="without_pincode", month="Jan-2000")
        assert list(made) == list(wanted.index) or set(made) == set(wanted.index)
        for name, value in made.items():
            assert (value is None and pd.isna(wanted[name])) or value == wanted[name], name


def test_an_application_scores_as_in_the_notebook(model: SavedModel, loans: pd.DataFrame):
    some = loans.head(1_000)
    assert some[["mort_acc", "emp_length"]].isna().any().all()
    applications = [Application(**as_application(loan)).model_dump() for loan in some.to_dict("records")]
    answers = [score_application(model, application).probability_of_default for application in applications]
    np.testing.assert_allclose(answers, model.probability(some), rtol=0, atol=1e-12)


def test_the_threshold_decides(model: SavedModel, loans: pd.DataFrame):
    for loan in loans.head(100).to_dict("records"):
        score = score_application(model, as_application(loan))
        assert (score.decision == "refer") == (score.probability_of_default >= model.threshold)
        effects = {reason.effect for reason in score.reasons}
        assert effects == ({"raises"} if score.decision == "refer" else {"lowers"})
        assert len(score.reasons) <= 4


def test_contributions_against_a_typical_loan_sum_to_the_score(model: SavedModel, application: Fields):
    score = score_application(model, application)
    typical = sum(line.typical for line in model.reasons) + model.scorer.intercept
    log_odds = sum(reason.contribution for reason in all_reasons(model, application))
    log_odds += model.metadata.slope * typical + model.metadata.intercept
    assert score.probability_of_default == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-12)


def test_the_strongest_reason_comes_first_and_tells_the_applicants_own_value(model: SavedModel, application: Fields):
    reasons = all_reasons(model, application | {"dti": 86.24})
    strengths = [abs(reason.contribution) for reason in reasons]
    assert strengths == sorted(strengths, reverse=True)
    (dti,) = (reason for reason in reasons if reason.feature == "dti")
    assert dti.text.startswith("Debt-to-income is 86.2%, above the portfolio's median of ")
    (purpose,) = (reason for reason in reasons if reason.feature == "purpose")
    assert purpose.text.startswith("The purpose is car; this ")


def test_a_rare_level_is_said_to_be_one(model: SavedModel, application: Fields):
    assert {"wedding", "renewable_energy"} <= model.scorer.rare["purpose"]
    found = {}
    for level in ("wedding", "renewable_energy", "small_business"):
        (reason,) = (one for one in all_reasons(model, application | {"purpose": level}) if one.feature == "purpose")
        found[level] = reason
    assert found["wedding"].text.startswith("The purpose is wedding, one of the rare ones; this ")
    assert found["renewable_energy"].text.startswith("The purpose is renewable energy, one of the rare ones; this ")
    assert found["small_business"].text.startswith("The purpose is small business; this ")
    assert found["wedding"].contribution == found["renewable_energy"].contribution


def test_no_reason_for_a_decision_is_slight(model: SavedModel, loans: pd.DataFrame):
    applications = [as_application(loan) for loan in loans.head(200).to_dict("records")]
    scores = [score_application(model, application) for application in applications]
    assert all(abs(reason.contribution) >= SLIGHT for score in scores for reason in score.reasons)
    every = [reason for application in applications for reason in all_reasons(model, application)]
    assert any(abs(reason.contribution) < SLIGHT for reason in every)


def test_a_missing_value_is_a_reason_too(model: SavedModel, application: Fields):
    reasons = all_reasons(model, application | {"mort_acc": None})
    (found,) = (reason for reason in reasons if reason.feature == "mort_acc")
    assert found.text.startswith("The number of mortgage accounts is not known; ")


def test_doubts_are_told(model: SavedModel, application: Fields):
    assert score_application(model, application).warnings == []
    odd = application | {"annual_inc": 9e6, "dti": 99.0, "installment": 500.0, "home_ownership": "ANY"}
    told = {(caution.field, caution.code) for caution in score_application(model, odd).warnings}
    assert {("annual_inc", "outside_training_range"), ("dti", "outside_training_range")} <= told
    assert {("home_ownership", "unseen_category"), ("installment", "not_the_annuity")} <= told


def test_without_a_month_of_funding_it_is_now(model: SavedModel, application: Fields, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap.scoring.application.this_month", lambda: "Mar-2015")
    now = application_features(application | {"issue_d": None}, inputs="without_pincode", month="Mar-2015")
    assert now["credit_history_months"] == month_number("Mar-2015") - month_number("Mar-1998")
    left_out = {name: value for name, value in application.items() if name != "issue_d"}
    given = score_application(model, application | {"issue_d": "Mar-2015"})
    assert score_application(model, left_out) == given


def test_a_value_that_reads_like_the_median_is_said_to_be_at_it(model: SavedModel, application: Fields):
    median = model.training.numbers["dti"].median
    reasons = all_reasons(model, application | {"dti": median - 0.001})
    (dti,) = (reason for reason in reasons if reason.feature == "dti")
    assert f"at the portfolio's median of {median:.1f}%" in dti.text


@pytest.mark.parametrize("words", ["10+ years", "< 1 year"])
def test_the_time_in_employment_is_told_in_the_words_of_the_codebook(
    model: SavedModel, application: Fields, words: str
):
    table = [
        line.model_copy(update={"typical": line.typical - (line.feature == "emp_length_years")})
        for line in model.reasons
    ]
    moved = replace(model, reasons=table)
    reasons = all_reasons(moved, application | {"emp_length": words})
    (found,) = (reason for reason in reasons if reason.feature == "emp_length_years")
    assert found.text.startswith(f"The time in employment is {words}, ")


def test_an_income_of_nothing_is_one_doubt_and_not_three(model: SavedModel, application: Fields):
    told = [caution.field for caution in score_application(model, application | {"annual_inc": 0.0}).warnings]
    assert told == ["annual_inc"]
