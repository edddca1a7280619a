"""Rearrangements that make impossible loans possible and leave every column's counts as they are."""

import numpy as np
from numpy.typing import NDArray

from loantap.data.synthetic.quotas import Counts

SWAP_ROUNDS = 40


def raise_by_swaps(values: NDArray[np.int64], floor: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Swap entries of `values` in place until none lies below its `floor`.

    A swap partner must stay at or above its own floor. In tables of a few rows no partner may exist; then the value
    is raised to its floor.
    """
    for _ in range(SWAP_ROUNDS):
        low = np.flatnonzero(values < floor)
        if not len(low):
            return
        partner = np.unique(rng.integers(0, len(values), len(low)))
        partner = rng.permutation(partner)
        low = low[: len(partner)]
        possible = (values[partner] >= floor[low]) & (values[low] >= floor[partner]) & ~np.isin(partner, low)
        low, partner = low[possible], partner[possible]
        values[low], values[partner] = values[partner], values[low]
    for row in np.flatnonzero(values < floor):
        partners = np.flatnonzero((values >= floor[row]) & (values[row] >= floor))
        if len(partners):
            partner = rng.choice(partners)
            values[row], values[partner] = values[partner], values[row]
        else:
            values[row] = np.ceil(floor[row])


def bankruptcies_within(
    records: NDArray[np.float64], latent: NDArray[np.floating], counts: Counts, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return bankruptcies with exactly `counts` of 0, 1, 2, ..., never above `records` where the counts allow it.

    The highest number is placed first, among the loans with records enough. One bankruptcy goes by `latent`; two or
    more go by chance, since many records (liens, mostly) say little about the number of bankruptcies.
    """
    bankruptcies = np.zeros(len(records))
    for number in range(len(counts) - 1, 0, -1):
        wanted = int(counts[number])
        if not wanted:
            continue
        free = bankruptcies == 0
        room = np.flatnonzero(free & (records >= number))
        if len(room) < wanted:
            order = np.lexsort((-records, ~free))
            room = order[:wanted]
        key = latent[room] if number == 1 else rng.random(len(room))
        bankruptcies[room[np.argpartition(key, len(room) - wanted)[len(room) - wanted :]]] = number
    return bankruptcies
