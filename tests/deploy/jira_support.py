"""What the tests of the Jira scripts share: the scripts, a git repository, and a server that stands in for Atlassian's API."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loantap.settings import project_root

if (scripts := str(project_root() / "tools")) not in sys.path:
    sys.path.append(scripts)

CLIENT, SECRET, TOKEN, CLOUD = "a-client", 's3cret/"+%', "a-token", "11111111-2222-3333-4444-555555555555"
Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Repository:
    """A git repository, in which `base` is the first commit."""

    folder: Path

    def git(self, *words: str) -> str:
        settings = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *settings, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str, *, file: str = "notes") -> str:
        path = self.folder / file
        path.write_text((path.read_text() if path.exists() else "") + f"{message}\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")


def new_repository(folder: Path) -> Repository:
    folder.mkdir(exist_ok=True)
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Before everything")
    repository.git("tag", "base")
    return repository


def reply(status: int, body: Any, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, raw


@dataclass
class Jira:
    """Answers as Atlassian's API is documented to, unless `replies` holds something else to say first."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    replies: list[Reply | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    token_replies: list[Reply] = field(default_factory=list)

    def posted(self) -> Any:
        (body,) = [body for path, _, body in self.asked if path.endswith("/bulk")]
        return body

    def answer(self, path: str, headers: dict[str, str], body: Any) -> Reply:
        if path == "/oauth/token":
            wanted = {"audience": "api.atlassian.com", "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}  # fmt: skip
            if body != wanted:
                return reply(401, {"error": "access_denied", "error_description": "Unauthorized"})
            return reply(200, {"access_token": TOKEN, "expires_in": 900, "token_type": "Bearer"})
        kind = path.removeprefix("/jira/").split("/")[0]
        if path != f"/jira/{kind}/0.1/cloud/{CLOUD}/bulk" or kind not in ("builds", "deployments"):
            return reply(404, {"message": "no such cloud"})
        if headers["authorization"] != f"Bearer {TOKEN}":
            return reply(401, {"message": "no valid token"})
        (entry,) = body[kind]
        key = {name: entry[name] for name in ("pipelineId", "buildNumber") if name in entry}
        return reply(202, {f"accepted{kind.title()}": [key or {"id": 1}], f"rejected{kind.title()}": [], "unknownIssueKeys": []})  # fmt: skip


@contextmanager
def jira_server() -> Iterator[Jira]:
    jira = Jira()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw)
            jira.asked.append((self.path, headers, body))
            queue: list[Any] = jira.token_replies if self.path == "/oauth/token" else jira.replies
            said = queue.pop(0) if queue else jira.answer(self.path, headers, body)
            if callable(said):
                said(self)
                return
            status, extra, text = said
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        jira.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield jira
        server.shutdown()
        thread.join()


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Promise an answer and send a byte of it now and then."""
    handler.send_response(202)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        return


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise an answer and hang up in the middle of it."""
    handler.send_response(202)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"accepted')
    handler.wfile.flush()
    handler.connection.close()
