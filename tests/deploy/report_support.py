"""A small finished run with a report, a reader who follows every link, and an S3 on loopback that can be made to fail."""

import hashlib
import json
import posixpath
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from sealed import seal_run
from werkzeug.serving import make_server

from loantap.runs.seal import content_sha256
from loantap_deploy.shelf import Folder, Shelf

BUCKET = "reports-of-a-test"
FIRST, SECOND = "20250105-060000", "20250205-060000"
_PAGE = '<!DOCTYPE html><html lang="en"><head><title>Report</title><link rel="stylesheet" href="{up}assets/report.css"></head><body><p>{words}</p>{links}</body></html>'


def make_run(
    folder: Path,
    *,
    run_id: str = FIRST,
    finished_at: str = "2025-01-05T06:30:00+00:00",
    words: str = "first",
    kind: str = "synthetic",
    **manifest: Any,
) -> Path:
    """Write a finished run whose report says `words` on every page, and that holds what nobody may publish."""
    facts = {"run_id": run_id, "started_at": finished_at, "finished_at": finished_at, "status": "done", "data": {"kind": kind, "rows": 5000}}  # fmt: skip
    links = '<a href="about.html#who">about</a><a href="loantap-insights.pdf">PDF</a><a href="loantap-insights.docx">Word</a><a href="loantap-tables.xlsx">Excel</a><a href="notebooks/eda.html">how</a><a href="tables/rate.csv">table</a><img src="figures/rate.svg" alt="rates">'
    files = {
        "manifest.json": json.dumps(facts | manifest),
        "data/loans.parquet": "secret loans",
        "results/model.json": "{}",
        "report/index.html": _PAGE.format(up="", words=words, links=links),
        "report/about.html": _PAGE.format(up="", words=words, links='<a id="who" href="https://example.com/">out</a>'),
        "report/notebooks/eda.html": _PAGE.format(up="../", words=words, links='<a href="../index.html">back</a>'),
        "report/loantap-insights.pdf": f"%PDF-1.7 {words}",
        "report/loantap-insights.docx": f"PK {words}",
        "report/loantap-tables.xlsx": f"PK {words}",
        "report/assets/report.css": "p { color: #222 }",
        "report/figures/rate.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
        "report/tables/rate.csv": f"grade,rate\nA,0.06\n{words},0.1\n",
        "report/tables/rate.json": '{"title": "Rates"}',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return note_report(folder)


def note_report(run: Path) -> Path:
    """Note the report as it is now in the manifest, as if it had just been rendered."""
    report = run / "report"
    sums = {
        path.relative_to(report).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in report.rglob("*")
        if path.is_file()
    }
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"report": {"sha256": content_sha256(sums)}}))
    return seal_run(run)


def second_run(folder: Path) -> Path:
    """Write the run of a month later."""
    return make_run(folder, run_id=SECOND, finished_at="2025-02-05T06:30:00+00:00", words="second", kind="file")


def read_site(shelf: Shelf, start: str = "latest/index.html") -> dict[str, str]:
    """Return all that a reader can come to from a page; fails where a link leads to nothing."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        content = shelf.read(name)
        assert content is not None, f"a reader comes to {name}, which is not there"
        found[name] = content.decode()
        if name.endswith(".html"):
            links = re.findall(r'(?:href|src)="([^"#:]+)["#]|url=([^"]+)', found[name])
            near = {posixpath.normpath(posixpath.join(posixpath.dirname(name), a or b)) for a, b in links}
            waiting += [other for other in near if other not in found and other not in waiting]
    return found


def words_of(site: dict[str, str]) -> set[str]:
    """Return what the pages of the reports in a site say."""
    return {match[1] for text in site.values() if (match := re.search(r"<p>(first|second|again)</p>", text))}


class Watched(Folder):
    """A folder that calls back with a file's name before each write."""

    def __init__(self, path: Path, before: Callable[[str], None]) -> None:
        super().__init__(path)
        self._before = before

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Call back, then write."""
        self._before(name)
        super().write(name, content, lasting=lasting)


@dataclass
class Front:
    """moto's S3 behind something that watches and can fail.

    Attributes:
        fault: Is given the key of each write and how many there were; returns what goes wrong with it, or None.
        after: Is given the key of each write that was done.
        keys: All keys that were to be written, each try.
    """

    fault: Callable[[str, int], str | None] = lambda key, number: None
    after: Callable[[str], None] = lambda key: None
    keys: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer one request."""
        key = environ["PATH_INFO"].removeprefix(f"/{BUCKET}").strip("/")
        if environ["REQUEST_METHOD"] != "PUT" or not key:
            return self._moto(environ, start_response)
        with self._lock:
            self.keys.append(key)
            fault = self.fault(key, len(self.keys))
        if fault == "cut":
            return self._hang_up(environ)
        if fault and fault != "lost":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))  # the server waits for what is left
            said = f"<Error><Code>{fault.split()[1]}</Code><Message>as the test asks</Message></Error>".encode()
            start_response(fault, [("Content-Type", "application/xml"), ("Content-Length", str(len(said)))])
            return [said]
        answer = list(self._moto(environ, start_response))
        self.after(key)
        return self._hang_up(environ) if fault == "lost" else answer  # it was written, and nobody learns of it

    def _hang_up(self, environ: dict[str, Any]) -> list[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError


class _Quiet(MotoRequestHandler):
    def log_request(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def s3_server(front: Front) -> Iterator[str]:
    """Serve on loopback while the block runs; yield the address."""
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
