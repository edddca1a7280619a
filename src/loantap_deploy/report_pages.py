"""The two pages around published reports: the list of all, and the one that leads to the latest.

Every link names index.html, since what serves a bucket knows no index of a folder.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from loantap.runs.render import PDF_NAME
from loantap_deploy.report_files import FIRST_PAGE, Edition

MARK = b'<meta name="generator" content="loantap">'
LIST = "index.html"
LATEST = "latest/index.html"

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{mark}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>{more}
</head><body><main>
"""
_STYLE = """<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
caption { text-align: left }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; font-weight: normal; white-space: nowrap }
thead th { font-weight: bold }
td:nth-child(4) { white-space: normal }
</style>"""
_COLUMNS = ("Run", "Finished", "Loans", "Data", "As PDF", "Published")


def list_page(editions: Iterable[Edition]) -> bytes:
    """Return the page that lists reports, in the order given."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    rows = "\n".join(_row(edition) for edition in editions)
    return _page(
        "LoanTap reports",
        f"""<h1>LoanTap reports</h1>
<p><a href="{LATEST}">The latest report</a></p>
<table><caption>All published reports, the newest run first. A run that was rendered again is listed once for each time.</caption>
<thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table>""",
        more=_STYLE,
    )


def latest_page(edition: Edition) -> bytes:
    """Return the page that leads to a report.

    One file, so that the latest report changes at one moment for every reader. A copy of the report could not do that.
    """
    target = f"../{escape(edition.path)}/{FIRST_PAGE}"
    return _page(
        "The latest LoanTap report",
        f'<p>The latest report: <a href="{target}">run {escape(edition.run_id)}</a></p>',
        more=f'\n<meta http-equiv="refresh" content="0; url={target}"><link rel="canonical" href="{target}">',
    )


def _row(edition: Edition) -> str:
    path = escape(edition.path)
    kind = escape(edition.kind)
    data = "<strong>Synthetic data</strong>: simulated loans, no real borrower" if edition.synthetic else f"Real loans ({kind})"  # fmt: skip
    return (
        f'<tr><th scope="row"><a href="{path}/{FIRST_PAGE}">{escape(edition.run_id)}</a></th><td>{_time(edition.finished_at)}</td>'
        f'<td>{edition.rows:,}</td><td>{data}</td><td><a href="{path}/{PDF_NAME}">PDF</a></td>'
        f"<td>{_time(edition.published_at)}</td></tr>"
    )


def _page(title: str, body: str, *, more: str) -> bytes:
    return f"{_HEAD.format(mark=MARK.decode(), title=title, more=more)}{body}\n</main></body></html>\n".encode()


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
