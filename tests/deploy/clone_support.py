"""A clone of the project as it stands, with this environment, in which a step of a pipeline can be played."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loantap.settings import project_root

ROOT = project_root()


@dataclass(frozen=True)
class Clone:
    """Its folder, and the variables that a step sees."""

    folder: Path
    environment: dict[str, str]

    def bash(self, text: str) -> subprocess.CompletedProcess[str]:
        words = ["bash", "-eu", "-o", "pipefail", "-c", text]
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)

    def git(self, *words: str) -> str:
        settings = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *settings, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def own_files(*under: str) -> list[str]:
    """Return the project's files, those that are not committed yet included."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *under]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def new_clone(folder: Path, *, osv: str) -> Clone:
    """Copy the project and commit it; apt-get and dpkg change nothing there, and pip-audit asks `osv`."""
    for name in own_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    venv = folder / ".venv"
    programs = venv / "programs"
    programs.mkdir(parents=True)
    for path in Path(sys.prefix).iterdir():
        if not path.name.startswith("."):
            (venv / path.name).symlink_to(path)
    for stamp in (".report", ".dev", ".tools"):
        (venv / stamp).touch()
    for name in ("dpkg", "apt-get"):
        (programs / name).write_text("#!/bin/sh\nexit 0\n")
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(venv),
        "LOANTAP_HOME": str(folder),  # the installed package would go to the project itself
        "PIP_AUDIT_OSV_URL": osv,
        "no_proxy": "127.0.0.1",
    }
    made = Clone(folder, environment)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", ".")
    made.git("commit", "--quiet", "-m", "What main has")
    return made
