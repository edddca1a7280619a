import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from loantap.model.logistic import PathLogisticRegression


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_500, 6))
    log_odds = X @ np.array([1.0, -0.5, 0.3, 0.0, 0.0, 0.2]) - 1
    return X, (rng.random(1_500) < 1 / (1 + np.exp(-log_odds))).astype(int)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("penalty", "l1_ratio", "solver"), [("l2", 0.0, "newton-cholesky"), ("l1", 1.0, "saga")])
def test_it_minimises_the_objective_of_scikit_learn(
    table: tuple[np.ndarray, np.ndarray], penalty: str, l1_ratio: float, solver: str, C: float
):
    X, y = table
    ours = PathLogisticRegression(penalty, C).fit(X, y)
    theirs = LogisticRegression(C=C, l1_ratio=l1_ratio, solver=solver, tol=1e-8, max_iter=20_000).fit(X, y)
    # Both stop at a small gradient, not at the same point; 2e-3 in a coefficient moves no decision here.
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=2e-3)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=2e-3)


def test_a_path_ends_where_single_fits_end(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    for C, coefficients, _ in PathLogisticRegression("l1").path(X, y.astype(float), [1.0, 0.01, 0.1]):
        assert coefficients == pytest.approx(PathLogisticRegression("l1", C).fit(X, y).coef_[0], abs=2e-3)


def test_probabilities_follow_the_log_odds(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    model = PathLogisticRegression().fit(X, y)
    probabilities = model.predict_proba(X)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(y)))
    assert ((probabilities[:, 1] > 0.5) == (model.predict(X) == 1)).all()


def test_one_class_is_refused(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    with pytest.raises(ValueError, match="expected two classes"):
        PathLogisticRegression().fit(X, np.zeros_like(y))


def test_fitting_warns_of_nothing(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PathLogisticRegression("l1", 0.1).fit(X, y)
