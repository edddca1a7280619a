"""Weights of evidence, and the points scorecard that is made of them."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.columns import FEATURE_BY_NAME
from loantap.errors import MissingToolError
from loantap.model.compiled import compile_pipeline
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.persistence import BINS, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.model.scorecard import Scale, information_values, points_table, scorecard_recipe
from loantap.model.tuning import split_loans
from loantap.model.woe import LEAST_CASES, LEAST_SHARE, MOST_BINS, Bins, find_bins, steps_of
from loantap_serving import conduct_gates as conduct

pytestmark = pytest.mark.slow
pytest.importorskip("optbinning")


@pytest.fixture(scope="module")
def halves(loans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    training, test = split_loans(loans["default"], test_share=0.3, random_state=0)
    return loans.iloc[training], loans.iloc[test]


@pytest.fixture(scope="module")
def table(halves: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[pd.DataFrame, np.ndarray]:
    return feature_frame(halves[0], inputs="without_pincode"), halves[0]["default"].to_numpy()


@pytest.fixture(scope="module")
def card(table: tuple[pd.DataFrame, np.ndarray]) -> FittedModel:
    X, y = table
    options: Any = {"recipe": Recipe("without_pincode", "woe", "none"), "C": 1.0, "random_state": 0}
    return fit_calibrated(X, y, np.ones(len(y)), sample=np.arange(len(y)), folds=3, **options)


@pytest.fixture(scope="module")
def folder(
    card: FittedModel, halves: tuple[pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("model") / "scorecard"
    return save_model(out, card, loans=halves[0], card={"name": "a card"}, page="")


def test_the_weight_of_a_bin_is_the_log_of_its_shares_of_defaults_and_of_repaid_loans(card: FittedModel, table: Any):
    X, y = table
    for name, bins, _ in steps_of(card.model):
        codes = bins.codes(X[name])
        codes = np.where(codes < 0, len(bins.n) - 1 if bins.own else bins.riskiest, codes)
        assert bins.n == np.bincount(codes, minlength=len(bins.n)).tolist(), name
        assert bins.defaults == np.bincount(codes, y, minlength=len(bins.n)).astype(int).tolist(), name
        known = np.ones(len(y), dtype=bool) if bins.own else (bins.codes(X[name]) >= 0)
        inside = codes == 0
        shares = [(inside & known & (y == one)).sum() / (known & (y == one)).sum() for one in (1, 0)]
        assert bins.woe[0] == pytest.approx(np.log(shares[0] / shares[1]), abs=0.05), name  # half a loan in each bin


def test_bins_are_monotone_in_the_declared_direction_few_and_never_small(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    found = {name: find_bins(X[name], y) for name in X}
    assert sum(bins is not None for bins in found.values()) > 8
    for name, bins in found.items():
        if bins is None or not bins.splits:
            continue
        rises = np.diff(bins.woe[: len(bins.woe) - bins.own])
        way = FEATURE_BY_NAME[name].direction or np.sign(rises[0])
        assert (way * rises >= 0).all(), name
        assert len(bins.splits) < MOST_BINS, name
        assert min(bins.defaults) >= LEAST_CASES, name
        assert min(bins.n[: len(bins.n) - bins.own]) >= LEAST_SHARE * X[name].notna().sum() * 0.999, name


def test_a_missing_value_is_a_bin_of_its_own_and_at_least_as_risky_as_the_riskiest(
    table: tuple[pd.DataFrame, np.ndarray],
):
    X, y = table
    safe = X["dti"].mask(np.random.default_rng(0).random(len(y)) < np.where(y == 1, 0.05, 0.3))  # seldom among defaults
    bins = find_bins(safe, y)
    assert bins is not None
    assert bins.own
    assert bins.n[-1] == safe.isna().sum()
    assert bins.woe[-1] < 0 < bins.missing == max(bins.woe)
    assert bins.apply(pd.Series([np.nan], name="dti"))[0] == bins.missing


def test_a_level_that_no_loan_had_counts_as_the_riskiest(table: tuple[pd.DataFrame, np.ndarray]):
    bins = find_bins(table[0]["home_ownership"], table[1])
    assert bins is not None
    assert bins.apply(pd.Series(["CASTLE"], name="home_ownership"))[0] == max(bins.woe)


def test_information_is_that_of_the_textbook_for_two_bins():
    rng = np.random.default_rng(0)
    values = pd.Series(np.repeat([36.0, 60.0], 5_000), name="term")
    y = (rng.random(10_000) < np.repeat([0.1, 0.3], 5_000)).astype(int)
    bins = find_bins(values, y)
    assert bins is not None
    bad, good = (np.array([(y[part] == one).mean() for part in (slice(5_000), slice(5_000, None))]) for one in (1, 0))
    bad, good = bad / bad.sum(), good / good.sum()
    assert bins.value == pytest.approx(((bad - good) * np.log(bad / good)).sum(), rel=0.01)  # half a loan in each bin


def test_the_plain_numbers_are_the_pipeline(card: FittedModel, halves: tuple[pd.DataFrame, pd.DataFrame]):
    X = feature_frame(halves[1], inputs="without_pincode")
    X.loc[X.index[:50], "dti"] = np.nan
    X.loc[X.index[50:90], "home_ownership"] = "CASTLE"
    # On the ends of the bins too, which belong to the bin above.
    splits = next(bins.splits for name, bins, _ in steps_of(card.model) if name == "dti")
    X.loc[X.index[100 : 100 + len(splits)], "dti"] = splits
    scorer, expected = compile_pipeline(card.model), card.model.decision_function(X)
    assert scorer.many(X).sum(axis=1) + scorer.intercept == pytest.approx(expected, abs=1e-12)
    rows = X.astype(object).where(X.notna(), None).to_dict("records")
    assert [sum(scorer.one(row)) + scorer.intercept for row in rows] == pytest.approx(list(expected), abs=1e-12)


def test_a_saved_card_needs_no_optbinning_and_answers_as_it_did(
    card: FittedModel, folder: Path, halves: tuple[pd.DataFrame, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "optbinning", None)
    model = load_model(folder)
    expected = card.probability(feature_frame(halves[1], inputs="without_pincode"))
    assert model.probability(halves[1]) == pytest.approx(expected, abs=1e-12)
    assert not (folder / "pipeline.skops").exists()
    assert set(json.loads((folder / BINS).read_text("utf-8"))["inputs"]) == set(model.metadata.features)
    with pytest.raises(MissingToolError, match="a scorecard needs optbinning"):
        find_bins(pd.Series([1.0, 2.0], name="dti"), np.array([0, 1]))


@pytest.mark.parametrize(
    "gate", [conduct.worse_scores_no_better, conduct.leaving_out_buys_nothing, conduct.no_reason_against_a_direction]
)
def test_a_card_passes_the_gates_on_conduct(gate: Any, folder: Path, halves: tuple[pd.DataFrame, pd.DataFrame]):
    passed, found = gate(load_model(folder), halves[1])
    assert passed, found


def test_points_say_what_the_probability_says(card: FittedModel, table: tuple[pd.DataFrame, np.ndarray]):
    X, scale = table[0].head(300), Scale(600, 30, 20)
    base, points = points_table(card, scale)
    added = np.full(len(X), base)
    for name, bins, _ in steps_of(card.model):
        own = points[points["feature"] == name].set_index("bin")["points"]
        last = len(bins.n) - 1 if bins.own else bins.riskiest
        added += own.loc[np.where((codes := bins.codes(X[name])) < 0, last, codes)].to_numpy()
    p = card.probability(X)
    odds = (1 - p) / p
    assert added == pytest.approx(600 + 20 * np.log2(odds / 30), abs=1e-9)
    assert points["points"].min() == 0
    assert (points.groupby("feature")["points"].min() == 0).all()


def test_what_tells_hardly_anything_is_not_on_the_card(card: FittedModel):
    values = information_values(card)
    assert values["information_value"].is_monotonic_decreasing
    assert (values.loc[values["coefficient"] > 0, "information_value"] >= 0.02).all()
    assert (values["coefficient"] >= 0).all()


def test_no_scorecard_sees_the_pincode():
    assert scorecard_recipe("with_pincode", wanted=True) is None
    assert scorecard_recipe("without_pincode", wanted=False) is None
    recipe = scorecard_recipe("without_pincode", wanted=True)
    assert recipe is not None
    assert "pincode" not in recipe.features


def test_bins_of_another_form_are_rejected(folder: Path, tmp_path: Path):
    stored = json.loads((folder / BINS).read_text("utf-8"))
    first = next(iter(stored["inputs"].values()))["bins"]
    assert Bins.model_validate(first)
    with pytest.raises(ValueError, match="code"):
        Bins.model_validate({**first, "code": "import os"})
