"""The description of the service as one HTML page: no script, nothing from elsewhere."""

import base64
import hashlib
import json
from html import escape
from typing import Any

from loantap.data.applications import FIELDS, rule
from loantap_serving.api.problems import TITLES

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { margin-bottom: .2rem; }
code, pre { font: .9rem/1.4 ui-monospace, monospace; background: #f3f3f3; }
pre { padding: .8rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ccc; }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def docs_page(described: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document of `describe`."""
    info = described["info"]
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    )
    fields = _table(
        ("field", "meaning", "rule"),
        [(f"<code>{column.name}</code>", escape(column.meaning), escape(rule(column.name))) for column in FIELDS],
    )
    problems = _table(
        ("status", "meaning"),
        [(f'<span id="problem-{status}">{status}</span>', escape(title)) for status, title in TITLES.items()],
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}</title><style>{_STYLE}</style></head>
<body><main><h1>{escape(info["title"])} {escape(info["version"])}</h1>
<p>{escape(info["description"])}</p>
<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<h2>What can be asked</h2>{operations}
<h2>Fields of an application</h2>{fields}
<h2>Problems</h2><p>Every problem comes as <code>application/problem+json</code> (RFC 9457).</p>{problems}
</main></body></html>
"""


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    answers = _table(
        ("status", "answer", "form"),
        [
            (escape(status), escape(answer["description"]), f"<code>{escape(', '.join(answer['content']))}</code>")
            for status, answer in operation["responses"].items()
        ],
    )
    key = "<p>Needs a key in the header <code>X-API-Key</code>.</p>" if operation.get("security") else ""
    example = ""
    if "requestBody" in operation:
        given = operation["requestBody"]["content"]["application/json"]["example"]
        example = (
            f"<p>Takes <code>application/json</code>, such as:</p><pre>{escape(json.dumps(given, indent=1))}</pre>"
        )
    return (
        f"<section><h3><code>{method.upper()} {escape(path)}</code></h3><p>{escape(operation['summary'])}.</p>"
        f"{key}{example}{answers}</section>"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"
