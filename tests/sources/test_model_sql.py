"""A model as SQL says what `loantap score` says, of any row, in every database at hand."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import sqlglot
from hypothesis import HealthCheck, Phase, given, settings
from scored_alike import ROUNDING, USUAL, applications, as_cleaned, assert_alike, table
from sqlglot import exp

from loantap.data.applications import FIELDS
from loantap.data.columns import FEATURE_BY_NAME, KEY
from loantap.errors import InputError
from loantap.model.compiled import compile_pipeline
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import fit_calibrated
from loantap.model.inputs import feature_frame, source_columns
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.scoring.application import score_application
from loantap_sources import sql_inputs
from loantap_sources.dialects import DIALECTS, Dialect
from loantap_sources.model_sql import REFUSED, SCORES, model_select
from loantap_sources.sql_values import Number, written
from loantap_sources.tables import append

pytestmark = pytest.mark.slow

# One that is bound to directions, with splines; one with lines; one that learned what a missing value does, without the lender's price.
RECIPES = [
    Recipe("without_pincode", "ratios", "none"),
    Recipe("without_pincode", "plain", "none", without=("open_acc", "revol_bal")),
    Recipe("application_only", "splines", "none", obeys=False, unknown="learned"),
]
A_MODEL = pytest.mark.parametrize("model", RECIPES[:1], indirect=True, ids=["without_pincode-ratios"])
Scored = Callable[[SavedModel, pd.DataFrame], pd.DataFrame]
WRITTEN: dict[tuple[int, Dialect], tuple[SavedModel, str]] = {}  # with the model, so that no other one gets its id


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: f"{recipe.inputs}-{recipe.encoding}")
def model(request: pytest.FixtureRequest, loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    recipe = request.param
    X, y = feature_frame(loans, inputs=recipe.inputs), loans["default"].to_numpy()
    fit = {"recipe": recipe, "C": 0.3, "sample": np.arange(len(y)), "folds": 3, "random_state": 0}
    fitted = fit_calibrated(X, y, loan_profit(loans, Economics()), **fit)
    folder = tmp_path_factory.mktemp("saved") / "model"
    return load_model(save_model(folder, fitted, loans=loans, card={"name": "a test"}, page="<p>a test</p>"))


def statement(model: SavedModel, dialect: Dialect) -> str:
    if (id(model), dialect) not in WRITTEN:
        sql = written(model_select(model, dialect=dialect, table=exp.to_table("applications")), dialect)
        WRITTEN[id(model), dialect] = model, sql
    return WRITTEN[id(model), dialect][1]


def in_duckdb(model: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as db:
        db.register("applications", frame)
        return db.execute(statement(model, "duckdb")).df()


def in_sqlite(model: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
    db = sqlite3.connect(":memory:")
    frame.to_sql("applications", db, index=False)
    return pd.read_sql(statement(model, "sqlite"), db)


@pytest.fixture(scope="module", params=["duckdb", "sqlite", "postgres"])
def scored(request: pytest.FixtureRequest) -> Iterator[Scored]:
    """What scores a frame in a database."""
    if request.param != "postgres":
        yield {"duckdb": in_duckdb, "sqlite": in_sqlite}[request.param]
        return
    port = request.getfixturevalue("postgres")
    url = sa.URL.create("postgresql+psycopg", "analyst", os.environ["PG_PASSWORD"], "127.0.0.1", port, "postgres")
    engine = sa.create_engine(url)

    def in_postgres(model: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS applications")
            kinds = {name: sa.Date() for name in ("issue_d", "earliest_cr_line")}
            numbers = {field.name: sa.Double() for field in FIELDS if field.kind == "number"}
            texts = {name: sa.Text() for name in frame if name not in kinds | numbers}
            frame.head(0).to_sql("applications", connection, index=False, dtype=kinds | numbers | texts)
            append(connection, sa.Table("applications", sa.MetaData()), frame)
            found = connection.exec_driver_sql(statement(model, "postgres").replace("%", "%%"))
            return pd.DataFrame(found.fetchall(), columns=list(found.keys()))

    yield in_postgres
    engine.dispose()


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(frame=applications())
def test_any_application_is_scored_as_loantap_score_does(model: SavedModel, scored: Scored, frame: pd.DataFrame):
    assert_alike(model, frame, scored(model, frame))


def test_loans_as_they_come_are_scored_as_loantap_score_does(model: SavedModel, scored: Scored, loans: pd.DataFrame):
    frame = as_cleaned(loans)
    found = scored(model, frame)
    assert found["refused"].isna().all()
    assert found["reason_3"].notna().mean() > 0.5
    assert found["warnings"].astype(int).max() > 0
    assert_alike(model, frame, found)


@A_MODEL
@pytest.mark.parametrize(("intercept", "probability"), [(5_000.0, 1.0), (-5_000.0, 0.0)])
def test_log_odds_beyond_what_a_database_can_raise_e_to_are_held(
    model: SavedModel, scored: Scored, intercept: float, probability: float
):
    extreme = replace(model, metadata=model.metadata.model_copy(update={"intercept": intercept}))
    found = scored(extreme, table([USUAL | {KEY: "L1"}]))
    assert found["probability_of_default"].astype(float).tolist() == pytest.approx([probability], abs=ROUNDING)


@A_MODEL
def test_inputs_that_count_alike_are_told_in_the_order_of_the_table(model: SavedModel, scored: Scored):
    scorer = compile_pipeline(model.pipeline)
    reasons = [line.model_copy(update={"typical": 0.0}) for line in model.reasons]
    alike = replace(model, reasons=reasons, scorer=scorer)
    scorer.tables = {name: dict.fromkeys(levels, 9.0) for name, levels in scorer.tables.items()}
    frame = table([USUAL | {KEY: "L1"}])
    found = scored(alike, frame)
    assert found[["reason_1", "reason_2", "reason_3"]].iloc[0].tolist() == ["R19", "R20", "R21"]
    assert_alike(alike, frame, found)
    one = score_application(alike, USUAL | {"issue_d": "Jan-2015", "earliest_cr_line": "Mar-1998"})
    assert [reason.code for reason in one.reasons[:3]] == ["R19", "R20", "R21"]


def test_a_table_that_lacks_what_need_not_be_there_is_scored(model: SavedModel, loans: pd.DataFrame):
    needed = {name: f"their_{name}" for name in source_columns(inputs=model.metadata.inputs) if name != "issue_d"}
    frame = table([USUAL | {KEY: "L1"}])
    sql = written(model_select(model, dialect="duckdb", table=exp.to_table("applications"), columns=needed), "duckdb")
    with duckdb.connect() as db:
        db.register("applications", frame.rename(columns=needed)[[KEY, *needed.values()]])
        found = db.execute(sql).df()
    assert_alike(model, frame[[KEY, *needed]], found)


@A_MODEL
@pytest.mark.parametrize("dialect", ["tsql", "databricks"])
def test_dialects_without_a_database_at_hand_are_at_least_read_by_a_parser(model: SavedModel, dialect: Dialect):
    sql = statement(model, dialect)
    (parsed,) = sqlglot.parse(sql, read=dialect)
    assert isinstance(parsed, exp.Select)
    assert parsed.named_selects == [KEY, *SCORES, REFUSED]


@A_MODEL
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_number_is_written_as_a_double(model: SavedModel, dialect: Dialect):
    (parsed,) = sqlglot.parse(statement(model, dialect), read=dialect)
    numbers = [node for node in parsed.find_all(exp.Literal) if not node.is_string]
    bare = {node.this for node in numbers if "E" not in node.this.upper()}
    assert len(numbers) > 100
    assert all(text.isdigit() for text in bare)  # counts, ranks and places in a text
    typed_doubles = [isinstance(node.parent, exp.Cast) for node in numbers if "E" in node.this.upper()]
    assert all(typed_doubles) or dialect != "postgres"


def test_a_feature_that_asks_whether_a_number_is_large_is_named(monkeypatch: pytest.MonkeyPatch):
    asking = replace(FEATURE_BY_NAME["loan_to_income"], compute=lambda amount, income: amount / max(income, 1.0))
    monkeypatch.setitem(sql_inputs.FEATURE_BY_NAME, "loan_to_income", asking)
    with pytest.raises(InputError, match="feature 'loan_to_income': expected arithmetic alone"):
        sql_inputs.feature("loan_to_income")
    monkeypatch.setitem(
        sql_inputs.FEATURE_BY_NAME, "loan_to_income", replace(asking, compute=lambda amount, _: amount or 1)
    )
    with pytest.raises(InputError, match="neither true nor false"):
        sql_inputs.feature("loan_to_income")


def test_arithmetic_in_sql_is_that_of_numbers():
    x, y = Number(exp.column("x")), Number(exp.column("y"))

    def compute(a: Any, b: Any) -> Any:
        return -a + 2 * b * 3 - (1 - a) / (4 / b) ** 2 + (5 + a - 1) * (b + 1)

    query = exp.select(compute(x, y).sql, x.clip(lower=1, upper=2).sql).from_(sqlglot.parse_one("(SELECT 7E0 AS x, 3E0 AS y)"))  # fmt: skip
    with duckdb.connect() as db:
        assert db.execute(written(query, "duckdb")).fetchone() == pytest.approx((compute(7.0, 3.0), 2.0))
