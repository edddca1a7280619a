"""Render a staged website: check it, run its pages, write HTML and PDF, check the result."""

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loantap_pages.compose import Composed, compose_page
from loantap_pages.errors import PageError
from loantap_pages.execute import execute_page
from loantap_pages.links import site_problems
from loantap_pages.navigation import footers, navbar, navigation_problems
from loantap_pages.pages import Page, read_page
from loantap_pages.pandoc import HERE, convert, pandoc_version
from loantap_pages.pdf import PdfDocument, typst_document, typst_version, write_pdf
from loantap_pages.staged import StagedSite
from loantap_pages.yamlcheck import PROJECT_KEYS, Place, Problem, load_checked, raise_problems

STYLE = "site.css"
# Kernels and pandoc are processes of their own; more at once than this does not help on a small machine.
WORKERS = 2


@dataclass(frozen=True)
class _Made:
    """What one page became."""

    html: Path
    composed: Composed
    pdf: PdfDocument | None
    problems: list[Problem]


def render_site(staged: StagedSite, *, on_page: Callable[[Page], object] = lambda page: None) -> str:
    """Render every page of the staged site to `staged.output`; return the engine's name and versions.

    Args:
        staged: The site.
        on_page: Called with each page once its cells have run, before it is written.

    Raises PageError that names file and line of everything that is not supported or does not work.
    """
    engine = f"built-in (pandoc {pandoc_version()}, typst {typst_version()})"
    pages = [read_page(staged.folder, path, staged.source_name(path)) for path in staged.pages]
    _, problems = load_checked(staged.config_text, PROJECT_KEYS, Place("_quarto.yml"), "key")
    problems += navigation_problems(staged.config, staged.config_text, staged.folder)
    problems += [problem for page in pages for problem in page.problems]
    raise_problems(problems)

    with ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(lambda page: _render_page(page, staged, engine, on_page), pages))
    raise_problems(problem for page in made for problem in page.problems)
    _copy_assets(staged)
    documents = [page.pdf for page in made if page.pdf]
    sources = {page.html: page.composed for page in made}
    raise_problems(site_problems(staged.output, sources, {document.target for document in documents}))
    for document in documents:
        write_pdf(document, staged.output / document.target)
    return engine


def _render_page(page: Page, staged: StagedSite, engine: str, on_page: Callable[[Page], object]) -> _Made:
    page = execute_page(page, staged.folder, staged.environment)
    on_page(page)
    formats = _formats(page, staged.config)
    settings = _settings(page, staged.config, formats.get("html"))
    classes = _styled_classes(staged, settings)
    html = page.path.with_suffix(".html")
    pdf: PdfDocument | None = None
    problems: list[Problem] = []
    if "typst" in formats:
        typst_settings = _settings(page, staged.config, formats["typst"], of_project=False)
        pdf, problems = typst_document(
            compose_page(page, typst_settings, staged.folder),
            front=page.front,
            settings=typst_settings,
            classes=classes,
            root=staged.folder,
            path=page.path,
            notice=staged.notice,
        )
    composed = compose_page(page, settings, staged.folder)
    text, found = _html(page, composed, settings, staged, classes, engine, pdf)
    (staged.output / html).parent.mkdir(parents=True, exist_ok=True)
    (staged.output / html).write_text(text, encoding="utf-8")
    return _Made(html, composed, pdf, problems + found)


def _html(
    page: Page,
    composed: Composed,
    settings: dict[str, Any],
    staged: StagedSite,
    classes: list[str],
    engine: str,
    pdf: PdfDocument | None,
) -> tuple[str, list[Problem]]:
    up = "../" * (len(page.path.parts) - 1)
    front = page.front
    site_title = str((staged.config.get("website") or {}).get("title") or "")
    title = str(front.get("title") or "")
    metadata: dict[str, Any] = {
        **{
            name: str(front[name])
            for name in ("title", "subtitle", "author", "date", "description", "glossary")
            if front.get(name)
        },
        "pagetitle": " – ".join(part for part in (title, site_title) if part),
        "lang": str(front.get("lang") or staged.config.get("lang") or "en"),
        "toc-title": str(settings.get("toc-title") or "On this page"),
        "number-sections": bool(settings.get("number-sections")),
        "known-classes": classes,
    }
    styles = [f"assets/{STYLE}", *_as_list(settings.get("css"))]
    options = [
        f"--template={HERE / 'page.html'}",
        "--mathml",
        "--syntax-highlighting=pygments",
        *(["--toc", f"--toc-depth={settings.get('toc-depth', 3)}"] if settings.get("toc") else []),
        *(f"--variable=css:{up}{style}" for style in styles),
        *(f"--include-after-body={staged.folder / name}" for name in _as_list(settings.get("include-after-body"))),
        f"--variable=navbar:{navbar(staged.config, page.path)}",
        *(f"--variable=footer:{part}" for part in footers(staged.config, engine)),
        *([f"--variable=notice:{staged.notice}"] if staged.notice else []),
        *([f"--variable=pdf-href:{pdf.target.name}"] if pdf and settings.get("format-links") is not False else []),
        *(["--variable=wide:true"] if settings.get("page-layout") == "full" else []),
    ]
    text, problems = convert(
        composed, to="html5", metadata=metadata, folder=(staged.folder / page.path).parent, options=options
    )
    # What scrolls has to be reachable with the keyboard.
    return re.sub(r"<pre(?=[ >])", '<pre tabindex="0"', text), problems


def _formats(page: Page, config: dict[str, Any]) -> dict[str, Any]:
    formats = page.front.get("format") or config.get("format") or {"html": {}}
    if isinstance(formats, str):
        formats = {formats: {}}
    if unknown := sorted(set(formats) - {"html", "typst"}):
        raise PageError(f"{page.source}: format {', '.join(unknown)} is not supported; expected html or typst")
    if "html" not in formats:
        raise PageError(f"{page.source}: expected format html, alone or with typst, got {', '.join(formats)}")
    return dict(formats)


def _settings(page: Page, config: dict[str, Any], own: Any, *, of_project: bool = True) -> dict[str, Any]:
    """Merge the project's settings, those of its format, the page's, and those of the page's format, later ones winning."""
    project_format = config.get("format")
    project_html = project_format.get("html") if of_project and isinstance(project_format, dict) else None
    merged: dict[str, Any] = {}
    for layer in (config, project_html, page.front, own):
        if isinstance(layer, dict):
            merged = _merge(merged, {k: v for k, v in layer.items() if k not in ("project", "website", "format")})
    return merged


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(first)
    for key, value in second.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _styled_classes(staged: StagedSite, settings: dict[str, Any]) -> list[str]:
    """Return the classes that the site's style sheets know: a page may use them."""
    sheets = [HERE / STYLE, *(staged.folder / name for name in _as_list(settings.get("css")))]
    text = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
    return sorted(set(re.findall(r"\.([a-zA-Z][\w-]*)(?=[^{}]*\{)", text)))


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _copy_assets(staged: StagedSite) -> None:
    """Copy all that is not a source of a page, and the site's own style sheet; of the figures those that a page shows, as Quarto does."""
    written = "".join(page.read_text("utf-8") for page in staged.output.rglob("*.html"))
    for path in staged.folder.rglob("*"):
        relative = path.relative_to(staged.folder)
        hidden = any(part.startswith(("_", ".")) for part in relative.parts)
        unseen = path.suffix == ".svg" and path.name not in written
        if path.is_file() and not hidden and not unseen and path.suffix not in (".qmd", ".ipynb", ".typ", ".scss"):
            (staged.output / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, staged.output / relative)
    (staged.output / "assets").mkdir(parents=True, exist_ok=True)
    shutil.copy2(HERE / STYLE, staged.output / "assets" / STYLE)
