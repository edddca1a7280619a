"""What other packages bring to the library, which imports none of them: commands, and what its own parts ask for.

Both are entry points, so that a package joins by what pyproject.toml declares.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from loantap.errors import MissingToolError

_COMMANDS, _PROVIDERS = "loantap.commands", "loantap.providers"


def commands() -> list[EntryPoint]:
    """Return the commands that packages bring: by name, each a function or a Typer application."""
    return sorted(entry_points(group=_COMMANDS))


def provider_module(name: str) -> str:
    """Return the module of what is provided under a name, "" where nothing is."""
    return next((found.module for found in entry_points(group=_PROVIDERS, name=name)), "")


def provider(name: str) -> Any:
    """Return what a package provides under a name: `find_model`, `read_config`, `take_in_sources`, `check_tracking`, `track`.

    Raises MissingToolError where no package does.
    """
    for found in entry_points(group=_PROVIDERS, name=name):
        return found.load()
    raise MissingToolError(
        f"expected a package that provides '{name}' to loantap, none is installed. Install the project again: pip install -e ."
    )
