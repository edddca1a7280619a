"""A service on loopback that stands in for OSV, which pip-audit asks for known vulnerabilities."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def vulnerability_service(known: Mapping[str, str], asked: list[tuple[str, str]] | None = None) -> Iterator[str]:
    """Yield its address; `known` maps a package to the id of what is wrong with every version, `asked` takes what was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = query["package"]["name"]
            if asked is not None:
                asked.append((name, query["version"]))
            found: dict[str, Any] = {}
            if name in known:
                affected = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": []}
                found = {"vulns": [{"id": known[name], "summary": "a test", "affected": [affected]}]}
            text = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()
        thread.join()
