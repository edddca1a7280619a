"""What would change the answer: verified by scoring again, and against a search of every value."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loantap.data.annuity import annuity
from loantap.model.persistence import SavedModel
from loantap.scoring.application import score_application
from loantap_serving.alternatives import Alternative, alternatives, told_apart


def at(model: SavedModel, threshold: float) -> SavedModel:
    facts = model.metadata.model_copy(update={"threshold": threshold})
    return replace(model, metadata=facts)


def probability(model: SavedModel, application: dict[str, Any], **changes: Any) -> float:
    return score_application(model, {**application, **changes}).probability_of_default


def by_fields(model: SavedModel, application: dict[str, Any]) -> dict[tuple[str, ...], Alternative]:
    return {found.fields: found for found in alternatives(model, application)}


def payment(amount: float, rate: float, months: int) -> float:
    r = rate / 1200
    return round(amount * r / (1 - (1 + r) ** -months), 2)


@pytest.fixture(scope="module", params=["refer", "approve"])
def case(request: pytest.FixtureRequest, model: SavedModel, application: dict[str, Any]) -> tuple[SavedModel, dict]:
    """A model whose threshold lies a little on the other side of the application's probability."""
    now = probability(model, application)
    return at(model, now * (0.97 if request.param == "refer" else 1.03)), application


def test_every_change_verifies_through_the_score_itself(case: tuple[SavedModel, dict]):
    model, application = case
    now, reached = score_application(model, application).decision, 0
    for found in alternatives(model, application):
        if found.changes:
            changed = application | {change.field: change.after for change in found.changes}
            score = score_application(model, changed)
            assert score.decision != now
            assert found.probability == score.probability_of_default
            assert all(change.before == application[change.field] for change in found.changes)
            reached += 1
    assert reached >= 1


def test_no_smaller_round_change_of_debt_or_amount_would_do(case: tuple[SavedModel, dict]):
    model, application = case
    refer = score_application(model, application).decision == "refer"
    for field, step in (("dti", 0.1), ("loan_amnt", 100.0)):
        found = by_fields(model, application)[(field,)]
        summary = model.training.numbers[field]
        end = summary.low if refer else min(summary.high, 60.0 if field == "dti" else np.inf)
        if found.changes:
            end = found.changes[0].after
        grid = np.round(np.arange(np.ceil(summary.low / step), summary.high / step) * step, 1)
        between = grid[(grid > min(end, application[field])) & (grid < max(end, application[field]))]
        assert len(between) > 0 or found.changes
        for value in between:
            changed = {field: float(value)}
            if field == "loan_amnt":
                changed["installment"] = payment(float(value), application["int_rate"], 36)
            assert (probability(model, application, **changed) >= model.threshold) == refer


def test_the_installment_follows_amount_and_term(case: tuple[SavedModel, dict]):
    model, application = case
    found = [alternative for alternative in alternatives(model, application) if alternative.changes]
    for alternative in found:
        after = {change.field: change.after for change in alternative.changes}
        if alternative.fields == ("dti",):
            assert "installment" not in after
        else:
            amount, term = after.get("loan_amnt", application["loan_amnt"]), after.get("term", application["term"])
            assert after["installment"] == payment(amount, application["int_rate"], int(term[:2]))
            assert "which the lender may set anew" in alternative.text


def test_amount_and_term_are_changed_together_only_where_nothing_alone_does(model: SavedModel, application: dict):
    term = "60 months"
    long = application | {"term": term, "installment": payment(10_000, application["int_rate"], 60)}
    reach: dict[tuple[str, ...], float] = {}
    low, high = model.training.numbers["dti"].low, long["loan_amnt"]
    amounts = np.arange(np.ceil(model.training.numbers["loan_amnt"].low / 100) * 100, high, 100)
    reach["alone"] = min(
        min(probability(model, long, dti=float(dti)) for dti in np.arange(low, long["dti"], 0.5)),
        min(probability(model, long, loan_amnt=a, installment=payment(a, long["int_rate"], 60)) for a in amounts),
        probability(model, long, term="36 months", installment=payment(high, long["int_rate"], 36)),
    )
    both = [probability(model, long, term="36 months", loan_amnt=a, installment=payment(a, long["int_rate"], 36)) for a in amounts]  # fmt: skip
    if min(both) >= reach["alone"] * 0.995:
        pytest.skip("this model gains nothing from both together")
    between = at(model, (min(both) + reach["alone"]) / 2)
    found = by_fields(between, long)
    assert [bool(found[fields].changes) for fields in (("dti",), ("loan_amnt",), ("term",))] == [False] * 3
    assert {change.field for change in found["loan_amnt", "term"].changes} == {"loan_amnt", "term", "installment"}


def test_what_leads_nowhere_says_so_with_its_bounds(model: SavedModel, application: dict):
    found = by_fields(at(model, 1e-6), application)
    assert list(found) == [("dti",), ("loan_amnt",), ("term",), ("loan_amnt", "term")]
    assert all(not alternative.changes and alternative.probability is None for alternative in found.values())
    lowest = np.ceil(model.training.numbers["dti"].low * 10) / 10
    assert (
        found["dti",].text
        == f"No debt-to-income down to {lowest:.1f}% brings the probability below the threshold of 0.0%."
    )
    assert "a term of 60 months does not bring" in found["term",].text.lower()
    # An approval that nothing turns is not asked for combinations.
    assert list(by_fields(at(model, 0.999), application)) == [("dti",), ("loan_amnt",), ("term",)]


def test_a_debt_to_income_at_the_lower_end_cannot_be_lowered(model: SavedModel, application: dict):
    found = by_fields(at(model, 1e-6), application | {"dti": 0.0})
    assert found["dti",].text == "The debt-to-income is already as low as in the training loans."


def test_a_score_that_turns_twice_is_not_searched_by_halving(
    model: SavedModel, application: dict, monkeypatch: pytest.MonkeyPatch
):
    """Only debt-to-incomes near 20 are approved: a search by halving from 26 to 0 would jump over them."""

    def bumpy(value: float) -> float:
        return 0.0 if 19.9 < value < 20.25 else 5.0

    monkeypatch.setattr(
        type(model.scorer), "one", lambda self, features: [bumpy(features["dti"]), *[0.0] * (len(self.features) - 1)]
    )
    monkeypatch.setattr(
        type(model.scorer),
        "many",
        lambda self, frame: np.column_stack([frame["dti"].map(bumpy), np.zeros((len(frame), len(self.features) - 1))]),
    )
    cut = model.calibration.one(model.scorer.intercept + 2.5)
    found = by_fields(at(model, cut), application | {"dti": 26.0})["dti",]
    assert [change.after for change in found.changes] == [20.2]


def test_missing_numbers_are_no_obstacle(model: SavedModel, application: dict):
    gaps = application | dict.fromkeys(("revol_util", "mort_acc", "pub_rec_bankruptcies", "emp_length", "issue_d"))
    assert len(alternatives(at(model, probability(model, gaps) * 1.03), gaps)) == 3


def test_the_annuity_pays_the_loan_back():
    left = 10_000.0
    for _ in range(36):
        left = left * (1 + 11.44 / 1200) - annuity(10_000, 11.44, 36)
    assert left == pytest.approx(0, abs=1e-6)


def test_an_installment_left_out_is_the_annuity(case: tuple[SavedModel, dict]):
    model, application = case
    due = payment(application["loan_amnt"], application["int_rate"], 36)
    bare = {name: value for name, value in application.items() if name != "installment"}
    assert alternatives(model, bare) == alternatives(model, application | {"installment": due})


def test_an_installment_that_is_not_the_annuity_keeps_its_ratio_to_it(model: SavedModel, application: dict):
    stated = application | {"installment": 500.0}
    low = at(model, probability(model, stated) * 1.03)
    found = by_fields(low, stated)["loan_amnt",]
    after = {change.field: change.after for change in found.changes}
    ratio = 500 / annuity(stated["loan_amnt"], stated["int_rate"], 36)
    assert after["installment"] == pytest.approx(ratio * annuity(after["loan_amnt"], stated["int_rate"], 36), abs=0.006)
    # No smaller amount does: it is the amount that turns the answer, and not another payment in secret.
    before = after["loan_amnt"] - 100
    assert (
        before == stated["loan_amnt"]
        or probability(
            low, stated, loan_amnt=before, installment=round(ratio * annuity(before, stated["int_rate"], 36), 2)
        )
        < low.threshold
    )


@pytest.mark.parametrize(
    ("probability", "threshold", "told"),
    [
        (0.121, 0.132, ("12.1%", "13.2%")),
        (0.1318, 0.1321, ("13.18%", "13.21%")),
        (0.13159, 0.13160, ("13.159%", "13.160%")),
        (0.132, 0.132, ("13.2%", "13.2%")),
    ],
)
def test_a_probability_and_the_threshold_are_told_apart(probability: float, threshold: float, told: tuple[str, str]):
    assert told_apart(probability, threshold) == told


def test_a_sentence_names_the_threshold_and_the_amount_as_stated(case: tuple[SavedModel, dict]):
    model, application = case
    odd = application | {"loan_amnt": 9_999.6}
    told = [found for found in alternatives(model, odd) if found.changes]
    assert told
    for found in told:
        assert found.probability is not None
        first, second = told_apart(found.probability, model.threshold)
        assert f"would be {first}," in found.text
        assert found.text.endswith(f"the threshold of {second}.")
        assert ("instead of 9,999.60" in found.text) == ("loan_amnt" in found.fields)
