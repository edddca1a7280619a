"""Secrets come from the environment or from `.env`, and never leave in a message."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from loantap.errors import InputError

HIDDEN = "***"
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>[^}]*))?\}")
# A user name may hold an @, and a reference in it the colon of its default.
_USERINFO = re.compile(r"://(?:\$\{[^}]*\}|[^:/$]|\$(?!\{))*(?::(?P<value>[^@]*))?@")
_NAMES = r"PWD|PASSWD|PASSWORD|PASSPHRASE|\bPASS|TOKEN|SECRET|(?:ACCESS|ACCOUNT|API|PRIVATE|SECRET)[_ ]?KEY"
_NAMED = re.compile(rf"(?i)(?:{_NAMES})\s*=\s*(?P<value>\{{\$\{{[^}}]*\}}\}}|\{{(?:[^}}]|\}}\}})*\}}|[^;&]*)")


@dataclass
class Secrets:
    """The values that `${NAME}` stands for, and those of them that must not be shown."""

    values: Mapping[str, str]
    hidden: set[str] = field(default_factory=set, repr=False)

    def __repr__(self) -> str:
        """Show names only, since a notebook may print anything."""
        return f"Secrets({', '.join(sorted(self.values))})" if len(self.values) < 20 else "Secrets(...)"

    def fill(self, text: str, *, where: str, in_url: bool = False, in_odbc: bool = False) -> str:
        """Replace `${NAME}` and `${NAME:-default}`; the default stands for what is empty, too.

        Args:
            text: The text with references.
            where: Names the setting in a message.
            in_odbc: Put braces around a whole value that holds a semicolon or a brace.
            in_url: Quote values before the @ and those of options, so that a password may hold any character.

        Raises InputError for a name that is not set, and for a reference of another form.
        """
        if "${" in _REFERENCE.sub("", text):
            raise InputError(
                f"{where}: expected a reference as ${{NAME}} or ${{NAME:-default}}, found another form. Correct it."
            )
        userinfo = _USERINFO.search(text)
        host = userinfo.end() if userinfo else 0

        def value(match: re.Match[str]) -> str:
            found = self.values.get(match["name"])
            if not found and match["default"] is not None:
                found = match["default"]
            if found is None:
                raise InputError(
                    f"{where}: expected the environment variable {match['name']}, it is not set. Export it, or put "
                    f"{match['name']}=... into .env beside the file."
                )
            is_option = "?" in text[host : match.start()] and text[match.start() - 1] == "="
            whole = text[: match.start()].endswith("=") and text[match.end() :][:1] in ("", ";")
            braced = found.startswith("{") and found.endswith("}")
            if in_odbc and whole and not braced and any(sign in found for sign in ";{}"):
                return "{" + found.replace("}", "}}") + "}"
            return quote(found, safe="") if in_url and (match.end() <= host or is_option) else found

        return _REFERENCE.sub(value, text)

    def hide(self, *values: str | None) -> None:
        """Remember values that `redacted` takes out, also in the forms they have in a URL and in a printed text."""
        for value in values:
            if value:
                in_urls = {quote(value, safe=""), quote(value), quote(value, safe=" +"), quote_plus(value)}
                self.hidden |= {value, *in_urls, repr(value)[1:-1], value.replace("}", "}}")}

    def redacted(self, text: object) -> str:
        """Return a text without any secret, in one line."""
        longest_first = sorted(self.hidden, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        return " ".join(re.sub(pattern, HIDDEN, str(text), flags=re.IGNORECASE).split())


def is_reference(text: str) -> bool:
    """Tell whether a text is nothing but one `${NAME}` without a default."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match["default"] is None


def secrets_in(text: str) -> list[str]:
    """Return the passwords and tokens in a URL or connection string, as they stand and unquoted."""
    found = [match["value"] for match in (*_USERINFO.finditer(text), *_NAMED.finditer(text)) if match["value"]]
    # An ODBC connection string is quoted as a whole where it is an option of a URL.
    found += [match["value"] for match in _NAMED.finditer(unquote(text))]
    return [form for value in map(_bare, found) for form in dict.fromkeys((value, unquote(value)))]


def _bare(value: str) -> str:
    # ODBC puts braces around a value that holds a semicolon.
    value = value.strip()
    return value[1:-1].replace("}}", "}") if value.startswith("{") and value.endswith("}") else value


def read_secrets(folder: Path) -> Secrets:
    """Return what the environment holds, and `.env` in a folder where the environment is silent.

    Raises InputError for a `.env` that is no UTF-8.
    """
    from dotenv import dotenv_values  # here: others only hide secrets, and do without

    path = folder / ".env"
    try:
        # A password is taken as it stands, whatever dollar signs it holds.
        written = dotenv_values(path, encoding="utf-8-sig", interpolate=False)
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected UTF-8 text. Save it as such.") from None
    return Secrets({**{name: value for name, value in written.items() if value is not None}, **os.environ})
