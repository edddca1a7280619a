"""Logistic regression with scikit-learn's objective, solved along a path of penalties."""

from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
from glum import GeneralizedLinearRegressor
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


class PathLogisticRegression(ClassifierMixin, BaseEstimator):
    """Minimise the summed log-loss plus the l1 norm, or half the squared l2 norm, of the coefficients over C.

    The intercept is not penalised, as in scikit-learn's solvers other than liblinear. `path` fits many values
    of C, each from the solution of the last, which costs little more than fitting one. `class_weight="balanced"`
    weighs each loss by n / (2 * loans of its class), as in scikit-learn.
    """

    def __init__(self, penalty: str = "l2", C: float = 1.0, class_weight: str | None = None) -> None:
        self.penalty = penalty
        self.C = C
        self.class_weight = class_weight

    def path(self, X: np.ndarray, y: np.ndarray, Cs: Iterable[float]) -> Iterator[tuple[float, np.ndarray, float]]:
        """Fit each C, strongest penalty first, and yield C, coefficients of shape (n_features,), and intercept.

        Raises ConvergenceWarning as an error if a fit does not converge.
        """
        X, y = np.asfortranarray(X), np.asarray(y, dtype=np.float64)
        weight = compute_sample_weight(self.class_weight, y)
        solver = GeneralizedLinearRegressor(
            family="binomial",
            l1_ratio=float(self.penalty == "l1"),
            warm_start=True,
            gradient_tol=TOLERANCE[self.penalty],
            max_iter=MAX_ITERATIONS,
        )
        for C in sorted(Cs):
            # One thread: several would add sums in another order each time, and a seed would not fix the result.
            with threadpool_limits(1):
                solver.set_params(alpha=1.0 / (C * weight.sum())).fit(X, y, sample_weight=weight)
            if solver.n_iter_ >= MAX_ITERATIONS:
                raise ConvergenceWarning(
                    f"no solution for penalty {self.penalty}, C = {C:g} in {MAX_ITERATIONS} iterations; use a smaller C"
                )
            yield C, np.array(solver.coef_, dtype=float), float(solver.intercept_)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit coefficients for this C; y holds two classes, and raises ValueError otherwise."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"expected two classes, got {len(self.classes_)}")
        ((_, coefficients, intercept),) = self.path(X, codes, [self.C])
        self.coef_, self.intercept_ = coefficients[np.newaxis, :], np.array([intercept])
        return self

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
