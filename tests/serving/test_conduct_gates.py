"""The gates about what a model does to people: a champion passes, and a model that was spoilt in one way fails one of them."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.compiled import compile_pipeline
from loantap.model.inputs import CATEGORIES
from loantap.model.persistence import SavedModel, load_model
from loantap.model.reasons import Effect, Reason
from loantap.model.seal import SMOTE
from loantap.runs.results import RunFolder
from loantap_serving import conduct_gates as conduct
from loantap_serving.card_check import held_out

# By raw column the input that declares its direction, and 1 where a higher input is riskier.
DIRECTED = {
    "loan_amnt": ("loan_amnt", 1),
    "term": ("term", 1),
    "int_rate": ("int_rate", 1),
    "sub_grade": ("sub_grade", 1),
    "annual_inc": ("annual_inc", -1),
    "dti": ("dti", 1),
    "revol_util": ("revol_util", 1),
    "pub_rec": ("pub_rec", 1),
    "pub_rec_bankruptcies": ("pub_rec_bankruptcies", 1),
    "mort_acc": ("mort_acc", -1),
    "emp_length": ("emp_length_years", -1),
    "earliest_cr_line": ("credit_history_months", -1),
}


@pytest.fixture(scope="module", autouse=True)
def fewer_loans() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "SAMPLE", 200)
        yield


@pytest.fixture(scope="module")
def champion(finished_run: Path) -> SavedModel:
    return load_model(finished_run / "model")


@pytest.fixture(scope="module")
def free(finished_run: Path) -> SavedModel:
    """The tuned SMOTE model: its signs are free, and what a missing value does is learnt."""
    return load_model(finished_run / "model" / SMOTE)


@pytest.fixture(scope="module")
def unseen(finished_run: Path, champion: SavedModel) -> pd.DataFrame:
    return held_out(RunFolder(finished_run), champion)[1]


def weighing(model: SavedModel, feature: str, weight: float) -> SavedModel:
    """Return the model with another coefficient of a number."""
    pipeline = deepcopy(model.pipeline)
    place = list(pipeline["expand"].get_feature_names_out()).index(feature)
    pipeline["model"].coef_[0, place] = weight
    return replace(model, scorer=compile_pipeline(pipeline), read_pipeline=lambda: pipeline)


def test_a_change_for_the_worse_raises_the_probability(champion: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.worse_scores_no_better(champion, unseen)
    assert passed
    assert re.fullmatch(r"12 columns of 200 loans, [\d,]+ changes for the worse; largest fall: none", found)


def test_the_directions_are_those_of_the_table():
    declared = {name for name, feature in FEATURE_BY_NAME.items() if feature.higher in ("riskier", "safer")}
    assert {feature for feature, _ in DIRECTED.values()} == declared - {"loan_to_income"}  # its columns have their own
    for feature, sign in DIRECTED.values():
        assert FEATURE_BY_NAME[feature].higher == ("riskier" if sign == 1 else "safer")


@pytest.mark.parametrize("column", DIRECTED)
def test_one_input_that_goes_the_wrong_way_is_found(column: str, champion: SavedModel, unseen: pd.DataFrame):
    feature, sign = DIRECTED[column]
    passed, found = conduct.worse_scores_no_better(weighing(champion, feature, -0.001 * sign), unseen)
    assert not passed
    assert re.search(rf"largest fall: [\d.e-]+ points, for {column}$", found)


def test_a_fall_at_the_end_of_the_allowed_range_is_found(champion: SavedModel, unseen: pd.DataFrame):
    """No held-out loan is near it: the line turns back far above all of them."""
    model = replace(champion)
    slope = model.scorer
    number = next(number for number in slope._numbers if number.name == "int_rate")
    knot = (45 - number.mean) / number.scale
    turned = number._replace(knots=(0.0, knot), pieces=(number.pieces[0], (0.0, 0.0, -1.0, number.pieces[0][2] * knot)))
    slope._numbers[slope._numbers.index(number)] = turned
    assert unseen["int_rate"].max() < 40
    passed, found = conduct.worse_scores_no_better(model, unseen)
    assert not passed
    assert found.endswith("for int_rate")


def test_free_signs_let_the_rate_lower_the_risk(free: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.worse_scores_no_better(free, unseen)
    assert not passed
    assert found.endswith("points, for int_rate")


def test_leaving_a_field_out_buys_no_approval(champion: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.leaving_out_buys_nothing(champion, unseen)
    assert passed
    assert found.startswith(f"8 fields of {len(unseen):,} loans, 20 thresholds (its own refers ")


@pytest.mark.parametrize("level", ["home_ownership_RENT", "purpose_debt_consolidation", "verification_status_Verified"])
def test_an_unheard_of_level_that_counts_as_a_safe_one_is_found(level: str, champion: SavedModel, unseen: pd.DataFrame):
    """A level that raises the risk, where an unheard-of one adds nothing, can be written otherwise."""
    passed, found = conduct.leaving_out_buys_nothing(weighing(champion, level, 2.0), unseen)
    assert not passed
    field = next(name for name in CATEGORIES if level.startswith(name))
    assert re.search(
        rf"become approvals: [\d.]+%, with a level that no loan had for {field} where \d+% are referred$", found
    )


@pytest.mark.parametrize("field", ["mort_acc", "revol_util", "pub_rec_bankruptcies", "emp_length"])
def test_a_missing_value_that_counts_as_a_safe_one_is_found(field: str, champion: SavedModel, unseen: pd.DataFrame):
    feature = DIRECTED[field][0]
    passed, found = conduct.leaving_out_buys_nothing(weighing(champion, f"missingindicator_{feature}", -2.0), unseen)
    assert not passed
    assert re.search(rf"become approvals: [\d.]+%, without {field} where \d+% are referred$", found)


def test_learned_missing_values_buy_approvals(free: SavedModel, unseen: pd.DataFrame):
    assert not conduct.leaving_out_buys_nothing(free, unseen)[0]


@pytest.mark.parametrize(("threshold", "referred"), [(0.0, "100.0%"), (1.0, "0.0%")])
def test_a_threshold_that_refers_all_or_none_is_told_and_not_tried(
    threshold: float, referred: str, champion: SavedModel, unseen: pd.DataFrame
):
    metadata = champion.metadata.model_copy(update={"threshold": threshold})
    _, found = conduct.leaving_out_buys_nothing(replace(champion, metadata=metadata), unseen)
    assert f"19 thresholds (its own refers {referred}, which is not within 5% to 95%)" in found


def test_no_reason_contradicts_its_direction(champion: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.no_reason_against_a_direction(champion, unseen)
    assert passed, found
    assert re.fullmatch(r"[\d,]+ reasons of 200 loans; against a direction: 0", found)


def test_a_reason_against_a_direction_is_shown(free: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.no_reason_against_a_direction(free, unseen)
    assert not passed
    assert re.search(r'against a direction: [\d,]+, such as "The .+ the risk\."$', found)


@pytest.mark.parametrize(
    ("column", "value", "effect", "against"),
    [
        ("dti", 59.0, "lowers", True),
        ("dti", 59.0, "raises", False),
        ("dti", 0.0, "raises", True),
        ("annual_inc", 1e6, "raises", True),
        ("annual_inc", 1e6, "lowers", False),
        ("open_acc", 60.0, "raises", False),
        ("open_acc", 60.0, "lowers", False),
        ("revol_util", np.nan, "lowers", True),
        ("revol_util", np.nan, "raises", False),
    ],
)
def test_what_is_against_a_direction(
    column: str,
    value: float,
    effect: Effect,
    against: bool,
    champion: SavedModel,
    unseen: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
):
    reason = Reason("R00", column, effect, 0.1, "A reason.")
    monkeypatch.setattr(conduct, "reasons_of", lambda *_, **__: [reason])
    loans = unseen.head(3).assign(**{column: value})
    passed, found = conduct.no_reason_against_a_direction(champion, loans)
    assert passed is not against
    assert f"3 reasons of 3 loans; against a direction: {3 if against else 0}" in found


@pytest.mark.parametrize(("effect", "against"), [("lowers", True), ("raises", False)])
def test_a_summary_without_numbers_does_not_hide_that_leaving_out_lowers_the_risk(
    effect: Effect, against: bool, champion: SavedModel, unseen: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    bare = replace(champion, training=champion.training.model_copy(update={"numbers": {}}))
    told = [Reason("R00", "revol_util", effect, 0.1, f"Revolving utilisation is not known; this {effect} the risk.")]
    monkeypatch.setattr(conduct, "reasons_of", lambda *_, **__: told)
    passed, found = conduct.no_reason_against_a_direction(bare, unseen.head(3).assign(revol_util=np.nan))
    assert passed is not against
    assert ("this lowers the risk" in found) is against


def test_calibration_and_ranking_hold_in_every_year(champion: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.holds_by_vintage(champion, unseen)
    assert passed
    assert f"{len(unseen):,} loans of " in found


def of_year(loans: pd.DataFrame, year: int, model: SavedModel, factor: float) -> pd.DataFrame:
    """Return the loans with outcomes of a year drawn anew, at so many times the predicted rate."""
    drawn = np.random.default_rng(0).random(len(loans)) < factor * model.probability(loans)
    return loans.assign(default=loans["default"].where(loans["issue_d"].dt.year != year, drawn.astype(int)))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_year_that_is_off_by_a_factor_of_two_is_found(factor: float, champion: SavedModel, unseen: pd.DataFrame):
    passed, found = conduct.holds_by_vintage(champion, of_year(unseen, 2014, champion, factor))
    assert not passed
    assert re.search(r"furthest off: [\d.]+% predicted, [\d.]+% \([\d.]+% to [\d.]+%\) defaulted of 2014;", found)


def test_a_year_in_which_the_ranking_is_lost_is_found(champion: SavedModel, unseen: pd.DataFrame):
    there = unseen["issue_d"].dt.year == 2013
    shuffled = unseen["default"].where(~there, unseen["default"].sample(frac=1, random_state=0).to_numpy())
    passed, found = conduct.holds_by_vintage(champion, unseen.assign(default=shuffled))
    assert not passed
    assert re.search(r"ranked worst: ROC-AUC 0\.\d+ \(up to 0\.\d+\) of 2013, 0\.\d+ of all$", found)


def test_years_of_few_loans_are_judged_with_their_neighbours(champion: SavedModel, unseen: pd.DataFrame):
    few = pd.concat([unseen[unseen["issue_d"].dt.year == year].head(60) for year in range(2010, 2014)])
    _, found = conduct.holds_by_vintage(champion, few)
    assert re.search(r"of 201\d to 201\d", found)
