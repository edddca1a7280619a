"""The lights of a month in SQL are those of `loantap watch`: for any snapshots, every column of every loan."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from watched_alike import applications_of, assert_alike, by_the_library, in_sql, random_snapshots

from loantap.data.application_file import open_applications
from loantap.data.snapshot_contract import MEASURES
from loantap.model.persistence import SavedModel, load_model
from loantap.watchlist.live import application_needs, read_applications
from loantap.watchlist.settings import read_settings
from loantap_sources.dialects import Dialect

pytestmark = pytest.mark.slow

RULES = read_settings()
Asked = Callable[[str, Dialect, pd.DataFrame], pd.DataFrame]


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
