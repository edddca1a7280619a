"""A model as SQL says what `loantap score` says, of any row, in every database at hand."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import sqlglot
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from loantap.data.applications import FIELDS
from loantap.data.cleaning import typed
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME, KEY
from loantap.data.declarations import Column
from loantap.errors import InputError
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import fit_calibrated
from loantap.model.inputs import feature_frame, source_columns
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.reasons import SLIGHT, voices
from loantap.model.recipe import Recipe
from loantap.model.scorer import compile_pipeline
from loantap.scoring.application import score_application
from loantap.scoring.table import REASONS, checked_applications, score_frame
from loantap_sources import sql_inputs
from loantap_sources.dialects import DIALECTS, Dialect
from loantap_sources.model_sql import REFUSED, SCORES, model_select
from loantap_sources.sql_values import Number, written
from loantap_sources.tables import append

# Sums of some twenty terms in another order, and other libraries' EXP and LN: rounding only.
ROUNDING = 1e-12
COLUMNS = [field.name for field in FIELDS if field.kind != "text"]
# One that is bound to directions, with splines; one with lines; one that learned what a missing value does, without the lender's price.
RECIPES = [
    Recipe("without_pincode", "ratios", "none"),
    Recipe("without_pincode", "plain", "none", without=("open_acc", "revol_bal")),
    Recipe("application_only", "splines", "none", obeys=False, unknown="learned"),
]
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


def by_the_library(model: SavedModel, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores of `loantap score` by key, and the first rule that each other row breaks."""
    raw = frame.set_axis(range(1, len(frame) + 1))
    checked, failures = checked_applications(raw, needed=source_columns(inputs=model.metadata.inputs))
    good = checked.loc[~checked.index.isin(failures["row"])]
    broken = failures.assign(refused=failures["column"] + ": " + failures["rule"], key=raw[KEY].reindex(failures["row"]).to_numpy())  # fmt: skip
    if good.empty:
        return pd.DataFrame(), broken
    return score_frame(model, good).to_pandas().set_index(KEY), broken


def assert_alike(model: SavedModel, frame: pd.DataFrame, found: pd.DataFrame) -> None:
    wanted, broken = by_the_library(model, frame)
    found = found.set_index(KEY)
    refused = found["refused"].dropna()
    assert {*refused.index} == {*broken["key"]}
    assert {*refused.items()} <= {*zip(broken["key"], broken["refused"], strict=True)}
    assert found.loc[refused.index].drop(columns=["refused", "model_version"]).isna().all(axis=None)
    if wanted.empty:
        return
    got = found.drop(index=refused.index).loc[wanted.index]
    probability = wanted["probability_of_default"].to_numpy()
    np.testing.assert_allclose(got["probability_of_default"].astype(float), probability, rtol=0, atol=ROUNDING)
    near = np.abs(probability - model.threshold) < ROUNDING
    assert (near | (got["decision"] == wanted["decision"].astype("str")).to_numpy()).all()
    assert (got["warnings"].astype(int) == wanted["warnings"]).all()
    assert set(got["model_version"]) == {model.version}
    for number in range(REASONS):
        name = f"reason_{number + 1}"
        mine, theirs = got[name].where(got[name].notna(), ""), wanted[name].astype("object").where(wanted[name].notna(), "")  # fmt: skip
        for key in wanted.index[(mine != theirs).to_numpy() & ~near]:
            # Two that count alike to rounding may change places, and one at the bound may be told or not.
            weights = voice_weights(model, frame.set_index(KEY).loc[[key]], refer=wanted.loc[key, "decision"] == "refer")  # fmt: skip
            bound = SLIGHT if number else 0.0
            assert weights.get(mine[key], bound) == pytest.approx(weights.get(theirs[key], bound), abs=1e-9), key


def voice_weights(model: SavedModel, row: pd.DataFrame, *, refer: bool) -> dict[str, float]:
    """Return of every code what its voice speaks for the decision."""
    checked, _ = checked_applications(row.set_axis([1]), needed=source_columns(inputs=model.metadata.inputs))
    added = model.scorer.many(feature_frame(typed(checked), inputs=model.metadata.inputs))[0]
    sign = model.metadata.slope * (1 if refer else -1)
    weight = [sign * (one - line.typical) for one, line in zip(added, model.reasons, strict=True)]
    return {model.reasons[place].code: sum(weight[one] for one in places) for places in voices(model.reasons) for place in places}  # fmt: skip


def values_of(column: Column) -> st.SearchStrategy[Any]:
    """Return values of a column: ordinary ones, ends, ones far outside, wrong ones and missing ones."""
    match column.kind:
        case "number":
            ends = [column.low, min(column.high, 1e9), column.cap or 0.0, 0.0]
            ordinary = st.floats(column.low, min(column.high, 1e6), allow_subnormal=False)
            return st.one_of(ordinary, ordinary, ordinary, st.sampled_from([*ends, -1.0, 1e-9, 1e12, np.inf, None]))
        case "category":
            levels = st.sampled_from(column.levels)
            return st.one_of(levels, levels, levels, st.sampled_from([f" {column.levels[0]} ", "a yacht", "", None]))
    months = st.dates(date(1950, 1, 1), date(2016, 12, 1)).map(lambda day: pd.Timestamp(day.replace(day=1)))
    return st.one_of(months, months, months, st.just(None))


USUAL: dict[str, Any] = {
    "loan_amnt": 10_000.0, "term": "36 months", "int_rate": 11.44, "installment": 329.48, "grade": "B", "sub_grade": "B4",
    "emp_length": "10+ years", "home_ownership": "RENT", "annual_inc": 64_000.0, "verification_status": "Not Verified",
    "issue_d": pd.Timestamp("2015-01-01"), "purpose": "car", "dti": 18.4, "earliest_cr_line": pd.Timestamp("1998-03-01"),
    "open_acc": 11.0, "pub_rec": 0.0, "revol_bal": 12_400.0, "revol_util": 45.3, "total_acc": 24.0,
    "application_type": "INDIVIDUAL", "mort_acc": 0.0, "pub_rec_bankruptcies": 0.0,
}  # fmt: skip


@st.composite
def applications(draw: st.DrawFn) -> pd.DataFrame:
    """Return some applications, of which a few columns each are anything and the others are usual."""
    rows = []
    for number in range(draw(st.integers(1, 30))):
        changed = draw(st.lists(st.sampled_from(COLUMNS), max_size=6, unique=True))
        rows.append(USUAL | {name: draw(values_of(BY_NAME[name])) for name in changed} | {KEY: f"L{number}"})
    return table(rows)


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[KEY, *COLUMNS])
    kinds = {"number": "float64", "category": "str", "month": "datetime64[s]"}
    return frame.astype({name: kinds[BY_NAME[name].kind] for name in COLUMNS})


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(frame=applications())
def test_any_application_is_scored_as_loantap_score_does(model: SavedModel, scored: Scored, frame: pd.DataFrame):
    assert_alike(model, frame, scored(model, frame))


def test_loans_as_they_come_are_scored_as_loantap_score_does(model: SavedModel, scored: Scored, loans: pd.DataFrame):
    frame = loans.assign(loan_id=loans["row"].astype("str"), term=loans["term"].astype("str") + " months")
    frame = frame[[KEY, *COLUMNS]].astype({name: "str" for name in COLUMNS if BY_NAME[name].kind == "category"})
    found = scored(model, frame)
    assert found["refused"].isna().all()
    assert found["reason_3"].notna().mean() > 0.5
    assert found["warnings"].astype(int).max() > 0
    assert_alike(model, frame, found)


@pytest.mark.parametrize(("intercept", "probability"), [(5_000.0, 1.0), (-5_000.0, 0.0)])
def test_log_odds_beyond_what_a_database_can_raise_e_to_are_held(
    model: SavedModel, scored: Scored, intercept: float, probability: float
):
    extreme = replace(model, metadata=model.metadata.model_copy(update={"intercept": intercept}))
    found = scored(extreme, table([USUAL | {KEY: "L1"}]))
    assert found["probability_of_default"].astype(float).tolist() == pytest.approx([probability], abs=ROUNDING)


def test_inputs_that_count_alike_are_told_in_the_order_of_the_table(model: SavedModel, scored: Scored):
    alike = replace(model, reasons=[line.model_copy(update={"typical": 0.0}) for line in model.reasons])
    vars(alike)["scorer"] = scorer = compile_pipeline(model.pipeline)
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


@pytest.mark.parametrize("dialect", ["tsql", "databricks"])
def test_dialects_without_a_database_at_hand_are_at_least_read_by_a_parser(model: SavedModel, dialect: Dialect):
    sql = statement(model, dialect)
    (parsed,) = sqlglot.parse(sql, read=dialect)
    assert isinstance(parsed, exp.Select)
    assert parsed.named_selects == [KEY, *SCORES, REFUSED]


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
