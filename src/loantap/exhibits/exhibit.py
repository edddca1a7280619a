"""The exhibit: a finding, a table, a figure or several together, which shows itself in a notebook and is published by one call.

Title, caption, alt text and columns are computed by the functions of this package, one module per notebook, from finished numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits.words import plain, to_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # who only reads a run draws nothing

_SHOWN_ROWS = 30
_PICTURES = ("image/png", "image/svg+xml")  # which of them a figure becomes is the kernel's affair
_BOX = "border-left: 4px solid #b45309; padding: .5rem 1rem; background: #fef6e7; color: #222"


@dataclass(frozen=True)
class Finding:
    """One sentence and the numbers in it."""

    id: str  # names it in the results
    title: str  # the finding, in a few words
    text: str  # the finding with its interval and n
    estimate: float | None = None  # the effect; a difference of rates unless the text says otherwise
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None  # loans behind it


@dataclass(frozen=True)
class Notice:
    """A warning that stands beside an exhibit, or by itself; shows itself as a callout in notebooks and on pages."""

    title: str
    text: str  # plain text

    def markdown(self) -> str:
        """Return the callout as both renderers read it."""
        # The first heading is the title: an attribute would be Markdown to one renderer and text to the other. Texts go in one line,
        # since a line of colons would close the callout.
        title, text = (plain(" ".join(part.split())) for part in (self.title, self.text))
        return f"::: {{.callout-warning}}\n###### {title}\n\n{text}\n:::"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # JupyterLab takes the HTML, since its Markdown knows no callouts; the report's renderers are given the Markdown alone.
        html = f'<div style="{_BOX}"><strong>{escape(self.title)}</strong><br>{escape(self.text)}</div>'
        return {"text/plain": f"{self.title}. {self.text}", "text/markdown": self.markdown(), "text/html": html}


@dataclass(frozen=True)
class Exhibit:
    """What a reader sees."""

    name: str = ""  # its file name without suffix, also its anchor on a page; empty for one that is said and not kept
    title: str = ""  # the finding, in a few words
    caption: str = ""  # the finding with n and the type of interval
    alt: str = ""  # what the figure shows, for those who cannot see it
    text: str = ""  # what is said above it in the notebook, as Markdown; nothing where the caption says it all
    table: pd.DataFrame | None = field(default=None, repr=False)  # every row and column
    # Those that are shown, each with the kind of value in it, as from `words.columns`.
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    figure: "Figure | None" = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()  # what it found, for the results
    notice: Notice | None = None  # what must not be overlooked beside it

    @property
    def parts(self) -> tuple["Exhibit", ...]:
        """The exhibit, as several have parts."""
        return (self,)

    @property
    def line(self) -> str:
        """Title and caption in one, as Markdown, for under a table or figure."""
        # Captions often say the finding again, for readers who meet them without the title.
        rest = self.caption.replace(f"{self.title}. ", "", 1).replace(self.title, "", 1).lstrip(". ")
        stop = "" if rest.startswith("(") else "."
        return f"**{plain(self.title)}{stop}** {plain(rest)}".rstrip()

    def _ipython_display_(self) -> None:
        from IPython.display import (  # here, since it comes with Jupyter, and who reads results has none
            Markdown,
            display,
        )

        shown: list[Any] = [self.notice] if self.notice else []
        shown += [Markdown(self.text)] if self.text else []
        if self.figure is not None:
            shown += [self.figure, *([Markdown(self.line)] if self.table is None else [])]
        if self.table is not None:
            more = f" The first {_SHOWN_ROWS} of {len(self.table)} rows." if len(self.table) > _SHOWN_ROWS else ""
            shown.append(Markdown(f"{to_markdown(self.table.head(_SHOWN_ROWS), self.columns)}\n\n{self.line}{more}"))
        # Where IPython's own images keep it: the report's renderers and nbconvert look there.
        alt = {"metadata": {kind: {"alt": self.alt} for kind in _PICTURES}} if self.alt else {}
        for one in shown:
            display(one, **(alt if one is self.figure else {}))


class Exhibits(tuple[Exhibit, ...]):
    """Several exhibits that are shown and published together."""

    __slots__ = ()

    @property
    def parts(self) -> tuple[Exhibit, ...]:
        """The exhibits."""
        return tuple(self)

    def _ipython_display_(self) -> None:
        for one in self:
            one._ipython_display_()


def together(*exhibits: Exhibit | Exhibits) -> Exhibits:
    """Return several exhibits as one."""
    return Exhibits(part for exhibit in exhibits for part in exhibit.parts)
