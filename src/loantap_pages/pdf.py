"""Set a page as a PDF with typst."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from loantap_pages.compose import Composed
from loantap_pages.errors import MissingProgramError, PageError
from loantap_pages.pandoc import HERE, convert
from loantap_pages.yamlcheck import Problem


@dataclass(frozen=True)
class PdfDocument:
    """A page as typst source, ready to be compiled."""

    source: str
    text: str
    folder: Path
    target: Path


def typst_document(
    composed: Composed,
    *,
    front: dict[str, Any],
    settings: dict[str, Any],
    classes: list[str],
    root: Path,
    path: Path,
    notice: str | None,
) -> tuple[PdfDocument, list[Problem]]:
    """Turn the page into typst source; `settings` are those of its `format: typst`."""
    metadata: dict[str, Any] = {
        **{name: str(front[name]) for name in ("title", "subtitle", "author", "date") if front.get(name)},
        "lang": str(front.get("lang") or "en"),
        "known-classes": classes,
        "number-sections": bool(settings.get("number-sections")),
        "toc": bool(settings.get("toc")),
        "toc-depth": str(settings.get("toc-depth", 2)),
        "papersize": str(settings.get("papersize", "a4")).replace("letter", "us-letter").replace("us-us-", "us-"),
        "fontsize": str(settings.get("fontsize", "10.5pt")),
        **({"notice": notice} if notice else {}),
    }
    escaped = str(front.get("title") or "").replace("\\", "\\\\").replace('"', '\\"')
    text, problems = convert(
        composed,
        to="typst",
        metadata=metadata,
        folder=(root / path).parent,
        options=[f"--template={HERE / 'report.typ'}", f"--variable=title-meta:{escaped}"],
    )
    # pandoc centres every table; a report reads along one left edge.
    text = text.replace("align(center)[#table(", "align(left)[#table(")
    name = Path(str(settings.get("output-file") or path.stem)).with_suffix(".pdf")
    return PdfDocument(composed.source, text, (root / path).parent, path.parent / name), problems


def typst_version() -> str:
    """Return typst's version, such as 0.15.2; raise MissingProgramError if it is not installed."""
    try:
        return version("typst")
    except PackageNotFoundError as error:
        raise MissingProgramError("the built-in renderer needs typst: install loantap[report]") from error


def write_pdf(document: PdfDocument, output: Path) -> Path:
    """Compile the document to `output`; raise PageError with typst's message if it cannot."""
    import typst

    source = document.folder / f"{document.target.stem}.typ"
    source.write_text(document.text, encoding="utf-8")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Only the fonts that typst brings, and no date (report.typ): the same bytes on every machine.
        typst.compile(str(source), output=str(output), root=str(document.folder), ignore_system_fonts=True)
    except (typst.TypstError, RuntimeError) as error:
        raise PageError(f"{document.source}: typst could not set the PDF: {error}") from error
    return output
