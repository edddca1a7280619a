"""Logistic regression of what happens in each month after a landmark, without ever writing out the landmarks times the months."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from loantap.watchlist.landmarks import FOLLOWED, Landmarks
from loantap.watchlist.standing import CURRENT, TO_59, TO_89

_AHEAD = (0, 1, 2, 3, 6, 12)  # groups of months ahead, of which the last goes on
_AGES = (0, 4, 7, 13, 25)  # first months of groups of months on book; no loan is 90 days late before the fourth

_STEPS, _CLOSE = 50, 1e-9  # steps at most; gain in log-likelihood that ends them
_FEW, _THINNED = 2_000, 16  # of more landmarks than this product, each sixteenth is fitted to first


@dataclass(frozen=True)
class Stack:
    """k landmarks that are followed for up to H months."""

    x: np.ndarray  # covariates of a landmark, shape (k, p)
    stratum: np.ndarray  # which of G strata a landmark is in, shape (k,)
    cells: (
        np.ndarray
    )  # what log-odds depend on besides, by stratum and month, shape (G, H, q); the first is the intercept
    cluster: np.ndarray  # which of L loans it is of, shape (k,)
    weight: np.ndarray  # how many loans it stands for, shape (k,)
    at_risk: np.ndarray  # months for which it is at risk, from the first on, shape (k,)
    event: np.ndarray  # whether it happens in the last of them, shape (k,)

    def by_stratum(self, order: np.ndarray, theta: np.ndarray) -> Iterator["Part"]:
        """Yield the landmarks of each stratum, given the order that sorts them and the coefficients."""
        q, h = self.cells.shape[2], np.arange(1, self.cells.shape[1] + 1)
        for g, rows in strata(self.stratum, order):
            x, cells, ends = self.x[rows], self.cells[g], self.at_risk[rows, np.newaxis]
            log_odds = (x @ theta[q:])[:, np.newaxis] + cells @ theta[:q]
            yield Part(rows, x, cells, h <= ends, (h == ends) & self.event[rows, np.newaxis], log_odds)


class Part(NamedTuple):
    """The landmarks of a stratum."""

    rows: np.ndarray  # which
    x: np.ndarray  # their covariates
    cells: np.ndarray  # of the stratum, shape (H, q)
    at_risk: np.ndarray  # in which months they are, shape (rows, H)
    event: np.ndarray  # in which month it happens, shape (rows, H)
    log_odds: np.ndarray  # of it, shape (rows, H)


@dataclass(frozen=True)
class StackedLogit:
    """What was fitted."""

    coefficients: np.ndarray  # of the cells and the covariates, shape (q + p,)
    influence: np.ndarray  # what each loan adds to them, to first order, shape (L, q + p)
    # The same of the ridge, shape (q + p, q + p): what is known of a cell in which it always happens is little, though its loans do not
    # contradict one another.
    held: np.ndarray


def fit_stacked_logit(stack: Stack, *, spread: float) -> StackedLogit:
    """Return the logistic regression with logit P(event in month h | at risk) = cells[stratum, h] a + x b, by Newton steps.

    A ridge holds all coefficients but the intercept, as if each had been drawn with the standard deviation `spread`: cells in which it always
    or never happens keep finite log-odds. The squares of `influence` add up to a variance that is robust to whatever months of a loan share
    (sandwich; Liang and Zeger, Biometrika 73 (1986), 13-22).
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
    for part in stack.by_stratum(order, theta):
        residual = (part.event - expit(part.log_odds)) * part.at_risk
        own = np.hstack([residual @ part.cells, residual.sum(axis=1, keepdims=True) * part.x])
        scores += sum_rows(stack.weight[part.rows, np.newaxis] * own, stack.cluster[part.rows], loans)
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


def _sums(stack: Stack, order: np.ndarray, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return log-likelihood, score and information."""
    q = stack.cells.shape[2]
    objective, score, information = 0.0, np.zeros(len(theta)), np.zeros((len(theta), len(theta)))
    for rows, x, cells, at_risk, event, log_odds in stack.by_stratum(order, theta):
        weight, log_odds = stack.weight[rows], np.clip(log_odds, -500, 500)
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


def stratum(marks: Landmarks) -> np.ndarray:
    """Return a number for bucket and months on book; of loans older than the last group of ages begins these do not matter."""
    bucket = np.searchsorted(FOLLOWED, marks.bucket)
    return bucket * (_AGES[-1] + 1) + np.clip(marks.age, 0, _AGES[-1])


def slopes(marks: Landmarks) -> np.ndarray:
    """Return the covariates, apart for loans in arrears of 30 days or more: what they say of the others they need not say of these."""
    late = np.isin(marks.bucket, (TO_59, TO_89))[:, np.newaxis]
    return np.hstack([marks.x * ~late, marks.x * late])


def cells(codes: np.ndarray, months: int) -> np.ndarray:
    """Return what the log-odds of strata depend on, by month ahead: shape (strata, months, q).

    The intercept; the group of months ahead, its last one apart; the same by bucket, but for loans that are not late; the group of
    months on book then, that from 13 to 24 apart; and whether a loan was new at the landmark, when nothing can have changed.
    """
    bucket, age = np.divmod(codes, _AGES[-1] + 1)
    h = np.arange(1, months + 1)
    groups = np.minimum(np.searchsorted(_AHEAD, h), len(_AHEAD) - 1)[:, np.newaxis] == np.arange(1, len(_AHEAD))
    ahead = np.broadcast_to(groups[np.newaxis].astype(float), (len(codes), *groups.shape))
    places = [place for place, one in enumerate(FOLLOWED) if one != CURRENT]
    late = [ahead * (bucket == place)[:, np.newaxis, np.newaxis] for place in places]
    on_book = np.searchsorted(_AGES, age[:, np.newaxis] + h, side="right") - 1
    ages = on_book[:, :, np.newaxis] == np.array([0, 1, 2, len(_AGES) - 1])
    young = np.repeat(np.stack([age == 0, (age == 1) | (age == 2)], axis=1)[:, np.newaxis], months, axis=1)
    return np.concatenate([np.ones((len(codes), months, 1)), ahead[:, :, :-1], *late, ages, young], axis=2)


def incidence_slopes(
    default: np.ndarray, repaid: np.ndarray, value: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives of the cumulative incidence of default by the hazards of default and of repayment, shape (k, H) each.

    d F / d d(h) = v(h) S(h) - T(h) / (1 - d(h)) and d F / d r(h) = -T(h) / (1 - r(h)), where S(h) is the probability to be live before
    month h, v(h) what a default in it counts, 1 for an incidence, and T(h) what defaults after it add.
    """
    before = survival(default, repaid) * value
    adds = before * default
    later = adds.sum(axis=1, keepdims=True) - np.cumsum(adds, axis=1)
    return before - later / np.maximum(1 - default, 1e-300), -later / np.maximum(1 - repaid, 1e-300)


def survival(default: np.ndarray, repaid: np.ndarray) -> np.ndarray:
    """Return the probability to be live before each month."""
    stays = np.cumprod((1 - default) * (1 - repaid), axis=1)
    return np.hstack([np.ones((len(stays), 1)), stays[:, :-1]])


def aalen_johansen(followed: np.ndarray, outcome: np.ndarray, *, months: int) -> tuple[float, float]:
    """Return the share that defaults within some months, repayment competing, and its standard error.

    Args:
        followed: Months for which each loan is followed, shape (k,).
        outcome: What came in the last of them: 0 nothing, 1 default, 2 early repayment, shape (k,).
        months: Within how many.
    """
    h = np.arange(1, months + 1)[:, np.newaxis]
    at_risk = (followed >= h).sum(axis=1)
    bad, early = (((followed == h) & (outcome == kind)).sum(axis=1) for kind in (1, 2))
    left, after = np.maximum(at_risk, 1), np.maximum(at_risk - bad, 1)
    d, r = bad / left, early / after
    by_default, by_repayment = (slopes[0] for slopes in incidence_slopes(d[np.newaxis], r[np.newaxis]))
    # Given who is at risk, each month is a binomial draw of each kind.
    variance = by_default**2 * d * (1 - d) / left + by_repayment**2 * r * (1 - r) / after
    return float((survival(d[np.newaxis], r[np.newaxis])[0] * d).sum()), float(np.sqrt(variance.sum()))


def log_odds_interval(mean: np.ndarray, error: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ends on the scale of log-odds, so that they lie within 0 and 1."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    inner = np.clip(mean, 1e-12, 1 - 1e-12)
    reach = z * error / (inner * (1 - inner))
    return np.where(mean > 0, expit(logit(inner) - reach), mean), np.where(mean > 0, expit(logit(inner) + reach), mean)
