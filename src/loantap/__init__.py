"""From loan data to a published, honest report of what drives credit default.

.. include:: ../../docs/tutorial.md
"""

from importlib import import_module
from typing import Any

__all__ = [  # noqa: RUF022 (in the order in which they are read)
    "synthetic_loans", "open_run", "analyse_factor", "load_model", "score_application", "score_applications",
    "RunFolder", "Association", "SavedModel", "Score", "Reason", "InputError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a public name, which `loantap.public` makes, when it is first asked for: `import loantap` alone loads nothing."""
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("loantap")
    elif name in __all__:
        # Not by an import statement: stages are held to the modules that theirs import (report.library), and none stands on these.
        value = getattr(import_module("loantap.public"), name)
    else:
        raise AttributeError(f"module 'loantap' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__, "__version__"]
