"""Parts of pages that scripts write, each between the lines `<!-- NAME: written by SCRIPT -->` and `<!-- end of NAME -->`."""

import re
from datetime import UTC, datetime
from pathlib import Path

from loantap.errors import InputError
from loantap.files import write_text
from loantap.runs.manifest import git_commit


def write_part(page: Path, name: str, text: str) -> None:
    """Write a part of a page; raises InputError without the page or the lines."""
    before = page.read_text("utf-8") if page.is_file() else ""
    lines = re.compile(rf"(<!-- {name}: written by .*? -->\n).*?(<!-- end of {name} -->)", re.S)
    if not lines.search(before):
        raise InputError(
            f"{page}: expected the lines <!-- {name}: written by ... --> and <!-- end of {name} -->, found none. "
            "Put them where the part goes."
        )
    write_text(page, lines.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before))


def write_measured(page: Path, name: str, text: str) -> None:
    """Write a part that was measured, with the day and the commit."""
    commit = (git_commit() or "unknown").partition("+")
    write_part(
        page,
        name,
        f"{text}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}, at commit {commit[0][:7]}{commit[1]}{commit[2]}.",
    )
