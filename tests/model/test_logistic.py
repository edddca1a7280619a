import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer

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


Wiggly = tuple[np.ndarray, np.ndarray, np.ndarray]
KNOTS, DEGREE = 5, 3
BASIS = KNOTS + DEGREE - 2


@pytest.fixture(scope="module")
def wiggly() -> Wiggly:
    """A number whose log-odds rise and fall, as a spline, beside a straight one; and both columns of a grid of it."""
    rng = np.random.default_rng(1)
    number, other = rng.uniform(-2, 2, 3_000), rng.standard_normal(3_000)
    log_odds = 0.8 * number + np.sin(3 * number) - 0.4 * other - 0.5
    y = (rng.random(3_000) < expit(log_odds)).astype(int)
    spline = SplineTransformer(KNOTS, DEGREE, knots="quantile", extrapolation="constant", include_bias=False)
    X = np.column_stack([other, spline.fit_transform(number[:, None])])
    grid = np.column_stack([np.zeros(999), spline.transform(np.linspace(-2.5, 2.5, 999)[:, None])])
    return X, y, grid


def reference(X: np.ndarray, y: np.ndarray, C: float, bounds: list[tuple[float | None, float | None]]) -> np.ndarray:
    """Return coefficients and intercept that minimise the stated objective within bounds, by another solver."""

    def objective(found: np.ndarray) -> tuple[float, np.ndarray]:
        z, coefficients = X @ found[:-1] + found[-1], found[:-1]
        loss = np.logaddexp(0, z).sum() - y @ z + coefficients @ coefficients / (2 * C)
        error = expit(z) - y
        return loss, np.append(X.T @ error + coefficients / C, error.sum())

    start = np.zeros(X.shape[1] + 1)
    options = {"maxiter": 10_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-8}
    return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)], options=options).x


@pytest.mark.parametrize("direction", [1, -1])
def test_a_bounded_curve_never_turns_back_and_a_free_one_does(wiggly: Wiggly, direction: int):
    X, y, grid = wiggly
    bound, free = (
        PathLogisticRegression(C=10, directions=((1, 0), (BASIS, way))).fit(X, y).decision_function(grid)
        for way in (direction, 0)
    )
    assert (direction * np.diff(bound)).min() >= -1e-12  # sums of B-splines: rounding only
    assert (np.maximum.accumulate(direction * free) - direction * free).max() > 0.2
    flat = np.ptp(bound) < 1e-9
    assert flat == (direction < 0)  # against the truth nothing is left of it


@pytest.mark.parametrize("C", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("direction", [1, 0])
def test_a_bounded_fit_is_that_of_another_solver(wiggly: Wiggly, direction: int, C: float):
    X, y, _ = wiggly
    steps = X.copy()
    steps[:, 1:] = np.cumsum(X[:, 1:], axis=1)
    # Sums of the first B-splines fall as the number rises, so a rising curve has steps of at most 0.
    way = [(None, 0.0)] * BASIS if direction else [(None, None)] * BASIS
    expected = reference(steps, y, C, [(0.0, None), *way])
    found = PathLogisticRegression(C=C, directions=((1, 1), (BASIS, direction))).fit(X, y)
    curve = np.cumsum(expected[1:-1][::-1])[::-1]
    # glum stops where no entry of the gradient of the mean loss exceeds 1e-5; steps of a weak penalty are flat directions.
    assert found.coef_[0] == pytest.approx(np.concatenate([[expected[0]], curve]), abs=5e-3)
    assert found.intercept_[0] == pytest.approx(expected[-1], abs=5e-3)
    assert found.coef_[0, 0] == 0.0  # its true coefficient is negative


def test_bounds_hold_exactly_and_only_where_they_bind(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    free = PathLogisticRegression().fit(X, y).coef_[0]
    kept = PathLogisticRegression(directions=tuple((1, int(np.sign(value))) for value in free)).fit(X, y).coef_[0]
    assert kept == pytest.approx(free, abs=2e-3)  # bounds that every coefficient keeps anyhow change nothing
    turned = PathLogisticRegression(directions=((1, -1), (1, 1), (1, 0))).fit(X, y).coef_[0]
    assert turned[:2].tolist() == [0.0, 0.0]  # planted at 1 and -0.5
    assert turned[2] > 0.1


def test_without_a_word_of_directions_nothing_is_bounded(table: tuple[np.ndarray, np.ndarray]):
    X, y = table
    assert (PathLogisticRegression().fit(X, y).coef_ == PathLogisticRegression(directions=[(1, 0)] * 6).fit(X, y).coef_).all()  # fmt: skip


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_a_bounded_path_ends_where_single_fits_end(wiggly: Wiggly, penalty: str):
    X, y, _ = wiggly
    shape = ((1, 1), (BASIS, 1))
    for C, coefficients, intercept in PathLogisticRegression(penalty, directions=shape).path(X, y, [1.0, 0.01, 0.1]):
        single = PathLogisticRegression(penalty, C, directions=shape).fit(X, y)
        # The gradient is stopped at another point from another start; l1 stops at 1e-4 of the mean loss.
        assert coefficients == pytest.approx(single.coef_[0], abs=2e-2 if penalty == "l1" else 5e-3)
        assert intercept == pytest.approx(single.intercept_[0], abs=2e-2 if penalty == "l1" else 5e-3)


@pytest.mark.parametrize("direction", [1, -1, 0])
def test_refits_are_those_of_another_solver(wiggly: Wiggly, direction: int):
    X, y, _ = wiggly
    counts = np.random.default_rng(0).integers(0, 3, (3, len(y)))
    found = PathLogisticRegression(C=0.5, directions=((1, 0), (BASIS, direction))).refits(X, y, counts)
    steps = X.copy()
    steps[:, 1:] = np.cumsum(X[:, 1:], axis=1)
    way = {1: (None, 0.0), -1: (0.0, None), 0: (None, None)}[direction]
    for row, drawn in zip(found, counts, strict=True):
        again = np.repeat(np.arange(len(y)), drawn)  # a row that counts twice is two rows
        expected = reference(steps[again], y[again], 0.5, [(None, None), *[way] * BASIS])
        assert row == pytest.approx(np.append(expected[0], np.cumsum(expected[1:-1][::-1])[::-1]), abs=2e-3)


def test_a_refit_to_quite_other_rows_comes_to_its_end_too(wiggly: Wiggly):
    X, y, _ = wiggly
    counts = np.zeros((2, len(y)), dtype=int)
    counts[0, :60] = 1  # few of the rows
    counts[1, X[:, 1:].argmax(axis=1) < 2] = 5  # or one end of the number, many times
    model = PathLogisticRegression(C=5.0, directions=((1, 0), (BASIS, 1)))
    for row, drawn in zip(model.refits(X, y, counts), counts, strict=True):
        again = np.repeat(np.arange(len(y)), drawn)
        alone = PathLogisticRegression(C=5.0, directions=((1, 0), (BASIS, 1))).fit(X[again], y[again])
        # The same predictions; columns that hardly occur in these rows are flat directions.
        assert X[again] @ row - (X[again] @ row).mean() == pytest.approx(
            X[again] @ alone.coef_[0] - (X[again] @ alone.coef_[0]).mean(), abs=0.02
        )
