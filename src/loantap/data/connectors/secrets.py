"""Secrets come from the environment or from `.env`, and never leave in a message."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values

from loantap.errors import InputError

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>[^}]*))?\}")
HIDDEN = "***"


@dataclass
class Secrets:
    """The values that `${NAME}` stands for, and those of them that must not be shown."""

    values: Mapping[str, str]
    hidden: set[str] = field(default_factory=set, repr=False)

    def __repr__(self) -> str:
        """Show names only, since a notebook may print anything."""
        return f"Secrets({', '.join(sorted(self.values))})" if len(self.values) < 20 else "Secrets(...)"

    def fill(self, text: str, *, where: str, in_url: bool = False) -> str:
        """Replace `${NAME}` and `${NAME:-default}`.

        Args:
            text: The text with references.
            where: Names the setting in a message.
            in_url: Quote values before the @, so that a password may hold any character.

        Raises InputError for a name that is not set.
        """

        def value(match: re.Match[str]) -> str:
            found = self.values.get(match["name"], match["default"])
            if found is None:
                raise InputError(
                    f"{where}: expected the environment variable {match['name']}, it is not set. Export it, or put "
                    f"{match['name']}=... into .env beside the file."
                )
            return quote(found, safe="") if in_url and match.end() <= text.rfind("@") else found

        return _REFERENCE.sub(value, text)

    def hide(self, *values: str | None) -> None:
        """Remember values that `redacted` takes out, also in the form they have in a URL."""
        for value in values:
            if value:
                self.hidden |= {value, quote(value, safe=""), quote(value)}

    def redacted(self, text: object) -> str:
        """Return a text without any secret, in one line."""
        shown = " ".join(str(text).split())
        for value in sorted(self.hidden, key=len, reverse=True):
            shown = shown.replace(value, HIDDEN)
        return shown


def is_reference(text: str) -> bool:
    """Tell whether a text is nothing but one `${NAME}` without a default."""
    match = _REFERENCE.fullmatch(text)
    return bool(match) and match["default"] is None  # type: ignore[index]


def read_secrets(folder: Path) -> Secrets:
    """Return what the environment holds, and `.env` in a folder where the environment is silent."""
    written = {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}
    return Secrets({**written, **os.environ})
