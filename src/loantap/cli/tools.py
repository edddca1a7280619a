"""Commands beside the job: synthetic loans, claims on counts, JupyterLab, what is installed."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from loantap.cli.common import DEFAULT_ROWS, SeedOption, become, console
from loantap.errors import MissingToolError
from loantap.progress import Clock, step
from loantap.settings import notebooks_dir


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


def claims(
    counts: Annotated[Path, typer.Option(help="Counts of a portfolio, such as data/reference/published_counts.json.")],
    out: Annotated[Path, typer.Option(help="Where to write the verdicts: FILE.json.")],
) -> None:
    """Test the claims of the original insights on counts alone."""
    from loantap.analysis.claim_counts import read_counts
    from loantap.exhibits.claims import on_counts
    from loantap.files import write_text
    from loantap.jsonable import jsonable

    records = on_counts(read_counts(counts))
    write_text(out, json.dumps(jsonable(records), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    table = Table("claim", "verdict", "result", box=None, pad_edge=False)
    for entry in records:
        table.add_row(escape(entry["claim"]), entry["verdict"], escape(entry["result"]))
    console.print(table, highlight=False)
    console.print(f"Wrote {len(records)} verdicts to {out}", soft_wrap=True, highlight=False, markup=False)


def lab() -> None:
    """Open JupyterLab on the notebooks, with this environment's kernel."""
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise MissingToolError(
            'JupyterLab is not installed. Get it with: pip install -e ".[report,lab]", or run: make lab'
        )
    words = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(notebooks_dir()), "--ip", "127.0.0.1"]
    become(words, os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"})


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
