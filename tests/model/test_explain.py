import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import binom

from loantap.model.explain import _changes, _covariance, _groups, _payment, odds_ratios
from loantap.model.finalist import Finalist, fit_finalist
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import fit_model

pytestmark = pytest.mark.slow


def finalist(loans: pd.DataFrame, *, encoding: str = "plain", sampler: str = "none", C: float = 1.0) -> Finalist:
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    recipe = Recipe("without_pincode", encoding, sampler)
    options = {"sample": np.arange(900), "folds": 3, "random_state": 0, "n_jobs": 1}
    return fit_finalist(X, y, np.ones(len(y)), recipe=recipe, C=C, **options)


@pytest.fixture(scope="module")
def table(loans: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    return feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()


def test_where_the_model_is_a_straight_line_it_is_the_coefficient_times_the_change(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray]
):
    model = finalist(loans)
    found = odds_ratios(model, *table, min_cell=10, random_state=0).set_index("change")["odds_ratio"]
    names = list(model.model[:-1].get_feature_names_out())
    coefficient = model.model["model"].coef_[0][names.index("credit_history_months")]
    spread = model.model["standard"].named_transformers_["plain"]["standardscaler"].scale_[6]
    assert list(model.model["standard"].transformers_[1][2])[6] == "credit_history_months"
    assert found["5 more years of credit history"] == pytest.approx(np.exp(60 * coefficient / spread))
    rent, mortgage = (
        model.model["model"].coef_[0][names.index(f"home_ownership_{level}")] for level in ("RENT", "MORTGAGE")
    )
    assert found["home ownership rent rather than mortgage"] == pytest.approx(np.exp(rent - mortgage))


@pytest.mark.filterwarnings(
    "ignore:Maximum Likelihood optimization failed"
)  # a rare level is separated; others are not
def test_without_a_penalty_the_covariance_is_statsmodels_robust_one(loans: pd.DataFrame):
    model = finalist(loans, C=1e9)
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    matrix = model.model[:-1].transform(X)
    # One-hot columns of a category sum to one, so only contrasts are determined: leave out one level of each.
    names = np.array(model.model[:-1].get_feature_names_out())
    numbers = [name in {"dti", "annual_inc", "revol_util", "mort_acc"} for name in names]
    reduced = np.linalg.qr(matrix - matrix.mean(axis=0))[1]
    independent = np.abs(np.diag(reduced)) > 1e-6
    expected = sm.Logit(y, sm.add_constant(matrix[:, independent])).fit(disp=0, cov_type="HC0", maxiter=300)
    found = np.sqrt(np.diag(_covariance(model, X, y))[np.array(numbers)])
    picked = np.array(numbers)[independent]
    assert found == pytest.approx(np.asarray(expected.bse)[1:][picked], rel=0.02)


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
    model = finalist(loans, encoding=encoding, sampler=sampler)
    found = odds_ratios(model, X, y, rows=300, min_cell=10, random_state=0).set_index("change")
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
    half = np.log(found.loc[names, "ci_high"] / found.loc[names, "ci_low"]).to_numpy() / (2 * 1.96)
    # Fifty draws leave a standard deviation uncertain by about 10 %; knots, levels and neighbours are drawn anew as well.
    assert half == pytest.approx(np.std(draws, axis=0, ddof=1), rel=0.35)


def test_the_strongest_change_stands_first_and_every_interval_holds_its_estimate(
    loans: pd.DataFrame, table: tuple[pd.DataFrame, np.ndarray]
):
    found = odds_ratios(finalist(loans, encoding="products", C=0.1), *table, min_cell=10, random_state=0)
    assert np.log(found["odds_ratio"]).abs().is_monotonic_decreasing
    assert ((found["ci_low"] < found["odds_ratio"]) & (found["odds_ratio"] < found["ci_high"])).all()
    assert {"amount doubled", "employment not stated"} <= set(found["change"])


def test_the_installment_follows_amount_rate_and_term(table: tuple[pd.DataFrame, np.ndarray]):
    changes = {
        words: (before, after) for _, words, before, after in _changes(table[0].head(50), _groups(*table, min_cell=10))
    }
    before, after = changes["amount doubled"]
    assert after["installment"].to_numpy() == pytest.approx(2 * before["installment"].to_numpy())
    assert after["installment_to_income"].to_numpy() == pytest.approx(2 * before["installment_to_income"].to_numpy())
    shorter, longer = changes["60 months rather than 36"]
    assert (longer["installment"] < shorter["installment"]).all()
    # By hand: 10,000 at 12 % over 36 months is 332.14 a month, over 60 months 222.44.
    loan = pd.DataFrame({"loan_amnt": 10_000.0, "int_rate": 12.0, "term": [36.0, 60.0]})
    assert _payment(loan).tolist() == pytest.approx([332.14, 222.44], abs=0.005)


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
        model = finalist(loans.assign(default=mixed), C=3.0)
        found = odds_ratios(model, X, mixed, rows=100, min_cell=10, random_state=0)
        groups = found[found["change"].str.contains("rather than|not known|not stated")]
        beyond += ((groups["ci_low"] > 1) | (groups["ci_high"] < 1)).sum()
        asked += len(groups)
    # Changes of one model go together, so twice what independent ones would show once in a thousand times.
    assert beyond <= 2 * binom.ppf(0.999, asked, 0.05)
