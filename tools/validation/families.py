"""Scenarios of the validation about whole factors: what is called different, with and without effects."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from loantap.analysis.odds import adjust_p_values, level_p_values, residuals
from loantap.analysis.suppression import pool_small
from validation.counts import (
    ALPHA,
    BASE_RATE,
    MIN_CELL,
    PORTFOLIO,
    Draw,
    Generators,
    level_sizes,
    published_levels,
)


@cache
def family_cells() -> pd.DataFrame:
    """Return factor, levels, loans, fixed: factors without any effect."""
    rows = [("like pincode", 10, PORTFOLIO, True), ("like grade, small portfolio", 7, 2_000, True)]
    rows += [("like profession", levels, loans, False) for levels in (40, 135) for loans in (7_000, PORTFOLIO)]
    return pd.DataFrame(rows, columns=["factor", "levels", "loans", "fixed"])


def draw_families(rngs: Generators) -> Draw:
    """Draw `family_cells`: whether any level is called different, and whether the chi-square test finds anything."""
    cells = family_cells()
    results = np.full((len(rngs), len(cells), 5), np.nan)
    for row, rng in enumerate(rngs):
        for column, cell in enumerate(_rows(cells)):
            sizes = published_levels("grade")[0] if cell.levels == 7 else level_sizes(cell.levels)
            tested = family_verdicts(rng, cell.loans, sizes, np.full(len(sizes), BASE_RATE), fixed=cell.fixed)
            if tested is not None:
                found = [(tested[name] < ALPHA).any() for name in ("holm", "bh", "holm_normal")]
                results[row, column] = [*found, tested["chi2_p_value"].iloc[0] < ALPHA, len(tested)]
    return dict(zip(["holm", "bh", "holm_normal", "chi2", "published"], np.moveaxis(results, 2, 0), strict=True))


def family_verdicts(
    rng: np.random.Generator, loans: int, sizes: np.ndarray, rates: np.ndarray, *, fixed: bool
) -> pd.DataFrame | None:
    """Draw a portfolio, pool its small levels, test the others: level, p_value, holm, bh, holm_normal, chi2_p_value.

    The steps of `association.analyse` that decide on verdicts, without what is slow and does not (a test holds both to
    the same numbers). `holm_normal` is what the report does not do: Holm's correction of p-values from the normal
    approximation throughout; it tells what the exact test of levels with few expected loans is good for.
    None where pooling leaves nothing to compare.
    """
    n = rng.multinomial(loans, sizes)
    counts = pd.DataFrame({"level": np.arange(len(n)).astype(str), "n": n, "defaults": rng.binomial(n, rates)})
    table = pool_small(counts.loc[n > 0], min_cell=MIN_CELL, by_expectation=not fixed).counts
    if len(table) < 2:
        return None
    own, bad = table["n"].to_numpy(), table["defaults"].to_numpy()
    p_values = pd.Series(level_p_values(bad, own)[0])
    adjusted = {name: adjust_p_values(p_values, correction=name) for name in ("holm", "bh")}
    normal = pd.Series(2 * stats.norm.sf(np.abs(residuals(bad, own))))
    adjusted["holm_normal"] = adjust_p_values(normal, correction="holm")
    chi2 = stats.chi2_contingency(np.column_stack([bad, own - bad]), correction=False)
    return table[["level"]].assign(p_value=p_values, **adjusted, chi2_p_value=chi2.pvalue)


@cache
def effect_cells() -> pd.DataFrame:
    """Return levels, loans, pairs, shift: factors where pairs of levels differ and all others do not."""
    rows = [(40, 40_000, 4, 0.04), (135, 40_000, 10, 0.04), (135, PORTFOLIO, 10, 0.02)]
    return pd.DataFrame(rows, columns=["levels", "loans", "pairs", "shift"])


def effect_rates(levels: int, pairs: int, shift: float) -> np.ndarray:
    """Return default rates where `pairs` pairs of levels of equal size lie `shift` above and below the base rate.

    Above and below cancel, so every other level has exactly the default rate of the rest of the portfolio.
    """
    rates = np.full(levels, BASE_RATE)
    rates[3 : 3 + 2 * pairs] += np.tile([shift, -shift], pairs)
    return rates


def draw_effects(rngs: Generators) -> Draw:
    """Draw `effect_cells`: false verdicts beside true ones, and the share of true effects that were found."""
    cells = effect_cells()
    results = np.full((len(rngs), len(cells), 4), np.nan)
    for row, rng in enumerate(rngs):
        for column, cell in enumerate(_rows(cells)):
            rates = effect_rates(cell.levels, cell.pairs, cell.shift)
            tested = family_verdicts(rng, cell.loans, level_sizes(len(rates)), rates, fixed=False)
            if tested is None:
                continue
            different = tested["level"].isin([str(place) for place in np.flatnonzero(rates != BASE_RATE)])
            holm, bh = tested["holm"] < ALPHA, tested["bh"] < ALPHA
            results[row, column] = [
                (holm & ~different).any(),
                (bh & ~different).sum() / max(1, bh.sum()),
                (holm & different).sum() / (2 * cell.pairs),
                (bh & different).sum() / (2 * cell.pairs),
            ]
    return dict(
        zip(["holm_false", "bh_share_false", "holm_found", "bh_found"], np.moveaxis(results, 2, 0), strict=True)
    )


def _rows(cells: pd.DataFrame) -> list[Any]:
    return list(cells.itertuples())
