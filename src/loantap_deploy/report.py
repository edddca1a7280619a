"""Publish a run's report so that readers see the former one, or the new one, and nothing between.

Each report comes under a path of its own, which nobody knows yet; its record is written when all of it is there; then the list of all; and at
last one file leads to it. What breaks off earlier changes nothing for a reader.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from loantap.errors import InputError
from loantap.runs.checksums import content_sha256, results_sha256
from loantap.runs.manifest import now, read_manifest
from loantap.runs.results import is_synthetic
from loantap_deploy.shelf import Shelf

LATEST, LIST = "latest/index.html", "index.html"
_PDF = "loantap-insights.pdf"
_MARK = '<meta name="generator" content="loantap">'
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{mark}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>{head}
</head><body><main>
{body}
</main></body></html>
"""
_STYLE = """<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto } caption { text-align: left }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; font-weight: normal } thead th { font-weight: bold }
</style>"""


@dataclass(frozen=True)
class Report:
    """A finished run's report: its files by name, where it stands, and what `run.json` says of it."""

    files: Mapping[str, bytes]
    path: str
    record: Mapping[str, Any]


def read_report(run: Path) -> Report:
    """Return the report of a finished run, read once, so that what is checked is what is published.

    Raises InputError if the run is not finished, or its report is not what was rendered from its results.
    """
    manifest, folder = read_manifest(run), run / "report"
    again = f"Render it again with: loantap report {run}"
    if manifest.status != "done" or manifest.finished_at is None:
        raise InputError(
            f"{run}: expected a finished run, this one's status is {manifest.status}. Go on with: loantap run --resume {run}"
        )
    paths = [path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()]
    if odd := [path.name for path in (folder, *paths) if path.is_symlink() or not path.exists()]:
        raise InputError(f"{folder}: expected a rendered report of plain files, found {odd[0]!r}. {again}")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    rendered, content = manifest.report or {}, content_sha256(sums)
    if rendered.get("results") != results_sha256(manifest):
        raise InputError(f"{folder}: the report was rendered from other results than the run's present ones. {again}")
    if rendered.get("sha256") != content or not {LIST, _PDF} <= files.keys():
        raise InputError(
            f"{folder}: expected the report as it was rendered; files were changed, added or taken away since. {again}"
        )
    record = {
        "run_id": manifest.run_id,
        "finished_at": manifest.finished_at,
        "published_at": now(),
        "kind": manifest.data.get("kind"),
        "synthetic": is_synthetic(manifest.data),
        "rows": manifest.data.get("rows"),
        "files": {name: {"sha256": sums[name], "size": len(files[name])} for name in files},
    }
    # The content is part of the path: readers may keep a file for a year, so a report that is rendered again gets a new one.
    return Report(files, f"runs/{manifest.run_id}/{content[:12]}", record)


def publish_report(report: Report, shelf: Shelf) -> int:
    """Put a report on the shelf and make it the latest; return how many files were written.

    Raises InputError if something else stands where the list or the latest would be written, DeployError if the shelf cannot be used.
    """
    for name in (LIST, LATEST):
        if _MARK not in (found := (shelf.read(name) or _MARK.encode()).decode("utf-8", "replace")):
            raise InputError(
                f"{shelf.address}/{name}: expected none, or one that loantap wrote, found {found[:40]!r}. Choose another place."
            )
    written = 0
    record = f"{report.path}/run.json"
    if shelf.read(record) is None:
        for name, content in report.files.items():
            shelf.write(f"{report.path}/{name}", content, lasting=True)
        shelf.write(record, json.dumps(report.record, indent=1).encode(), lasting=False)
        written = len(report.files) + 1
    for name, page in ((LIST, _list_page(shelf)), (LATEST, _latest_page(report))):
        if shelf.read(name) != page:
            shelf.write(name, page, lasting=False)
            written += 1
    return written


def _latest_page(report: Report) -> bytes:
    """Return the page that leads to a report: one file, so that the latest report changes at one moment for every reader."""
    target = f"../{escape(report.path)}/index.html"
    return _page(
        "The latest LoanTap report",
        f'<p>The latest report: <a href="{target}">run {escape(str(report.record["run_id"]))}</a></p>',
        f'\n<meta http-equiv="refresh" content="0; url={target}"><link rel="canonical" href="{target}">',
    )


def _list_page(shelf: Shelf) -> bytes:
    """Return the page that lists all reports that are there whole, the newest run first."""
    names = [name for name in shelf.names("runs") if name.endswith("/run.json")]
    found = [(json.loads(shelf.read(name) or b"{}"), name.removesuffix("/run.json")) for name in names]
    found.sort(key=lambda each: (each[0]["finished_at"], each[1]), reverse=True)
    rows = [_row(record, path) for record, path in found]
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Run", "Finished", "Loans", "Data", "As PDF", "Published")
    )
    return _page(
        "LoanTap reports",
        f'<h1>LoanTap reports</h1>\n<p><a href="{LATEST}">The latest report</a></p>\n<table><caption>All published reports, the newest run first. '
        f"A run that was rendered again is listed once for each time.</caption>\n<thead><tr>{heads}</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table>",
        _STYLE,
    )


def _row(record: Mapping[str, Any], path: str) -> str:
    data = (
        "<strong>Synthetic data</strong>: simulated loans, no real borrower"
        if record["synthetic"]
        else f"Real loans ({escape(str(record['kind']))})"
    )
    finished, published = (f"{record[name][:16].replace('T', ' ')} UTC" for name in ("finished_at", "published_at"))
    return (
        f'<tr><th scope="row"><a href="{escape(path)}/index.html">{escape(str(record["run_id"]))}</a></th><td>{finished}</td>'
        f'<td>{int(record["rows"] or 0):,}</td><td>{data}</td><td><a href="{escape(path)}/{_PDF}">PDF</a></td><td>{published}</td></tr>'
    )


def _page(title: str, body: str, head: str) -> bytes:
    return _PAGE.format(mark=_MARK, title=title, head=head, body=body).encode()
