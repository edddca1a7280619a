"""Commands on the places where loans are stored: `loantap sources`, `loantap demo`, `loantap publish`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from loantap.cli.common import (
    DEFAULT_ROWS,
    EngineOption,
    ParameterOption,
    SeedOption,
    console,
    errors,
    sealed_folder,
)
from loantap.errors import InputError, LoanTapError, MissingToolError
from loantap.progress import Clock, step
from loantap.settings import project_root

if TYPE_CHECKING:
    from loantap_sources.connectors.config import Config
    from loantap_sources.probe import Probe

app = typer.Typer(no_args_is_help=True, help="The places where loans are stored, declared in loantap.yml.")
demo_app = typer.Typer(no_args_is_help=True, help="Demonstrations that run for everybody.")
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The file that declares them; loantap.yml here or in the project.")
]


def find_config(given: Path | None) -> Path:
    """Return the given file, or loantap.yml in the working folder, or the project's."""
    if given is not None:
        return given.resolve()
    here = Path.cwd() / "loantap.yml"
    return here if here.is_file() else project_root() / "loantap.yml"


@app.command()
def check(config: ConfigOption = None) -> None:
    """Read each source as a run would, and say what it brings; then look at the warehouse."""
    from loantap_sources.connectors.config import read_config
    from loantap_sources.probe import probe_source, probe_warehouse

    declared = read_config(find_config(config))
    if not declared.sources and declared.warehouse is None:
        raise InputError(f"{declared.path}: expected sources or a warehouse, it declares neither.")
    notes: list[str] = []
    failures: list[LoanTapError] = []
    probes: list[tuple[str, Callable[[Config, str], Probe]]] = [(name, probe_source) for name in declared.sources]
    if declared.warehouse:
        probes.append(("warehouse", probe_warehouse))
    for name, probe in probes:
        started = time.perf_counter()
        try:
            with step(console, f"reading {name}"):
                found = probe(declared, name)
        except LoanTapError as error:
            failures.append(error)
            console.print(f"[red]{name}: failed[/] after {time.perf_counter() - started:.1f} s", highlight=False)
            continue
        notes += found.notes
        newest = f", newest {found.newest}" if found.newest else ""
        console.print(
            f"{name} ({found.kind}): {found.rows:,} rows, {len(found.columns)} columns{newest}, {found.seconds:.1f} s, {found.location}",
            highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip
    for note in notes:
        console.print(f"Note: {note}", markup=False, highlight=False, soft_wrap=True)
    for failure in failures:
        errors.print(f"[bold red]{type(failure).__name__}:[/] {escape(str(failure))}", highlight=False, soft_wrap=True)
    if failures:
        raise typer.Exit(max(failure.exit_code for failure in failures))


@app.command()
def load(
    config: ConfigOption = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="FILE.csv for rows that break the contract; without it they stop the load.")
    ] = None,
) -> None:
    """Read, merge and check the sources, and put the table of loans into the warehouse; no analysis."""
    import tempfile

    from loantap_sources.connectors.config import read_config
    from loantap_sources.gather import gather

    clock = Clock()
    declared = read_config(find_config(config))
    if declared.warehouse is None:
        raise InputError(f"{declared.path}: expected a warehouse to load into, it declares none.")
    with tempfile.TemporaryDirectory() as folder, step(console, "reading the sources"):
        done = gather(declared, loans_path=Path(folder) / "loans.parquet", quarantine_path=quarantine)
    for note in done.notes:
        console.print(f"Note: {note}", markup=False, highlight=False, soft_wrap=True)
    assert done.load is not None  # noqa: S101 (a warehouse is declared)
    what = "wrote" if done.load.written else "unchanged:"
    console.print(
        f"{what} {done.load.rows:,} loans, load {done.load.load_id}, table {done.load.table} in {done.load.location} ({clock})",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


@demo_app.command("sources")
def demo_sources(
    data: Annotated[Path | None, typer.Option(help="File of loans to split; synthetic loans if absent.")] = None,
    rows: Annotated[
        int, typer.Option(help="Synthetic loans to make where no file is given.", min=1_000)
    ] = DEFAULT_ROWS,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option(help="The run's folder, as for `loantap run`.")] = None,
    only: Annotated[str | None, typer.Option(help="Run only this stage (and the ingest); no report.")] = None,
    parameter: ParameterOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Split loans into a DB2 drop, a stand-in for Databricks and a warehouse, and run the whole job from these."""
    import sys

    from loantap.cli.run import run

    sys.path.append(str(project_root() / "tools"))  # a clone has it, and nothing is installed of it
    try:
        from stand_ins.three_sources import three_sources
    except ImportError as error:
        raise MissingToolError(
            f"the demonstration needs the folder tools/ of a clone of the project: {error}."
        ) from error

    with three_sources(data, rows=rows, seed=seed) as config:
        console.print(
            f"Three sources made; they are declared in {config}", highlight=False, soft_wrap=True, markup=False
        )
        run(sources=config, out=out, seed=seed, only=only, parameter=parameter, engine=engine)


def publish(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    config: ConfigOption = None,
    allow_synthetic: Annotated[
        bool, typer.Option("--allow-synthetic", help="Publish results of synthetic loans too, for trying things out.")
    ] = False,
) -> None:
    """Write a run's results into the warehouse of its sources, for others to read; a second time changes nothing."""
    from loantap.runs.manifest import read_manifest
    from loantap_sources.connectors.config import read_config
    from loantap_sources.publish import publish_run

    run = sealed_folder(folder)
    own = read_manifest(run).parameters.get("sources")
    declared = read_config(find_config(config or (Path(own) if own else None)))
    written = publish_run(run, declared, allow_synthetic=allow_synthetic)
    console.print(f"Into the warehouse that {declared.path} declares:", highlight=False, markup=False, soft_wrap=True)
    for name, count in written.items():
        console.print(f"{name}: {count:,} rows", highlight=False, markup=False)
