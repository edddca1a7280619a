"""Results that others want, as tables in the warehouse; the rows of a run are replaced as a whole."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import sqlalchemy as sa

from loantap.data.columns import KEY
from loantap.errors import InputError
from loantap.model.persistence import load_model
from loantap.runs.manifest import Manifest, read_manifest
from loantap.runs.results import RunFolder, is_synthetic
from loantap_sources.connectors.config import Config
from loantap_sources.delta import replace_delta, volume_of
from loantap_sources.inside import alone
from loantap_sources.tables import append, columns_there
from loantap_sources.warehouse import open_warehouse

RUN = "run_id"
_LEVELS = ["level", "n", "defaults", "default_rate", "ci_low", "ci_high", "odds_ratio", "or_low", "or_high", "p_adjusted", "separation"]  # fmt: skip
_WARNINGS = {
    "month": "str", "loan_id": "str", "light": "str", "points": "int64", "reasons": "str", "probability": "float64", "balance": "float64",
    "synthetic": "bool",
}  # fmt: skip
_TEXTS = ("separation", "git_commit", "sha256", "reasons")  # of the columns in which no value may be known
_CLAIMS = ["id", "claim", "verdict", "effect", "estimate", "ci_low", "ci_high", "p_adjusted", "n"]


def publish_run(folder: Path, config: Config, *, allow_synthetic: bool = False) -> dict[str, int]:
    """Write a finished run's results into the declared warehouse, all or none of them; into Databricks table by table, `loantap_runs` last.

    Tables, each with `run_id`: loantap_runs (one row), loantap_association_levels, loantap_claims, and loantap_scores: the
    calibrated probability of default of each loan and whether it is flagged. Scores are left out where the run has no saved
    model, or only a sample of the loans. Where early warning was run on snapshots, loantap_warnings: month, loan_id, light, points,
    reasons, probability and balance of each amber or red loan, and whether the loan is synthetic.
    Publishing a run again replaces its rows by the same ones.

    Args:
        folder: The run's folder.
        config: Declares the warehouse.
        allow_synthetic: Whether results of synthetic loans, and warnings of synthetic snapshots, may go there.

    Returns:
        Rows written, by table.

    Raises InputError for a run that has not ended or is of synthetic loans, and for a table that is not loantap's; SourceError if
    the warehouse fails.
    """
    manifest = read_manifest(folder)
    if manifest.status != "done":
        raise InputError(
            f"{folder}: expected a finished run, it is {manifest.status}. Go on with: loantap run --resume {folder}"
        )
    if is_synthetic(manifest.data) and not allow_synthetic:
        raise InputError(
            f"{folder}: expected a run of real loans, its loans are synthetic, and so would be the scores in the warehouse. "
            "Publish another run, or add --allow-synthetic for trying things out."
        )
    run = RunFolder(folder)
    tables = {"loantap_association_levels": _levels(run), "loantap_claims": _claims(run)}
    if (folder / "model").is_dir() and not run.is_sampled:
        tables["loantap_scores"] = _scores(run)
    warned = (folder / "results" / "early_warning.json").is_file()
    if warned and (allow_synthetic or not run.result("early_warning")["synthetic"]):
        tables["loantap_warnings"] = _warnings(run)
    tables["loantap_runs"] = _run(manifest)
    engine = open_warehouse(config, create=True)
    schema = config.warehouse.table_schema if config.warehouse else None
    if engine.dialect.name == "databricks":
        volume_of(config)
    with alone(engine, config) as connection:
        for name, rows in tables.items():
            there = columns_there(connection, name, schema)
            if there is not None and RUN not in there:
                raise InputError(f"warehouse: '{name}' is there and was not written by loantap (it has no {RUN}).")
            _put(connection, config, name, _typed(rows), manifest.run_id, anew=there is None)
    return {name: len(rows) for name, rows in tables.items()}


def _put(connection: sa.Connection, config: Config, name: str, rows: pd.DataFrame, run_id: str, *, anew: bool) -> None:
    """Put the rows of a run in the place of those that a table has of it."""
    if connection.dialect.name == "databricks":
        with TemporaryDirectory() as folder:
            rows.to_parquet(path := Path(folder) / "rows.parquet", index=False)
            replace_delta(connection, config, name, path, {RUN: run_id}, part=not anew)
        return
    schema = config.warehouse.table_schema if config.warehouse else None
    table = sa.table(name, sa.column(RUN), schema=schema)
    if not anew:
        connection.execute(sa.delete(table).where(table.c[RUN] == run_id))
    rows.insert(0, RUN, run_id)
    append(connection, sa.Table(name, sa.MetaData(schema=schema)), rows)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose columns have a type where no value is known, too: the first run that is published makes the tables."""
    unknown = [str(name) for name in rows if len(rows) and rows[name].isna().all()]
    return rows.astype({name: "str" if name in _TEXTS else "float64" for name in unknown})


def _run(manifest: Manifest) -> pd.DataFrame:
    facts = {name: manifest.data[name] for name in ("kind", "location", "sha256", "rows", "defaults")}
    return pd.DataFrame([{"started_at": manifest.started_at, "finished_at": manifest.finished_at, "git_commit": manifest.git_commit, **facts}])  # fmt: skip


def _levels(run: RunFolder) -> pd.DataFrame:
    names = sorted(path.stem for path in (run.path / "results").glob("association_*.json"))
    found = [run.result(name) for name in names]
    parts = [pd.DataFrame(result["levels"])[_LEVELS].assign(factor=result["factor"]) for result in found]
    return pd.concat(parts, ignore_index=True)[["factor", *_LEVELS]]


def _claims(run: RunFolder) -> pd.DataFrame:
    return pd.DataFrame(run.result("claims"))[_CLAIMS].rename(columns={"id": "claim_id"})


def _scores(run: RunFolder) -> pd.DataFrame:
    model, loans = load_model(run.path / "model"), run.loans()
    probability = model.probability(loans)
    key = KEY if KEY in loans else "row"
    return pd.DataFrame(
        {"loan": loans[key].astype("str"), "probability": probability, "flagged": probability >= model.threshold, "threshold": model.threshold}
    )  # fmt: skip


def _warnings(run: RunFolder) -> pd.DataFrame:
    found, listed = run.result("early_warning"), run.table("watchlist")
    told = listed.assign(month=found["month"], synthetic=bool(found["synthetic"]))
    # Types are fixed: those of the first run published make the table's, and its list may be empty.
    return told[list(_WARNINGS)].astype(_WARNINGS)
