"""What the tests of images stand on: a base of Debian's packages, images built from it, and a container without an engine."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from loantap.settings import project_root

ROOT = project_root()
BASE = "localhost/loantap-base"
# A root file system of its own, that cannot be written, as a container has it; the command is process 1 there, and not root.
_CONTAINER = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
for pair in $2; do mount --bind "${pair%:*}" "$1/${pair#*:}"; done
mount -o remount,bind,ro "$1"
root=$1; shift 2
exec env -i "$@"
"""


def missing() -> str:
    """Return what is wanting to build and run images here, or nothing."""
    wanted = [name for name in ("buildah", "debootstrap", "skopeo", "unshare") if shutil.which(name) is None]
    if wanted:
        return ", ".join(wanted)
    return "" if os.geteuid() == 0 else "root (debootstrap and buildah need it)"


def asked(*words: str | Path) -> str:
    """Return what a command says; its errors are the test's."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Image:
    """An image that was built: its archive, its configuration, and its root file system."""

    archive: Path
    config: dict[str, Any]
    root: Path


@contextmanager
def built(target: str) -> Iterator[Image]:
    """Build an image as the project does, and mount what its archive holds."""
    if subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        asked("deploy/debian_base.sh", BASE)
    asked("env", f"BASE={BASE}", "deploy/build_image.sh", target)
    archive = ROOT / "build" / f"loantap-{target}.tar"
    config = json.loads(asked("skopeo", "inspect", "--config", "--raw", f"docker-archive:{archive}"))
    container = asked("buildah", "from", f"docker-archive:{archive}")
    try:
        yield Image(archive, config, Path(asked("buildah", "mount", container)))
    finally:
        asked("buildah", "rm", container)


@dataclass
class Container:
    """A process that runs in an image's root file system."""

    outer: subprocess.Popen[str]

    @property
    def inner(self) -> psutil.Process:
        """The command itself, which is process 1 of its container."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if children := psutil.Process(self.outer.pid).children():
                return children[0]
            time.sleep(0.05)
        raise AssertionError("the container never started")

    def stop(self, within: float) -> int:
        """Send SIGTERM to the command, as an orchestrator does, and return its exit code."""
        self.inner.send_signal(signal.SIGTERM)
        return self.outer.wait(within)


@contextmanager
def container(
    image: Image, command: list[str] | None = None, *, mounts: dict[Path, str] | None = None, **variables: str
) -> Iterator[Container]:
    """Run a command, the image's own if absent, as the image says: its user, its variables, its folder; nothing else can be written.

    Args:
        image: What is run.
        command: What runs there.
        mounts: Folders of this machine by where they are there.
        variables: More variables of the environment.
    """
    said = image.config["config"]
    user = said["User"]
    pairs = " ".join(f"{outside}:{inside.lstrip('/')}" for outside, inside in (mounts or {}).items())
    variables = dict(entry.split("=", 1) for entry in said["Env"]) | variables
    entry = 'cd "$1" && shift && exec "$@"'
    words = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child=KILL",
        "sh",
        "-c",
        _CONTAINER,
        "sh",
        str(image.root),
        pairs,
    ]
    words += [f"{name}={value}" for name, value in variables.items()]
    words += [shutil.which("chroot") or "chroot", f"--userspec={user}", str(image.root), "/bin/sh", "-c", entry, "sh"]
    words += [said["WorkingDir"], *(command or said["Cmd"])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as outer:
        try:
            yield Container(outer)
        finally:
            # The command changed its user, and so no longer ends when its parent does.
            for child in psutil.Process(outer.pid).children() if outer.poll() is None else []:
                child.kill()
            outer.kill()


def ran(image: Image, *command: str, mounts: dict[Path, str] | None = None, **variables: str) -> tuple[int, str]:
    """Run a command to its end, and return its exit code and what it said."""
    with container(image, list(command), mounts=mounts, **variables) as running:
        said, _ = running.outer.communicate(timeout=600)
        return running.outer.returncode, said
