"""What is left of a factor's association once loan, price and borrower are held equal: logistic regression."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from loantap.analysis.association import Association
from loantap.analysis.levels import factor_values, source_columns
from loantap.analysis.logistic import LevelFit, fit_levels
from loantap.analysis.odds import adjust_p_values

NUMBERS = ("loan_amnt", "term", "int_rate", "annual_inc", "dti", "revol_util")
CATEGORIES = ("home_ownership", "purpose")
# The lender sets the rate by the grade: at an equal rate there is next to no difference in grade left to compare.
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "grade": ("int_rate",),
    "sub_grade": ("int_rate",),
    "installment": ("loan_amnt", "int_rate", "term"),
}
MAX_ROWS = 500_000
_RARE = 50


@dataclass(frozen=True)
class Adjusted:
    """Adjusted odds ratios.

    Attributes:
        covariates: What is held equal.
        left_out: Covariates of the usual list that this factor cannot be compared at equal values of.
        n: Loans in the fit; those of separated levels are not in it, and at most `MAX_ROWS` drawn at random are. Of the
            loans at hand, where they are a sample of those that were counted.
        sampled: Whether they were drawn.
        converged: Whether the fit converged; without, there are no odds ratios.
        levels: level, odds_ratio, or_low, or_high, p_value, p_adjusted (against the rest of the portfolio),
            odds_ratio_reference, or_reference_low, or_reference_high, separation. Separated levels have no numbers, nor
            have those whose loans in the fit are too few to show both outcomes.
    """

    covariates: tuple[str, ...]
    left_out: tuple[str, ...]
    n: int
    sampled: bool
    converged: bool
    levels: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        records = self.levels.astype("object").where(self.levels.notna(), None).to_dict(orient="records")
        return {
            "model": "logistic regression (maximum likelihood), robust sandwich covariance (HC0)",
            "covariates": list(self.covariates),
            "left_out": list(self.left_out),
            "n": self.n,
            "sampled": self.sampled,
            "converged": self.converged,
            "levels": records,
        }


def adjusted_columns(factor: str) -> list[str]:
    """Return the columns of the loans that `adjusted_odds` reads."""
    return source_columns(factor, *NUMBERS, *CATEGORIES)


def adjusted_odds(
    association: Association, loans: pd.DataFrame, *, max_rows: int = MAX_ROWS, random_state: int = 0
) -> Adjusted:
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
        max_rows: Loans in the fit at most, for the memory's sake.
        random_state: Seed of the draw.
    """
    factor = association.factor
    left_out = LEFT_OUT.get(factor, ())
    names = {member: pooled for pooled, members in association.pooled.items() for member in members}
    values = factor_values(loans, factor)
    mixed = association.levels.loc[association.levels["separation"].isna(), "level"].tolist()
    published = [names.get(level, level) for level in values.cat.categories]
    of_category = np.array([mixed.index(name) if name in mixed else -1 for name in published])
    codes = of_category[values.cat.codes.to_numpy()]
    rows = np.flatnonzero(codes >= 0)
    sampled = len(rows) > max_rows
    if sampled:
        rows = np.sort(np.random.default_rng(random_state).choice(rows, max_rows, replace=False))
    # A sample may hold loans of a single outcome, or none, where the counts hold both.
    cells = np.bincount(2 * codes[rows] + loans["default"].to_numpy()[rows], minlength=2 * len(mixed)).reshape(-1, 2)
    shown = np.flatnonzero(cells.all(axis=1))
    rows = rows[np.isin(codes[rows], shown)]
    fitted = [mixed[place] for place in shown]
    covariates = tuple(name for name in (*NUMBERS, *CATEGORIES) if name not in (factor, *left_out))
    drawn = sampled or len(loans) < association.n  # here, or before they came here
    empty = Adjusted(covariates, left_out, len(rows), drawn, False, _levels(association, None))
    if len(fitted) < 2:
        return empty
    chosen = loans.iloc[rows]
    fit = fit_levels(chosen["default"].to_numpy(), np.searchsorted(shown, codes[rows]), _columns(chosen, covariates))
    if fit is None:
        return empty
    contrasts = _contrasts(association, fitted, fit)
    return Adjusted(covariates, left_out, len(rows), drawn, True, _levels(association, contrasts))


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


def _contrasts(association: Association, fitted: list[str], fit: LevelFit) -> pd.DataFrame:
    own = np.eye(len(fitted))
    weights = association.levels.set_index("level").loc[fitted, "n"].to_numpy(dtype="float64")
    rest = own - (1 - own) * weights / (weights.sum() - weights)[:, np.newaxis]
    table = _estimates(rest, fit, association.alpha, ("odds_ratio", "or_low", "or_high", "p_value"))
    if association.reference in fitted:
        names = ("odds_ratio_reference", "or_reference_low", "or_reference_high", "p_value_reference")
        table |= _estimates(own - own[fitted.index(association.reference)], fit, association.alpha, names)
    return pd.DataFrame(table, index=pd.Index(fitted, name="level"))


def _estimates(matrix: np.ndarray, fit: LevelFit, alpha: float, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    size = len(matrix)
    estimate = matrix @ fit.log_odds
    error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, fit.covariance[:size, :size], matrix))
    error = np.where(matrix.any(axis=1), error, np.nan)  # the reference against itself
    half = stats.norm.isf(alpha / 2) * error
    p_values = 2 * stats.norm.sf(np.abs(estimate / error))
    return dict(zip(names, (np.exp(estimate), np.exp(estimate - half), np.exp(estimate + half), p_values), strict=True))


def _levels(association: Association, contrasts: pd.DataFrame | None) -> pd.DataFrame:
    columns = [
        "odds_ratio", "or_low", "or_high", "p_value", "p_adjusted", "odds_ratio_reference", "or_reference_low",
        "or_reference_high", "p_value_reference",
    ]  # fmt: skip
    table = association.levels[["level"]].copy()
    found = pd.DataFrame(index=pd.Index([], name="level")) if contrasts is None else contrasts
    numbers = found.reindex(index=table["level"], columns=columns).astype("float64").reset_index(drop=True)
    numbers["p_adjusted"] = adjust_p_values(numbers["p_value"], correction=association.correction)
    return pd.concat([table.reset_index(drop=True), numbers], axis=1).assign(
        separation=association.levels["separation"].to_numpy()
    )
