"""The decision sheet of a run, and what another limit would do: `loantap policy`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from loantap.cli.common import console, run_or_newest
from loantap.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from loantap.runs.results import RunFolder

_WHOLE = 170  # columns of a console that has room for all of the sheet side by side


def policy(
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", help="Decline values above a limit, NAME=VALUE, such as dti=25; may be repeated."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Also decline a probability of default at and above this fraction.", min=0.0, max=1.0),
    ] = None,
    capacity: Annotated[
        float | None,
        typer.Option(
            help="Also decline the riskiest, at most this share: the threshold is that of the training loans.",
            min=0.0,
            max=1.0,
            metavar="SHARE",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The run whose test loans and model answer; the newest finished one if absent.")
    ] = None,
    repetitions: Annotated[int, typer.Option(help="Bootstrap repetitions.", min=20, max=10_000)] = 500,
    seed: Annotated[int, typer.Option(help="Random seed of the bootstrap.", min=0)] = 0,
) -> None:
    """Show the decision sheet of a run; with a limit, answer what that would have done to its test loans, beside the sheet's policies."""
    from loantap.runs.results import RunFolder
    from loantap.runs.what_if import parse_caps, what_if

    caps = parse_caps(cap or [])
    folder = RunFolder(run_or_newest(run))
    if not caps and threshold is None and capacity is None:
        _show_sheet(folder)
        return
    answer = what_if(folder, caps, threshold=threshold, capacity=capacity, repetitions=repetitions, random_state=seed)
    from loantap.exhibits.decision import fair, who
    from loantap.exhibits.decision_rows import LEGEND, why
    from loantap.exhibits.words import capital

    entries = [answer.beside[0], answer.effect, *answer.beside[1:]]
    _say(capital("; ".join(answer.rules)) + ".")
    _say(why(answer.effect))
    _show_rows(entries)
    if answer.effect["n_refused"]:
        for said in (who(answer.effect), fair(answer.effect), *answer.gaps):
            _say(said)
    _say(f"{answer.note} {LEGEND}")


def _show_sheet(folder: "RunFolder") -> None:
    from loantap.exhibits.decision_rows import basis
    from loantap.runs.results import decision_sheet

    sheet = decision_sheet(folder)
    if sheet is None:
        raise InputError(
            f"{folder.path / 'results' / 'policy.json'}: expected the decision sheet of the run (policies), found none: its policy stage is older, or "
            "has not run. Make it with: loantap run --resume; or name a limit to ask about, such as --cap dti=25."
        )
    _say(sheet["recommendation"])
    if ask := sheet["recommended"].get("ask"):  # older runs have none
        _say(ask)
    _show_rows(sheet["policies"])
    _say(basis(sheet))
    _say(sheet["caveat"])


def _show_rows(entries: "list[dict[str, Any]]") -> None:
    """Print what policies do and how sure their gains are, below one another where the console is narrow, then whom they decline by grade."""
    from loantap.exhibits.decision_rows import DOES, POLICY, refused_rows, sheet_rows

    rows = sheet_rows(entries)
    does, sure = rows[list(DOES)], rows.drop(columns=[name for name in DOES if name != POLICY])
    for part in [rows] if console.width >= _WHOLE else [does, sure]:
        _print(part)
    by_grade = refused_rows(entries, "grade")
    if len(by_grade):
        _print(by_grade, title="Declined, of each grade")


def _print(rows: "pd.DataFrame", title: str | None = None) -> None:
    table = Table(title=title, title_justify="left", padding=(0, int(console.width >= _WHOLE)))
    for place, name in enumerate(rows):
        table.add_column(str(name), justify="right" if place else "left", overflow="fold")
    for row in rows.to_numpy().tolist():
        table.add_row(*map(escape, row))
    console.print(table, highlight=False)


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
