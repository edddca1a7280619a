"""Commands on finished models: `loantap promote`, `loantap export`, `loantap track`, `loantap mlflow`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from loantap.cli.common import become, console, sealed_folder
from loantap.errors import InputError, PromotionError, SourceError
from loantap.progress import step
from loantap_sources.dialects import Dialect

if TYPE_CHECKING:
    from loantap_serving.gates import Verdict

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")]


def promote(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder, or its name under runs/.")
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Bring the former champion back.")] = False,
    allow_synthetic: Annotated[
        bool, typer.Option("--allow-synthetic", help="Let a model of synthetic loans pass, for trying things out.")
    ] = False,
    smote: Annotated[
        bool, typer.Option("--smote", help="Promote the run's tuned SMOTE model, model/smote, and not its champion.")
    ] = False,
    scorecard: Annotated[
        bool,
        typer.Option("--scorecard", help="Promote the run's points scorecard, model/scorecard, and not its champion."),
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="The folder of promoted models; models/ or LOANTAP_MODELS if absent.")
    ] = None,
) -> None:
    """Make a run's model the champion if it passes every gate; nothing changes if it does not."""
    from loantap.model.persistence import model_version
    from loantap.model.seal import SCORECARD, SMOTE
    from loantap.runs.manifest import read_manifest
    from loantap_serving.gates import judge_run, model_folder
    from loantap_serving.store import ModelStore

    if rollback == (run is not None):
        raise InputError("expected a run to promote, or --rollback for the former champion: one of them.")
    if smote and scorecard:
        raise InputError("expected --smote or --scorecard, got both: one model is promoted at a time.")
    models = ModelStore(store)
    if run is None:
        back = models.rollback()
        version = back.version
        _say(f"The champion is {version} of run {back.run_id} again, promoted at {back.promoted_at}.")
    else:
        folder = sealed_folder(run)
        beside = SMOTE if smote else SCORECARD if scorecard else ""
        model = model_folder(folder, beside=beside)
        version = model_version(model) if model.is_dir() else ""
        with step(console, "holding the model against the gates"):
            verdicts = judge_run(folder, allow_synthetic=allow_synthetic, beside=beside)
        _show(verdicts)
        failed = [verdict.gate for verdict in verdicts if not verdict.passed]
        if failed:
            raise PromotionError(
                f"{folder.name} was not promoted: it does not pass {', '.join(failed)}. The champion is what it was."
            )
        manifest = read_manifest(folder)
        changed = models.promote(model, manifest.run_id, [verdict.plain() for verdict in verdicts], version=version)
        _say(
            f"The champion is {version} of run {manifest.run_id}, in {models.champion()}"
            if changed
            else f"{version} is the champion already; nothing changed."
        )
    if store is None:
        _move_alias(version)


def export(
    model: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run, or a model's folder.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The new folder for the model with a pickled pipeline; with --sql a file, shown if absent."),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Write one SELECT that scores a table where it lies.")] = False,
    dialect: Annotated[Dialect, typer.Option(help="Of the database that will run the SELECT.")] = "duckdb",
    table: Annotated[str, typer.Option(help="The table or view of cleaned loans or applications.")] = "loans",
    key: Annotated[str, typer.Option(help="The column that names a row.")] = "loan_id",
) -> None:
    """Write a model as one SELECT for a database (--sql), or with its pipeline as a pickle, for readers that need one."""
    from loantap_serving.locate import find_model

    if sql:
        _export_sql(find_model(model), out, dialect=dialect, table=table, key=key)
        return
    from loantap.model.persistence import export_pickle

    if out is None:
        raise InputError("expected --out, the new folder for the model, or --sql. Name one of them.")
    sums = export_pickle(find_model(model), out)
    _say(f"Wrote {out}, and its sha256 to {sums}")
    _say(
        "A pickle can run any code when it is read. It is read only with --allow-pickle and that file, so send the file "
        "by another way than the folder."
    )


def _export_sql(folder: Path, out: Path | None, *, dialect: Dialect, table: str, key: str) -> None:
    from sqlglot import exp

    from loantap.files import write_text
    from loantap.model.persistence import load_model
    from loantap_sources.model_sql import model_select
    from loantap_sources.sql_values import written
    from loantap_sources.warehouse import table_name

    if out is not None and out.suffix != ".sql":
        raise InputError(f"{out}: expected a file ending in .sql. Name one.")
    *schemas, name = map(table_name, table.split(".", 2))
    catalogue, schema = (None, None, *schemas)[-2:]
    place = exp.table_(name, schema, catalogue, quoted=True)
    text = written(model_select(load_model(folder), dialect=dialect, table=place, key=key), dialect) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    write_text(out, text)
    _say(f"Wrote {out}")


def track(run: RunArgument) -> None:
    """Log a finished run to MLflow; a second time changes nothing."""
    from loantap_serving.tracking_store import need_mlflow

    need_mlflow()
    _track(sealed_folder(run))


def mlflow(port: Annotated[int, typer.Option(help="The port, on this machine only.", min=1, max=65535)] = 5000) -> None:
    """Open MLflow's pages on the local store."""
    from loantap_serving.tracking_store import server_command

    words, environment, address = server_command(port)
    _say(f"MLflow: {address} (Ctrl-C ends it)")
    become(words, environment)


def check_tracking(only: str | None) -> None:
    """Say what would keep a run from being tracked before it begins.

    Raises InputError where only one stage runs, and MissingToolError without MLflow.
    """
    from loantap_serving.tracking_store import need_mlflow

    if only:
        raise InputError("--track logs whole runs, and --only asks for one stage. Leave one of them out.")
    need_mlflow()


def track_if_wanted(folder: Path, *, asked: bool) -> None:
    """Log a finished run to MLflow if it was asked for, or MLFLOW_TRACKING_URI is set; say how to add MLflow if it is missing."""
    from loantap_serving.tracking_store import URI_VARIABLE, absent, has_mlflow

    if not asked and not os.environ.get(URI_VARIABLE):
        return
    if not has_mlflow():
        _say(f"Note: {URI_VARIABLE} is set, and the run is not tracked. {absent()}, then: loantap track {folder}")
        return
    _track(folder)


def _track(folder: Path) -> None:
    from loantap_serving.registry import CANDIDATE, REGISTERED
    from loantap_serving.store import ModelStore
    from loantap_serving.tracking import track_run

    try:
        with step(console, "logging to MLflow"):
            tracked = track_run(folder)
    except SourceError as error:
        raise SourceError(f"{error}\nThe run is finished and kept. Track it later: loantap track {folder}") from error
    how = f"is {REGISTERED} {tracked.number} ({CANDIDATE})" if tracked.new else "is there already; nothing changed"
    _say(f"MLflow: run {tracked.run_id} in {tracked.uri}; model {tracked.model_version} {how}")
    champion = ModelStore().champion()
    if champion is not None and champion.name == tracked.model_version:
        _move_alias(tracked.model_version)


def _move_alias(version: str) -> None:
    """Let MLflow's alias follow the champion; what MLflow does not do changes nothing about the promotion."""
    from loantap_serving.registry import CHAMPION, REGISTERED, point_champion
    from loantap_serving.tracking_store import absent, has_mlflow, has_store

    if not has_store():
        return
    if not has_mlflow():
        _say(f"Note: MLflow's alias was not moved. {absent()}")
        return
    try:
        number = point_champion(version)
    except SourceError as error:
        _say(f"Note: the promotion stands, and MLflow's alias could not follow it. {error}")
        return
    if number is not None:
        _say(f"MLflow: {REGISTERED} {number} has the alias {CHAMPION}")


def _show(verdicts: "list[Verdict]") -> None:
    if not console.is_terminal:
        for verdict in verdicts:
            _say(f"{'passed' if verdict.passed else 'FAILED'}  {verdict.gate}: {verdict.found} [{verdict.rule}]")
        return
    table = Table("", "gate and its rule", "what was seen", show_lines=True)
    for verdict in verdicts:
        mark = "[green]passed[/]" if verdict.passed else "[bold red]failed[/]"
        table.add_row(mark, f"[bold]{escape(verdict.gate)}[/]\n[dim]{escape(verdict.rule)}[/]", escape(verdict.found))
    console.print(table, highlight=False)


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
