"""Many applications at once: `loantap score`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loantap.cli.common import (
    DatesOption,
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    ModelOption,
    PickleOption,
    console,
)
from loantap.errors import InputError
from loantap.progress import Clock, rows_progress, step
from loantap_sources.commands import find_config

if TYPE_CHECKING:
    from loantap.model.persistence import SavedModel
    from loantap_sources.connectors.config import Config

TABLE = "table:"
FailOn = Literal["refused"]


def score(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="Applications: a file as of `loantap run --data`, or table:NAME in the warehouse."
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(help="Scores: a file of these kinds, or table:NAME.")] = None,
    table: Annotated[
        str | None, typer.Option(help="A table of cleaned applications or loans, to be scored inside the warehouse.")
    ] = None,
    into: Annotated[str | None, typer.Option(help="The table for the scores of --table.")] = None,
    model: ModelOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="The file that declares the warehouse; loantap.yml if absent.")
    ] = None,
    encoding: EncodingOption = "",
    delimiter: DelimiterOption = "",
    decimal: DecimalOption = "",
    dates: DatesOption = "",
    allow_pickle: PickleOption = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file of --out although it holds something else than scores."),
    ] = False,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with 1 if rows were refused; the others are scored and written all the same."),
    ] = None,
) -> None:
    """Score applications from a file or a table into another one, whole or not at all.

    With --table and --into the model runs as one statement inside the warehouse, and no row leaves it.
    """
    from loantap.data.application_file import expected_rows, open_applications
    from loantap.data.text_form import Asked
    from loantap.model.inputs import source_columns
    from loantap.model.persistence import load_model
    from loantap_serving.batch import Applications, score_applications
    from loantap_serving.locate import find_model

    clock, asked = Clock(), Asked(encoding, delimiter, decimal, dates)
    places = (source, out, table, into)
    if [place is not None for place in places] not in ([True, True, False, False], [False, False, True, True]):
        raise InputError("expected FILE and --out, or --table and --into. Name both of one pair.")
    chosen = load_model(find_model(model), pickle_sums=allow_pickle)
    if table is not None and into is not None:
        _score_inside(chosen, _declared(config), table, into, clock)
        return
    assert source is not None and out is not None  # noqa: S101, PT018 (asked above)
    declared = _declared(config) if source.startswith(TABLE) or out.startswith(TABLE) else None
    applications: Applications
    total: int | None
    needed = source_columns(inputs=chosen.metadata.inputs)
    if declared and source.startswith(TABLE):
        from loantap_sources.live_tables import ApplicationTable

        there = ApplicationTable(declared, source.removeprefix(TABLE), needed=needed)
        applications, total = there, there.rows
    else:
        applications = open_applications(Path(source), needed=needed, asked=asked)
        total = expected_rows(Path(source))
    with TemporaryDirectory() as folder, rows_progress(console, "scoring", total) as progress:
        target = Path(folder) / "scores.parquet" if out.startswith(TABLE) else Path(out)
        report = score_applications(chosen, applications, target, overwrite=overwrite, progress=progress)
        where = str(target)
        if declared and out.startswith(TABLE):
            from loantap_sources.warehouse import write_table

            if report.errors_path:
                raise InputError(
                    f"{source}: {report.refused:,} of {report.rows:,} rows break the contract of applications. A table is written "
                    "for all rows or for none: score into a file to see which, mend them, and score again."
                )
            where = write_table(declared, out.removeprefix(TABLE), target)
    _say(chosen.version, report.scored, report.rows, report.referred, report.mean_probability, where, clock)
    if report.errors_path:
        note = (
            f"Note: {report.refused:,} rows break the contract and were not scored; which and why: {report.errors_path}"
        )
        console.print(note, highlight=False, soft_wrap=True, markup=False)
    for note in report.notes:
        console.print(f"Note: {note}", highlight=False, soft_wrap=True, markup=False)
    if report.refused and fail_on:
        raise typer.Exit(1)


def _score_inside(model: "SavedModel", declared: "Config", table: str, into: str, clock: Clock) -> None:
    from loantap_sources.score_table import score_into

    with step(console, f"scoring {table}"):
        done = score_into(model, declared, table, into)
    _say(model.version, done.rows, done.rows, done.referred, done.mean_probability, done.location, clock)
    for note in done.notes:
        console.print(f"Note: {note}", highlight=False, soft_wrap=True, markup=False)


def _say(version: str, scored: int, rows: int, referred: int, mean: float, where: str, clock: Clock) -> None:
    console.print(
        f"Scored {scored:,} of {rows:,} applications with model {version}: {referred:,} referred, "
        f"mean probability of default {mean:.1%}. {where} ({clock})",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


def _declared(config: Path | None) -> "Config":
    from loantap_sources.connectors.config import read_config

    return read_config(find_config(config))
