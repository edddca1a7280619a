from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom

from loantap.data.columns import FEATURE_BY_NAME
from loantap.model.explain import _changes, _groups, odds_ratios, refitted
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import fit_model

pytestmark = pytest.mark.slow


def ratios(
    model: FittedModel, X: pd.DataFrame, y: np.ndarray, *, rows: int = 2_000, repetitions: int = 30
) -> pd.DataFrame:
    refits = refitted(model, X, y, repetitions=repetitions, random_state=0)
    return odds_ratios(model, X, y, refits=refits, rows=rows, min_cell=10, random_state=0)


def fitted(
    loans: pd.DataFrame, *, encoding: str = "plain", sampler: str = "none", C: float = 1.0, **options: Any
) -> FittedModel:
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    recipe = Recipe("without_pincode", encoding, sampler, **options)
    rest = {"sample": np.arange(900), "folds": 3, "random_state": 0}
    return fit_calibrated(X, y, np.ones(len(y)), recipe=recipe, C=C, **rest)


@pytest.fixture(scope="module")
def loans(loans: pd.DataFrame) -> pd.DataFrame:
    """Fewer of them: each test fits dozens of models."""
    return loans.head(2_000)


@pytest.fixture(scope="module")
def table(loans: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    return feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()


def test_where_the_model_is_a_straight_line_it_is_the_coefficient_times_the_change(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray]
):
    model = fitted(loans)
    found = ratios(model, *table, repetitions=3).set_index("change")["odds_ratio"]
    names = list(model.model[:-1].get_feature_names_out())
    coefficient = model.model["model"].coef_[0][names.index("credit_history_months")]
    scaler = model.model["standard"].named_transformers_["plain_safer"]["standardscaler"]
    spread = scaler.scale_[list(scaler.feature_names_in_).index("credit_history_months")]
    assert found["5 more years of credit history"] == pytest.approx(np.exp(60 * coefficient / spread))
    rent, mortgage = (
        model.model["model"].coef_[0][names.index(f"home_ownership_{level}")] for level in ("RENT", "MORTGAGE")
    )
    assert found["home ownership rent rather than mortgage"] == pytest.approx(np.exp(rent - mortgage))


@pytest.mark.parametrize(
    ("encoding", "sampler"),
    [
        ("ratios", "none"),
        pytest.param("plain", "class_weights", marks=pytest.mark.long),
        pytest.param("plain", "SMOTE", marks=pytest.mark.long),
    ],
)
def test_intervals_are_as_wide_as_the_bootstrap_says(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray], encoding: str, sampler: str
):
    X, y = table
    model = fitted(loans, encoding=encoding, sampler=sampler)
    found = ratios(model, X, y, rows=300, repetitions=60).set_index("change")
    names = [
        "debt-to-income 5 points higher",
        "annual income doubled",
        "1 more mortgage account",
        "employment not stated",
    ]
    changes = {
        words: (before, after)
        for _, words, before, after in _changes(X.head(300), _groups(X, y, min_cell=10))
        if words in names
    }
    rng, draws = np.random.default_rng(0), []
    for _ in range(50):
        rows = rng.integers(0, len(X), len(X))
        again = fit_model(X.iloc[rows], y[rows], recipe=model.recipe, penalty="l2", C=model.C, random_state=0)
        draws.append(
            [
                (again.decision_function(after) - again.decision_function(before)).mean()
                for before, after in map(changes.get, names)
            ]
        )
    own = found.loc[names]
    # The end that a direction does not cut off: the other one may be 1.
    far = np.where(own["odds_ratio"] > 1, own["ci_high"], own["ci_low"])
    half = np.abs(np.log(far / own["odds_ratio"])).to_numpy() / 1.96
    # Sixty and fifty draws leave standard deviations uncertain by about 10% each; knots, fills and neighbours are drawn anew as well.
    assert half == pytest.approx(np.std(draws, axis=0, ddof=1), rel=0.4)


@pytest.fixture(scope="module")
def told(loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray]) -> pd.DataFrame:
    return ratios(fitted(loans, encoding="ratios", C=0.1), *table)


def test_the_strongest_change_stands_first_and_every_interval_holds_its_estimate(told: pd.DataFrame):
    assert np.log(told["odds_ratio"]).abs().is_monotonic_decreasing
    known = told.dropna()
    assert ((known["ci_low"] < known["odds_ratio"]) & (known["odds_ratio"] < known["ci_high"])).all()
    assert {"amount doubled", "employment not stated"} <= set(told["change"])


def test_no_interval_goes_beyond_what_its_direction_allows(told: pd.DataFrame):
    for row in told.dropna().itertuples():
        higher = FEATURE_BY_NAME[row.feature].higher
        if higher == "riskier":
            assert 1 <= row.ci_low <= row.odds_ratio, row.change
        if higher == "safer" and "not" not in row.change:
            assert row.odds_ratio <= row.ci_high <= 1, row.change


@pytest.fixture(scope="module")
def contrary(loans: pd.DataFrame) -> pd.DataFrame:
    """The loans, with an outcome that goes against the direction of the rate and hardly with anything else."""
    rate = loans["int_rate"] - loans["int_rate"].mean()
    default = np.random.default_rng(0).random(len(loans)) < expit(-0.3 * rate - 1)
    return loans.assign(default=default.astype(int))


def test_what_its_direction_holds_at_nothing_has_no_interval_and_what_is_left_out_no_row(contrary: pd.DataFrame):
    X, y = feature_frame(contrary, inputs="without_pincode"), contrary["default"].to_numpy()
    bound, free = (
        ratios(fitted(contrary, obeys=obeys), X, y, rows=200, repetitions=10).set_index("change")
        for obeys in (True, False)
    )
    words = "interest rate 1 point higher"
    assert bound.loc[words, "odds_ratio"] == 1
    assert bound.loc[words, ["ci_low", "ci_high", "p_value"]].isna().all()
    assert free.loc[words, "ci_high"] < 0.9  # so it is the direction that holds it
    without = ratios(fitted(contrary, without=("int_rate",)), X, y, rows=200, repetitions=10)
    assert words not in {*without["change"]}
    assert {*without["change"]} == {*bound.index} - {words}


def test_fewer_loans_to_draw_from_leave_the_intervals_about_as_wide(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    model, width = fitted(loans, obeys=False), []
    for rows in (len(loans), 1_500):
        monkeypatch.setattr("loantap.model.explain.REFIT_ROWS", rows)
        found = ratios(model, *table, rows=200, repetitions=60).set_index("change")
        width.append(np.log(found["ci_high"] / found["ci_low"]))
    # Each change leaves some 13% of doubt about either width; their median over some twenty leaves little.
    assert np.median(width[1][width[0].index] / width[0]) == pytest.approx(1, abs=0.15)


def test_what_follows_from_a_changed_input_changes_with_it(table: tuple[pd.DataFrame, np.ndarray]):
    changes = {
        words: (before, after) for _, words, before, after in _changes(table[0].head(50), _groups(*table, min_cell=10))
    }
    before, after = changes["amount doubled"]
    assert after["loan_to_income"].to_numpy() == pytest.approx(2 * before["loan_to_income"].to_numpy())
    before, after = changes["one grade worse"]
    assert (after["sub_grade"] - before["sub_grade"] == 5).all()
    before, after = changes["60 months rather than 36"]
    assert ({*before["term"]}, {*after["term"]}) == ({36.0}, {60.0})


def test_a_change_that_few_loans_stand_behind_is_left_out(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    rare, few = X.copy(), np.flatnonzero(y == 0)[:30]
    rare["revol_util"] = X["revol_util"].fillna(50.0)
    rare.loc[X.index[few], "revol_util"] = np.nan  # thirty loans, none of which defaulted
    told = {words for _, words, _, _ in _changes(X, _groups(rare, y, min_cell=10))}
    assert "revolving utilisation not known" not in told
    rare.loc[X.index[np.flatnonzero(y == 1)[:10]], "revol_util"] = np.nan
    told = {words for _, words, _, _ in _changes(X, _groups(rare, y, min_cell=10))}
    assert "revolving utilisation not known" in told
    assert _groups(rare, y, min_cell=1) == _groups(rare, y, min_cell=5)  # below, no interval is right
    for least in (10, 40):
        named = {words for name, words, _, _ in _changes(X, _groups(X, y, min_cell=least)) if name == "purpose"}
        cells = pd.crosstab(X["purpose"], y).min(axis=1)
        assert len(named) == (cells >= least).sum() - 1, least


@pytest.mark.long  # six models
def test_where_nothing_goes_with_default_small_groups_stand_out_no_oftener_than_others(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray]
):
    X, y = table
    beyond, asked = 0, 0
    for draw in range(6):
        mixed = np.random.default_rng(draw).permutation(y)
        model = fitted(loans.assign(default=mixed), C=3.0)
        found = ratios(model, X, mixed, rows=100, repetitions=60)
        groups = found[found["change"].str.contains("rather than|not known|not stated")].dropna()
        beyond += ((groups["ci_low"] > 1) | (groups["ci_high"] < 1)).sum()
        asked += len(groups)
    # Changes of one model go together, so twice what independent ones would show once in a thousand times.
    assert beyond <= 2 * binom.ppf(0.999, asked, 0.05)
