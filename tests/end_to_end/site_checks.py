"""A finished run's site, as a browser and a careful reader see it."""

import functools
import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from loantap.data.columns import codebook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NUMBER = re.compile(r"(?<![\w.])-?\d(?:[\d,]*\d)?(?:\.\d+)?(?:e-?\d+)?(?![\w])")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback while the block runs; yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Prose(HTMLParser):
    """The words of a page's main part, without code, captions of code, formulas and navigation."""

    SKIPPED = ("script", "style", "code", "pre", "math", "nav", "header", "footer", "details")

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.depth += tag in self.SKIPPED

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in self.SKIPPED

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.words.append(data)


def prose(page: Path) -> str:
    """Return what a reader reads on a page."""
    parser = _Prose()
    parser.feed(page.read_text("utf-8").split("<main", 1)[1].split("</main>", 1)[0])
    return " ".join(" ".join(parser.words).split())


def numbers_in(text: str) -> list[str]:
    """Return every number in a text as it is written, leaving out figure and table numbers."""
    text = re.sub(r"\b(Figure|Table)\s\d+", " ", text)
    return NUMBER.findall(text)


class KnownNumbers:
    """Every number of a run's results, to compare with what a page says."""

    def __init__(self, run: Path) -> None:
        self.values: set[float] = set()
        self.texts: list[str] = []
        for path in [run / "manifest.json", *(run / "results").rglob("*.json")]:
            self._add(json.loads(path.read_text("utf-8")))
        for path in (run / "results" / "tables").glob("*.csv"):
            for column in pd.read_csv(path, dtype="str").to_dict(orient="list").values():
                self._add(column)
        # The limits of the codebook are no results, but they come from its one table as well.
        self._add([row["rule"] for row in codebook()])
        self.text = " ".join(self.texts)

    def _add(self, value: Any) -> None:
        if isinstance(value, dict):
            self._add([*value, *value.values()])
        elif isinstance(value, list):
            for item in value:
                self._add(item)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self.values.add(float(value))
        elif isinstance(value, str):
            try:
                self.values.add(float(value))
            except ValueError:
                self.texts.append(value)

    def explains(self, written: str) -> bool:
        """Tell whether a number is a result, rounded as written, as itself, as percent, or as points or per thousand."""
        if re.search(rf"(?<![\w.]){re.escape(written)}(?![\w])", self.text) or written in {str(v) for v in (0, 1)}:
            return True
        number = float(written.replace(",", ""))
        decimals = len(written.partition(".")[2])
        step = 0.5000001 * 10.0**-decimals
        return any(
            abs(abs(value) * scale - abs(number)) <= step for value in self.values for scale in (1.0, 100.0, 1000.0)
        )
