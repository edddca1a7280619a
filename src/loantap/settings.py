"""Where the project lies: its reference data, notebooks, report sources and runs; and what processes are told."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loantap.errors import InputError

MARKER = "_quarto.yml"


def project_root() -> Path:
    """Return the project's folder: LOANTAP_HOME, or the nearest one above this file or the working folder.

    Raises InputError when neither holds the project.
    """
    if home := os.environ.get("LOANTAP_HOME"):
        candidates = [Path(home)]
    else:
        candidates = [*Path(__file__).resolve().parents, Path.cwd(), *Path.cwd().parents]
    for folder in candidates:
        if (folder / MARKER).is_file():
            return folder.resolve()
    raise InputError(
        f"expected the project's folder (it holds {MARKER}) at "
        f"{'LOANTAP_HOME=' + home if home else f'{Path.cwd()} or above'}, found none. "
        "Run from a clone of the project, or set LOANTAP_HOME to it."
    )


def reference_dir() -> Path:
    """Return the folder of versioned reference data (published counts, claims, professions)."""
    return project_root() / "data" / "reference"


def notebooks_dir() -> Path:
    """Return the folder of the parameterized notebooks."""
    return project_root() / "notebooks"


def runs_dir() -> Path:
    """Return the folder that holds one folder per run."""
    return project_root() / "runs"


def run_folder(given: Path) -> Path:
    """Return a run's folder, given as such or by its name under `runs/`; raises InputError where it is neither."""
    for folder in (given, runs_dir() / given):
        if folder.is_dir():
            return folder.resolve()
    raise InputError(f"{given}: expected a run's folder or its name under {runs_dir()}, found neither.")


def models_dir() -> Path:
    """Return the folder of promoted models: LOANTAP_MODELS, or `models/` in the project."""
    chosen = os.environ.get("LOANTAP_MODELS")
    return Path(chosen) if chosen else project_root() / "models"


@contextmanager
def environment(told: Mapping[str, str]) -> Iterator[None]:
    """Set variables that processes started meanwhile inherit, and take them back afterwards."""
    former = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
