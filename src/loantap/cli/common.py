"""What several commands share: the console, the run's folder, rendering, and what is said at the end."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from loantap.errors import InputError, ParameterError
from loantap.progress import step
from loantap.settings import runs_dir

console = Console()
errors = Console(stderr=True)

DEFAULT_ROWS = 396_030
Engine = Literal["auto", "quarto", "builtin"]
RowsOption = Annotated[int, typer.Option(help="Synthetic loans to make where no file is given.", min=1_000)]
SeedOption = Annotated[int, typer.Option(help="Random seed of the synthetic loans and of the analysis.", min=0)]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-P", help="A notebook parameter, NAME=VALUE or STAGE.NAME=VALUE."),
]
EngineOption = Annotated[Engine, typer.Option(help="What renders the report.")]
ModelOption = Annotated[
    Path | None, typer.Option(help="A model's folder, a run's, or a store of promoted models; the champion if absent.")
]
PickleOption = Annotated[
    Path | None,
    typer.Option(
        help="Read a pickled model, which can run any code, if this file outside its folder holds its sha256.",
        metavar="SHA256_FILE",
    ),
]


def render(folder: Path, engine: Engine) -> None:
    """Render a run's report, note it in the manifest, and say where it lies."""
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
        "sha256": rendered.sha256,
    }
    manifest.write(folder)
    for label, value in (("Rendered by", rendered.engine), ("HTML", rendered.html), ("PDF", rendered.pdf)):
        console.print(f"{label + ':':<12} {value}", soft_wrap=True, highlight=False, markup=False)


def say_notices(folder: Path) -> None:
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
    notices += [(True, note) for note in facts.get("notes", [])]
    for concerned, text in notices:
        if concerned:
            console.print(f"Note: {text}", markup=False, highlight=False, soft_wrap=True)


def parse_parameters(texts: list[str]) -> dict[str, Any]:
    """Return the values of `-P NAME=VALUE` by name; raises ParameterError for another form."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not name or not equals:
            raise ParameterError(f"-P expected NAME=VALUE, got '{text}'.")
    return {name: value for name, _, value in pairs}


def run_folder(given: Path) -> Path:
    """Return a run's folder, given as such or by its name under `runs/`; raises InputError where it is neither."""
    for folder in (given, runs_dir() / given):
        if folder.is_dir():
            return folder.resolve()
    raise InputError(f"{given}: expected a run's folder or its name under {runs_dir()}, found neither.")
