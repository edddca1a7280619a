"""Requests that nobody should send to the scoring service, by kind, made from a seed."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from loantap_serving.api.openapi import EXAMPLE

MARK = "X!q7"  # in texts of callers, and in their names of fields: no problem and no line of the log may hold it
SINGLE, BATCH = "/v1/score", "/v1/score/batch"
_NUMBERS = [name for name, value in EXAMPLE.items() if isinstance(value, (int, float))]
_TEXTS = [name for name, value in EXAMPLE.items() if isinstance(value, str)]
_JSON = {"Content-Type": "application/json"}
_EVIL = (
    "'; DROP TABLE loans; --", "' OR '1'='1", "1; SELECT pg_sleep(10)", '"><script>alert(1)</script>', "<img src=x onerror=alert(1)>",
    "{{7*7}}", "${jndi:ldap://127.0.0.1/a}", "$(id)", "`id`", "../../../../etc/passwd", "%00", "%s%s%n", "=cmd|' /C calc'!A0",
    "\u202eevil", "\ufeff", "\u2028", "é" * 100, "𝕏" * 100, "\U0010ffff", "null", "NaN", "__proto__", "constructor",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request.

    Attributes:
        body: Its bytes; None for a GET.
        path: Where it goes.
        method: How.
        headers: With which headers.
        accepted: Whether it is right after all and has to be scored.
    """

    body: bytes | None
    path: str = SINGLE
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    accepted: bool = False


Maker = Callable[[random.Random], Iterator[Case]]


def fuzzed(draw: random.Random) -> Iterator[Case]:
    """Bytes of a right request changed, taken away, put in, or repeated; without end."""
    while True:
        path = draw.choice([SINGLE, BATCH])
        body = bytearray(_dump(_marked() if path == SINGLE else {"applications": [_marked()] * draw.randint(1, 3)}))
        for _ in range(draw.randint(1, 8)):
            place = draw.randrange(len(body))
            match draw.randrange(5):
                case 0:
                    body[place] = draw.randrange(256)
                case 1:
                    del body[place : place + draw.randint(1, 40)]
                case 2:
                    body[place:place] = draw.randbytes(draw.randint(1, 20))
                case 3:
                    body[place:place] = body[place : place + draw.randint(1, 200)]
                case 4:
                    body[place:place] = draw.choice(
                        [b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"\\u0000", b"\\ud800"]
                    )
            body = body or bytearray(b" ")
        yield Case(bytes(body), path)


def wrong_values(draw: random.Random) -> Iterator[Case]:
    """Any JSON in any field; without end."""
    values: tuple[Any, ...] = (
        None, True, False, 0, -1, -0.0, 1e-320, 0.1, "", MARK, "1", [], {}, [MARK], {MARK: MARK}, [[[]]], 10**30, -1e9,
    )  # fmt: skip
    while True:
        given = _marked()
        for name in draw.sample([*EXAMPLE, MARK, "address", "loan_status", ""], draw.randint(1, 6)):
            given[name] = draw.choice(values)
        for name in draw.sample(list(EXAMPLE), draw.choice([0, 0, 1, 5])):
            given.pop(name, None)
        path = draw.choice([SINGLE, BATCH])
        rows = [_marked(), given] if draw.random() < 0.8 else draw.choice([given, None, MARK, [], [[given]], 7])
        yield Case(_dump(given if path == SINGLE else {"applications": rows}), path)


def strange_numbers(_: random.Random) -> Iterator[Case]:
    """NaN, Infinity, and numbers too large, too small or too long, in every field that takes one."""
    strange = (
        "NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e309", "1e999999", "5e-324", "1e-400", "-0.0", "-0", "1" + "0" * 400,
        "9" * 5_000, "0." + "0" * 5_000 + "1", "1e+99999999999999999999", "0x10", "1_000", "01", "+1", ".5", "1.", "١", "1e",
    )  # fmt: skip
    for name in _NUMBERS:
        for text in strange:
            whole = json.dumps(_marked() | {name: "HERE"}).replace('"HERE"', text)
            yield Case(whole.encode())
            yield Case(f'{{"applications": [{whole}]}}'.encode(), BATCH)


def nested(_: random.Random) -> Iterator[Case]:
    """Arrays and objects in one another, to a depth of 30,000."""
    for depth in (10, 100, 500, 990, 1_000, 1_100, 5_000, 30_000):
        for opened, closed in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
            for inside in ("", "1"):
                deep = opened * depth + (inside or "null") + closed * depth
                for text in (deep, opened * depth, json.dumps(_marked() | {"title": 0})[:-2] + deep + "}"):
                    if len(text) < 65_000:
                        yield Case(text.encode())
                    yield Case(f'{{"applications": [{text}]}}'.encode(), BATCH)


def twice(_: random.Random) -> Iterator[Case]:
    """Every field twice, with the same value or another."""
    for name in EXAMPLE:
        for value in (EXAMPLE[name], MARK):
            text = json.dumps(EXAMPLE)[:-1] + f', "{name}": {json.dumps(value)}}}'
            yield Case(text.encode())
            yield Case(f'{{"applications": [{text}]}}'.encode(), BATCH)


def other_encodings(_: random.Random) -> Iterator[Case]:
    """Other encodings than UTF-8, with and without saying so; half characters, overlong ones, surrogates, and NUL."""
    text = json.dumps(_marked() | {"emp_title": f"{MARK} Käse"}, ensure_ascii=False)
    names = (
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "latin-1",
        "cp1252",
        "cp037",
        "utf-7",
        "utf-8-sig",
        "shift_jis",
    )
    for name in names:
        for charset in ("", "; charset=utf-8", f"; charset={name}", '; charset="', "; charset=;;", ";" * 50):
            body = text.encode(name, "replace")
            yield Case(body, headers={"Content-Type": f"application/json{charset}"})
            yield Case(body, BATCH, headers={"Content-Type": f"application/json{charset}"})
    bad = (b"\xff", b"\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\x00", b"\\ud800", b"\\udc00\\ud800", b"\\u0000", b"\\uXXXX", b"\\x41")  # fmt: skip
    for name in ("emp_title", "title", "term", "earliest_cr_line"):
        for part in bad:
            for form in (b'"' + part + b'"', b'"' + MARK.encode() + part):
                body = _dump(_marked() | {name: "HERE"}).replace(b'"HERE"', form)
                yield Case(body)
                yield Case(b'{"applications": [' + body + b"]}", BATCH)
    for part in bad:
        yield Case(_dump(EXAMPLE).replace(b'"loan_amnt"', b'"loan_amnt' + part + b'"'))


def control_characters(_: random.Random) -> Iterator[Case]:
    """Each control character in each text, escaped and as it is."""
    for name in _TEXTS:
        for code in (*range(0x20), 0x7F):
            yield Case(_dump(_marked() | {name: f"{MARK}{chr(code)}"}))
            yield Case(_dump(_marked() | {name: "HERE"}).replace(b"HERE", MARK.encode() + bytes([code])))


def evil_texts(_: random.Random) -> Iterator[Case]:
    """SQL, HTML and what other languages would run, in texts, categories, months, and names of fields."""
    for text in _EVIL:
        for name in ("emp_title", "title"):
            yield Case(_dump(EXAMPLE | {name: f"{text[:190]}{MARK}"}), accepted=True)
        for name in ("term", "purpose", "earliest_cr_line", "loan_amnt", "sub_grade"):
            yield Case(_dump(EXAMPLE | {name: MARK + text}))
        yield Case(_dump(EXAMPLE | {MARK + text: text}))
        yield Case(_dump({"applications": [EXAMPLE], MARK + text: text}), BATCH)


def large(draw: random.Random) -> Iterator[Case]:
    """Bodies of up to 17 MB, and of more rows, fields or letters than an application can have."""
    row = _dump(EXAMPLE)
    for size in (65_537, 1 << 20, 10_000_000, 17_000_000):
        for path in (SINGLE, BATCH):
            yield Case(_dump(EXAMPLE | {"emp_title": MARK + "x" * size}), path)
            yield Case(b" " * size, path)
            yield Case(b"[" * size, path)
            yield Case(draw.randbytes(size), path)
    yield Case(b'{"applications": [' + row + (b"," + row) * 10_000 + b"]}", BATCH)
    yield Case(b'{"applications": [' + b"{}," * 9_999 + b"{}]}", BATCH)
    yield Case(b'{"applications": [' + b"[]," * 4_000_000 + b"[]]}", BATCH)
    fields = ",".join(f'"{number}":1' for number in range(1_000_000))
    yield Case(f'{{"applications": [{{{fields}}}]}}'.encode(), BATCH)
    wide = ",".join(f'"{MARK}{number}":1' for number in range(90))
    yield Case(f'{{"applications": [{",".join([f"{{{wide}}}"] * 9_000)}]}}'.encode(), BATCH)
    yield Case(_dump({str(number): MARK for number in range(4_000)}))


def strange_http(draw: random.Random) -> Iterator[Case]:
    """Other methods, paths, content types and headers."""
    body = _dump(_marked())
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND", MARK):
        for path in (
            SINGLE,
            BATCH,
            "/",
            f"/{MARK}",
            "/health",
            "/v1/score/../../etc/passwd",
            "//v1/score",
            "/v1/score%00",
            f"/?{MARK}={MARK}",
        ):
            yield Case(body, path, method)
    for kind in ("", "text/plain", "application/xml", "multipart/form-data", f"multipart/form-data; boundary={MARK}", "application/x-www-form-urlencoded", "*/*", MARK, ";", "application/jsonp", "a" * 5_000):  # fmt: skip
        yield Case(body, headers={"Content-Type": kind})
    for path in (f"/{'x' * 8_000}", f"/%{'2e' * 500}", "/%ff%fe", "/<script>" + MARK, "/" + "a/" * 3_000):
        yield Case(None, path, "GET")
    for name, value in (
        ("Host", MARK), ("Host", "a" * 5_000), ("Host", "[::1"), ("X-Forwarded-For", MARK), ("Cookie", MARK * 1_000),
        ("Content-Encoding", "gzip"), ("Transfer-Encoding", "gzip"), ("Accept", MARK), ("Range", "bytes=0-1"), ("If-None-Match", "*"),
        ("X-API-Key", MARK * 500), ("X-Request-Id", MARK), ("X-HTTP-Method-Override", "DELETE"), ("Expect", "200-maybe"),
    ):  # fmt: skip
        yield Case(body, headers=_JSON | {name: value})
    for _ in range(100):
        yield Case(body, headers=_JSON | {f"X-{draw.randrange(10**9)}": f"{MARK}{draw.getrandbits(256):x}"})


KINDS: dict[str, Maker] = {
    "fuzzed JSON": fuzzed,
    "wrong types and values": wrong_values,
    "NaN, Infinity, huge numbers": strange_numbers,
    "deep nesting": nested,
    "a name twice": twice,
    "wrong encodings": other_encodings,
    "control characters": control_characters,
    "SQL, HTML and the like in texts": evil_texts,
    "bodies of up to 17 MB": large,
    "strange methods, paths and headers": strange_http,
}


def _marked() -> dict[str, Any]:
    return EXAMPLE | {"emp_title": MARK}


def _dump(given: Any) -> bytes:
    return json.dumps(given).encode()
