"""Score a table of the warehouse into another one by one statement: no row leaves the database."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.units import FRACTION, PERCENTAGES, Units
from loantap.errors import InputError, SchemaError, SourceError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.sql import shown
from loantap_sources.dialects import OF_ENGINE, Dialect
from loantap_sources.inside import alone, made_inside, place
from loantap_sources.live_tables import ApplicationTable
from loantap_sources.model_sql import REFUSED, SCORES, model_select
from loantap_sources.pushdown_sample import ROW
from loantap_sources.sql_values import written
from loantap_sources.tables import need_own
from loantap_sources.warehouse import open_warehouse, table_name


@dataclass(frozen=True)
class TableScores:
    """What was written.

    Attributes:
        location: Where, in words.
        rows: How many.
        referred: How many are at or above the threshold.
        mean_probability: Mean probability of default.
        notes: What a person should know of the applications.
    """

    location: str
    rows: int
    referred: int
    mean_probability: float
    notes: list[str]


def score_into(model: SavedModel, config: Config, source: str, target: str) -> TableScores:
    """Score a table of cleaned applications or loans into a table with the columns of `loantap score`.

    Args:
        model: The model.
        config: Declares the warehouse.
        source: The table, with `loan_id` or `row`.
        target: The table that is written, in the place of one that holds scores.

    Raises InputError for a target that is somebody else's, SchemaError if a row breaks the contract or a percentage is in
    fractions, SourceError if the warehouse fails; it then holds what it held.
    """
    target, engine = table_name(target), open_warehouse(config, create=True)
    applications = ApplicationTable(config, source, needed=source_columns(inputs=model.metadata.inputs))
    dialect = OF_ENGINE.get(engine.dialect.name)
    if dialect is None:
        raise InputError(
            f"{shown(engine.url)}: expected one of {', '.join(OF_ENGINE)}, got {engine.dialect.name}. Score with: "
            f"loantap score table:{source} --out FILE"
        )
    key = next((name for name in (KEY, ROW) if name in applications.header), None)
    if key is None or not applications.rows:
        lack = f"a column {KEY} or {ROW}, which names a row" if key is None else "applications"
        raise SchemaError(f"{applications.location}: expected {lack}, found none.")
    schema = config.warehouse.table_schema if config.warehouse else None
    statement = model_select(model, dialect=dialect, table=place(source, schema), key=key, columns=applications.columns)
    with alone(engine, config) as opened:
        connection = opened.execution_options(no_parameters=True)
        need_own(connection, target, schema, {key, *SCORES})
        notes = applications.notes + judge_units(connection, source, schema, applications)
        _check_rows(connection, statement, dialect, applications.location)
        scores = statement.select(*statement.selects[:-1], append=False)
        with made_inside(connection, scores, target, schema, dialect, version=model.version) as new:
            rows, referred, average = _summary(connection, new, schema)
    return TableScores(f"table {target} in {shown(engine.url)}", rows, referred, average, notes)


def _summary(connection: sa.Connection, name: str, schema: str | None) -> tuple[int, int, float]:
    """Return rows, referrals and the mean probability; raises SourceError if a row has no score."""
    table = sa.table(name, sa.column("probability_of_default"), sa.column("decision"), schema=schema)
    probability, refer = table.c.probability_of_default, sa.case((table.c.decision == "refer", 1), else_=0)
    asked = sa.select(sa.func.count(), sa.func.count(probability), sa.func.sum(refer), sa.func.avg(probability))
    rows, scored, referred, mean = connection.execute(asked.select_from(table)).one()
    if scored < rows:
        raise SourceError(
            f"warehouse: the applications changed while they were scored; '{name}' is not complete. Run again."
        )
    return rows, int(referred), float(mean)


def _check_rows(connection: sa.Connection, statement: exp.Select, dialect: Dialect, where: str) -> None:
    """Raise SchemaError if a row breaks the contract, with the rules and how many rows break each."""
    broken = exp.column(REFUSED, quoted=True)
    asked = statement.select(broken, exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True), append=False)
    counted = asked.where(broken.is_(exp.null()).not_()).group_by(broken.copy())
    if found := connection.exec_driver_sql(written(counted, dialect)).all():
        lines = "\n".join(
            f"  column '{rule.replace(': ', chr(39) + ': ', 1)}: {count:,}." for rule, count in found[:20]
        )
        raise SchemaError(
            f"{where}: rows break the contract of applications; of each row the first rule is counted:\n{lines}\nA table is scored for all rows or for "
            "none. Mend them, or score into a file to see which."
        )


def judge_units(
    connection: sa.Connection, source: str, schema: str | None, applications: ApplicationTable
) -> list[str]:
    """Return what looks like fractions; raises SchemaError for what are some."""
    names = {name: applications.columns[name] for name in PERCENTAGES if name in applications.columns}
    table = sa.table(source, *map(sa.column, names.values()), schema=schema)
    counts = []
    for own in names.values():
        value = table.c[own]
        counts += [
            sa.func.sum(sa.case((sa.and_(value > 0, value <= FRACTION), 1), else_=0)),
            sa.func.sum(sa.case((value > FRACTION, 1), else_=0)),
        ]
    units = Units()
    if names:
        found = np.array(connection.execute(sa.select(*counts)).one(), dtype=np.int64).reshape(-1, 2)
        for name, both in zip(names, found, strict=True):
            units.add({name: np.array([FRACTION, 2 * FRACTION])}, both)
    return units.doubts(applications.location)
