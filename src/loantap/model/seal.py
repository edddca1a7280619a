"""The sha256 of every file of a model's folder, in the form of sha256sum, within the folder."""

import re
from pathlib import Path

from loantap.errors import InputError
from loantap.files import sha256

SUMS = "SHA256SUMS"
SMOTE = "smote"  # a folder for a rival beside the model, no part of it and with a seal of its own
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:.*/)?([^/]+)")


def seal(folder: Path) -> None:
    """Write the sha256 of every file into the folder; `sha256sum --check SHA256SUMS` reads it too."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir()) if path.name != SMOTE]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def check_seal(folder: Path) -> None:
    """Raise InputError for a file that was changed, is gone, or came later."""
    sums = read_sums(folder / SUMS)
    for path in sorted(folder.iterdir()):
        if path.name not in (SUMS, *sums) and not (path.name == SMOTE and path.is_dir()):
            raise InputError(
                f"{path}: it is not in {SUMS}: it was put there later. Do not use this model; make it again."
            )
    for name, digest in sums.items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            raise InputError(
                f"{folder / name}: its sha256 is not the one in {SUMS}: it was changed, or its writing was interrupted. "
                "Do not use it; make the model again."
            )


def read_sums(path: Path) -> dict[str, str]:
    """Return the sha256 by file name; raises InputError for what sha256sum did not write."""
    found = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{path}: expected lines of a sha256, two spaces and a name, got {line[:80]!r}.")
        found[match[2]] = match[1]
    return found
