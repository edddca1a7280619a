"""A drop: files exported by hand from DB2 into a folder, local or on S3.

DB2 inside AppStream takes no ODBC connection, so a person exports, and a copy arrives some time later. What is read
is what was hashed: each file is copied into the staging folder first, and parsed there.
"""

import errno
import glob
import gzip
import hashlib
import json
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa

from loantap.data.text_form import open_bytes
from loantap.errors import InputError, LoanTapError, MissingToolError, SourceError
from loantap.settings import how_to_add
from loantap_sources.connectors.base import Brought
from loantap_sources.connectors.delimited import read_delimited
from loantap_sources.connectors.kinds import Db2Drop

MANIFEST_SUFFIX = ".manifest.json"
_BLOCK = 1 << 22


class _IncompleteError(Exception):
    """A drop that is not complete; says why."""


@dataclass(frozen=True)
class _Manifest:
    """What FILE.manifest.json says of a file."""

    rows: int
    sha256: str


def open_drop(drop: Db2Drop, folder: str, *, staging: Path) -> Brought:
    """Take the last complete drop and return its rows as they stand, values as texts.

    Args:
        drop: What the configuration says.
        folder: Its folder, with references filled in.
        staging: Where files are copied to.

    Raises InputError where there is no drop, SourceError where none is complete or the folder cannot be read, and
    SchemaError for a file that cannot be parsed as declared.
    """
    if "://" in folder and not folder.startswith("s3://"):
        raise InputError(f"{folder}: expected a local folder or s3://bucket/prefix. Correct it.")
    notes: list[str] = []
    with _told(folder):
        system, root = fsspec.url_to_fs(folder)
        drops = _drops(system, root, drop)
        if not drops:
            raise InputError(
                f"{folder}: expected files that match '{drop.pattern}', found none. Check folder and pattern, or export."
            )
        for name in sorted(drops, reverse=True):
            place = Path(tempfile.mkdtemp(dir=staging))
            try:
                manifests = _manifests(system, drops[name], drop)
                _settled(system, root, name, drops[name], drop)
                copies = _copies(system, manifests, place, drop)
            except _IncompleteError as trouble:
                notes.append(f"drop {name} is not complete and was passed over: {trouble}")
                shutil.rmtree(place)
                continue
            facts = {"location": folder, "drop": name, "files": list(copies.values())}
            return Brought(_rows(copies, drop), facts, notes)
    raise SourceError(f"{folder}: expected a complete drop, found none:\n  " + "\n  ".join(notes))


@contextmanager
def _told(folder: str) -> Iterator[None]:
    try:
        yield
    except LoanTapError:
        raise
    except ImportError as error:
        raise MissingToolError(f"{folder}: {error}. Get it with: {how_to_add('s3')}") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise SourceError(
                f"{folder}: there is no room in {tempfile.gettempdir()} for a copy of the drop. Make room there, or set TMPDIR to a place that has it."
            ) from error
        # Those of S3 have no base of their own: some are OSErrors, some botocore's, some those of the HTTP client.
        raise SourceError(
            f"{folder}: the folder cannot be read ({type(error).__name__}: {error}). Check its address and your rights, or "
            "run again when it answers."
        ) from error


def _drops(system: Any, root: str, drop: Db2Drop) -> dict[str, dict[str, int]]:
    """Return the size of each file by its path, for each drop by its name."""
    system.invalidate_cache()
    found: dict[str, dict[str, int]] = {}
    for path, about in sorted(system.glob(f"{glob.escape(root).rstrip('/')}/{drop.pattern}", detail=True).items()):
        if about["type"] != "directory" and not path.endswith(MANIFEST_SUFFIX):
            parts = path[len(root) :].strip("/").split("/")
            found.setdefault("/".join(parts[:-1]) or parts[-1], {})[path] = about["size"]
    return found


def _manifests(system: Any, sizes: dict[str, int], drop: Db2Drop) -> dict[str, _Manifest | None]:
    if empty := [path for path, size in sizes.items() if size == 0]:
        raise _IncompleteError(f"{_name(empty[0])} is empty (0 bytes)")
    manifests = {path: _manifest(system, path) for path in sizes}
    if drop.manifest == "required" and (without := [path for path, read in manifests.items() if read is None]):
        raise _IncompleteError(f"{_name(without[0])}{MANIFEST_SUFFIX} is absent")
    return manifests


def _manifest(system: Any, path: str) -> _Manifest | None:
    if not system.exists(path + MANIFEST_SUFFIX):
        return None
    try:
        read = json.loads(system.cat_file(path + MANIFEST_SUFFIX))
        return _Manifest(int(read["rows"]), str(read["sha256"]).lower())
    except (ValueError, TypeError, KeyError):
        # A damaged manifest vouches for nothing, and is not as good as none.
        raise _IncompleteError(
            f'{_name(path)}{MANIFEST_SUFFIX} is damaged: expected {{"rows": ..., "sha256": "..."}}'
        ) from None


def _settled(system: Any, root: str, name: str, sizes: dict[str, int], drop: Db2Drop) -> None:
    time.sleep(drop.settle_seconds)
    later = _drops(system, root, drop).get(name, {})
    for path in sorted({*sizes, *later}):
        before, after = sizes.get(path, 0), later.get(path, 0)
        if before != after:
            raise _IncompleteError(f"{_name(path)} is still being copied ({before:,} bytes, then {after:,})")


def _copies(
    system: Any, manifests: dict[str, _Manifest | None], place: Path, drop: Db2Drop
) -> dict[Path, dict[str, Any]]:
    """Return what is known of each file, by its copy."""
    copies: dict[Path, dict[str, Any]] = {}
    for number, (path, manifest) in enumerate(manifests.items()):
        copy, digest = place / f"{number:04d}-{_name(path)}", hashlib.sha256()
        with system.open(path, "rb") as source, copy.open("wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
        facts = {"file": path, "size": copy.stat().st_size, "sha256": digest.hexdigest(), "rows": 0}
        if manifest is None:
            _check_end(copy, _name(path), drop.encoding)
        elif manifest.sha256 != facts["sha256"]:
            raise _IncompleteError(f"{_name(path)} has another sha256 than its manifest says")
        elif manifest.rows != (rows := sum(table.num_rows for table in _tables(copy, path, drop))):
            raise _IncompleteError(f"{_name(path)} has {rows:,} rows, its manifest says {manifest.rows:,}")
        copies[copy] = facts
    return copies


def _check_end(copy: Path, name: str, encoding: str) -> None:
    tail = b""
    try:
        with open_bytes(copy) as stream:
            while block := stream.read(_BLOCK):
                tail = (tail + block)[-4:]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _IncompleteError(f"{name} is cut short or damaged ({error})") from None
    if not tail.decode(encoding, "ignore").rstrip("\x1a").endswith(("\n", "\r", "\x85")):
        raise _IncompleteError(f"{name} ends in the middle of a line, and no manifest says that this is its end")


def _tables(copy: Path, path: str, drop: Db2Drop) -> Iterator[pa.Table]:
    header = None if drop.header is True else drop.header
    return read_delimited(
        copy, shown=path, wanted=drop.wanted, header=header, encoding=drop.encoding, delimiter=drop.delimiter
    )


def _rows(copies: dict[Path, dict[str, Any]], drop: Db2Drop) -> Iterator[pa.Table]:
    for copy, facts in copies.items():
        for table in _tables(copy, facts["file"], drop):
            facts["rows"] += table.num_rows
            yield table
        copy.unlink()
    copy.parent.rmdir()


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
