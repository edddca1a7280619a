"""What several commands share: the console, the run's folder, rendering, and what is said at the end."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from loantap.errors import InputError, ParameterError, Stopped
from loantap.progress import step
from loantap.settings import run_folder, runs_dir

if TYPE_CHECKING:
    from loantap.runs.checksums import Check
    from loantap.runs.record import HeldRun


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # What Python still holds back for the reader has nowhere to go: without this it would complain at its own end.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stopped("nobody reads the output any more (closed pipe).")


console = _Console()
errors = Console(stderr=True)

DEFAULT_ROWS = 396_030
# A command that hands on what it does not know itself.
REST = {"allow_extra_args": True, "ignore_unknown_options": True}
Engine = Literal["auto", "quarto", "builtin"]
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
# The form of a file of text; what is not said is told from the file, and said.
EncodingOption = Annotated[str, typer.Option(help="The file's encoding, such as cp1252; told from the file if absent.")]
DelimiterOption = Annotated[
    str, typer.Option(help="What stands between its fields, such as ';' or tab; told if absent.")
]
DecimalOption = Annotated[str, typer.Option(help="Its decimal sign, '.' or ','; told if absent.")]
DatesOption = Annotated[str, typer.Option(help="Whether 3/4/2015 is day-first or month-first; told if absent.")]


def render(held: "HeldRun", engine: Engine) -> None:
    """Render the report of a run that this process holds, note it in the manifest, and say where it is."""
    from loantap.runs.checksums import results_sha256
    from loantap.runs.manifest import read_manifest
    from loantap.runs.render import render_report
    from loantap.runs.word import WORD_NAME
    from loantap.runs.workbook import WORKBOOK_NAME

    folder = held.path
    try:
        with step(console, "rendering the report"):
            rendered = render_report(folder, engine=engine)
    except BaseException as error:
        error.add_note(
            f"The results are kept, and a former report is as it was. Render it with: loantap report {folder}, "
            f"or make results of an older version anew with: loantap run --resume {folder}"
        )
        raise
    beside = {"word": rendered.html.with_name(WORD_NAME), "excel": rendered.html.with_name(WORKBOOK_NAME)}
    beside = {name: path for name, path in beside.items() if path.is_file()}
    manifest = read_manifest(folder)
    manifest.report = {
        "engine": rendered.engine,
        "html": str(rendered.html.relative_to(folder)),
        "pdf": str(rendered.pdf.relative_to(folder)),
        **{name: str(path.relative_to(folder)) for name, path in beside.items()},
        "seconds": round(rendered.seconds, 2),
        "sha256": rendered.sha256,
        "results": results_sha256(manifest),
    }
    manifest.write(folder)
    for label, value in (
        ("Rendered by", rendered.engine),
        ("HTML", rendered.html),
        ("PDF", rendered.pdf),
        *((name.capitalize(), path) for name, path in beside.items()),
    ):
        console.print(f"{label + ':':<12} {value}", soft_wrap=True, highlight=False, markup=False)
    for warning in rendered.warnings:
        console.print(f"{'Warning:':<12} {warning}", soft_wrap=True, highlight=False, markup=False)


def say_notices(folder: Path) -> None:
    """Say what became of records and columns that are not analysed."""
    from loantap.runs.results import RunFolder

    run = RunFolder(folder)
    facts = run.result("ingest")
    left_out = [one for one in run.manifest().get("stages", []) if one.get("status") == "left out"]
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
    notices += [(True, f"stage {one['name']} left out: {one['error']}") for one in left_out]
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


def sealed_folder(given: Path) -> Path:
    """Return a run's folder whose results are as its stages wrote them; raises InputError that names what is not."""
    from loantap.runs.checksums import need_unchanged

    return _noted(need_unchanged, run_folder(given))


def finished_folder(given: Path) -> Path:
    """Return the folder of a finished run, as `sealed_folder` does; raises InputError for a run that is not finished, too."""
    from loantap.runs.checksums import need_finished

    return _noted(need_finished, run_folder(given))


def _noted(need: Callable[[Path], "Check"], folder: Path) -> Path:
    """Return a folder that is as it is needed, and say whether the library has changed since its run."""
    if changed := need(folder).library:
        console.print(
            f"Note: the library has changed since the run, for its stages {', '.join(changed)}.",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    return folder


def run_or_newest(given: Path | None) -> Path:
    """Return the folder of the run that is named, or else of the finished run of record that ended last, and say which that is.

    Raises InputError where there is none, or its files are not as its stages wrote them.
    """
    from loantap.runs.record import newest_run

    if given is not None:
        return sealed_folder(given)
    newest = newest_run()
    if newest is None:
        raise InputError(f"expected a finished run under {runs_dir()}, found none. Make one with: loantap run")
    console.print(
        f"Run: {newest.path.name}, the newest that is finished", highlight=False, markup=False, soft_wrap=True
    )
    return sealed_folder(newest.path)


def become(words: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as another program in this very process, so that signals and the exit code are its own."""
    sys.stdout.flush()
    os.execve(words[0], words, environment)  # noqa: S606
