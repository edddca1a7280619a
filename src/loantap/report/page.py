"""What the report's pages call: exhibits and numbers of a run as Markdown, and nothing that computes a result."""

import re
from collections.abc import Mapping
from typing import Any

from loantap.report.results import RunFolder, open_run
from loantap.report.tables import interval, show, to_markdown

__all__ = ["Page", "interval", "open_page", "show"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#@$|~^])")
SHOWN_ROWS = 12


class Page:
    """A run's results, as a page shows them."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.manifest = run.manifest()
        self.data: Mapping[str, Any] = self.manifest["data"]

    @property
    def synthetic(self) -> bool:
        """Whether the loans were made, not lent."""
        return self.data["kind"] == "synthetic"

    def result(self, name: str) -> Any:
        """Return a result."""
        return self.run.result(name)

    def figure(self, name: str) -> None:
        """Print a figure with its finding as the caption and its alt text."""
        exhibit = self.run.exhibit(name)
        alt = exhibit.alt.replace('"', "'")
        print(
            f'![**{plain(exhibit.title)}.** {plain(exhibit.caption)}](figures/{name}.svg){{#fig-{name} fig-alt="{alt}"}}\n'
        )

    def table(self, name: str, formats: Mapping[str, str], *, rows: int = SHOWN_ROWS) -> None:
        """Print the first rows of a table with its finding as the caption, and a link to all of it as CSV.

        Args:
            name: The table's name.
            formats: The columns to show, each with the kind of number in it (see `loantap.report.tables.show`).
            rows: How many rows to show at most.
        """
        exhibit, table = self.run.exhibit(name), self.run.table(name)
        rest = f" The first {rows} of {len(table)} rows." if len(table) > rows else ""
        print(to_markdown(table.head(rows), formats))
        print(f"\n: **{plain(exhibit.title)}.** {plain(exhibit.caption)}{rest} {{#tbl-{name}}}\n")
        print(f"[All rows and columns as CSV](tables/{name}.csv)\n")


def open_page() -> Page:
    """Return the page of the run at LOANTAP_RUN, or of the newest one."""
    return Page(open_run())


def plain(text: str) -> str:
    """Return the text with every sign escaped that Markdown would read as markup."""
    return _SPECIAL.sub(r"\\\1", text)


def rate(estimate: Mapping[str, Any], low: str = "ci_low", high: str = "ci_high", value: str = "default_rate") -> str:
    """Return a rate with its interval, such as '18.9 % (18.0 to 19.8 %)'."""
    return f"{show(estimate[value], 'rate')} ({interval(estimate[low], estimate[high], 'rate')})"
