"""What is left of a factor's association once loan, price and borrower are held equal: logistic regression."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from loantap.analysis.association import Association
from loantap.analysis.levels import factor_values, source_columns
from loantap.analysis.odds import adjust_p_values
from loantap.jsonable import jsonable

NUMBERS = ("loan_amnt", "term", "int_rate", "annual_inc", "dti", "revol_util")
CATEGORIES = ("home_ownership", "purpose")
# The lender sets the rate by the grade: at an equal rate there is next to no difference in grade left to compare.
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "grade": ("int_rate",),
    "sub_grade": ("int_rate",),
    "installment": ("loan_amnt", "int_rate", "term"),
}
MAX_ROWS = 500_000  # loans in the fit, for the memory's sake
_RARE = 50  # loans of a mark
_STEPS, _TOLERANCE = 50, 1e-10  # of Newton's method


@dataclass(frozen=True)
class Adjusted:
    """Adjusted odds ratios."""

    covariates: tuple[str, ...]  # what is held equal
    left_out: tuple[str, ...]  # covariates of the usual list that this factor cannot be compared at equal values of
    n: int  # loans in the fit: of the loans at hand, at most `MAX_ROWS` drawn at random, and none of separated levels
    sampled: bool  # whether they were drawn
    converged: bool  # whether the fit converged; without, there are no odds ratios
    # level, odds_ratio, or_low, or_high, p_value, p_adjusted (against the rest of the portfolio), odds_ratio_reference,
    # or_reference_low, or_reference_high, separation. Separated levels have no numbers, nor have those whose loans in
    # the fit are too few to show both outcomes.
    levels: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        model = "logistic regression (maximum likelihood), robust sandwich covariance (HC0)"
        return {"model": model, **jsonable(self)}


def adjusted_columns(factor: str) -> list[str]:
    """Return the columns of the loans that `adjusted_odds` reads."""
    return source_columns(factor, *NUMBERS, *CATEGORIES)


def adjusted_odds(association: Association, loans: pd.DataFrame, *, random_state: int = 0) -> Adjusted:
    """Return each level's odds ratio of default at equal amount, term, rate, income, debt, utilisation, home, purpose.

    One logistic regression holds all levels. A level is compared with the rest of the portfolio by a contrast: its
    log odds minus the mean of the other levels' log odds, weighted by their loans. So it answers the same question
    as the unadjusted odds ratio, and does not depend on the reference level. Intervals are Wald intervals with the
    sandwich covariance (White 1982; HC0), which holds where the linear terms are only roughly right.

    Numbers enter linearly on the log odds, income as its logarithm, all cut at their 0.1% and 99.9% quantiles (one
    `dti` of 9999 would bend the line for everybody). Missing numbers take the median and a mark of their own.

    Args:
        association: The factor's result; its pooled levels, reference, alpha and correction are kept.
        loans: The loans it was counted from, or a sample of them.
        random_state: Seed of the draw.
    """
    factor = association.factor
    left_out = LEFT_OUT.get(factor, ())
    names = association.names()
    values = factor_values(loans, factor)
    mixed = association.levels.loc[association.levels["separation"].isna(), "level"].tolist()
    published = [names.get(level, level) for level in values.cat.categories]
    of_category = np.array([mixed.index(name) if name in mixed else -1 for name in published])
    codes = of_category[values.cat.codes.to_numpy()]
    rows = np.flatnonzero(codes >= 0)
    sampled = len(rows) > MAX_ROWS
    if sampled:
        rows = np.sort(np.random.default_rng(random_state).choice(rows, MAX_ROWS, replace=False))
    # A sample may hold loans of a single outcome, or none, where the counts hold both.
    cells = np.bincount(2 * codes[rows] + loans["default"].to_numpy()[rows], minlength=2 * len(mixed)).reshape(-1, 2)
    shown = np.flatnonzero(cells.all(axis=1))
    rows = rows[np.isin(codes[rows], shown)]
    fitted = [mixed[place] for place in shown]
    covariates = tuple(name for name in (*NUMBERS, *CATEGORIES) if name not in (factor, *left_out))
    drawn = sampled or len(loans) < association.n  # here, or before they came here
    fit, contrasts = None, pd.DataFrame(index=pd.Index([], name="level"))
    if len(fitted) > 1:
        chosen, groups = loans.iloc[rows], np.searchsorted(shown, codes[rows])
        fit = fit_levels(chosen["default"].to_numpy(), groups, _columns(chosen, covariates))
    if fit is not None:
        contrasts = _contrasts(association, fitted, fit)
    return Adjusted(covariates, left_out, len(rows), drawn, fit is not None, _levels(association, contrasts))


def _columns(loans: pd.DataFrame, covariates: tuple[str, ...]) -> np.ndarray:
    columns: list[np.ndarray] = []
    default = loans["default"].to_numpy()
    for name in covariates:
        if name in NUMBERS:
            numbers = loans[name].to_numpy(dtype="float64")
            numbers = np.log1p(numbers) if name == "annual_inc" else numbers
            missing = np.isnan(numbers)
            low, middle, high = np.nanquantile(numbers, [0.001, 0.5, 0.999])
            filled = np.clip(np.where(missing, middle, numbers), low, high)
            columns.append((filled - filled.mean()) / (filled.std() or 1.0))
            marks = {"missing": missing}
        else:
            levels = factor_values(loans, name)
            largest = levels.value_counts().idxmax()
            marks = {level: (levels == level).to_numpy() for level in levels.cat.categories if level != largest}
        # A rare mark, or one with a single outcome, has no finite coefficient of use: it stays with the largest level.
        columns += [
            mark.astype("float64") - mark.mean()
            for mark in marks.values()
            if mark.sum() >= _RARE and 0 < default[mark].sum() < mark.sum()
        ]
    varying = [column for column in columns if np.ptp(column) > 0]
    return np.column_stack(varying) if varying else np.zeros((len(loans), 0))


def _contrasts(association: Association, fitted: list[str], fit: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    own = np.eye(len(fitted))
    weights = association.levels.set_index("level").loc[fitted, "n"].to_numpy(dtype="float64")
    rest = own - (1 - own) * weights / (weights.sum() - weights)[:, np.newaxis]
    table = _estimates(rest, *fit, association.alpha, ("odds_ratio", "or_low", "or_high", "p_value"))
    if association.reference in fitted:
        names = ("odds_ratio_reference", "or_reference_low", "or_reference_high", "p_value_reference")
        table |= _estimates(own - own[fitted.index(association.reference)], *fit, association.alpha, names)
    return pd.DataFrame(table, index=pd.Index(fitted, name="level"))


def _estimates(
    matrix: np.ndarray, log_odds: np.ndarray, covariance: np.ndarray, alpha: float, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    size = len(matrix)
    estimate = matrix @ log_odds[:size]
    error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, covariance[:size, :size], matrix))
    error = np.where(matrix.any(axis=1), error, np.nan)  # the reference against itself
    half = stats.norm.isf(alpha / 2) * error
    p_values = 2 * stats.norm.sf(np.abs(estimate / error))
    return dict(zip(names, (np.exp(estimate), np.exp(estimate - half), np.exp(estimate + half), p_values), strict=True))


def _levels(association: Association, contrasts: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "odds_ratio", "or_low", "or_high", "p_value", "p_adjusted", "odds_ratio_reference", "or_reference_low",
        "or_reference_high", "p_value_reference",
    ]  # fmt: skip
    table = association.levels[["level"]].copy()
    numbers = contrasts.reindex(index=table["level"], columns=columns).astype("float64").reset_index(drop=True)
    numbers["p_adjusted"] = adjust_p_values(numbers["p_value"], correction=association.correction)
    return pd.concat([table.reset_index(drop=True), numbers], axis=1).assign(
        separation=association.levels["separation"].to_numpy()
    )


def fit_levels(default: np.ndarray, codes: np.ndarray, covariates: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Fit the log odds of default as an intercept of the loan's level plus a linear function of covariates.

    The same estimates as `statsmodels` `Logit(...).fit(cov_type="HC0")` on the matrix of dummies and covariates, to
    rounding. That matrix would have some hundred columns, nearly all of them 0: with it a fit on 400,000 loans takes
    a minute and 1.5 GB, and its products are sums by level here. Newton's method; the covariance is the sandwich of
    White (1982).

    Args:
        default: 1 for a default, 0 for a repaid loan.
        codes: Each loan's level as 0, 1, ...; every level has both outcomes.
        covariates: One row per loan, one column per covariate, centred and scaled.

    Returns:
        Estimates, the log odds of each level at covariates of 0 and then the slope of each covariate, and their
        covariance; None where the likelihood has no single maximum.
    """
    order = np.argsort(codes, kind="stable")
    y, groups, z = default[order].astype("float64"), codes[order], covariates[order]
    starts = np.searchsorted(groups, np.arange(int(groups[-1]) + 1))
    levels = len(starts)

    def products(weights: np.ndarray) -> np.ndarray:
        weighted = z * weights[:, np.newaxis]
        cross = np.add.reduceat(weighted, starts, axis=0)
        own = np.diag(np.add.reduceat(weights, starts))
        return np.block([[own, cross], [cross.T, z.T @ weighted]])

    rates = np.add.reduceat(y, starts) / np.diff(np.append(starts, len(y)))
    estimate = np.concatenate([np.log(rates / (1 - rates)), np.zeros(z.shape[1])])
    try:
        for _ in range(_STEPS):
            mean = expit(estimate[groups] + z @ estimate[levels:])
            score = np.concatenate([np.add.reduceat(y - mean, starts), z.T @ (y - mean)])
            bread = np.linalg.inv(products(mean * (1 - mean)))
            step = bread @ score
            estimate = estimate + step
            if np.abs(step).max() < _TOLERANCE:
                break
        else:
            return None
    except np.linalg.LinAlgError:
        return None
    return estimate, bread @ products((y - mean) ** 2) @ bread
