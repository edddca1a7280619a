"""The sha256 of every file of a model's folder, in the form of sha256sum within it, and of a pickle from outside."""

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

from loantap.errors import InputError
from loantap.files import sha256

SUMS, PICKLE = "SHA256SUMS", "pipeline.pickle"
# Folders for other models beside the model, no part of it and with seals of their own.
SMOTE, SCORECARD = "smote", "scorecard"
BESIDE = (SMOTE, SCORECARD)
_DESKTOP = (".DS_Store", "Thumbs.db", "desktop.ini")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:.*/)?([^/]+)")


def seal(folder: Path) -> None:
    """Write the sha256 of every file into the folder; `sha256sum --check SHA256SUMS` reads it too."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name not in BESIDE]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def check_seal(folder: Path) -> None:
    """Raise InputError for a file that was changed, is gone, or came later."""
    _say_if_line_ends(folder / SUMS, None)
    sums = read_sums(folder / SUMS)
    for path in sorted(folder.iterdir()):
        if path.name in _DESKTOP:
            raise InputError(f"{path}: no part of the model: a desktop leaves it where somebody has looked. Remove it.")
        if path.name not in (SUMS, *sums) and not (path.name in BESIDE and path.is_dir()):
            raise InputError(
                f"{path}: it is not in {SUMS}: it was put there later. Do not use this model; make it again."
            )
    for name, digest in sums.items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            _say_if_line_ends(folder / name, digest)
            raise InputError(
                f"{folder / name}: its sha256 is not the one in {SUMS}: it was changed, or its writing was interrupted. "
                "Do not use it; make the model again."
            )


def _say_if_line_ends(path: Path, digest: str | None) -> None:
    """Raise InputError for a file of CRLF that has the sha256 with LF, or whatever its sha256, where none is told."""
    content = path.read_bytes() if path.is_file() else b""
    if b"\r\n" in content and digest in (None, hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()):
        raise InputError(
            f"{path}: its line ends were changed to CRLF, as Git and editors on Windows do, and with them the sha256. Copy the "
            "folder again as it is; in Git, give it the attribute -text."
        )


def read_sums(path: Path) -> dict[str, str]:
    """Return the sha256 by file name; raises InputError for what sha256sum did not write."""
    sums = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{path}: expected lines of a sha256, two spaces and a name, got {line[:80]!r}.")
        sums[match[2]] = match[1]
    return sums


def read_pickle(folder: Path, sums: Path | None) -> Any:
    """Return what a model's folder holds as a pickle; `sums` is a file outside of it that holds the pickle's sha256.

    Raises InputError without such a file, or if the sha256 is another one; nothing of the pickle has run then.
    """
    path = folder / PICKLE
    if sums is None:
        raise InputError(
            f"{path}: a pickle can run any code when it is read, so it is read only if you name a file outside the folder that "
            "holds its sha256: --allow-pickle FILE. Better: use the folder with pipeline.skops."
        )
    if not sums.is_file() or folder.resolve() in sums.resolve().parents:
        raise InputError(f"{sums}: expected a file outside {folder} that holds the sha256 of {PICKLE}.")
    content = path.read_bytes()
    if read_sums(sums).get(PICKLE) != hashlib.sha256(content).hexdigest():
        raise InputError(f"{path}: its sha256 is not the one in {sums}. Do not use it; ask where it comes from.")
    return pickle.loads(content)  # noqa: S301 (the caller vouched for these very bytes)
