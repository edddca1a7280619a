"""What the report's pages call: exhibits and numbers of a run as Markdown, and nothing that computes a result."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loantap.errors import InputError
from loantap.exhibits.words import interval, show, to_markdown
from loantap.runs.local_paths import without_folders
from loantap.runs.record import newest_run
from loantap.runs.results import RunFolder, is_synthetic
from loantap.settings import runs_dir

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page", "interval", "open_page", "show"]

SHOWN_ROWS = 12


class Page:
    """A run's results, as a page shows them."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.manifest = run.manifest()
        self.data: Mapping[str, Any] = self.manifest["data"]
        self._told: set[str] = set()

    @property
    def synthetic(self) -> bool:
        """Whether the loans are synthetic."""
        return is_synthetic(self.data)

    @property
    def factors(self) -> list[str]:
        """The factors that the run tested for association with default, in order."""
        return [
            record["name"].removeprefix("association-")
            for record in self.manifest["stages"]
            if record["name"].startswith("association-") and record["name"] not in self.left_out
        ]

    @property
    def left_out(self) -> dict[str, str]:
        """The stages that the loans could not feed, and why."""
        return {one["name"]: one["error"] for one in self.manifest.get("stages", ()) if one.get("status") == "left out"}

    def result(self, name: str) -> Any:
        """Return a result, without local paths."""
        return without_folders(self.run.result(name), self.manifest.get("parameters", {}).values())

    def title(self, name: str) -> str:
        """Return what a table found, in a few words."""
        return self.run.exhibit(name, "tables").title

    def has(self, name: str) -> bool:
        """Return whether the run shows a table."""
        return self.run.find("results", "tables", f"{name}.csv").is_file()

    def figure(self, name: str) -> None:
        """Print a figure with its finding as the caption and its alt text, or why its stage was left out."""
        if self._left_out(name):
            return
        exhibit = self.run.exhibit(name, "figures")
        alt = exhibit.alt.replace("\\", "\\\\").replace('"', "'")
        print(f'![{exhibit.line}](figures/{name}.svg){{#fig-{name} fig-alt="{alt}"}}\n')

    def draw(self, name: str, figure: "Figure") -> str:
        """Draw a picture for this page alone, beside the run's figures on the site, and return where it is."""
        from loantap.exhibits.plots.style import save_svg

        path = Path("figures") / f"{name}.svg"
        save_svg(figure, path)
        return path.as_posix()

    def table(self, name: str, *names: str, rows: int = SHOWN_ROWS) -> None:
        """Print the first rows of a table with its finding as the caption, and on the site a link to all of it as CSV.

        Args:
            name: The table's name.
            names: The columns to show, if not all that the exhibit shows; those that it does not are passed by.
            rows: How many rows to show at most.

        Where the stage was left out, it prints why.
        """
        if self._left_out(name):
            return
        exhibit, table = self.run.exhibit(name, "tables"), self.run.table(name)
        shown = {column: kind for column in names or exhibit.columns if (kind := exhibit.columns.get(column))}
        rest = f" The first {rows} of {len(table)} rows." if len(table) > rows else ""
        print(to_markdown(table.head(rows), shown))
        print(f"\n: {exhibit.line}{rest} {{#tbl-{name}}}\n")
        link = f"[All rows and columns as CSV](tables/{name}.csv)"
        print(f'::: {{.content-visible when-format="html"}}\n{link}\n:::\n')

    def _left_out(self, exhibit: str) -> bool:
        """Return whether the stage that makes an exhibit was left out, and print why, once on a page."""
        for stage, why in self.left_out.items():
            is_model = exhibit.startswith("model-") and exhibit.endswith(stage.removeprefix("tuning"))
            # Both names say so.
            if is_model if stage.startswith("tuning-") else exhibit.startswith(f"{stage.removeprefix('early-')}-"):
                if stage not in self._told:
                    print(f"Left out: {why}.\n")
                    self._told.add(stage)
                return True
        return False


def open_page() -> Page:
    """Return the page of the run at LOANTAP_RUN, or of the newest finished one; raises InputError where there is none."""
    named = os.environ.get("LOANTAP_RUN")
    run = RunFolder(Path(named)) if named else newest_run()
    if run is None:
        raise InputError(f"expected a finished run under {runs_dir()}, found none. Make one with: loantap run")
    return Page(run)
