import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.synthetic.quotas import Remaining, largest_remainder

counts = st.lists(st.integers(0, 10_000), min_size=1, max_size=60).filter(any)


@given(counts, st.integers(0, 50_000))
def test_quotas_sum_to_the_total(weights, total):
    assert largest_remainder(weights, total).sum() == total


@given(counts, st.integers(0, 50_000))
def test_quotas_lie_within_one_of_the_exact_share(weights, total):
    exact = np.array(weights) * total / sum(weights)
    # 1e-6: the exact share is itself a floating-point number
    assert (np.abs(largest_remainder(weights, total) - exact) < 1 + 1e-6).all()


@given(counts)
def test_whole_weights_that_sum_to_the_total_come_back_unchanged(weights):
    assert largest_remainder(weights, sum(weights)).tolist() == weights


@given(counts, st.integers(0, 50_000))
def test_a_weight_of_zero_gets_nothing(weights, total):
    quotas = largest_remainder([*weights, 0], total)
    assert quotas[-1] == 0


def test_the_largest_remainders_are_rounded_up_and_ties_go_to_the_first():
    assert largest_remainder([1, 1, 1], 4).tolist() == [2, 1, 1]
    assert largest_remainder([0.5, 2.7, 6.8], 10).tolist() == [0, 3, 7]


def test_nothing_to_share_by_is_an_error():
    with pytest.raises(ValueError, match="at least one weight above 0"):
        largest_remainder([0, 0], 3)


@given(counts, st.data())
def test_chunks_sum_to_the_plan_however_it_is_cut(weights, data):
    remaining = Remaining(weights)
    taken = np.zeros(len(weights), dtype=int)
    left = sum(weights)
    while left:
        rows = data.draw(st.integers(max(1, left // 4), left))
        share = remaining.take(rows)
        assert share.sum() == rows
        assert (share >= 0).all()
        taken += share
        left -= rows
    assert taken.tolist() == weights


@given(counts, st.integers(1, 500))
def test_no_chunk_takes_more_than_remains(weights, rows):
    remaining = Remaining(weights)
    remaining.take(min(rows, sum(weights)))
    assert (remaining.counts >= 0).all()
