"""Where the project is: its reference data, notebooks, report sources and runs; what processes are told; how to add a package."""

import os
import shlex
import sys
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


def how_to_add(extra: str) -> str:
    """Return a command that installs what an extra needs into the environment that runs, as it can be typed from any folder."""
    root = project_root()
    if Path(sys.prefix) == root / ".venv":
        return f"make -C {shlex.quote(str(root))} extras"  # locked versions
    return shlex.join([sys.executable, "-m", "pip", "install", "-e", f"{root}[{extra}]" if extra else str(root)])


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
