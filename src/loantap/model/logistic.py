"""Logistic regression with scikit-learn's objective, solved along a path of penalties."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
from glum import GeneralizedLinearRegressor
from scipy.optimize import nnls
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

# Largest entry of the gradient of the mean loss at which to stop. On full one-hot columns l1 spends most of
# its time below 1e-4, where no fold's F2 moves by 1e-3.
TOLERANCE = {"l1": 1e-4, "l2": 1e-5}
MAX_ITERATIONS = 300
# Of refits together: most steps, how many refits at once (memory), and the gradient of the mean loss at which to stop.
_STEPS, _AT_ONCE, _NEAR = 12, 32, 1e-6


class PathLogisticRegression(ClassifierMixin, BaseEstimator):
    """Minimise the summed log-loss plus the l1 norm, or half the squared l2 norm, of the coefficients over C.

    The intercept is not penalised, as in scikit-learn's solvers other than liblinear. `path` fits many values
    of C, each from the solution of the last, which costs little more than fitting one. `class_weight="balanced"`
    weighs each loss by n / (2 * loans of its class), as in scikit-learn.

    `directions` says of the first columns, in their order, how many belong together and which way the log-odds may go
    with them: 1 up, -1 down, 0 either. Several together are the B-splines of one number but the last, and the curve
    that they make is then monotone, since its coefficients are: each is that of the next and a step of one sign (Eilers
    and Marx, Statistical Science 11 (1996), 89-121, for B-splines). The penalty of a curve is on these steps. `rest` is
    the direction of all further columns.
    """

    def __init__(
        self,
        penalty: str = "l2",
        C: float = 1.0,
        class_weight: str | None = None,
        directions: Sequence[tuple[int, int]] = (),
        rest: int = 0,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.class_weight = class_weight
        self.directions = directions
        self.rest = rest

    def path(self, X: np.ndarray, y: np.ndarray, Cs: Iterable[float]) -> Iterator[tuple[float, np.ndarray, float]]:
        """Fit each C, strongest penalty first, and yield C, coefficients of shape (n_features,), and intercept.

        Args:
            X: Shape (n, n_features).
            y: 1 or 0.
            Cs: Inverse strengths of the penalty.

        Raises ConvergenceWarning as an error if a fit does not converge.
        """
        solver, X, y, curves = self._solver(X, y)
        weight = compute_sample_weight(self.class_weight, y)
        for C in sorted(Cs):
            yield C, self._solved(solver, X, y, curves, weight, C), float(solver.intercept_)

    def refits(self, X: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Fit rows that count as often as each of some counts says, all at once, by an l2 penalty.

        Loans drawn again curve the loss nearly as the loans themselves do. So each fit takes Newton steps from the fit of the
        loans as they are with one matrix of curvature for all; bounds make each step a least squares problem with signs
        (Lawson and Hanson, Solving Least Squares Problems, 1974). A fit that this does not bring to its end is
        solved by itself, as in `path`.

        Args:
            X: Shape (n, n_features).
            y: 1 or 0.
            counts: Shape (draws, n).

        Returns:
            Coefficients, shape (draws, n_features). Raises what `path` raises.
        """
        solver, X, y, curves = self._solver(X, y)
        weight = compute_sample_weight(self.class_weight, y)
        self._solved(solver, X, y, curves, weight, self.C)
        start = np.append(solver.coef_, solver.intercept_)
        with threadpool_limits(1):
            found, sure = _newton(np.column_stack([X, np.ones(len(y))]), y, weight, counts, start, solver, self.C)
        for row in np.flatnonzero(~sure):
            solver.coef_, solver.intercept_ = start[:-1].copy(), start[-1]
            self._solved(solver, X, y, curves, weight * counts[row], self.C)
            found[row] = np.append(solver.coef_, solver.intercept_)
        for curve in curves:
            found[:, curve] = np.cumsum(found[:, curve][:, ::-1], axis=1)[:, ::-1]
        return found[:, :-1]

    def _solver(
        self, X: np.ndarray, y: np.ndarray
    ) -> tuple[GeneralizedLinearRegressor, np.ndarray, np.ndarray, list[slice]]:
        """Return the solver with its bounds, and X with sums of the B-splines of each curve."""
        curves, low, high = self._shape(X.shape[1])
        X = np.array(X, order="F")
        for curve in curves:
            np.cumsum(X[:, curve], axis=1, out=X[:, curve])
        bounded = bool(np.isfinite(low).any() or np.isfinite(high).any())
        solver = GeneralizedLinearRegressor(
            family="binomial",
            l1_ratio=float(self.penalty == "l1"),
            warm_start=True,
            gradient_tol=TOLERANCE[self.penalty],
            max_iter=MAX_ITERATIONS,
            lower_bounds=low if bounded else None,
            upper_bounds=high if bounded else None,
        )
        return solver, X, np.asarray(y, dtype=np.float64), curves

    def _solved(
        self,
        solver: GeneralizedLinearRegressor,
        X: np.ndarray,
        y: np.ndarray,
        curves: list[slice],
        weight: np.ndarray,
        C: float,
    ) -> np.ndarray:
        # One thread: several would add sums in another order each time, and a seed would not fix the result.
        with threadpool_limits(1):
            solver.set_params(alpha=1.0 / (C * weight.sum())).fit(X, y, sample_weight=weight)
        if solver.n_iter_ >= MAX_ITERATIONS:
            raise ConvergenceWarning(
                f"no solution for penalty {self.penalty}, C = {C:g} in {MAX_ITERATIONS} iterations; use a smaller C"
            )
        coefficients = np.array(solver.coef_, dtype=float)
        for curve in curves:
            coefficients[curve] = np.cumsum(coefficients[curve][::-1])[::-1]
        return coefficients

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit coefficients for this C; y holds two classes, and raises ValueError otherwise."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"expected two classes, got {len(self.classes_)}")
        ((_, coefficients, intercept),) = self.path(X, codes, [self.C])
        self.coef_, self.intercept_ = coefficients[np.newaxis, :], np.array([intercept])
        return self

    def _shape(self, width: int) -> tuple[list[slice], np.ndarray, np.ndarray]:
        """Return which columns are curves, and the lowest and highest values of the coefficients that are searched."""
        curves, low, high, start = [], np.full(width, -np.inf), np.full(width, np.inf), 0
        for count, direction in self.directions:
            own = slice(start, start + count)
            if count > 1:  # sums of the first B-splines fall as the number rises
                curves.append(own)
            rises = direction if count == 1 else -direction
            low[own], high[own] = (0.0 if rises > 0 else -np.inf), (0.0 if rises < 0 else np.inf)
            start += count
        low[start:], high[start:] = (0.0 if self.rest > 0 else -np.inf), (0.0 if self.rest < 0 else np.inf)
        return curves, low, high

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return the log-odds of the second class, shape (n_rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_[0] + self.intercept_[0]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of both classes, shape (n_rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the likelier class of each row."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def _newton(
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    counts: np.ndarray,
    start: np.ndarray,
    solver: GeneralizedLinearRegressor,
    C: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients of each draw, the intercept last, and whether each has converged."""
    free = np.zeros(len(start))
    low, high = (
        (free - np.inf, free + np.inf) if solver.lower_bounds is None else (solver.lower_bounds, solver.upper_bounds)
    )
    sides = np.append(np.where(low == 0, 1.0, np.where(high == 0, -1.0, 0.0))[: len(start) - 1], 0.0)
    ridge = np.append(np.full(len(start) - 1, 1 / C), 0.0)
    mean = expit(X @ start)
    curvature = (X * (weight * mean * (1 - mean))[:, np.newaxis]).T @ X + np.diag(ridge)
    found, sure = np.tile(start, (len(counts), 1)), np.zeros(len(counts), dtype=bool)
    for _ in range(_STEPS):
        for part in (
            np.flatnonzero(~sure)[first : first + _AT_ONCE] for first in range(0, int((~sure).sum()), _AT_ONCE)
        ):
            drawn = counts[part].T * weight[:, np.newaxis]
            gradient = (X.T @ ((expit(X @ found[part].T) - y[:, np.newaxis]) * drawn)).T + ridge * found[part]
            held = (found[part] == 0) & (gradient * sides > 0)
            sure[part] = np.abs(np.where(held, 0.0, gradient)).max(axis=1) <= _NEAR * drawn.sum(axis=0)
            ahead = found[part] - np.linalg.solve(curvature, gradient.T).T
            found[part] = np.where(sure[part, np.newaxis], found[part], _nearest(ahead, curvature, sides))
    return found, sure


def _nearest(wanted: np.ndarray, curvature: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return for each row the nearest point of the signs asked for, in the norm of the curvature."""
    bound, free = np.flatnonzero(sides), np.flatnonzero(sides == 0)
    if not len(bound):
        return wanted
    across = np.linalg.solve(curvature[np.ix_(free, free)], curvature[np.ix_(free, bound)])
    rest = curvature[np.ix_(bound, bound)] - curvature[np.ix_(bound, free)] @ across
    root, sign, near = np.linalg.cholesky(rest * np.outer(sides[bound], sides[bound])).T, sides[bound], wanted.copy()
    for row in np.flatnonzero((wanted[:, bound] * sign < 0).any(axis=1)):
        near[row, bound] = sign * nnls(root, root @ (sign * wanted[row, bound]))[0]
        near[row, free] = wanted[row, free] - across @ (near[row, bound] - wanted[row, bound])
    return near
