import numpy as np
import pytest
from synthetic_reference.calibration import Constraints, calibrate


def test_calibrated_counts_keep_total_and_mean():
    values = np.arange(10.0)
    constraints = Constraints(10)
    constraints.equal(np.ones(10), 1_000)
    constraints.equal(values, 6_000)
    counts = calibrate(np.full(10, 100.0), constraints)
    # 1e-6 relative: the Newton steps stop at a gradient of 1e-10 of the scale
    assert counts.sum() == pytest.approx(1_000, rel=1e-6)
    assert counts @ values == pytest.approx(6_000, rel=1e-6)


def test_the_tilt_of_a_mean_is_exponential_in_the_value():
    constraints = Constraints(10)
    constraints.equal(np.ones(10), 1_000)
    constraints.equal(np.arange(10.0), 6_000)
    counts = calibrate(np.full(10, 100.0), constraints)
    ratios = counts[1:] / counts[:-1]
    assert ratios == pytest.approx(ratios[0], rel=1e-6)


def test_calibration_to_margins_is_raking():
    prior = np.array([[10.0, 20.0], [30.0, 40.0]])
    rows, columns = [40.0, 60.0], [45.0, 55.0]
    raked = prior.copy()
    for _ in range(200):
        raked *= (rows / raked.sum(axis=1))[:, None]
        raked *= columns / raked.sum(axis=0)
    constraints = Constraints(4)
    for i in range(2):
        constraints.equal(np.arange(4) // 2 == i, rows[i])
        constraints.equal(np.arange(4) % 2 == i, columns[i])
    assert calibrate(prior.ravel(), constraints) == pytest.approx(raked.ravel(), rel=1e-6)


def test_a_range_binds_only_when_it_is_left():
    prior = np.array([10.0, 20.0, 30.0])
    constraints = Constraints(3)
    constraints.equal(np.ones(3), 60)
    constraints.within([1, 0, 0], 5, 15)
    assert calibrate(prior, constraints) == pytest.approx(prior, rel=1e-6)
    constraints.within([0, 0, 1], 0, 24)
    assert calibrate(prior, constraints) == pytest.approx([12, 24, 24], rel=1e-6)


def test_impossible_cells_stay_empty():
    constraints = Constraints(3)
    constraints.equal(np.ones(3), 30)
    assert calibrate([0.0, 1.0, 2.0], constraints)[0] == 0


def test_statements_that_contradict_one_another_are_an_error():
    constraints = Constraints(2)
    constraints.equal([1, 1], 10)
    constraints.equal([1, 0], 20)
    with pytest.raises(ValueError, match="cannot hold"):
        calibrate([5.0, 5.0], constraints)
