"""The lights of a month in SQL are those of `loantap watch`: for any snapshots, every column of every loan."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from panels import Delivered, applications_of, random_snapshots
from scored_alike import COLUMNS
from sqlglot import exp

from loantap.data.application_file import open_applications
from loantap.data.columns import KEY
from loantap.data.snapshot_contract import MEASURES, months_since_1970, status_code
from loantap.data.snapshots import read_snapshots
from loantap.model.persistence import SavedModel, load_model
from loantap.watchlist.lights import assess
from loantap.watchlist.live import application_needs, read_applications
from loantap.watchlist.settings import Settings, read_settings
from loantap.watchlist.signals import Probabilities, probabilities
from loantap.watchlist.standing import standing
from loantap.watchlist.transitions import transition_matrix
from loantap_sources.dialects import Dialect
from loantap_sources.sql_values import written
from loantap_sources.watch_rows import SnapshotRows
from loantap_sources.watch_sql import LIGHTS, watch_select

pytestmark = pytest.mark.slow

RULES = read_settings()
CLOSE = 1e-9  # sums in another order, and other libraries' EXP and LN
TEXTS = ("known_in", "lost", "light")
Asked = Callable[[str, Dialect, pd.DataFrame], pd.DataFrame]
NO_DOUBT = {"min_cell": 1, "confidence": 0.95}


@pytest.fixture(scope="module")
def model(model_folder: Path) -> SavedModel:
    return load_model(model_folder)


@pytest.fixture(scope="module")
def applications(loans: pd.DataFrame) -> pd.DataFrame:
    return applications_of(loans)


@pytest.fixture(scope="module")
def joined(model: SavedModel, applications: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The applications as `loantap watch` reads them."""
    path = tmp_path_factory.mktemp("applications") / "a.parquet"
    applications.to_parquet(path, index=False)
    return read_applications(model, open_applications(path, needed=application_needs(model)))[0]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def database(request: pytest.FixtureRequest, applications: pd.DataFrame) -> Iterator[tuple[Dialect, Asked]]:
    """What runs a statement on snapshots in a database."""
    if request.param == "duckdb":
        with duckdb.connect() as db:
            db.register("applications", applications)

            def in_duckdb(statement: str, _: Dialect, snapshots: pd.DataFrame) -> pd.DataFrame:
                db.register("snapshots_", snapshots)
                return db.execute(statement).df()

            yield "duckdb", in_duckdb
        return
    port = request.getfixturevalue("postgres")
    engine = sa.create_engine(sa.URL.create("postgresql+psycopg", "analyst", os.environ["PG_PASSWORD"], "127.0.0.1", port, "postgres"))  # fmt: skip
    with engine.connect() as connection:
        applications.to_sql("applications", connection, index=False, if_exists="replace")

        def in_postgres(statement: str, _: Dialect, snapshots: pd.DataFrame) -> pd.DataFrame:
            kinds = {"as_of": sa.Text(), "status": sa.Text()} | {
                name: sa.Double() for name in MEASURES if name != "status"
            }
            snapshots.to_sql("snapshots_", connection, index=False, if_exists="replace", dtype=kinds)
            found = connection.exec_driver_sql(statement.replace("%", "%%"))
            return pd.DataFrame(found.fetchall(), columns=list(found.keys()))

        yield "postgres", in_postgres
        connection.rollback()
    engine.dispose()


def in_sql(model: SavedModel, snapshots: pd.DataFrame, rules: Settings, dialect: Dialect) -> str:
    texts = snapshots["as_of"].unique()
    months = dict(zip(texts, (months_since_1970(pd.Series(texts, dtype="str")) + 1970 * 12 + 1).tolist(), strict=True))
    statuses = {text: status_code(text) for text in snapshots.get("status", pd.Series(dtype="str")).dropna().unique()}
    rows = SnapshotRows(
        exp.to_table("snapshots_"), {name: name for name in snapshots},
        {text: code for text, code in statuses.items() if code is not None}, months,
    )  # fmt: skip
    needed = application_needs(model)
    statement = watch_select(
        rows, first=min(months.values()), last=max(months.values()), settings=rules, dialect=dialect, model=model,
        applications=exp.to_table("applications"), application_columns={name: name for name in COLUMNS}, needed=needed,
    )  # fmt: skip
    return written(statement, dialect)


def by_the_library(
    model: SavedModel, snapshots: pd.DataFrame, joined: pd.DataFrame, rules: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the loans of the last month as `loantap watch` has them, and how they moved into it."""
    panel = read_snapshots(Delivered(snapshots)).panel
    stands, t = standing(panel, settings=rules), len(panel.months) - 1
    known: Probabilities = probabilities(model, joined, panel, [t], carry=rules.carry)
    due = joined.set_index(KEY)["installment"].reindex(panel.loan_id).to_numpy(dtype=float, na_value=np.nan)
    assessed = assess(
        panel, t, settings=rules, stands=stands, installment=due, probability_then=known.at_application,
        probability_now=known.now[:, 0],
    )  # fmt: skip
    return assessed.set_index(KEY), transition_matrix(panel, stands, first=t, last=t, **NO_DOUBT)


def assert_alike(found: pd.DataFrame, assessed: pd.DataFrame, moved: pd.DataFrame) -> None:
    assert list(found) == list(LIGHTS)
    counted = found.groupby(["bucket_before", "bucket"]).agg(
        loans=("loan_id", "size"), balance=("balance_moved", "sum")
    )
    cells = moved[(moved["before"] != "all") & (moved["now"] != "all")].set_index(["before", "now"])
    cells = cells[cells["loans"] > 0]
    pd.testing.assert_frame_equal(
        counted.astype(float).sort_index(), cells[["loans", "balance"]].astype(float).sort_index(), check_names=False
    )
    here = found[found["light"] != "gone"].set_index(KEY)
    assert {*here.index} == {*assessed.index}
    here = here.loc[assessed.index]
    for name in (name for name in assessed if name != "reasons"):
        if name in TEXTS:
            one, other = (side[name].astype("object").where(side[name].notna(), None) for side in (here, assessed))
            assert one.tolist() == other.tolist(), name
        else:
            one, other = (side[name].astype(float).to_numpy() for side in (here, assessed))
            np.testing.assert_allclose(one, other, rtol=CLOSE, atol=CLOSE, err_msg=name)


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
@given(
    seed=st.integers(0, 10**6), months=st.integers(2, 14), gaps=st.sampled_from([0.0, 0.1, 0.5]),
    unknown=st.sampled_from([0.0, 0.2, 0.6]), late=st.sampled_from([0.1, 0.5]), window=st.sampled_from([5, 6, 7, 12]),
    carry=st.sampled_from([0, 1, 2, 4]), probation=st.integers(1, 4),
)  # fmt: skip
def test_any_month_has_the_same_lights_in_sql(
    model: SavedModel, joined: pd.DataFrame, database: tuple[Dialect, Asked], seed: int, months: int, gaps: float, unknown: float,
    late: float, window: int, carry: int, probation: int,
):  # fmt: skip
    rules = RULES.model_copy(update={"window": window, "carry": carry, "probation": probation})
    snapshots = random_snapshots(seed, months=months, gaps=gaps, unknown=unknown, late=late)
    dialect, asked = database
    found = asked(in_sql(model, snapshots, rules, dialect), dialect, snapshots)
    assert_alike(found, *by_the_library(model, snapshots, joined, rules))
