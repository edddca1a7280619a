from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import binom
from statsmodels.stats.outliers_influence import variance_inflation_factor

from loantap.model.diagnostics import learning, likelihood_ratios
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe, encode

pytestmark = pytest.mark.slow

Data = tuple[FittedModel, pd.DataFrame, np.ndarray]


@pytest.fixture(scope="module")
def data(loans: pd.DataFrame) -> Data:
    some = loans.head(3_000)
    X, y = feature_frame(some, inputs="without_pincode"), some["default"].to_numpy()
    options: Any = {"recipe": Recipe("without_pincode", "plain", "none"), "C": 0.3, "random_state": 0}
    return fit_calibrated(X, y, np.ones(len(y)), sample=np.arange(900), folds=3, **options), X, y


def test_ratios_and_inflation_are_those_of_statsmodels(data: Data):
    model, X, y = data
    found = likelihood_ratios(model, X, y).set_index("feature")
    columns = pd.DataFrame(encode(model.model, X), columns=model.model[:-1].get_feature_names_out())
    for name in X.select_dtypes(object):  # where every loan has one of the levels, one of them follows from the others
        levels = [column for column in columns if column.startswith(f"{name}_")]
        columns = columns.drop(columns=levels[-1:] if (columns[levels].sum(axis=1) == 1).all() else [])
    names, matrix = list(columns), columns.to_numpy()
    whole = sm.Logit(y, sm.add_constant(matrix)).fit(disp=0, maxiter=200)
    for name in ("sub_grade", "annual_inc", "loan_amnt"):
        own = names.index(name)
        without = sm.Logit(y, sm.add_constant(np.delete(matrix, own, axis=1))).fit(disp=0, maxiter=200)
        assert found.loc[name, "likelihood_ratio"] == pytest.approx(2 * (whole.llf - without.llf), abs=0.01), name
        assert found.loc[name, "columns"] == 1
        expected = variance_inflation_factor(sm.add_constant(matrix), own + 1)
        assert found.loc[name, "inflation"] == pytest.approx(expected, rel=1e-6), name


def test_a_category_and_a_number_that_may_be_missing_are_tested_with_all_their_columns(data: Data):
    found = likelihood_ratios(*data).set_index("feature")
    assert found.loc["purpose", "columns"] > 3
    assert found.loc["mort_acc", "columns"] == 2
    assert found["columns"].sum() == np.linalg.matrix_rank(np.cov(encode(data[0].model, data[1]), rowvar=False))


def test_inputs_that_nearly_follow_from_each_other_are_tested_all_the_same(data: Data):
    model, X, y = data
    wobble = np.random.default_rng(5).normal(1, 1e-6, len(X))
    X = X.assign(loan_amnt=X["annual_inc"] * wobble)
    found = likelihood_ratios(model, X, y).set_index("feature")
    columns = pd.DataFrame(encode(model.model, X), columns=model.model[:-1].get_feature_names_out())
    level = {name: _log_likelihood(columns.drop(columns=name), y) for name in ("annual_inc", "loan_amnt")}
    whole = _log_likelihood(columns, y)
    for name, without in level.items():
        assert found.loc[name, "likelihood_ratio"] == pytest.approx(2 * (whole - without), abs=0.02), name
        assert found.loc[name, "inflation"] > 1_000, name


def _log_likelihood(columns: pd.DataFrame, y: np.ndarray) -> float:
    """Return the largest one, from columns at right angles: no solver has trouble with them."""
    spread = columns.to_numpy() - columns.to_numpy().mean(axis=0)
    directions, sizes, _ = np.linalg.svd(spread, full_matrices=False)
    directions = directions[:, sizes > 1e-9 * sizes[0]] * np.sqrt(len(y))
    return float(sm.Logit(y, sm.add_constant(directions)).fit(disp=0, maxiter=200).llf)


def test_inputs_add_nothing_no_oftener_than_chance_where_outcomes_are_shuffled(data: Data):
    model, X, y = data
    p = [likelihood_ratios(model, X, np.random.default_rng(draw).permutation(y))["p_value"] for draw in range(20)]
    below = (np.concatenate(p) < 0.05).sum()
    assert below <= binom.ppf(0.999, sum(map(len, p)), 0.05)
    assert below >= binom.ppf(0.001, sum(map(len, p)), 0.05)


def test_a_gain_is_the_paired_difference_to_the_size_before():
    scores = np.array([[0.6, 0.62, 0.61], [0.66, 0.67, 0.68], [0.66, 0.67, 0.685]])
    found = learning(np.array([100, 200, 300]), scores, folds=3)
    assert found["n"].tolist() == [100, 200, 300]
    assert found["gain"].tolist()[1:] == pytest.approx([0.06, 0.005 / 3])
    assert np.isnan(found["gain"][0])
    assert found["gain_low"][1] > 0 > found["gain_low"][2]
