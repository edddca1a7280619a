"""Blocks of Markdown side by side, as both renderers read them: a style sheet lays out the site, Typst's grid the PDF."""

from collections.abc import Sequence

_SMALL = "8pt"


def side_by_side(cells: Sequence[str], *, name: str, columns: str, size: str = _SMALL) -> str:
    """Return blocks as the cells of a grid.

    Args:
        cells: The blocks, as Markdown.
        name: The class of the grid; that of a cell is NAME-cell.
        columns: The columns in the PDF, as Typst takes them: a number, or a tuple of widths.
        size: The size of letters in the PDF.
    """
    opened = f"#block(width: 100%, above: 1em, below: 1em)[#set text(size: {size}); #grid(columns: {columns}, column-gutter: 10pt, row-gutter: 9pt, ["
    inner = ["::: {." + name + "-cell}", "", ":::"]
    blocks = [f"{inner[0]}\n{cell}\n{inner[2]}" for cell in cells]
    body = f"\n\n{typst('], [')}\n\n".join(blocks)
    return f":::: {{.{name}}}\n\n{typst(opened)}\n\n{body}\n\n{typst('])]')}\n\n::::"


def typst(source: str) -> str:
    """Return a block that only the PDF reads."""
    return f"```{{=typst}}\n{source}\n```"


def sized(text: str, *, size: str, name: str, colour: str = "") -> str:
    """Return a text in a size and colour of its own: by its class on the site, by Typst in the PDF."""
    fill = f', fill: rgb("{colour}")' if colour else ""
    return f"[`#text(size: {size}{fill})[`{{=typst}}{text}`]`{{=typst}}]{{.{name}}}"
