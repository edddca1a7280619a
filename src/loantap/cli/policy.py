"""What a cap would do: `loantap policy`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from loantap.cli.common import console, run_or_newest
from loantap.errors import InputError

_ROWS = (
    ("refused", "applications refused", "rate"),
    ("defaults_avoided", "defaults avoided, of all defaults", "rate"),
    ("good_refused", "good customers refused, of all who repaid", "rate"),
    ("default_rate_approved", "default rate of the approved", "rate"),
    ("profit", "profit per 100 of money asked for", "number"),
    ("profit_change", "its change from approving all", "number"),
)


def policy(
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", help="Refuse values above a limit, NAME=VALUE, such as dti=25; may stand again."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Also refuse a probability of default at and above this fraction.", min=0.0, max=1.0),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The run whose test loans and model answer; the newest finished one if absent.")
    ] = None,
    repetitions: Annotated[int, typer.Option(help="Bootstrap repetitions.", min=20, max=10_000)] = 500,
    seed: Annotated[int, typer.Option(help="Random seed of the bootstrap.", min=0)] = 0,
) -> None:
    """Answer what caps would have done to a run's test loans: people, defaults, money, and which groups they hit."""
    from loantap.report.results import RunFolder
    from loantap.serve.what_if import parse_caps, what_if

    caps = parse_caps(cap or [])
    if not caps and threshold is None:
        raise InputError("expected a limit to ask about, such as --cap dti=25 or --threshold 0.3.")
    answer = what_if(
        RunFolder(run_or_newest(run)), caps, threshold=threshold, repetitions=repetitions, random_state=seed
    )
    from loantap.exhibits.words import interval, percent, show

    _say("; ".join(answer.rules) + ".")
    table = Table("", "estimate", f"{percent(answer.confidence)} interval")
    for name, words, kind in _ROWS:
        ends = interval(answer.effect[f"{name}_low"], answer.effect[f"{name}_high"], kind)
        table.add_row(words, escape(show(answer.effect[name], kind)), escape(ends))
    console.print(table, highlight=False)
    for gap in answer.gaps:
        _say(gap)
    _say(answer.note)


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
