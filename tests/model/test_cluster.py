"""The same search on a Dask cluster."""

import pandas as pd
import pytest

from loantap.model.baselines import challenge
from loantap.model.folds import fold_splits, on_cluster
from loantap.model.inputs import feature_frame
from loantap.model.recipe import Recipe
from loantap.model.tuning import tune

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed")


def test_two_workers_of_a_cluster_give_the_same_numbers(loans: pd.DataFrame):
    X, y = feature_frame(loans.head(1_500), inputs="without_pincode"), loans["default"].to_numpy()[:1_500]
    splits = fold_splits(y, folds=3, random_state=0)
    tried = {"recipe": Recipe("without_pincode"), "penalties": ("l1", "l2"), "Cs": (0.01, 1.0)}
    options = {**tried, "splits": splits, "random_state": 0}
    here = tune(X, y, n_jobs=1, **options)
    challengers = challenge(X, y, splits=splits, random_state=0, n_jobs=1)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        on_cluster(cluster.scheduler_address),
    ):
        there = tune(X, y, **options)
        challengers_there = challenge(X, y, splits=splits, random_state=0)
        ran = distributed.get_client().run(lambda dask_worker: dask_worker.state.executed_count)
    pd.testing.assert_frame_equal(here.grid, there.grid)
    assert here.best == there.best
    for one, other in zip(challengers, challengers_there, strict=True):
        pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    assert (here.log_odds == there.log_odds).all()
    assert len(ran) == 2
    assert sum(ran.values()) >= 3  # the folds did go to the workers
