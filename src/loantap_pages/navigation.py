"""The site's navigation bar and footer as HTML; it works without JavaScript."""

import os
from html import escape
from pathlib import Path
from typing import Any

from loantap_pages.yamlcheck import Place, Problem


def navbar(config: dict[str, Any], page: Path) -> str:
    """Return the bar with the site's title, its items and menus; `page` is the page that shows it."""
    website = config.get("website") or {}
    bar = website.get("navbar") or {}
    title = bar.get("title") or website.get("title") or ""
    parts = [f'<a class="site-title" href="{_relative("index.qmd", page)}">{escape(str(title))}</a>']
    for side in ("left", "right"):
        if bar.get(side):
            items = "".join(f"<li>{_item(item, page)}</li>" for item in bar[side])
            parts.append(
                f'<nav class="nav-{side}" aria-label="Site{" (right)" if side == "right" else ""}"><ul>{items}</ul></nav>'
            )
    return "\n".join(parts)


def footers(config: dict[str, Any], engine: str) -> list[str]:
    """Return the parts of the page footer, and by what the page was rendered."""
    footer = (config.get("website") or {}).get("page-footer") or {}
    parts = (
        [footer]
        if isinstance(footer, str)
        else [footer[side] for side in ("left", "center", "right") if footer.get(side)]
    )
    return [escape(str(part)) for part in parts] + [f"Rendered with {escape(engine)}."]


def navigation_problems(config: dict[str, Any], config_text: str, folder: Path) -> list[Problem]:
    """Name each navigation item that leads to no page."""
    bar = (config.get("website") or {}).get("navbar") or {}
    problems = []
    for href in _hrefs([*(bar.get("left") or []), *(bar.get("right") or [])]):
        if "://" not in href and not (folder / href.partition("#")[0]).is_file():
            line = next((n for n, text in enumerate(config_text.splitlines(), 1) if href in text), 1)
            problems.append(Problem(Place("_quarto.yml", line), f"navigation: there is no page reports/{href}"))
    return problems


def _hrefs(items: list[Any]) -> list[str]:
    found: list[str] = []
    for item in items:
        if isinstance(item, str):
            found.append(item)
        else:
            found += [str(item["href"])] if item.get("href") else []
            found += _hrefs(item.get("menu") or [])
    return found


def _item(item: Any, page: Path) -> str:
    if isinstance(item, str):
        item = {"text": Path(item).stem.replace("-", " ").capitalize(), "href": item}
    text = escape(str(item.get("text") or ""))
    label = f' aria-label="{escape(str(item["aria-label"]))}"' if item.get("aria-label") else ""
    if item.get("menu"):
        here = any(href == page.as_posix() for href in _hrefs(item["menu"]))
        entries = "".join(f"<li>{_item(entry, page)}</li>" for entry in item["menu"])
        return f"<details{' class=here' if here else ''}><summary{label}>{text}</summary><ul>{entries}</ul></details>"
    href = str(item.get("href") or "")
    current = ' aria-current="page"' if href == page.as_posix() else ""
    return f'<a href="{escape(_relative(href, page))}"{current}{label}>{text}</a>'


def _relative(href: str, page: Path) -> str:
    """Return where a staged source lies as HTML, seen from `page`."""
    if "://" in href:
        return href
    path, mark, fragment = href.partition("#")
    html = Path(path).with_suffix(".html") if Path(path).suffix in (".qmd", ".ipynb") else Path(path)
    return Path(os.path.relpath(html, page.parent)).as_posix() + mark + fragment
