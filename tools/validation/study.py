"""Whether the verdicts can be trusted: every statistic on draws whose truth is known, against a stated goal.

Each repetition of each scenario has a random generator of its own (the children of one `numpy` SeedSequence), so the
result depends on the seed and the number of repetitions, and not on how many processes share the work.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from validation import counts, families, loans
from validation.claims import CLAIMS, NO_SHARES, estimate, judge


@dataclass(frozen=True)
class Scenario:
    """Draws of known truth.

    Attributes:
        title: What is drawn.
        cells: Makes the frame of settings, one row each.
        draw: Returns measures of shape (repetitions, cells), given one generator per repetition.
        times: Repetitions, as a multiple of those asked for: more where they cost nothing.
        block: Repetitions of one task of a worker.
    """

    title: str
    cells: Callable[[], pd.DataFrame]
    draw: Callable[[list[np.random.Generator]], dict[str, np.ndarray]]
    times: int = 1
    block: int = 25


SCENARIOS: Mapping[str, Scenario] = {
    "odds": Scenario("Odds ratio of a level", counts.odds_cells, counts.draw_odds, 10, 500),
    "rare": Scenario("Odds ratio of a rare or separated level", counts.rare_cells, counts.draw_rare, 10, 500),
    "adjusted": Scenario("Adjusted odds ratio", loans.adjusted_cells, loans.draw_adjusted),
    "adjusted_null": Scenario("False verdicts, adjusted", loans.adjusted_null_cells, loans.draw_adjusted_null),
    "families": Scenario("False verdicts under no effect", families.family_cells, families.draw_families, 5),
    "effects": Scenario("False verdicts beside true ones", families.effect_cells, families.draw_effects, 2),
    "power": Scenario("Power", counts.power_cells, counts.draw_power, 2, 100),
    "cramers_v": Scenario("Cramér's V", counts.cramers_v_cells, counts.draw_cramers_v, 2, 100),
    "wilson": Scenario("Default rate", counts.wilson_cells, counts.draw_wilson, 10, 500),
}


@dataclass(frozen=True)
class Validation:
    """The result.

    Attributes:
        repetitions: What was asked for; each scenario has a multiple of it.
        seed: Seed of everything.
        cells: For each scenario its cells, with every measure, its Monte Carlo interval (_low, _high), and
            repetitions.
        verdicts: quantity, scenario, measure, share, goal_low, goal_high, found, found_low, found_high, cells, least, most, below, above (cells
            that lie outside the goal beyond chance), outside (their places in the frame of cells), verdict.
    """

    repetitions: int
    seed: int
    cells: Mapping[str, pd.DataFrame]
    verdicts: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with six digits; infinite and missing numbers are None."""
        return {
            "repetitions": self.repetitions,
            "seed": self.seed,
            "alpha": counts.ALPHA,
            "rest": counts.REST,
            "base_rate": counts.BASE_RATE,
            "min_cell": counts.MIN_CELL,
            "adjusted_loans": loans.LOANS,
            "verdicts": _records(self.verdicts),
            "scenarios": {
                name: {"title": SCENARIOS[name].title, "cells": _records(cells)} for name, cells in self.cells.items()
            },
        }


def validate(
    *,
    repetitions: int = 2_000,
    workers: int = 1,
    seed: int = 0,
    on_block: Callable[[str, int], None] = lambda scenario, repetitions: None,
) -> Validation:
    """Run every scenario and hold it against its goal.

    Args:
        repetitions: Repetitions of the scenarios that cost most; the others have a multiple.
        workers: Processes.
        seed: Seed of the simulation.
        on_block: Called with the scenario and the number of repetitions that have just been done.
    """
    drawn: dict[str, dict[int, dict[str, np.ndarray]]] = {name: {} for name in SCENARIOS}
    tasks = [
        (name, start, min(scenario.block, repetitions * scenario.times - start), seed)
        for name, scenario in SCENARIOS.items()
        for start in range(0, repetitions * scenario.times, scenario.block)
    ]
    if workers == 1:
        for task in tasks:
            drawn[task[0]][task[1]] = draw_block(*task)
            on_block(task[0], task[2])
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = {pool.submit(draw_block, *task): task for task in tasks}
            try:
                for future in as_completed(futures):
                    name, start, size, _ = futures[future]
                    drawn[name][start] = future.result()
                    on_block(name, size)
            except BaseException:  # Ctrl-C, or one task failed: do not work through all the others first
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    measures = {name: _joined([blocks[start] for start in sorted(blocks)]) for name, blocks in drawn.items()}
    verdicts = pd.DataFrame(
        [judge(claim, SCENARIOS[claim.scenario].cells(), measures[claim.scenario]) for claim in CLAIMS]
    )
    return Validation(repetitions, seed, {name: summarise(name, found) for name, found in measures.items()}, verdicts)


def draw_block(scenario: str, start: int, size: int, seed: int) -> dict[str, np.ndarray]:
    """Draw repetitions `start` to `start + size - 1` of a scenario."""
    place = list(SCENARIOS).index(scenario)
    # The same as SeedSequence(seed).spawn(...)[place].spawn(...)[start:start + size], without making the others.
    seeds = [np.random.SeedSequence(seed, spawn_key=(place, row)) for row in range(start, start + size)]
    with threadpool_limits(1):  # sums must not depend on the number of threads
        return SCENARIOS[scenario].draw([np.random.default_rng(child) for child in seeds])


def _joined(blocks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([block[name] for block in blocks]).astype("float64") for name in blocks[0]}


def summarise(scenario: str, measures: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the cells of a scenario with the mean and the interval of each measure."""
    cells = SCENARIOS[scenario].cells().copy()
    for name, values in measures.items():
        found = [estimate(column[:, np.newaxis], share=name not in NO_SHARES) for column in values.T]
        cells[[name, f"{name}_low", f"{name}_high"]] = found
    return cells.assign(repetitions=len(next(iter(measures.values()))))


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    def plain(value: object) -> object:
        if isinstance(value, (float, np.floating)):
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return value.item() if isinstance(value, np.generic) else value

    return [{str(name): plain(value) for name, value in row.items()} for row in table.to_dict(orient="records")]
