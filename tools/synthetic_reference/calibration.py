"""Counts of cells that agree with published statistics and stay as near as possible to a prior."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass
class Constraints:
    """Linear statements about the counts of cells: their weighted sum is a value, or lies between two."""

    cells: int
    exact: list[tuple[Floats, float]] = field(default_factory=list)
    between: list[tuple[Floats, float, float]] = field(default_factory=list)

    def equal(self, weights: ArrayLike, value: float) -> None:
        """State that the weighted sum of the counts is `value`."""
        self.exact.append((np.asarray(weights, dtype=float), float(value)))

    def within(self, weights: ArrayLike, low: float, high: float) -> None:
        """State that the weighted sum of the counts lies in [low, high]."""
        self.between.append((np.asarray(weights, dtype=float), float(low), float(high)))


def tilt(prior: Floats, weights: Floats, values: Floats, *, steps: int = 300) -> tuple[Floats, Floats]:
    """Return the counts nearest to `prior` in relative entropy with `weights @ counts == values`, and multipliers.

    The counts are prior * exp(multipliers @ weights); the multipliers minimise the convex dual by damped Newton steps
    (Csiszar 1975; Deming and Stephan's raking is the special case of 0/1 weights). Raises ValueError when the
    statements contradict one another or the prior.
    """
    possible = prior > 0
    everywhere, prior, weights = prior, prior[possible], weights[:, possible]
    scale = np.abs(weights) @ prior
    scaled, target = weights / scale[:, None], values / scale
    multipliers = np.zeros(len(values))

    def dual(candidate: Floats) -> tuple[float, Floats]:
        with np.errstate(over="ignore"):
            counts = prior * np.exp(candidate @ scaled)
        return float(counts.sum() - candidate @ target), counts

    height, counts = dual(multipliers)
    for _ in range(steps):
        gradient = scaled @ counts - target
        if np.abs(gradient).max() < 1e-10:
            break
        curvature = (scaled * counts) @ scaled.T
        curvature[np.diag_indices_from(curvature)] *= 1 + 1e-9
        direction = np.linalg.lstsq(curvature, gradient, rcond=1e-13)[0]
        size = 1.0
        while size > 1e-8:
            candidate = multipliers - size * direction
            lower, changed = dual(candidate)
            if np.isfinite(lower) and lower <= height:
                break
            size /= 2
        multipliers, height, counts = candidate, lower, changed
    worst = np.abs(scaled @ counts - target)
    if not worst.max() < 1e-5:
        raise ValueError(f"statement {int(worst.argmax())} of {len(values)} cannot hold (off by {worst.max():.2e})")
    tilted = np.zeros_like(everywhere)
    tilted[possible] = counts
    return tilted, multipliers


def calibrate(prior: ArrayLike, constraints: Constraints, *, turns: int = 400) -> Floats:
    """Return the counts nearest to `prior` that agree with all `constraints`.

    Statements with a range form an active set: the one that is violated most is held at the bound it crossed, and
    one whose multiplier has the wrong sign (the counts would stay within without it) is let go. Raises ValueError
    when the statements contradict one another or the prior.
    """
    start = np.asarray(prior, dtype=float)
    held: dict[int, tuple[float, int]] = {}
    for _ in range(turns):
        rows = constraints.exact + [(constraints.between[i][0], bound) for i, (bound, _) in held.items()]
        counts, multipliers = tilt(start, np.array([w for w, _ in rows]), np.array([v for _, v in rows]))
        pushes = multipliers[len(constraints.exact) :]
        idle = [i for (i, (_, side)), push in zip(held.items(), pushes, strict=True) if push * side < -1e-9]
        if idle:
            del held[idle[0]]
            continue
        worst, gap = None, 1e-6
        for i, (weights, low, high) in enumerate(constraints.between):
            value = weights @ counts
            beyond = max(low - value, value - high) / max(np.abs(weights) @ start, 1e-9)
            if i not in held and beyond > gap:
                worst, gap = i, beyond
        if worst is None:
            return counts
        weights, low, high = constraints.between[worst]
        held[worst] = (low, 1) if weights @ counts < low else (high, -1)
    raise ValueError(f"the statements with a range did not settle in {turns} turns")
