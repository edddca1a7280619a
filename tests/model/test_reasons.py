"""Reasons: told against a typical loan, one for inputs that say much the same, and never against a declared direction."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.model.inputs import application_features, feature_frame
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT, Effect, Reason, reasons_of, voices
from loantap.scoring.application import all_reasons

Fields = dict[str, Any]
WORDS = {"above": 1, "worse than": 1, "below": -1, "better than": -1, "at": 0}


@pytest.fixture(scope="module")
def odd(raw_loans: pd.DataFrame) -> list[Fields]:
    """Applications of which each field comes from another loan, many of them extreme or left out."""
    rng, made = np.random.default_rng(5), {}
    for name, column in BY_NAME.items():
        if name not in raw_loans or column.kind in ("text", "address"):
            continue
        values = raw_loans[name].astype("object").where(raw_loans[name].notna(), None).to_numpy().copy()
        values = rng.permutation(values)[:600]
        if column.kind == "number":
            values = np.array([None if value is None else float(value) for value in values], dtype=object)
            wild = rng.random(len(values)) < 0.1
            values[wild] = rng.uniform(column.low, min(column.high, 1e5), wild.sum())
        if column.missing:
            values[rng.random(len(values)) < 0.2] = None
        made[name] = [value.strip() if isinstance(value, str) else value for value in values]
    return [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]


def told(reason: Reason, model: SavedModel, *, although: bool | None = None) -> dict[str, str]:
    """Return what a reason says of each of its inputs: how it lies to the median, or that it is not known.

    With `although`, only of those that pull the other way, or only of the others.
    """
    said, found = reason.text.rpartition("; ")[0], {}
    pull, _, other = said.partition(", although ")
    for part in [
        *(pull.split(", and ") if not although else []),
        *([other] if other and although is not False else []),
    ]:
        (line,) = (line for line in model.reasons if part.lower().startswith(f"{line.label.lower()} is "))
        place = re.search(r", (above|below|at|worse than|better than) the portfolio's median of", part)
        found[line.feature] = "not known" if part.endswith(" is not known") else place[1] if place else ""
    return found


def test_no_reason_contradicts_a_declared_direction(model: SavedModel, odd: list[Fields]):
    seen, turned = set(), 0
    for application in odd:
        for reason in all_reasons(model, application):
            other = told(reason, model, although=True)
            turned += len(other)
            for name, place in told(reason, model).items():
                way = {"riskier": 1, "safer": -1, "open": 0}[FEATURE_BY_NAME[name].higher]
                # A word that judges says it already; one that only places is judged by the declaration.
                worse = WORDS.get(place, 0) * (1 if place.endswith("than") else way)
                if place == "not known":
                    worse = 1
                if worse:
                    raises = (reason.effect == "raises") is (name not in other)
                    assert raises is (worse > 0), reason.text
                seen.add((name, place))
    assert {
        ("mort_acc", "not known"),
        ("revol_util", "not known"),
        ("dti", "below"),
        ("sub_grade", "worse than"),
    } <= seen
    assert turned > 20


def test_inputs_that_say_much_the_same_are_told_in_one_reason(model: SavedModel, odd: list[Fields]):
    lines = {line.feature: line for line in model.reasons}
    for application in odd[:200]:
        reasons = all_reasons(model, application)
        spoken = [lines[name].voice or name for reason in reasons for name in list(told(reason, model))[:1]]
        assert len(spoken) == len(set(spoken))
        for reason in reasons:
            assert next(iter(told(reason, model))) == reason.feature  # the strongest comes first
            assert {lines[name].voice or name for name in told(reason, model)} == {
                lines[reason.feature].voice or reason.feature
            }


def test_amount_price_and_records_have_one_voice_each(model: SavedModel):
    together = [
        {model.reasons[place].feature for place in places} for places in voices(model.reasons) if len(places) > 1
    ]
    wanted = [{"loan_amnt", "loan_to_income"}, {"int_rate", "sub_grade"}, {"pub_rec", "pub_rec_bankruptcies"}]
    assert sorted(together, key=sorted) == sorted(wanted, key=sorted)


def test_a_voice_counts_by_its_sum_and_tells_what_pulls_the_other_way(model: SavedModel, application: Fields):
    features = application_features(application, inputs="without_pincode", month="Jan-2015")
    places = {line.feature: place for place, line in enumerate(model.reasons)}

    def price(rate: float, sub_grade: float) -> Reason:
        contributions = [line.typical for line in model.reasons]
        contributions[places["int_rate"]] += rate
        contributions[places["sub_grade"]] += sub_grade
        shown = features | {"int_rate": 29.0, "sub_grade": 12.0}
        (reason,) = reasons_of(contributions, shown, model.reasons, model.training, slope=2.0)
        return reason

    both = price(0.1, 0.3)
    assert (both.code, both.feature, both.effect, both.contribution) == (
        "R18",
        "sub_grade",
        "raises",
        pytest.approx(0.8),
    )
    assert re.fullmatch(
        r"The lender's sub-grade is C3, worse than the portfolio's median of [A-G]\d, and the interest rate is 29\.00%, "
        r"above the portfolio's median of \d+\.\d\d%; together they raise the risk\.",
        both.text,
    )
    one = price(0.3, -0.1)
    assert (one.feature, one.contribution) == ("int_rate", pytest.approx(0.4))
    assert one.text.startswith("The interest rate is 29.00%, ")
    assert re.fullmatch(
        r"The interest rate is 29\.00%, above the portfolio's median of \d+\.\d\d%, although the lender's sub-grade is C3, worse than "
        r"the portfolio's median of [A-G]\d; together they raise the risk\.",
        one.text,
    )
    slight = price(0.3, -0.49 * SLIGHT)
    assert slight.text.endswith("%; this raises the risk.")
    assert price(0.3, -0.5 * SLIGHT).text.endswith("; together they raise the risk.")


@pytest.mark.parametrize("effect", ["raises", "lowers"])
def test_beside_the_strongest_what_is_slight_is_no_reason_for_a_decision(
    model: SavedModel, application: Fields, effect: Effect
):
    features = application_features(application, inputs="without_pincode", month="Jan-2015")
    places = {line.feature: place for place, line in enumerate(model.reasons)}
    sign = 1 if effect == "raises" else -1
    contributions = [line.typical for line in model.reasons]
    contributions[places["dti"]] += sign * 0.51 * SLIGHT
    contributions[places["annual_inc"]] += sign * 0.49 * SLIGHT
    contributions[places["term"]] -= sign * 0.1
    asked: Any = (contributions, features, model.reasons, model.training)
    assert [reason.feature for reason in reasons_of(*asked, slope=2.0, effect=effect)] == ["dti"]
    assert [reason.feature for reason in reasons_of(*asked, slope=2.0)] == ["term", "dti", "annual_inc"]
    # It is of calibrated log-odds; the strongest is told however slight it is.
    assert len(reasons_of(*asked, slope=2.1, effect=effect)) == 2
    assert [reason.feature for reason in reasons_of(*asked, slope=1.0, effect=effect)] == ["dti"]


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("home_ownership", "RENT", "Home ownership is rent; "),
        ("purpose", "debt_consolidation", "The purpose is debt consolidation; "),
        ("verification_status", "Not Verified", "The check of the income is not verified; "),
        ("loan_to_income", 0.22, "The amount as a share of annual income is 22%, above the portfolio's median of "),
        ("revol_bal", 12_400.4, "The revolving balance is 12,400, above the portfolio's median of "),
    ],
)
def test_values_are_told_in_words(model: SavedModel, application: Fields, feature: str, value: float | str, text: str):
    features = application_features(application, inputs="without_pincode", month="Jan-2015") | {feature: value}
    contributions = [line.typical + (line.feature == feature) for line in model.reasons]
    (reason,) = reasons_of(contributions, features, model.reasons, model.training, slope=1.0)
    assert reason.text.startswith(text)
    assert not re.search(r"\d %", reason.text)


def test_an_ordered_category_is_told_by_its_level(model: SavedModel, application: Fields):
    median = BY_NAME["sub_grade"].levels[int(model.training.numbers["sub_grade"].median)]
    for level, words in (("A1", "better than"), (median, "at"), ("G5", "worse than")):
        texts = [reason.text for reason in all_reasons(model, application | {"sub_grade": level})]
        texts = [text for text in texts if "sub-grade is" in text]
        assert all(f"sub-grade is {level}, {words} the portfolio's median of {median}" in text for text in texts)
        assert texts or level == median


def test_typical_is_the_median_of_a_number_and_the_mean_of_a_category(model: SavedModel, loans: pd.DataFrame):
    X = feature_frame(loans, inputs="without_pincode")
    means = dict(zip(model.scorer.features, model.scorer.many(X).mean(axis=0), strict=True))
    medians = X.head(1).assign(**X.median(numeric_only=True))
    at_median = dict(zip(model.scorer.features, model.scorer.many(medians)[0], strict=True))
    for line in model.reasons:
        wanted = (means if FEATURE_BY_NAME[line.feature].enters == "category" else at_median)[line.feature]
        assert line.typical == pytest.approx(wanted, abs=1e-12), line.feature
