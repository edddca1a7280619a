"""Scenarios of the validation that need loans: adjusted odds ratios where a confounder is known to act.

The log odds of default are the level's effect plus a linear function of what `adjusted_odds` holds equal, so the
regression is right and its truth is known. `adjusted_odds` compares a level with the rest of the portfolio: its log
odds minus the mean of the other levels', weighted by their loans. The truth is the same contrast of the true effects,
with the same weights: those of the sample, which the intervals take as given, and those of the population.
It is not the odds ratio of the level's and the rest's default rates: even without a confounder that one is nearer to 1,
since odds ratios do not average over loans of different risk (non-collapsibility; Greenland, Robins and Pearl 1999).
"""

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit

from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts

ALPHA = 0.05
LOANS = 4_000
FACTOR = "segment"
LEVELS = ["a", "b", "c", "d"]
SHARES = np.array([0.4, 0.3, 0.2, 0.1])
EFFECTS = np.log([1.0, 0.8, 1.25, 1.6])
PULLS = np.array([0.0, -0.6, 0.8, -0.8])  # how much a level draws loans of a higher rate
SETTINGS = {"confounded": (EFFECTS, PULLS), "independent": (EFFECTS, 0 * PULLS)}

Draw = dict[str, np.ndarray]


def segment_loans(rng: np.random.Generator, effects: np.ndarray, pulls: np.ndarray) -> pd.DataFrame:
    """Draw loans of four segments.

    Args:
        rng: The generator.
        effects: The log odds of each segment at equal covariates.
        pulls: The slope of each segment's log share on the standardised interest rate; 0: no confounding.
    """
    z = np.clip(rng.standard_normal(LOANS), -2.5, 2.5)
    share = SHARES * np.exp(np.outer(z, pulls))
    share /= share.sum(axis=1, keepdims=True)
    codes = (rng.random(LOANS)[:, np.newaxis] > share.cumsum(axis=1)[:, :-1]).sum(axis=1)
    amount = rng.uniform(1_000, 30_000, LOANS) + 2_000 * z
    term = np.where(rng.random(LOANS) < expit(z - 1), 60, 36)
    income = np.exp(11 + 0.5 * np.clip(rng.standard_normal(LOANS), -2.5, 2.5))
    log_odds = -1.9 + 0.6 * z + 0.02 * (amount / 1_000 - 15) + 0.4 * (term == 60) - 0.3 * (np.log1p(income) - 11)
    return pd.DataFrame(
        {
            "default": rng.binomial(1, expit(log_odds + effects[codes])),
            FACTOR: pd.Categorical.from_codes(codes, pd.Index(LEVELS)),
            "loan_amnt": amount,
            "term": term,
            "int_rate": 13.6 + 4 * z,
            "annual_inc": income,
            "dti": rng.uniform(0, 35, LOANS),
            "revol_util": rng.uniform(0, 100, LOANS),
            "home_ownership": rng.choice(["MORTGAGE", "RENT", "OWN"], LOANS, p=[0.5, 0.4, 0.1]),
            "purpose": rng.choice(["debt_consolidation", "credit_card", "other"], LOANS, p=[0.6, 0.2, 0.2]),
        }
    )


def contrasts(effects: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return each level's effect minus the mean of the others', weighted by their loans."""
    total = weights.sum()
    return np.asarray(effects - (effects @ weights - effects * weights) / (total - weights))


@cache
def adjusted_cells() -> pd.DataFrame:
    """Return setting, level, true_or (with the population's weights)."""
    rows = []
    for setting, (effects, pulls) in SETTINGS.items():
        truth = np.exp(contrasts(effects, population_shares(pulls)))
        rows += [(setting, level, ratio) for level, ratio in zip(LEVELS, truth, strict=True)]
    return pd.DataFrame(rows, columns=["setting", "level", "true_or"])


def population_shares(pulls: np.ndarray) -> np.ndarray:
    """Return the share of each segment, by integration over the standardised rate (normal, cut at 2.5)."""
    z = np.linspace(-8, 8, 16_001)
    share = SHARES * np.exp(np.outer(np.clip(z, -2.5, 2.5), pulls))
    share /= share.sum(axis=1, keepdims=True)
    density = np.exp(-(z**2) / 2)
    return np.asarray(density @ share / density.sum())


def draw_adjusted(rngs: list[np.random.Generator]) -> Draw:
    """Draw `adjusted_cells`: coverage and error of the adjusted odds ratio, and of the unadjusted one as if it were."""
    measures = ["covered", "covered_population", "log_error", "log_width", "unadjusted_covered", "unadjusted_log_error"]
    results = np.full((len(measures), len(rngs), len(SETTINGS), len(LEVELS)), np.nan)
    shares = {setting: population_shares(pulls) for setting, (_, pulls) in SETTINGS.items()}
    for row, rng in enumerate(rngs):
        for column, (setting, (effects, pulls)) in enumerate(SETTINGS.items()):
            before, after = _analyse(rng, effects, pulls)
            if not after["odds_ratio"].notna().all():
                continue
            truth = contrasts(effects, before["n"].to_numpy())
            wider = contrasts(effects, shares[setting])
            low, high = np.log(after["or_low"].to_numpy()), np.log(after["or_high"].to_numpy())
            raw_low, raw_high = np.log(before["or_low"].to_numpy()), np.log(before["or_high"].to_numpy())
            results[:, row, column] = [
                (low <= truth) & (truth <= high),
                (low <= wider) & (wider <= high),
                np.log(after["odds_ratio"].to_numpy()) - truth,
                high - low,
                (raw_low <= truth) & (truth <= raw_high),
                np.log(before["odds_ratio"].to_numpy()) - truth,
            ]
    flat = results.reshape(len(measures), len(rngs), -1)
    return dict(zip(measures, flat, strict=True))


@cache
def adjusted_null_cells() -> pd.DataFrame:
    """Return the one cell: a factor without any effect that goes with the interest rate."""
    return pd.DataFrame({"setting": ["confounded, no effect"], "levels": [len(LEVELS)], "loans": [LOANS]})


def draw_adjusted_null(rngs: list[np.random.Generator]) -> Draw:
    """Draw `adjusted_null_cells`: whether any level is called different, adjusted and not."""
    found = np.full((2, len(rngs), 1), np.nan)
    for row, rng in enumerate(rngs):
        before, after = _analyse(rng, 0 * EFFECTS, PULLS)
        if after["p_adjusted"].notna().all():
            found[:, row, 0] = [(table["p_adjusted"] < ALPHA).any() for table in (after, before)]
    return {"adjusted_false": found[0], "unadjusted_false": found[1]}


def _analyse(rng: np.random.Generator, effects: np.ndarray, pulls: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    loans = segment_loans(rng, effects, pulls)
    association = analyse(factor_counts(FrameCounts(loans), FACTOR), factor=FACTOR, alpha=ALPHA)
    adjusted = adjusted_odds(association, loans)
    return association.levels.set_index("level").loc[LEVELS], adjusted.levels.set_index("level").loc[LEVELS]
