"""Early warning month by month: `loantap watch`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loantap.cli.common import (
    DatesOption,
    DecimalOption,
    DelimiterOption,
    EncodingOption,
    ModelOption,
    console,
    run_or_newest,
)
from loantap.errors import InputError
from loantap.progress import Clock, rows_progress, step
from loantap_sources.commands import find_config

if TYPE_CHECKING:
    import numpy as np

    from loantap.data.text_form import Asked
    from loantap.model.persistence import SavedModel
    from loantap.watchlist.live import Live
    from loantap.watchlist.month import Watch
    from loantap_sources.connectors.config import Config

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_LIMIT = re.compile(r"(red|amber|unknown)>([0-9]+)")
SYNTHETIC = 20_000


def watch(
    snapshots: Annotated[
        str | None,
        typer.Option(help="Snapshots: a file as of `loantap run --data`, or table:NAME; synthetic ones if absent."),
    ] = None,
    applications: Annotated[
        str | None,
        typer.Option(help="The loans' applications with loan_id: a file or table:NAME; the run's loans if absent."),
    ] = None,
    encoding: EncodingOption = "",
    delimiter: DelimiterOption = "",
    decimal: DecimalOption = "",
    dates: DatesOption = "",
    run: Annotated[
        Path | None, typer.Option(help="The run whose loans and model are used; the newest finished one if absent.")
    ] = None,
    model: ModelOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="The month to watch, such as 2016-05; the last one if absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of all months; watch/ in the project if absent.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The file that declares the warehouse: the watchlist goes there too."),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            help="The table for the lines of all loans: two tables are then watched inside the warehouse, and only the loans to look at come out."
        ),
    ] = None,
    accept_incomplete: Annotated[
        bool,
        typer.Option(
            "--accept-incomplete", help="Go on with a month that falls short of the one before; the page says so."
        ),
    ] = False,
    without_arrears: Annotated[
        bool, typer.Option("--without-arrears", help="Go on where nobody tells days past due; then no light is green.")
    ] = False,
    last: Annotated[
        Path | None,
        typer.Option(
            help="Last month's work list as people have filled it in (.csv, .xlsx): its notes are carried on, and what became of its loans is told."
        ),
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit with 1 if there are more lights than this, such as 'red>100'.")
    ] = None,
) -> None:
    """Write the watchlist of a month, and say what has changed since the month before; a second time changes nothing."""
    from loantap.data.text_form import Asked
    from loantap.model.economics import Economics
    from loantap.settings import project_root
    from loantap.watchlist.last_worklist import read_last
    from loantap.watchlist.month import watch as watch_live
    from loantap.watchlist.settings import read_settings
    from loantap_serving.locate import find_store
    from loantap_serving.month_files import write_month

    clock, month, limit = Clock(), _month(as_of), _fail_on(fail_on)
    if applications and not snapshots:
        raise InputError("--applications goes with --snapshots; synthetic snapshots have applications of their own.")
    if config and not snapshots:
        raise InputError("--config goes with --snapshots; synthetic snapshots do not go into a warehouse.")
    tables = any(text and text.startswith("table:") for text in (snapshots, applications))
    if into is not None:
        from loantap_serving.commands.watch_inside import watch_inside

        accepted = {"accept_incomplete": accept_incomplete, "without_arrears": without_arrears}
        chosen, home = _model(None, model, of_run=False), out or project_root() / "watch"
        inside = watch_inside(
            snapshots, applications, into, chosen, _warehouse(config), month, home, say=_say, **accepted
        )
        _say(f"{inside.location}; the loans to look at, with reasons: {home / inside.month / into}.csv ({clock})")
        _fail(limit, inside.lights)
        return
    declared = _warehouse(config) if config or tables else None
    of_run = run is not None or snapshots is None or find_store(None).champion() is None
    needed = applications is None or (of_run and model is None)
    folder = run_or_newest(run) if needed else None
    settings, chosen = read_settings(), _model(folder, model, of_run=of_run)
    earlier = read_last(last) if last else None
    live = _live(snapshots, applications, folder, chosen, declared, month, Asked(encoding, delimiter, decimal, dates))
    with step(console, "watching"):
        found = watch_live(
            live, chosen, as_of=month, settings=settings, economics=Economics(), last=earlier,
            accept_incomplete=accept_incomplete, without_arrears=without_arrears,
        )  # fmt: skip
        done = write_month(
            found, out or project_root() / "watch", model=chosen, settings=settings, source=live.source, synthetic=live.truth is not None,
            notes=live.notes, quarantine=live.quarantine,
        )  # fmt: skip
    if declared:
        from loantap_serving.month_rows import TABLE, write_rows

        rows = write_rows(found.month, declared)
        _say(f"Warehouse: {rows:,} rows of {found.month.month} in {TABLE}")
    _tell(found, [*live.notes, *found.notes, *done.notes])
    if len(live.quarantine):
        _say(f"Note: rows that break the contract, with their reasons: {done.folder / 'quarantine.csv'}")
    lines = dict(zip(found.month.lights["light"], found.month.lights["loans"], strict=True))
    counts = " + ".join(f"{loans:,} {light}" for light, loans in lines.items() if loans)
    made = " (synthetic snapshots)" if live.truth is not None else ""
    _say(f"{found.month.month}{made}: {found.month.delivery.loans:,} loans delivered = {counts or '0'}.")
    _say(f"Since the month before: {found.month.changes.words}.")
    if found.became:
        told = (
            f"{loans:,} {outcome}"
            for outcome, loans in zip(found.became.counts["outcome"], found.became.counts["loans"], strict=True)
        )
        _say(f"Of the {found.became.counts['loans'].sum():,} loans of the last work list: {', '.join(told)}.")
    _say(f"{done.folder / 'index.html'} ({clock})")
    _fail(limit, lines)


def _fail(limit: tuple[str, int] | None, lines: Mapping[str, int]) -> None:
    if limit and lines[limit[0]] > limit[1]:
        _say(f"{lines[limit[0]]:,} {limit[0]} lights are more than {limit[1]:,}: exit 1 as --fail-on asks.")
        raise typer.Exit(1)


def _warehouse(config: Path | None) -> "Config":
    """Return the settings that declare the warehouse: that there is none is said before the work, not after it."""
    from loantap_sources.connectors.config import read_config
    from loantap_sources.warehouse import open_warehouse

    declared = read_config(find_config(config))
    open_warehouse(declared, create=True)
    return declared


def _tell(found: "Watch", notes: list[str]) -> None:
    """Say what has to be known of a month before its counts."""
    for note in notes:
        _say(f"Note: {note}")
    for problem in found.month.delivery.problems:
        _say(f"Incomplete, accepted: {problem}.")
    for untold in found.month.delivery.untold:
        _say(f"Note: {untold}")
    if found.month.unknown:
        _say(
            f"Note: {found.month.unknown:,} live loans have no known probability (no application, or a value missing)."
        )
    if found.no_risk:
        _say(f"Note: {found.no_risk}")


def _model(folder: Path | None, model: Path | None, *, of_run: bool) -> "SavedModel":
    """Return the model that is named, or the run's, or the champion."""
    from loantap.model.persistence import load_model
    from loantap_serving.locate import find_model

    return load_model(find_model(folder if of_run and model is None else model))


def _live(
    snapshots: str | None,
    applications: str | None,
    folder: Path | None,
    model: "SavedModel",
    config: "Config | None",
    until: "np.datetime64 | None",
    asked: "Asked",
) -> "Live":
    from loantap.runs.notebook_model import split_run
    from loantap.runs.results import RunFolder
    from loantap.watchlist.live import synthetic_live
    from loantap_serving.live import read_live

    if folder and not snapshots:
        run = RunFolder(folder)
        if run.manifest()["run_id"] != model.card.get("run_id"):
            raise InputError(
                f"{run.path}: synthetic snapshots are drawn for loans that the model has not seen, and the model was made by another "
                "run. Name that run with --run, or bring snapshots with --snapshots."
            )
        return synthetic_live(split_run(run, model)[1], model, most=SYNTHETIC)
    assert snapshots  # noqa: S101 (without them there is a run)
    given = applications or RunFolder(folder or Path()).loans()
    with rows_progress(console, "reading snapshots", None) as progress:
        return read_live(snapshots, given, model, until=until, config=config, asked=asked, progress=progress)


def _month(text: str | None) -> "np.datetime64 | None":
    if text is None:
        return None
    if not _MONTH.fullmatch(text):
        raise InputError(f"--as-of expected a month such as 2016-05, got '{text}'.")
    import numpy as np

    return np.datetime64(text, "M")


def _fail_on(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    found = _LIMIT.fullmatch(text.replace(" ", ""))
    if not found:
        raise InputError(f"--fail-on expected a light and a number, such as 'red>100' (in quotes), got '{text}'.")
    return found[1], int(found[2])


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
