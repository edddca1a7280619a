"""The command line: `loantap --help`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loantap import __version__
from loantap.errors import InputError, LoanTapError, MissingToolError, ParameterError
from loantap.progress import Clock, run_progress, step
from loantap.settings import notebooks_dir, runs_dir

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From loan data to a published, honest report of what drives credit default.",
)
console = Console()
errors = Console(stderr=True)

DEFAULT_ROWS = 396_030
Engine = Literal["auto", "quarto", "builtin"]
RowsOption = Annotated[int, typer.Option(help="Synthetic loans to make where no file is given.", min=1_000)]
SeedOption = Annotated[int, typer.Option(help="Random seed of the synthetic loans and of the analysis.", min=0)]
EngineOption = Annotated[Engine, typer.Option(help="What renders the report.")]


def main() -> None:
    """Run the command line; errors raised on purpose become one message and their exit code."""
    try:
        app()
    except LoanTapError as error:
        errors.print(f"[bold red]{type(error).__name__}:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        errors.print(
            f"[bold red]{type(error).__name__}:[/] {escape(f'{error.strerror or error}{where}')}", soft_wrap=True
        )
        errors.print("Check the path, its permissions and the space left. What is finished is kept.")
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Interrupted. What is finished is kept: loantap run --resume RUN goes on.")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit


@app.command()
def run(
    data: Annotated[
        Path | None, typer.Option(help="File of loans (csv, csv.gz, parquet); synthetic loans if absent.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder, new or empty; a dated one under runs/ if absent.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run from its first unfinished stage.")] = None,
    rows: RowsOption = DEFAULT_ROWS,
    seed: SeedOption = 0,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Set rows aside that break the contract.")] = False,
    only: Annotated[str | None, typer.Option(help="Run only this stage (and the ingest it needs); no report.")] = None,
    factor: Annotated[str | None, typer.Option(help="With --only association: which factor.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-P", help="A notebook parameter, NAME=VALUE or STAGE.NAME=VALUE."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="A Dask scheduler that shares out the searches, such as tcp://host:8786.")
    ] = None,
    engine: EngineOption = "auto",
) -> None:
    """Run the whole job: read, check, explore, test, tune, and render the report."""
    from loantap.data.sources import open_loans
    from loantap.report.notebooks import named_stages
    from loantap.report.sequence import resume_run, start_run

    clock = Clock()
    given = _parameters(parameter or [])
    if cluster is not None:
        from loantap.model.folds import on_cluster

        with on_cluster(cluster):  # one that does not answer is named before anything runs
            given |= {"cluster": cluster}
    if resume is not None:
        clash = [name for name, value in (("--data", data), ("--out", out)) if value is not None]
        if clash:
            raise InputError(
                f"--resume goes on with a run as it was started; {' and '.join(clash)} cannot change it. Leave it out."
            )
        chosen = named_stages(only, factor, with_ingest=False) if only else None
        folder = _run_folder(resume)
        with run_progress(console, len(chosen) if chosen else _stage_count()) as progress:
            done = resume_run(folder, only=chosen, progress=progress, given=given)
    else:
        chosen = named_stages(only, factor, with_ingest=True)
        if data is not None:
            open_loans(data)  # what is wrong with a file's name, form or header is said before anything starts
            given |= {"data": str(data.resolve())}
        given = {"data": "", "rows": rows, "seed": seed, "quarantine": quarantine} | given
        with run_progress(console, len(chosen)) as progress:
            done = start_run(given, out=out, stages=chosen, progress=progress)
    _notices(done.path)
    if only:
        console.print(f"Results: {done.path / 'results'} ({clock})", soft_wrap=True, highlight=False)
    else:
        _render(done.path, engine)
        console.print(f"Whole job: {clock}", highlight=False)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    engine: EngineOption = "auto",
) -> None:
    """Render the report of a finished run again."""
    _render(_run_folder(folder), engine)


@app.command()
def synthetic(
    out: Annotated[Path, typer.Option(help="Where to write: FILE.csv, FILE.csv.gz or FILE.parquet.")],
    rows: Annotated[int, typer.Option(help="How many loans.", min=1)] = DEFAULT_ROWS,
    seed: SeedOption = 0,
) -> None:
    """Make loans in the raw format from the published statistics of the real portfolio."""
    from loantap.data.synthetic import write_loans

    clock = Clock()
    with step(console, f"making {rows:,} loans"):
        write_loans(out, rows, seed=seed)
    console.print(f"Wrote {rows:,} synthetic loans to {out} ({clock})", soft_wrap=True, highlight=False)


@app.command()
def claims(
    counts: Annotated[Path, typer.Option(help="Counts of a portfolio, such as data/reference/published_counts.json.")],
    out: Annotated[Path, typer.Option(help="Where to write the verdicts: FILE.json.")],
) -> None:
    """Test the claims of the original insights on counts alone."""
    from loantap.analysis.claim_counts import read_counts
    from loantap.files import write_text
    from loantap.report.claims_findings import on_counts
    from loantap.report.results import plain

    records = on_counts(read_counts(counts))
    write_text(out, json.dumps(plain(records), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    table = Table("claim", "verdict", "result", box=None, pad_edge=False)
    for entry in records:
        table.add_row(escape(entry["claim"]), entry["verdict"], escape(entry["result"]))
    console.print(table, highlight=False)
    console.print(f"Wrote {len(records)} verdicts to {out}", soft_wrap=True, highlight=False, markup=False)


@app.command()
def lab() -> None:
    """Open JupyterLab on the notebooks, with this environment's kernel."""
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise MissingToolError(
            'JupyterLab is not installed. Get it with: pip install -e ".[report,lab]", or run: make lab'
        )
    words = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(notebooks_dir()), "--ip", "127.0.0.1"]
    raise typer.Exit(subprocess.run(words, env=os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}, check=False).returncode)


@app.command()
def doctor(has_quarto: Annotated[bool, typer.Option("--has-quarto", hidden=True)] = False) -> None:
    """Say what is installed, what is missing, and how to get it."""
    from loantap.doctor import examine
    from loantap.report.quarto import find_quarto

    if has_quarto:
        raise typer.Exit(0 if find_quarto() else 1)
    for finding in examine():
        mark = "[green]ok[/]     " if finding.fine else "[yellow]missing[/]"
        console.print(f"{mark} {escape(finding.name)}: {escape(finding.found)}", highlight=False, soft_wrap=True)
        if finding.remedy:
            console.print(f"        {escape(finding.remedy)}", highlight=False, soft_wrap=True)


def _render(folder: Path, engine: Engine) -> None:
    from loantap.report.manifest import read_manifest
    from loantap.report.render import render_report

    with step(console, "rendering the report"):
        rendered = render_report(folder, engine=engine)
    manifest = read_manifest(folder)
    manifest.report = {
        "engine": rendered.engine,
        "html": str(rendered.html.relative_to(folder)),
        "pdf": str(rendered.pdf.relative_to(folder)),
        "seconds": round(rendered.seconds, 2),
    }
    manifest.write(folder)
    for label, value in (("Rendered by", rendered.engine), ("HTML", rendered.html), ("PDF", rendered.pdf)):
        console.print(f"{label + ':':<12} {value}", soft_wrap=True, highlight=False, markup=False)


def _notices(folder: Path) -> None:
    """Say what became of records and columns that are not analysed."""
    from loantap.report.results import RunFolder

    run = RunFolder(folder)
    facts = run.result("ingest")
    data, extra = facts["data"], facts["extra_columns"]
    notices = [
        (data["unfinished"], f"loans that have not ended, left out: {data['unfinished']:,}"),
        (data["duplicates"], f"copies of earlier records, left out: {data['duplicates']:,}"),
        (
            data["quarantined"],
            f"records set aside with their reasons: {data['quarantined']:,} in {run.quarantine_path}",
        ),
        (extra, f"columns that the codebook does not know are kept and not used: {', '.join(extra)}"),
    ]
    for concerned, text in notices:
        if concerned:
            console.print(f"Note: {text}", markup=False, highlight=False, soft_wrap=True)


def _parameters(texts: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not name or not equals:
            raise ParameterError(f"-P expected NAME=VALUE, got '{text}'.")
    return {name: value for name, _, value in pairs}


def _stage_count() -> int:
    from loantap.report.notebooks import STAGES

    return len(STAGES)


def _run_folder(given: Path) -> Path:
    for folder in (given, runs_dir() / given):
        if folder.is_dir():
            return folder.resolve()
    raise InputError(f"{given}: expected a run's folder or its name under {runs_dir()}, found neither.")
