"""Who may ask: keys are shown once, when they are made; only their hashes are kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from loantap.errors import InputError
from loantap.files import replacing

_NAME = r"[A-Za-z0-9._-]{1,64}"
_LINE = re.compile(rf"({_NAME}):([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Keys:
    """The hashes of the keys, by the name of who holds them."""

    hashes: dict[str, bytes]

    def holder(self, key: str) -> str | None:
        """Return the name of who holds a key, or None.

        Every hash is compared, each in constant time, so the time taken tells nothing of which came near.
        """
        given, found = _hash(key), None
        for name, known in self.hashes.items():
            if hmac.compare_digest(given, known):
                found = name
        return found


def read_keys(path: Path) -> Keys:
    """Read a file of lines NAME:SHA256; empty lines and lines that begin with # are for people.

    Raises InputError where there is no such file, for a line of another form, for a name twice, and for a file without
    keys, which would shut everybody out.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected a file of keys, found nothing. Make one: loantap serve key NAME --file {path}"
        )
    hashes: dict[str, bytes] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:  # the line is not shown: somebody may have put a key there
            raise InputError(f"{path}, line {number}: expected NAME:SHA256, with a name of letters, digits and ._-")
        if match[1] in hashes:
            raise InputError(f"{path}, line {number}: expected each name once, '{match[1]}' is there twice.")
        hashes[match[1]] = bytes.fromhex(match[2])
    if not hashes:
        raise InputError(f"{path}: expected keys, found none. Make one: loantap serve key NAME --file {path}")
    return Keys(hashes)


def make_key(path: Path, name: str) -> str:
    """Make a key for `name`, add its hash to the file (made if absent, for its owner's eyes only), and return the key.

    Raises InputError for a name of other characters, and for one that has a key.
    """
    if not re.fullmatch(_NAME, name):
        raise InputError(f"expected a name of up to 64 letters, digits and ._-, got {name[:80]!r}.")
    text = ""
    if path.exists():
        text = "\n".join(_lines(path)) + "\n"
        if any(line.startswith(f"{name}:") for line in text.splitlines()):
            raise InputError(f"{path}: '{name}' has a key. Take another name, or remove its line to end that key.")
    key = secrets.token_urlsafe(32)
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(f"{text}{name}:{_hash(key).hex()}\n", "utf-8")
    return key


def _hash(key: str) -> bytes:
    # One SHA-256 is enough: slow hashes protect passwords that people choose, and a key is 256 random bits.
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", errors="replace").splitlines()
