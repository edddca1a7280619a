"""A drop: files exported by hand from DB2 into a folder, local or on S3.

DB2 inside AppStream takes no ODBC connection, so a person exports, and a copy arrives some time later. What is read
is what was hashed: each file is copied into the staging folder first, and parsed there.
"""

import hashlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa

from loantap.data.connectors.base import Brought
from loantap.data.connectors.delimited import read_delimited
from loantap.data.connectors.kinds import Db2Drop
from loantap.errors import InputError, MissingToolError, SchemaError, SourceError

MANIFEST_SUFFIX = ".manifest.json"
_BLOCK = 1 << 22


@dataclass(frozen=True)
class DropFile:
    """One file of a drop and what is known of it before it is read."""

    path: str
    size: int
    manifest: dict[str, Any] | None

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rsplit("/", 1)[-1]


def open_drop(drop: Db2Drop, folder: str, *, staging: Path) -> Brought:
    """Take the last complete drop and return its rows as they stand, values as texts.

    Args:
        drop: What the configuration says.
        folder: Its folder, with references filled in.
        staging: Where files are copied to.

    Raises InputError where there is no drop, SourceError where none is complete, SchemaError for a file that cannot be
    parsed as declared or has other rows than its manifest says.
    """
    try:
        system, root = fsspec.url_to_fs(folder)
        drops = _drops(system, root, drop)
    except ImportError as error:
        raise MissingToolError(f'{folder}: {error}. Get it with: pip install "loantap[s3]"') from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{folder}: cannot list the folder ({type(error).__name__}: {error}).") from None
    if not drops:
        raise InputError(
            f"{folder}: expected files that match '{drop.pattern}', found none. Check folder and pattern, or export."
        )
    notes: list[str] = []
    for name in sorted(drops, reverse=True):
        if trouble := _incomplete(system, drops[name], drop):
            notes.append(f"drop {name} is not complete and was passed over: {trouble}")
            continue
        copies, taken, changed = _copy(system, drops[name], staging, drop.encoding)
        if changed:
            notes.append(f"drop {name} is not complete and was passed over: {changed}")
            continue
        facts = {"location": folder, "drop": name, "files": taken}
        return Brought(_rows(copies, drops[name], taken, drop), facts, notes)
    raise SourceError(f"{folder}: expected a complete drop, found none:\n  " + "\n  ".join(notes))


def _drops(system: Any, root: str, drop: Db2Drop) -> dict[str, list[DropFile]]:
    system.invalidate_cache()
    found: dict[str, list[DropFile]] = {}
    for path in sorted(system.glob(f"{root.rstrip('/')}/{drop.pattern}")):
        if path.endswith(MANIFEST_SUFFIX) or system.isdir(path):
            continue
        parts = path[len(root) :].strip("/").split("/")
        manifest = _manifest(system, path + MANIFEST_SUFFIX)
        found.setdefault("/".join(parts[:-1]) or parts[-1], []).append(DropFile(path, system.size(path), manifest))
    return found


def _manifest(system: Any, path: str) -> dict[str, Any] | None:
    if not system.exists(path):
        return None
    try:
        read = json.loads(system.cat_file(path))
    except ValueError:
        read = None
    # A damaged manifest vouches for nothing: as a mismatch, never as absent.
    return read if isinstance(read, dict) else {"sha256": "unreadable"}


def _incomplete(system: Any, files: list[DropFile], drop: Db2Drop) -> str:
    """Say what is wrong with a drop, or return nothing."""
    for file in files:
        if file.size == 0:
            return f"{file.name} is empty (0 bytes)"
        if drop.manifest == "required" and file.manifest is None:
            return f"{file.name}{MANIFEST_SUFFIX} is absent"
    time.sleep(drop.settle_seconds)
    system.invalidate_cache()
    for file in files:
        size = system.size(file.path)
        if size != file.size:
            return f"{file.name} is still being copied (it grew from {file.size:,} to {size:,} bytes)"
    return ""


def _copy(
    system: Any, files: list[DropFile], staging: Path, encoding: str
) -> tuple[list[Path], list[dict[str, Any]], str]:
    copies: list[Path] = []
    taken: list[dict[str, Any]] = []
    for number, file in enumerate(files):
        digest, size = hashlib.sha256(), 0
        copies.append(staging / f"{number:04d}-{file.name}")
        with system.open(file.path, "rb") as source, copies[-1].open("wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                size += len(block)
                target.write(block)
        stated = str((file.manifest or {}).get("sha256", digest.hexdigest())).lower()
        if size != file.size:
            return copies, taken, f"{file.name} changed while it was read ({file.size:,} to {size:,} bytes)"
        if stated != digest.hexdigest():
            return copies, taken, f"{file.name} has another sha256 than its manifest says"
        if file.manifest is None and not _ends_a_line(copies[-1], encoding):
            return copies, taken, f"{file.name} ends in the middle of a line"
        taken.append({"file": file.path, "size": size, "sha256": digest.hexdigest(), "rows": 0})
    return copies, taken, ""


def _ends_a_line(path: Path, encoding: str) -> bool:
    with path.open("rb") as stream:
        stream.seek(-min(4, path.stat().st_size), io.SEEK_END)
        return stream.read().decode(encoding, "ignore").endswith(("\n", "\r", "\x85"))


def _rows(copies: list[Path], files: list[DropFile], taken: list[dict[str, Any]], drop: Db2Drop) -> Iterator[pa.Table]:
    for copy, file, facts in zip(copies, files, taken, strict=True):
        for table in read_delimited(
            copy,
            shown=file.path,
            wanted=drop.wanted,
            header=None if drop.header is True else drop.header,
            encoding=drop.encoding,
            delimiter=drop.delimiter,
        ):
            facts["rows"] += table.num_rows
            yield table
        stated = (file.manifest or {}).get("rows", facts["rows"])
        if stated != facts["rows"]:
            raise SchemaError(
                f"{file.path}: expected the {stated} rows of its manifest, found {facts['rows']:,}. Export it again."
            )
        copy.unlink()
