"""The job itself: `loantap run` and `loantap report`."""

from pathlib import Path
from typing import Annotated

import typer

from loantap.cli.common import (
    DEFAULT_ROWS,
    EngineOption,
    ParameterOption,
    RowsOption,
    SeedOption,
    console,
    parse_parameters,
    render,
    run_folder,
    say_notices,
)
from loantap.cli.models import check_tracking, track_if_wanted
from loantap.errors import InputError
from loantap.progress import Clock, run_progress


def run(
    data: Annotated[
        Path | None, typer.Option(help="File of loans (csv, csv.gz, parquet); synthetic loans if absent.")
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="File that declares where the loans lie, such as loantap.yml.")
    ] = None,
    pushdown: Annotated[
        bool, typer.Option("--pushdown", help="Count in the warehouse that --sources declares; model a sample.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder, new or empty; a dated one under runs/ if absent.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run from its first unfinished stage.")] = None,
    rows: RowsOption = DEFAULT_ROWS,
    seed: SeedOption = 0,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Set rows aside that break the contract.")] = False,
    only: Annotated[str | None, typer.Option(help="Run only this stage (and the ingest it needs); no report.")] = None,
    factor: Annotated[str | None, typer.Option(help="With --only association: which factor.")] = None,
    parameter: ParameterOption = None,
    cluster: Annotated[
        str | None, typer.Option(help="A Dask scheduler that shares out the searches, such as tcp://host:8786.")
    ] = None,
    engine: EngineOption = "auto",
    track: Annotated[
        bool,
        typer.Option("--track", help="Log the finished run to MLflow; also done where MLFLOW_TRACKING_URI is set."),
    ] = False,
) -> None:
    """Run the whole job: read, check, explore, test, tune, and render the report."""
    from loantap.data.connectors.config import read_config
    from loantap.data.sources import open_loans
    from loantap.report.notebooks import named_stages
    from loantap.report.sequence import resume_run, start_run

    if track:
        check_tracking(only)
    clock = Clock()
    given = parse_parameters(parameter or [])
    if cluster is not None:
        from loantap.model.folds import on_cluster

        with on_cluster(cluster):  # one that does not answer is named before anything runs
            given |= {"cluster": cluster}
    if resume is not None:
        fixed = {"--data": data, "--sources": sources, "--pushdown": pushdown, "--quarantine": quarantine, "--out": out}
        clash = [name for name, value in fixed.items() if value]
        if clash:
            raise InputError(
                f"--resume goes on with a run as it was started; {' and '.join(clash)} cannot change it. Leave it out."
            )
        chosen = named_stages(only, factor, with_ingest=False) if only else None
        folder = run_folder(resume)
        with run_progress(console, len(chosen) if chosen else _stage_count()) as progress:
            done = resume_run(folder, only=chosen, progress=progress, given=given)
    else:
        chosen = named_stages(only, factor, with_ingest=True)
        if data is not None:
            open_loans(data)  # what is wrong with a file's name, form or header is said before anything starts
            given |= {"data": str(data.resolve())}
        if sources is not None:
            read_config(sources)  # the same for a wrong setting
            given |= {"sources": str(sources.resolve()), "pushdown": pushdown}
        elif pushdown:
            raise InputError("--pushdown counts in a warehouse: name the file that declares it with --sources.")
        given = {"data": "", "rows": rows, "seed": seed, "quarantine": quarantine} | given
        with run_progress(console, len(chosen)) as progress:
            done = start_run(given, out=out, stages=chosen, progress=progress)
    say_notices(done.path)
    if only:
        console.print(f"Results: {done.path / 'results'} ({clock})", soft_wrap=True, highlight=False)
    else:
        render(done.path, engine)
        console.print(f"Whole job: {clock}", highlight=False)
        track_if_wanted(done.path, asked=track)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    engine: EngineOption = "auto",
) -> None:
    """Render the report of a finished run again."""
    render(run_folder(folder), engine)


def _stage_count() -> int:
    from loantap.report.notebooks import STAGES

    return len(STAGES)
