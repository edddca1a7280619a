"""Logistic regression of what happens in each month after a landmark, without ever writing out the landmarks times the months."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit

_STEPS, _CLOSE = 50, 1e-9  # steps at most; gain in log-likelihood that ends them
_FEW, _THINNED = 2_000, 16  # of more landmarks than this product, each sixteenth is fitted to first


@dataclass(frozen=True)
class Stack:
    """k landmarks that are followed for up to H months.

    Attributes:
        x: Covariates of a landmark, shape (k, p).
        stratum: Which of G strata a landmark is in, shape (k,).
        cells: What a month's log-odds depend on besides, by stratum and month, shape (G, H, q); the first is the intercept.
        cluster: Which of L loans it is of, shape (k,).
        weight: How many loans it stands for, shape (k,).
        at_risk: Months for which it is at risk, from the first on, shape (k,).
        event: Whether it happens in the last of them, shape (k,).
    """

    x: np.ndarray
    stratum: np.ndarray
    cells: np.ndarray
    cluster: np.ndarray
    weight: np.ndarray
    at_risk: np.ndarray
    event: np.ndarray


@dataclass(frozen=True)
class StackedLogit:
    """What was fitted.

    Attributes:
        coefficients: Of the cells and the covariates, shape (q + p,).
        influence: What each loan adds to them, to first order, shape (L, q + p).
        held: The same of the ridge, shape (q + p, q + p): what is known of a cell in which it always happens is little, though its loans
            do not contradict one another.
    """

    coefficients: np.ndarray
    influence: np.ndarray
    held: np.ndarray


def fit_stacked_logit(stack: Stack, *, spread: float) -> StackedLogit:
    """Return the logistic regression with logit P(event in month h | at risk) = cells[stratum, h] a + x b, by Newton steps.

    A ridge holds all coefficients but the intercept, as if each had been drawn with this standard deviation: cells in which it always or
    never happens keep finite log-odds. The squares of `influence` add up to a variance that is robust to whatever months of a
    loan share (sandwich; Liang and Zeger, Biometrika 73 (1986), 13-22).

    Args:
        stack: What happened.
        spread: Standard deviation behind the ridge.
    """
    q, p = stack.cells.shape[2], stack.x.shape[1]
    penalty = np.full(q + p, spread**-2.0)
    penalty[0] = 0
    order = np.argsort(stack.stratum, kind="stable")
    start = np.zeros(q + p)
    if len(order) > _FEW * _THINNED:  # most of the way is gone with some of the landmarks
        start, _ = _newton(stack, order[::_THINNED], penalty, start)
    theta, information = _newton(stack, order, penalty, start)
    loans = int(stack.cluster.max()) + 1
    scores = np.zeros((loans, q + p))
    for rows, x, cells, residual, weight in _residuals(stack, order, theta):
        own = weight[:, np.newaxis] * np.hstack([residual @ cells, residual.sum(axis=1, keepdims=True) * x])
        scores += sum_rows(own, stack.cluster[rows], loans)
    inverse = np.linalg.inv(information + np.diag(penalty))
    return StackedLogit(theta, scores @ inverse, np.sqrt(penalty)[:, np.newaxis] * inverse)


def _newton(stack: Stack, order: np.ndarray, penalty: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients and the information there; steps are halved until they do not harm."""
    objective, score, information = _sums(stack, order, theta)
    for _ in range(_STEPS):
        uphill = score - penalty * theta
        step = np.linalg.solve(information + np.diag(penalty), uphill)
        gain = step @ uphill
        if gain < _CLOSE:
            break
        penalised = objective - penalty @ theta**2 / 2
        for _ in range(_STEPS):
            objective, score, information = _sums(stack, order, theta + step)
            if objective - penalty @ (theta + step) ** 2 / 2 >= penalised - 1e-9 * abs(penalised):
                break
            step = step / 2
        theta = theta + step
    return theta, information


def sum_rows(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Return the sum of the rows of each group, shape (groups, columns)."""
    ones = np.ones(len(group))
    return csr_matrix((ones, (group, np.arange(len(group)))), shape=(groups, len(group))) @ values


def strata(stratum: np.ndarray, order: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each stratum that has members, and which they are, given the order that sorts them."""
    sorted_ = stratum[order]
    cuts = np.flatnonzero(np.diff(sorted_)) + 1
    for rows in np.split(order, cuts):
        if len(rows):
            yield int(stratum[rows[0]]), rows


def _months(stack: Stack, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return in which months some landmarks are at risk, and in which it happens, shape (rows, H)."""
    h = np.arange(1, stack.cells.shape[1] + 1)
    ends = stack.at_risk[rows, np.newaxis]
    return h <= ends, (h == ends) & stack.event[rows, np.newaxis]


def _residuals(
    stack: Stack, order: np.ndarray, theta: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    q = stack.cells.shape[2]
    for g, rows in strata(stack.stratum, order):
        x, cells = stack.x[rows], stack.cells[g]
        at_risk, event = _months(stack, rows)
        chance = expit((x @ theta[q:])[:, np.newaxis] + cells @ theta[:q])
        yield rows, x, cells, (event - chance) * at_risk, stack.weight[rows]


def _sums(stack: Stack, order: np.ndarray, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return log-likelihood, score and information."""
    q = stack.cells.shape[2]
    size = q + stack.x.shape[1]
    objective, score, information = 0.0, np.zeros(size), np.zeros((size, size))
    for g, rows in strata(stack.stratum, order):
        x, cells, weight = stack.x[rows], stack.cells[g], stack.weight[rows]
        at_risk, event = _months(stack, rows)
        log_odds = np.clip((x @ theta[q:])[:, np.newaxis] + cells @ theta[:q], -500, 500)
        odds = np.exp(log_odds)
        chance = odds / (1 + odds)
        happened = at_risk * (event * log_odds - np.log1p(odds))
        objective += float(weight @ happened.sum(axis=1))
        residual = (event - chance) * at_risk * weight[:, np.newaxis]
        score[:q] += cells.T @ residual.sum(axis=0)
        score[q:] += x.T @ residual.sum(axis=1)
        spread = chance * (1 - chance) * at_risk * weight[:, np.newaxis]
        information[:q, :q] += cells.T @ (spread.sum(axis=0)[:, np.newaxis] * cells)
        cross = cells.T @ (spread.T @ x)
        information[:q, q:] += cross
        information[q:, :q] += cross.T
        information[q:, q:] += x.T @ (spread.sum(axis=1)[:, np.newaxis] * x)
    return objective, score, information
