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
from loantap.settings import how_to_add, notebooks_dir, project_root, run_folder


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
    from loantap.analysis.claim_list import load_claims
    from loantap.analysis.claims import evaluate_claims
    from loantap.exhibits.claims import PUBLISHED, records
    from loantap.files import write_text
    from loantap.jsonable import jsonable

    found = read_counts(counts)
    basis = PUBLISHED if found == read_counts() else f"counts of {found.portfolio}"
    entries = records(evaluate_claims(load_claims(), found), basis=basis)
    write_text(out, json.dumps(jsonable(entries), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    table = Table("claim", "verdict", "result", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(escape(entry["claim"]), entry["judgement"], escape(entry["result"]))
    console.print(table, highlight=False)
    console.print(f"Wrote {len(entries)} verdicts to {out}", soft_wrap=True, highlight=False, markup=False)


def compare(
    earlier: Annotated[
        Path, typer.Argument(metavar="EARLIER", help="The earlier run: its folder, or its name under runs/.")
    ],
    later: Annotated[Path, typer.Argument(metavar="LATER", help="The later run: its folder, or its name under runs/.")],
    out: Annotated[Path | None, typer.Option(help="Where to write all of it: FILE.json.")] = None,
) -> None:
    """Say what changed from one finished run to another: loans, parameters, method, and what they found."""
    from loantap.exhibits.changes import changed_lines, record
    from loantap.files import write_text
    from loantap.jsonable import jsonable
    from loantap.runs.earlier import compare_runs, finished_run

    found = compare_runs(*(finished_run(run_folder(folder)) for folder in (earlier, later)))
    said = record(found)
    for text in (*said["told"], *changed_lines(found)):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    if out:
        write_text(out, json.dumps(jsonable(said), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        console.print(f"Wrote the comparison to {out}", soft_wrap=True, highlight=False, markup=False)


def lab(context: typer.Context) -> None:
    """Open JupyterLab at the project, with its notebooks first and this environment's kernel.

    It answers on this machine only. Options that are not named here go to JupyterLab, such as --port 9999, --no-browser, --allow-root or
    --ip; it explains them with --help-all.
    """
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise MissingToolError(f"JupyterLab is not installed. Get it with: {how_to_add('lab')}")
    given = {word.partition("=")[0] for word in context.args}
    root = ("--ServerApp.root_dir", "--ServerApp.notebook_dir", "--notebook-dir")
    ours = {  # JupyterLab refuses an option that is given twice
        "--ServerApp.ip=127.0.0.1": ("--ServerApp.ip", "--ip"),
        f"--ServerApp.root_dir={project_root()}": root,
        f"--LabApp.default_url=/lab/tree/{notebooks_dir().name}": ("--LabApp.default_url", *root),
    }
    words = [word for word, names in ours.items() if given.isdisjoint(names)]
    # Without this a kernel named python3 among the user's own would come before this environment's.
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}
    become([sys.executable, "-m", "jupyterlab", *words, *context.args], environment)


def doctor(has_quarto: Annotated[bool, typer.Option("--has-quarto", hidden=True)] = False) -> None:
    """Say what is installed, what is missing, and how to get it."""
    from loantap.doctor import examine
    from loantap.runs.quarto import find_quarto

    if has_quarto:
        raise typer.Exit(0 if find_quarto() else 1)
    for finding in examine():
        mark = "[green]ok[/]     " if finding.fine else "[yellow]missing[/]"
        console.print(f"{mark} {escape(finding.name)}: {escape(finding.found)}", highlight=False, soft_wrap=True)
        if finding.remedy:
            console.print(f"        {escape(finding.remedy)}", highlight=False, soft_wrap=True)
