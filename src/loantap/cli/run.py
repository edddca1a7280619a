"""The job itself: `loantap run` and `loantap report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loantap.cli.common import (
    DEFAULT_ROWS,
    DatesOption,
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    Engine,
    EngineOption,
    ParameterOption,
    console,
    finished_folder,
    parse_parameters,
    render,
    say_notices,
)
from loantap.errors import InputError
from loantap.extensions import provider
from loantap.progress import Clock, run_progress
from loantap.settings import run_folder

if TYPE_CHECKING:
    from loantap.runs.record import HeldRun


def run(
    data: Annotated[
        Path | None,
        typer.Option(
            help="File of loans (csv, gzipped or not, parquet, a folder of parquet files, xlsx); synthetic loans if absent."
        ),
    ] = None,
    encoding: EncodingOption = "",
    delimiter: DelimiterOption = "",
    decimal: DecimalOption = "",
    dates: DatesOption = "",
    dialect: Annotated[
        str,
        typer.Option(
            help="What kind of file --data has to be, lendingclub or case-study; told by its columns if absent."
        ),
    ] = "",
    sources: Annotated[
        Path | None, typer.Option(help="File that declares where the loans are stored, such as loantap.yml.")
    ] = None,
    pushdown: Annotated[
        bool, typer.Option("--pushdown", help="Count in the warehouse that --sources declares; model a sample.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder, new or empty; a dated one under runs/ if absent.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run from its first unfinished stage.")] = None,
    rows: Annotated[
        int | None,
        typer.Option(help=f"Synthetic loans to make where no file is given; {DEFAULT_ROWS:,} if absent.", min=1_000),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Random seed of the synthetic loans and of the analysis; 0 if absent.", min=0)
    ] = None,
    quarantine: Annotated[
        bool,
        typer.Option(
            "--quarantine",
            help="Set rows aside that break the contract, with their reasons; without it they stop the run.",
        ),
    ] = False,
    only: Annotated[str | None, typer.Option(help="Run only this stage (and the ingest it needs); no report.")] = None,
    factor: Annotated[
        str | None, typer.Option(help="With --only association: which factor; the run has it then.")
    ] = None,
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
    from loantap.data.loan_file import open_loans
    from loantap.data.text_form import Asked
    from loantap.runs.manifest import read_manifest
    from loantap.runs.notebooks import named_stages, stages_of, with_factor
    from loantap.runs.record import hold_run, new_run
    from loantap.runs.sequence import resume_run, start_run

    if track:
        provider("check_tracking")(only)
    clock = Clock()
    form = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal, "dates": dates, "dialect": dialect}
    said = {name: value for name, value in form.items() if value}
    if said and data is None:
        raise InputError(
            f"{' and '.join(f'--{name}' for name in said)} tells how a file is written: name it with --data."
        )
    given = parse_parameters(parameter or [])
    given |= {name: value for name, value in (("rows", rows), ("seed", seed)) if value is not None}
    if cluster is not None:
        from loantap.model.cluster import on_cluster

        with on_cluster(cluster) as found:  # one that cannot do the work is named before anything runs
            given |= {"cluster": cluster}
            if found:
                console.print(str(found), soft_wrap=True, highlight=False)
    if resume is not None:
        fixed = {"--data": data, "--sources": sources, "--pushdown": pushdown, "--quarantine": quarantine, "--out": out}
        clash = [name for name, value in fixed.items() if value]
        clash += [
            f"-P {name}" for name in given if name.rpartition(".")[2] in ("data", "sources", "pushdown", "quarantine")
        ]
        if clash:
            raise InputError(
                f"--resume goes on with a run as it was started; {' and '.join(clash)} cannot change it. Leave it out."
            )
        former = read_manifest(run_folder(resume)).parameters
        given = with_factor(given, factor, only=only, former=former)
        again = named_stages(only, factor, stages=stages_of(former | given), with_ingest=False)
        with hold_run(run_folder(resume)) as held:
            with run_progress(console, len(again)) as progress:
                done = resume_run(held, only=again if only else None, progress=progress, given=given)
            if done.manifest()["parameters"].get("sources"):
                console.print(
                    "Note: the loans are those that the sources held when the run began; start a new run to read them again.",
                    soft_wrap=True, highlight=False,
                )  # fmt: skip
            _conclude(held, only, engine)
            folder = held.path
    else:
        given = with_factor(given, factor, only=only)
        chosen = named_stages(only, factor, stages=stages_of(given), with_ingest=True)
        if data is not None:
            open_loans(
                data, asked=Asked(**form)
            )  # what is wrong with a file's name, form or header is said before anything starts
            given |= {"data": str(data.resolve()), **said}
        if sources is not None:
            provider("read_config")(sources)  # the same for a wrong setting
            given |= {"sources": str(sources.resolve()), "pushdown": pushdown}
        elif pushdown:
            raise InputError("--pushdown counts in a warehouse: name the file that declares it with --sources.")
        given = {"data": "", "rows": DEFAULT_ROWS, "seed": 0, "quarantine": quarantine} | given
        with new_run(out) as held:
            with run_progress(console, len(chosen)) as progress:
                start_run(held, given, stages=chosen, progress=progress)
            _conclude(held, only, engine)
            folder = held.path
    console.print(
        f"{'Results: ' + str(folder / 'results') if only else 'Whole job:'} {clock}", soft_wrap=True, highlight=False
    )
    if not only:
        provider("track")(folder, asked=track)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    engine: EngineOption = "auto",
) -> None:
    """Render the report of a finished run again."""
    from loantap.runs.record import hold_run

    with hold_run(run_folder(folder)) as held:
        finished_folder(held.path)
        render(held, engine)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
) -> None:
    """Compare a run's files with the checksums that its manifest holds: one line if they agree, every difference if not."""
    from loantap.files import sha256
    from loantap.runs.checksums import check_run
    from loantap.runs.results import MANIFEST

    path = run_folder(folder)
    check = check_run(path)
    manifest = check.manifest
    found = [*check.differences, *([check.report] if check.report else [])]
    if found:
        raise InputError(
            f"{path}: expected the files of the run as they were written, but:"
            + "".join(f"\n- {text}" for text in found)
        )
    done = sum(record.status == "done" for record in manifest.stages)
    text = (
        f"{manifest.run_id}: {len(manifest.owners()):,} files are as {done} of {len(manifest.stages)} stages wrote them"
        f"{', and so is the report' if manifest.report else ''}; the run is {manifest.status}; {MANIFEST} has sha256 {sha256(path / MANIFEST)}"
    )
    changed = f"; the library has changed since for {', '.join(check.library)}" if check.library else ""
    console.print(text + changed, soft_wrap=True, highlight=False, markup=False)


def _conclude(held: "HeldRun", only: str | None, engine: Engine) -> None:
    """Say what became of the records, and render the report of a whole run, or say what a part of one has left behind."""
    from loantap.runs.checksums import check_run

    say_notices(held.path)
    if not only:
        render(held, engine)
    for text in check_run(held.path).outdated if only else ():
        console.print(
            f"Note: {text}. Make it again: loantap run --resume {held.path}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
