"""The manifest of a run: what ran, on what, with what, what it wrote, and how far it came."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, Field, computed_field, field_validator

from loantap.errors import InputError
from loantap.files import write_text
from loantap.runs.results import MANIFEST
from loantap.settings import project_root

PACKAGES = (
    "loantap", "imbalanced-learn", "matplotlib", "numpy", "pandas", "papermill", "scikit-learn", "scipy", "statsmodels",
)  # fmt: skip
# Where in a run stages write.
FOLDERS = ("data", "notebooks", "results", "model")


class Basis(BaseModel):
    """What a stage is made from; if none of it has changed, neither would the results."""

    notebook_sha256: str | None = None  # of the notebook as committed
    library: str | None = None  # one sha256 of the modules that it stands on, see `library_sha256`
    parameters: dict[str, Any] = Field(default_factory=dict)  # all in force, defaults among them
    packages: dict[str, str] = Field(default_factory=dict)  # versions of Python and of packages that results depend on
    # sha256 of each file that it reads, by path: in the run's folder (None where it is absent), of the reference data, or named by a parameter.
    inputs: dict[str, str | None] = Field(default_factory=dict)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fingerprint(self) -> str:
        """One sha256 of all of it."""
        text = json.dumps(self.model_dump(include=set(Basis.model_fields)), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class StageRecord(Basis):
    """What became of one stage, and what it was made from."""

    name: str
    notebook: str
    status: Literal["done", "left out", "failed", "pending"] = "pending"
    seconds: float | None = None
    peak_memory_mb: int | None = None  # that its kernel and the kernel's workers took together at most
    error: str | None = None  # why it failed, was left out, or has to run again
    files: dict[str, str] = Field(default_factory=dict)  # sha256 of each file it wrote, by its path in the run's folder

    @field_validator("files")
    @classmethod
    def _within_the_run(cls, files: dict[str, str]) -> dict[str, str]:
        """Refuse names that lead out of the run: what a manifest names may be removed and made again."""
        for name in files:
            parts = PurePosixPath(name).parts
            if len(parts) < 2 or parts[0] not in FOLDERS or ".." in parts or not name.isprintable():
                raise ValueError(f"a stage writes below {', '.join(FOLDERS)} only, not {name!r}")
        return files

    @computed_field  # type: ignore[prop-decorator]
    @property
    def outputs(self) -> list[str]:
        """The files it wrote."""
        return sorted(self.files)


class Manifest(BaseModel):
    """What `manifest.json` holds; see the results contract in CONTRIBUTING.md."""

    run_id: str
    started_at: str
    finished_at: str | None = None
    status: Literal["running", "done", "partial", "failed"] = "running"
    git_commit: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    packages: dict[str, str] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    stages: list[StageRecord] = Field(default_factory=list)
    report: dict[str, Any] | None = None

    def stage(self, name: str) -> StageRecord:
        """Return the record of a stage."""
        return next(record for record in self.stages if record.name == name)

    @property
    def left_out(self) -> dict[str, str]:
        """The stages that the loans could not feed, and why."""
        return {record.name: record.error or "" for record in self.stages if record.status == "left out"}

    def owners(self) -> dict[str, list[str]]:
        """Return the stages that wrote each file, by its path in the run's folder; some files are filled by several."""
        stages: dict[str, list[str]] = {}
        for record in self.stages:
            for name in record.files:
                stages.setdefault(name, []).append(record.name)
        return stages

    def write(self, run: Path) -> None:
        """Write the manifest into the run folder, whole or not at all."""
        write_text(run / MANIFEST, self.model_dump_json(indent=1) + "\n")


def new_manifest(run_id: str, parameters: dict[str, Any], stages: list[StageRecord]) -> Manifest:
    """Return the manifest of a run that begins now."""
    manifest = Manifest(run_id=run_id, started_at=now(), parameters=parameters, stages=stages)
    manifest.git_commit, manifest.packages = git_commit(), packages()
    return manifest


def read_manifest(run: Path) -> Manifest:
    """Return a run's manifest; raises InputError if the folder holds none, or one that is damaged."""
    path = run / MANIFEST
    if not path.is_file():
        raise InputError(f"{run}: expected a run folder with a {MANIFEST}, found none. Name one of those under runs/.")
    try:
        return Manifest.model_validate(json.loads(path.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a manifest that loantap wrote, but: {error}. Start a new run.") from error


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def packages() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def git_commit() -> str | None:
    """Return the project's commit, with '+changes' if files differ from it, or None where nobody knows.

    In an image, which is no checkout, LOANTAP_COMMIT tells.
    """
    if known := os.environ.get("LOANTAP_COMMIT"):
        return known
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*words: str) -> str | None:
        answer = subprocess.run([git, "-C", project_root(), *words], capture_output=True, text=True, check=False)
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return f"{commit}+changes" if commit and ask("status", "--porcelain", "--untracked-files=no") else commit
