"""Check a rendered site: every link and image leads somewhere, ids are unique, and nothing comes from the network."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from loantap_pages.compose import Composed
from loantap_pages.yamlcheck import Place, Problem

LOADS = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}


@dataclass
class _Page(HTMLParser):
    """The ids, links and loaded files of one HTML page."""

    ids: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    links: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names, links to and loads."""
        values = dict(attrs)
        if name := values.get("id"):
            (self.twice if name in self.ids else self.ids).add(name)
        if (url := values.get(LOADS.get(tag, ""))) is not None:
            self.links.append((url, True))
        elif tag == "a" and (url := values.get("href")) is not None:
            self.links.append((url, False))


def site_problems(output: Path, sources: Mapping[Path, Composed], promised: Collection[Path]) -> list[Problem]:
    """Return a problem for each broken link, repeated id and foreign file.

    `sources` maps HTML pages to their text; `promised` are files that are still to be written.
    """
    pages: dict[Path, _Page] = {}
    for name in sources:
        pages[name] = _Page()
        pages[name].feed((output / name).read_text(encoding="utf-8"))
    problems: list[Problem] = []
    for name, page in pages.items():
        composed = sources[name]
        problems += [Problem(composed.locate("#" + i, i), f"the label {i} is used twice") for i in sorted(page.twice)]
        for url, loaded in page.links:
            parts = urlsplit(url)
            if parts.scheme == "data" or not url:
                continue
            if parts.scheme or parts.netloc:
                if loaded:
                    problems.append(Problem(composed.locate(url), f"the page would load {url} from the network"))
                continue
            target = name
            if parts.path:
                target = Path(_normal(name.parent / unquote(parts.path)))
            if target not in promised and not (output / target).is_file():
                what = "the image" if loaded else "the link"
                problems.append(Problem(_place(composed, url), f"{what} {url} leads to no file of the site"))
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                problems.append(Problem(_place(composed, url), f"the link {url}: {target} has no such section"))
    return problems


def _place(composed: Composed, url: str) -> Place:
    return composed.locate(url, url.replace(".html", ".qmd"), url.replace(".html", ".ipynb"), unquote(url))


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."
