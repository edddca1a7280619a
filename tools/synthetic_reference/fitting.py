"""Fit the latent correlations and shifts, so that the drawn loans have the sample's rank correlations.

Drawing distorts correlations (ties, quotas, repairs), so they are
corrected by what a drawn table shows, again and again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from loantap.data.synthetic.coding import LATENTS, STATUSES
from loantap.data.synthetic.copula import draw_status
from loantap.data.synthetic.plan import Plan
from loantap.data.synthetic.reference import lower_triangle, parse_reference

Floats = NDArray[np.float64]
ROUNDS = 14
ROWS = 120_000
FINAL_ROWS = 396_030  # of the last rounds, which have less noise to correct
LIMIT = 0.985


def nearest_correlation(matrix: Floats) -> Floats:
    """Return a positive definite correlation matrix near `matrix` (eigenvalues clipped, diagonal restored)."""
    for _ in range(50):
        values, vectors = np.linalg.eigh(matrix)
        matrix = (vectors * np.maximum(values, 2e-3)) @ vectors.T
        scale = np.sqrt(np.diag(matrix))
        matrix = matrix / np.outer(scale, scale)
    return matrix


@dataclass
class Latents:
    """What is fitted: correlations by status, shifts by purpose, and of the term by grade and by amount."""

    correlations: dict[str, Floats]
    purpose: Floats
    grade: Floats
    amount_edges: Floats
    amount: Floats

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "columns": list(LATENTS),
            "correlations": {
                status: [row[: i + 1].round(4).tolist() for i, row in enumerate(matrix)]
                for status, matrix in self.correlations.items()
            },
            "purpose_shifts": self.purpose.round(3).tolist(),
            "long_term_by_grade": self.grade.round(3).tolist(),
            "amount_edges": self.amount_edges.tolist(),
            "long_term_by_amount": self.amount.round(3).tolist(),
        }


def draw_codes(document: dict[str, Any], rows: int, seed: int) -> dict[str, pd.DataFrame]:
    """Return the latent columns of a drawn table by status, as `coding.code_columns` has them, and purpose."""
    reference = parse_reference(document)
    rng = np.random.default_rng(seed)
    tables = {}
    for status, quotas in Plan(reference, rows).take(rows).items():
        columns = draw_status(reference, status, quotas, rng)
        employment = columns["emp_length"].astype(float)
        missing = employment == len(reference.categories["emp_length"].levels) - 1
        columns["no_employment"] = missing.astype(float)
        columns["emp_length"] = np.where(missing, np.nan, employment)
        used = columns["revol_util"].astype(float)
        columns["revol_util"] = np.where(used < 0, np.nan, used)
        tables[status] = pd.DataFrame({name: columns[name] for name in (*LATENTS, "purpose")}).astype(float)
    return tables


def normal_scores(codes: pd.DataFrame) -> pd.DataFrame:
    """Return normal scores of each column's ranks, their mean taken out."""
    scores = pd.DataFrame(norm.ppf((codes.rank() - 0.5) / codes.notna().sum()), codes.index, codes.columns)
    return scores - scores.mean()


def pool_scores(tables: dict[str, pd.DataFrame], pools: list[list[int]]) -> Floats:
    """Return mean normal scores by pool of purposes (rows) and latent column."""
    scores = pd.concat([normal_scores(t[list(LATENTS)]) for t in tables.values()])
    purpose = pd.concat([t["purpose"] for t in tables.values()])
    return np.array([scores[purpose.isin(pool).to_numpy()].mean().to_numpy() for pool in pools])


def long_term_probits(drawn: pd.DataFrame, group: NDArray[Any]) -> Floats:
    """Return the probit of the share of 60-month loans by group."""
    return np.asarray(norm.ppf(drawn["term"].groupby(group).mean().clip(0.001, 0.999)))


def shrink_scores(scores: Floats, loans: Floats) -> Floats:
    """Draw the scores of small pools towards 0 by empirical Bayes, column by column.

    The spread of true scores is the spread of the seen ones less their sampling variance, 1 / loans.
    """
    true_variance = np.maximum(np.average(scores**2 - 1 / loans[:, None], axis=0), 1e-3)
    return scores * true_variance / (true_variance + 1 / loans[:, None])


def fit_latents(document: dict[str, Any], summaries: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the latent parameters of `document` (its other parts complete) and the largest errors that remain."""
    purposes = document["categories"]["purpose"]["levels"]
    pools = [[purposes.index(p) for p in pool["purposes"]] for pool in summaries["purpose_scores"]]
    loans = np.array([pool["loans"] for pool in summaries["purpose_scores"]], dtype=float)
    seen_scores = np.array([[pool["scores"][name] for name in LATENTS] for pool in summaries["purpose_scores"]])
    wanted_scores = shrink_scores(seen_scores, loans)
    wanted_ranks = {s: lower_triangle(summaries["rank_correlations"][s]) for s in STATUSES}
    terms = summaries["terms"]
    wanted_grade, wanted_amount = (
        norm.ppf(np.array(table)[:, 1] / np.sum(table, axis=1))
        for table in (list(terms["grade"].values()), terms["amount"]["loans"])
    )
    latents = Latents(
        correlations={s: nearest_correlation(2 * np.sin(np.pi / 6 * wanted_ranks[s])) for s in STATUSES},
        purpose=np.zeros((len(purposes), len(LATENTS))),
        grade=np.zeros(7),
        amount_edges=np.array(terms["amount"]["last"][:-1], dtype=float),
        amount=np.zeros(len(wanted_amount)),
    )
    unseen = [LATENTS.index("emp_length"), LATENTS.index("no_employment")]  # never known together
    errors: dict[str, float] = {}
    for turn in range(ROUNDS):
        late = turn >= ROUNDS - 4
        gain = 0.6 if late else 0.9
        tables = draw_codes({**document, "latents": latents.document()}, FINAL_ROWS if late else ROWS, seed=turn)
        rank_error = 0.0
        for status in STATUSES:
            error = wanted_ranks[status] - tables[status][list(LATENTS)].corr("spearman").fillna(0).to_numpy()
            error[np.ix_(unseen, unseen)] = 0
            np.fill_diagonal(error, 0)
            rank_error = max(rank_error, float(np.abs(error).max()))
            corrected = np.clip(latents.correlations[status] + gain * error, -LIMIT, LIMIT)
            np.fill_diagonal(corrected, 1)
            latents.correlations[status] = nearest_correlation(corrected)
        score_error = wanted_scores - pool_scores(tables, pools)
        for pool, error in zip(pools, score_error, strict=True):
            latents.purpose[pool] += gain * error
        drawn = pd.concat(tables.values())
        grade_error = wanted_grade - long_term_probits(drawn, np.minimum(drawn["sub_grade"].to_numpy() // 5, 5))
        latents.grade += 0.7 * gain * grade_error[[0, 1, 2, 3, 4, 5, 5]]
        band = np.searchsorted(latents.amount_edges, drawn["loan_amnt"])
        amount_error = wanted_amount - long_term_probits(drawn, band)
        latents.amount += 0.7 * gain * amount_error
        errors = {
            "rank correlation": rank_error,
            "normal score by purpose": float(np.abs(score_error).max()),
            "probit of 60 months by grade": float(np.abs(grade_error).max()),
            "probit of 60 months by amount": float(np.abs(amount_error).max()),
        }
    return latents.document(), errors
