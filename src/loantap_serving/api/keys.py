"""Who may ask: keys are shown once, when they are made; only their hashes are kept."""

import hashlib
import hmac
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loantap.errors import InputError
from loantap.files import alone_in, replacing

_PATIENCE = 10.0  # seconds; making a key takes a moment
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

    Raises InputError where there is no such file, for bytes that are not UTF-8, a line of another form, a name twice, and
    for a file without keys, which would shut everybody out.
    """
    if not path.exists():
        raise InputError(
            f"{path}: expected a file of keys, found nothing. Make one: loantap serve key NAME --file {path}"
        )
    return parse_keys(_text(path), str(path))


def parse_keys(text: str, where: str) -> Keys:
    """Return the keys of lines NAME:SHA256, found at `where`; raises InputError as `read_keys`."""
    hashes = _hashes(where, text)
    if not hashes:
        raise InputError(f"{where}: expected keys, found none. Make one: loantap serve key NAME --file keys.txt")
    return Keys(hashes)


def make_key(path: Path, name: str) -> str:
    """Make a key for `name`, add its hash to the file (made if absent, for its owner's eyes only), and return the key.

    Others who make keys there at the same time wait for each other. What the file held, its mode and its owner stay.
    Raises InputError for a name of other characters, for one that has a key, and for a file that is none of keys.
    """
    if not re.fullmatch(_NAME, name):
        raise InputError(f"expected a name of up to 64 letters, digits and ._-, got {name[:80]!r}.")
    path = path.resolve()  # of a link, what it leads to is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(32)
    busy = f"{path.parent}: somebody else makes a key there. Try again."
    with alone_in(path.parent, busy=busy, seconds=_PATIENCE), replacing(path, private=True) as temporary:
        text = ""
        if path.exists():
            text = _text(path)
            if name in _hashes(str(path), text):
                raise InputError(f"{path}: '{name}' has a key. Take another name, or remove its line to end that key.")
            text += "" if text.endswith("\n") or not text else "\n"
            with suppress(OSError):  # only root may give a file to another
                shutil.chown(temporary, path.stat().st_uid, path.stat().st_gid)
            shutil.copymode(path, temporary)
        temporary.write_bytes(f"{text}{name}:{_hash(key).hex()}\n".encode())
    return key


def _hashes(where: str, text: str) -> dict[str, bytes]:
    hashes: dict[str, bytes] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        match = _LINE.fullmatch(entry)
        if match is None:  # the line is not shown: somebody may have put a key there
            raise InputError(f"{where}, line {number}: expected NAME:SHA256, with a name of letters, digits and ._-")
        if match[1] in hashes:
            raise InputError(f"{where}, line {number}: expected each name once, '{match[1]}' is there twice.")
        hashes[match[1]] = bytes.fromhex(match[2])
    return hashes


def _hash(key: str) -> bytes:
    # One SHA-256 is enough: slow hashes protect passwords that people choose, and a key is 256 random bits.
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a file of keys in UTF-8, these bytes are not. Save it as UTF-8.") from None
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of keys, but: {error.strerror}. Name one with NAME:SHA256 lines."
        ) from error
