"""Scenarios of the validation that need counts only: draws of levels whose truth is known.

Each `draw_...` takes one random generator per repetition and returns measures of shape (repetitions, cells); the cells
are the rows of the frame beside it. A measure is missing where it does not apply.
"""

import json
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import power_proportions_2indep

from loantap.analysis.association import cramers_v
from loantap.analysis.odds import detectable_odds_ratios, level_p_values, odds_ratio, wilson
from loantap.analysis.suppression import is_small
from loantap.settings import reference_dir

ALPHA = 0.05
MIN_CELL = 10
REST = 20_000  # the loans a level is compared with: few enough that their own chance counts too
BASE_RATE = 0.2
PORTFOLIO = 396_030

Draw = dict[str, np.ndarray]
Generators = list[np.random.Generator]


def rate_at(odds_ratio: np.ndarray, other_rate: np.ndarray) -> np.ndarray:
    """Return the default rate whose odds are `odds_ratio` times those of `other_rate`."""
    odds = odds_ratio * other_rate / (1 - other_rate)
    return np.asarray(odds / (1 + odds))


@cache
def odds_cells() -> pd.DataFrame:
    """Return rest_rate, n, true_or, rate, expected (the smaller of the level's expected defaults and repaid loans)."""
    grid = list(product([0.05, 0.2, 0.5], [50, 200, 1_000, 10_000], [0.5, 0.8, 1.0, 1.5, 3.0]))
    cells = pd.DataFrame(grid, columns=["rest_rate", "n", "true_or"])
    rate = rate_at(cells["true_or"].to_numpy(), cells["rest_rate"].to_numpy())
    return cells.assign(rate=rate, expected=cells["n"] * np.minimum(rate, 1 - rate))


@cache
def rare_cells() -> pd.DataFrame:
    """Return the same of small levels where nearly all, or all, loans end the same way."""
    cells = pd.DataFrame(list(product([0.0, 0.02, 0.98, 1.0], [10, 20, 50, 100])), columns=["rate", "n"])
    rate = cells["rate"].to_numpy()
    with np.errstate(divide="ignore"):
        true = rate / (1 - rate) / (BASE_RATE / (1 - BASE_RATE))
    return cells.assign(rest_rate=BASE_RATE, true_or=true, expected=cells["n"] * np.minimum(rate, 1 - rate))


def draw_odds(rngs: Generators) -> Draw:
    """Draw `odds_cells`."""
    return _odds(odds_cells(), rngs)


def draw_rare(rngs: Generators) -> Draw:
    """Draw `rare_cells`."""
    return _odds(rare_cells(), rngs)


def _odds(cells: pd.DataFrame, rngs: Generators) -> Draw:
    n, true = cells["n"].to_numpy(), cells["true_or"].to_numpy()
    bad = np.stack([rng.binomial(n, cells["rate"]) for rng in rngs])
    other = np.stack([rng.binomial(REST, cells["rest_rate"]) for rng in rngs])
    ratio, low, high = odds_ratio(bad, n, other, np.array(REST), alpha=ALPHA)
    covered = (low <= true) & (true <= high)
    corrected = (bad == 0) | (bad == n)
    small = is_small(
        pd.Series(np.broadcast_to(n, bad.shape).ravel()), pd.Series(bad.ravel()), min_cell=MIN_CELL, default_rate=None
    )
    # A level of the data's own making, such as a profession, is published if its size promises enough of both.
    rate = cells["rest_rate"].to_numpy()
    promised = n * np.minimum(rate, 1 - rate) >= MIN_CELL
    shown = ~small.reshape(bad.shape) & promised
    with np.errstate(divide="ignore"):
        error = np.where(np.isfinite(np.log(true)), np.log(ratio) - np.log(true), np.nan)
    return {
        "covered": covered,
        "shown": shown,
        "covered_shown": np.where(shown, covered, np.nan),
        "corrected": corrected,
        "covered_corrected": np.where(corrected, covered, np.nan),
        "log_width": np.log(high / low),
        "log_error": error,
    }


@cache
def wilson_cells() -> pd.DataFrame:
    """Return rate, n, expected."""
    grid = list(product([0.02, 0.05, 0.2, 0.5, 0.98], [10, 50, 200, 1_000, 10_000]))
    cells = pd.DataFrame(grid, columns=["rate", "n"])
    return cells.assign(expected=cells["n"] * np.minimum(cells["rate"], 1 - cells["rate"]))


def draw_wilson(rngs: Generators) -> Draw:
    """Draw `wilson_cells`."""
    cells = wilson_cells()
    bad = np.stack([rng.binomial(cells["n"], cells["rate"]) for rng in rngs])
    n = np.broadcast_to(cells["n"], bad.shape)
    low, high = (end.reshape(bad.shape) for end in wilson(pd.Series(bad.ravel()), pd.Series(n.ravel()), alpha=ALPHA))
    rate = cells["rate"].to_numpy()
    return {"covered": (low <= rate) & (rate <= high), "width": high - low}


def level_sizes(levels: int) -> np.ndarray:
    """Return shares of loans like those of professions.

    Three large levels (other, employer named, missing), the rest ever smaller, in equal pairs; fewer than 20 levels are
    of equal size.
    """
    if levels < 20:
        return np.full(levels, 1 / levels)
    falling = np.exp(-(np.arange(levels - 3) // 2) / (levels / 8))
    return np.concatenate([[0.25, 0.14, 0.06], 0.55 * falling / falling.sum()])


@cache
def published_levels(factor: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of loans and the default rate of each level of a factor, as published."""
    facts = json.loads((reference_dir() / "published_facts.json").read_text("utf-8"))
    levels = pd.DataFrame(facts["by_loan_status"][factor]["value"]).T
    return (levels["n"] / levels["n"].sum()).to_numpy(), (levels["charged_off"] / levels["n"]).to_numpy()


@cache
def power_cells() -> pd.DataFrame:
    """Return n, levels, side, true_or, formula: the detectable odds ratios, then stated ones, and their power.

    `formula` is the power of the normal approximation (Fleiss, Levin and Paik 2003, section 4.2).
    """
    rows = []
    for n, levels in product([100, 300, 1_000, 5_000, 20_000], [10, 40, 135]):
        both = detectable_odds_ratios(n, REST, BASE_RATE, alpha=ALPHA / levels)
        rows += [(n, levels, "smallest detectable", true) for true in both if true is not None]
    rows += [(n, 40, "stated", true) for n, true in product([200, 1_000, 10_000], [0.5, 0.8, 1.25, 1.5, 2.0])]
    cells = pd.DataFrame(rows, columns=["n", "levels", "kind", "true_or"])
    rate = rate_at(cells["true_or"].to_numpy(), np.array(BASE_RATE))
    formula = [
        power_proportions_2indep(
            own - BASE_RATE, BASE_RATE, n, ratio=REST / n, alpha=ALPHA / levels, return_results=False
        )
        for own, n, levels in zip(rate, cells["n"], cells["levels"], strict=True)
    ]
    return cells.assign(rate=rate, expected=cells["n"] * np.minimum(rate, BASE_RATE), formula=formula)


def draw_power(rngs: Generators) -> Draw:
    """Draw `power_cells`: whether the level is found at the first step of Holm's correction."""
    cells = power_cells()
    found = np.zeros((len(rngs), len(cells)), dtype=bool)
    for row, rng in enumerate(rngs):
        bad, other = rng.binomial(cells["n"], cells["rate"]), rng.binomial(REST, BASE_RATE, len(cells))
        for column, (n, levels) in enumerate(zip(cells["n"], cells["levels"], strict=True)):
            p_values, _ = level_p_values(np.array([bad[column], other[column]]), np.array([n, REST]))
            found[row, column] = p_values[0] < ALPHA / levels
    return {"found": found, "difference": found - cells["formula"].to_numpy()}


@cache
def _strengths() -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    spread = stats.norm.ppf((np.arange(40) * 17 % 40 + 0.5) / 40)
    sizes = level_sizes(40)
    spread = (spread - sizes @ spread) / np.sqrt(sizes @ (spread - sizes @ spread) ** 2)
    weak = BASE_RATE + 0.05 * np.sqrt(BASE_RATE * (1 - BASE_RATE)) * spread
    even = [("no effect", level_sizes(levels), np.full(levels, BASE_RATE)) for levels in (10, 40)]
    kinds = [
        *even,
        ("like profession", sizes, weak),
        ("grade", *published_levels("grade")),
        ("pincode", *published_levels("pincode")),
    ]
    return [(name, loans, own, rates) for name, own, rates in kinds for loans in (7_000, PORTFOLIO)]


@cache
def cramers_v_cells() -> pd.DataFrame:
    """Return factor, levels, loans, true_v (rounded: by the formula 0 comes out as 1e-17)."""
    rows = []
    for name, loans, sizes, rates in _strengths():
        base = sizes @ rates
        rows.append(
            (name, len(sizes), loans, round(float(np.sqrt(sizes @ (rates - base) ** 2 / (base * (1 - base)))), 12))
        )
    return pd.DataFrame(rows, columns=["factor", "levels", "loans", "true_v"])


def draw_cramers_v(rngs: Generators) -> Draw:
    """Draw `cramers_v_cells`: every loan has a level and an outcome, both by chance."""
    true = cramers_v_cells()["true_v"].to_numpy()
    found = np.empty((len(rngs), len(true), 3))
    for row, rng in enumerate(rngs):
        for column, (_, loans, sizes, rates) in enumerate(_strengths()):
            n = rng.multinomial(loans, sizes)
            bad, n = rng.binomial(n, rates)[n > 0], n[n > 0]
            chi2 = float(stats.chi2_contingency(np.column_stack([bad, n - bad]), correction=False).statistic)
            found[row, column] = cramers_v(chi2, loans, rows=len(n), columns=2, alpha=ALPHA)
    v, low, high = np.moveaxis(found, 2, 0)
    return {"covered": (low <= true) & (true <= high), "error": v - true, "width": high - low}
