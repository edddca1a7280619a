"""Loans drawn again: the same draws whatever is summed, however many are summed at a time."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from loantap.model import bootstrap
from loantap.model.bootstrap import drawn_counts, drawn_sums

LOANS = np.random.default_rng(1).random((300, 3))


@pytest.mark.parametrize("most_kept", [0, 1_000_000], ids=["made anew", "kept"])
@pytest.mark.parametrize("batch", [1, 2_000, 1_000_000], ids=["one at a time", "six at a time", "all at once"])
@pytest.mark.parametrize("table", [np.asarray, csr_array])
def test_sums_over_drawn_loans_are_those_of_each_draw(monkeypatch, table, batch, most_kept):
    monkeypatch.setattr(bootstrap, "_BATCH", batch)
    monkeypatch.setattr(bootstrap, "_MOST_KEPT", most_kept)
    bootstrap._kept_batches.cache_clear()
    each = [drawn @ LOANS for drawn in drawn_counts(300, repetitions=20, random_state=7)]
    for _ in range(2):
        sums = drawn_sums(table(LOANS), repetitions=20, random_state=7)
        np.testing.assert_allclose(sums, each, rtol=1e-13)  # the order of a sum moves its last digits
    other = drawn_sums(table(LOANS), repetitions=20, random_state=8)
    assert not np.allclose(other, each)
