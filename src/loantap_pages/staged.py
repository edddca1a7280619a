"""A website's sources in one folder, ready to be rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StagedSite:
    """A website ready to be rendered, to `output`.

    Attributes:
        folder: Where its sources are.
        config: The settings of `_quarto.yml`, with paths as they are in the folder.
        config_text: The file as its author wrote it, for the lines of messages.
        pages: The pages, relative to the folder.
        notice: What is said at the head of each page, or None.
        environment: Variables that the code of pages finds.
        written_in: The folder that authors know the pages by, for messages.
    """

    folder: Path
    config: dict[str, Any]
    config_text: str
    pages: tuple[Path, ...]
    notice: str | None
    environment: Mapping[str, str]
    written_in: str

    @property
    def output(self) -> Path:
        """Return the folder that the site is rendered to."""
        return self.folder / "_site"

    def source_name(self, page: Path) -> str:
        """Return the name under which the author of a staged page knows it."""
        return page.as_posix() if page.suffix == ".ipynb" else f"{self.written_in}/{page.as_posix()}"
