"""Files that are whole or absent: write to a temporary name beside the target, then rename."""

import glob
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from loantap.errors import InputError

_STAGING, _WRITING = ".loantap-staging-", ".writing-"
_WAIT_SECONDS = 0.05
_FORMER = "-former-"  # before the name of the folder whose place another takes


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends without an error.

    A reader, or a run that is killed at any moment, sees the old file or the new one, never a half.
    The temporary name ends like `path`, since writers infer format and compression from it.

    What it holds may be personal data: until it is renamed only its owner may read it (and afterwards, if it is `private`), and
    what a killed process has left is removed when the next one writes there.
    """
    path = Path(path).resolve()  # of a link, what it leads to is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    temporary, held = _claim(path)
    try:
        with held:
            mode = (path if path.exists() else temporary).stat().st_mode
            temporary.chmod(0o600)
            yield temporary
            if not private:
                temporary.chmod(mode)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of a file that they were writing."""
    for leftover in path.parent.glob(f"{_WRITING}????????-{glob.escape(path.name)}"):
        with suppress(OSError):
            if leftover.is_file():  # opening a pipe would wait for ever
                with leftover.open("rb") as found:
                    if _lock(found):
                        leftover.unlink()


def _claim(path: Path) -> tuple[Path, IO[bytes]]:
    """Make the temporary file of a path and lock it, so that nobody takes it for a leftover."""
    while True:
        temporary = path.with_name(f"{_WRITING}{uuid4().hex[:8]}-{path.name}")
        held = temporary.open("xb")
        if _lock(held) is not False and temporary.exists():
            return temporary, held
        held.close()  # somebody who looked for leftovers was faster than the lock


def _lock(held: IO[bytes]) -> bool | None:
    """Lock a file until it is closed or the process ends, however it does.

    Returns True, False where somebody else holds it, None where files cannot be locked.
    """
    try:
        import fcntl  # here, since Windows has none and everything else works there

        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


@contextmanager
def staging_folder(parent: Path, *, alone: bool = True, prefix: str = _STAGING) -> Iterator[Path]:
    """Yield a folder below `parent` that nobody else may look into; it is gone when the block ends.

    What it held may be personal data, so the folder of a killed run is removed when the next one starts there.

    Args:
        parent: Where to.
        alone: Whether nobody else works below `parent` now; if not, what others have left there stays.
        prefix: What its name begins with.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in [*parent.glob(f"{_STAGING}*"), *parent.glob(f"{prefix}*")] if alone else ():
        _, former, name = leftover.name.partition(_FORMER)
        if former and not (parent / name).exists():  # killed between the two moves: nothing that was there is lost
            leftover.rename(parent / name)
        shutil.rmtree(leftover, ignore_errors=True)
    folder = parent / f"{prefix}{uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take_place(made: Path, folder: Path) -> None:
    """Move a finished folder to its place; a former one stays beside it until then, and is back there if that fails."""
    former = folder.with_name(f"{_STAGING}{uuid4().hex[:8]}{_FORMER}{folder.name}")
    if folder.exists():
        folder.rename(former)
    try:
        made.rename(folder)
    except OSError:
        if former.exists():
            former.rename(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)


@contextmanager
def alone_in(folder: Path, *, busy: str, seconds: float = 0) -> Iterator[None]:
    """Hold a folder for one process while the block runs; raises InputError with the message `busy` where another has it.

    The lock goes with the process, so a killed one leaves none behind but its file, which the next one takes.

    Args:
        folder: Which.
        busy: The message.
        seconds: For how long to wait for another one.
    """
    ends = time.monotonic() + seconds
    while (lock := _hold(folder / ".lock", busy)) is None:
        if time.monotonic() >= ends:
            raise InputError(busy)
        time.sleep(_WAIT_SECONDS)
    with lock:
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / ".lock").unlink()


def _hold(path: Path, busy: str) -> IO[bytes] | None:
    """Return the locked file, None where another process holds it."""
    try:
        lock = path.open("ab")
    except FileNotFoundError as error:  # who had it, has taken the folder away meanwhile
        if path.parent.is_dir():
            raise
        raise InputError(busy) from error
    # A file that was locked and is no longer there has been another's.
    if _lock(lock) is not False and _is_at(lock, path):
        return lock
    lock.close()
    return None


def _is_at(held: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held.fileno()), path.stat())
    except FileNotFoundError:
        return False


def write_text(path: Path, text: str) -> Path:
    """Write `text` as UTF-8, whole or not at all, and return `path`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits; of a folder that of its files' sums, in the order of their names."""
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
