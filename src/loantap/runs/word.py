"""The first page of the report as a Word document, whichever engine renders the site."""

import re
from dataclasses import replace
from pathlib import Path

from loantap.errors import RenderError
from loantap.exhibits.single_page import finish_word
from loantap.runs.results import RunFolder
from loantap.runs.staging import Staged, moment
from loantap_pages.compose import compose_page
from loantap_pages.pages import Page
from loantap_pages.pandoc import HERE, convert

WORD_NAME = "loantap-insights.docx"
_FIRST_PAGE = Path("index.qmd")
_FIGURE = re.compile(r"\]\((?P<path>[^()\s]+)\.svg\)")
_PPI = 200
_SETTINGS = {"execute": {"echo": False, "warning": False}}


def write_word(staged: Staged, page: Page) -> Path | None:
    """Write the first page, with the outputs of its cells, as a Word document beside the staged pages: both engines carry it with the site.

    Figures become pictures of points, since Word does not show every SVG. The same run gives the same bytes.

    Pages other than the first are passed over. What the page holds that is not supported is left to HTML and PDF to say. Raises RenderError where pandoc or typst fails.
    """
    if page.path != _FIRST_PAGE:
        return None
    composed = compose_page(page, _SETTINGS, staged.folder)
    lines = (_FIGURE.sub(lambda found: f"]({_as_png(staged.folder, found['path'])})", line) for line in composed.lines)
    made, document = staged.folder / f"_{WORD_NAME}", staged.folder / WORD_NAME
    metadata = {"title": str(page.front.get("title") or ""), "lang": str(page.front.get("lang") or "en")}
    options = [f"--lua-filter={HERE / 'word.lua'}", f"--output={made}"]
    convert(replace(composed, lines=tuple(lines)), to="docx", metadata=metadata, folder=staged.folder, options=options)
    date = moment(RunFolder(staged.run).manifest()).strftime("%Y-%m-%dT%H:%M:%SZ")
    finish_word(made, document, notice=staged.notice or "", date=date)
    made.unlink()
    return document


def _as_png(folder: Path, name: str) -> str:
    """Write a figure of the site as PNG beside it, and return its name."""
    import typst
    from PIL import Image

    if not (folder / f"{name}.svg").is_file():
        return f"{name}.svg"  # HTML names the line that asks for it
    target = folder / "_word" / f"{Path(name).stem}.png"
    target.parent.mkdir(exist_ok=True)
    source = target.with_suffix(".typ")
    source.write_text(f'#set page(width: auto, height: auto, margin: 0pt)\n#image("/{name}.svg")', "utf-8")
    try:
        typst.compile(str(source), str(target), root=str(folder), format="png", ppi=_PPI, ignore_system_fonts=True)
    except (typst.TypstError, RuntimeError) as error:
        raise RenderError(f"{name}.svg: typst could not make a picture of it: {error}") from error
    with Image.open(target) as picture:
        picture.save(target, dpi=(_PPI, _PPI))  # or pandoc would take it for a picture of nearly three times the size
    return target.relative_to(folder).as_posix()
